//! The measures move when the data does, and nobody sees another's.

use chrono::TimeDelta;
use event::{Level, Scope};

use super::check::{Attribute, Counts, of_agency, of_system};
use super::ground::Ground;
use super::keep::{Keeper, by_agency};
use super::store;
use super::views::card;
use crate::profile::SystemProfile;
use crate::system::{System, SystemState};
use crate::testing::{Desk, desks, one_desk};
use crate::vietnam_day;

fn keeper(desk: &Desk) -> Keeper {
    let registry = &desk.registry;
    Keeper {
        db: registry.db.clone(),
        directory: registry.directory.clone(),
        health: registry.health.clone(),
    }
}

#[tokio::test]
async fn each_check_fails_and_passes() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let now = desk.registry.db.now();
    let ground = Ground::new(&snapshot, &desk.registry.health, now);
    let mut system: System = snapshot.systems().next().unwrap().as_ref().clone();
    system.state = SystemState::Running;
    system.level = Level::new(3);
    let mut profile = SystemProfile::empty(system.id);
    let failing = |system: &System, profile: &SystemProfile| -> Vec<&'static str> {
        let checks = of_system(&ground, system, profile, &[]);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.key).collect()
    };
    let bare = failing(&system, &profile);
    for key in ["quality-fix-level-decision", "quality-fix-types", "quality-fix-zones"] {
        assert!(bare.contains(&key), "{key}: {bare:?}");
    }
    profile.facts.types = vec!["noi_bo".to_owned()];
    profile.facts.zones = "DMZ".to_owned();
    assert_eq!(failing(&system, &profile).len(), bare.len() - 2);
    profile.facts.operator_agency = None;
    snapshot.tree().name(system.agency).to_uppercase().clone_into(&mut system.operator);
    assert!(failing(&system, &profile).contains(&"quality-fix-operator-chosen"));
    profile.facts.regime = "nd85_2016".to_owned();
    assert!(failing(&system, &profile).contains(&"quality-fix-regime"));
    profile.facts.hosting_until = vietnam_day(now).pred_opt();
    assert!(failing(&system, &profile).contains(&"quality-fix-hosting-ended"));
    profile.facts.types = vec!["nguoi_dan_doanh_nghiep".to_owned()];
    profile.facts.admin_procedures = true;
    system.level = Level::new(2);
    assert!(failing(&system, &profile).contains(&"quality-fix-level-low"));
    system.updated_at = now - TimeDelta::days(366);
    assert!(failing(&system, &profile).contains(&"quality-fix-stale"));
    system.level = Level::new(1);
    let light = failing(&system, &profile);
    assert!(!light.contains(&"quality-fix-services"), "asked of level 1: {light:?}");
}

#[tokio::test]
async fn an_agency_is_measured_and_told_what_to_do() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let ground = Ground::new(&snapshot, &desk.registry.health, desk.registry.db.now());
    let mut agency = snapshot.tree().get(desk.agency("so-y-te")).unwrap().as_ref().clone();
    let before = card(&of_agency(&ground, &agency), web::Lang::Vi);
    let shared = before.figures.iter().find(|figure| figure.attribute == Attribute::Shared);
    assert_eq!(shared.unwrap().percent, Some(0));
    assert!(before.steps.iter().any(|step| step.key == "quality-shared"));
    agency.identifier = "A00.09".to_owned();
    let after = card(&of_agency(&ground, &agency), web::Lang::Vi);
    let shared = after.figures.iter().find(|figure| figure.attribute == Attribute::Shared);
    assert_eq!(shared.unwrap().percent, Some(100));
}

#[tokio::test]
async fn a_day_is_kept_once_and_seen_within_the_scope() {
    for desk in desks().await {
        let keeper = keeper(&desk);
        let records = keeper.measure().await.unwrap();
        assert_eq!(keeper.measure().await.unwrap(), records);
        desk.test.clock.advance(TimeDelta::days(1));
        keeper.measure().await.unwrap();
        let conn = desk.registry.db.conn();
        let from = vietnam_day(desk.registry.db.now() - TimeDelta::days(30));
        let all = store::since(conn, &Scope::platform(), (from, None)).await.unwrap();
        assert_eq!(all.len(), 2, "{}", desk.test.name);
        let officer = desk.officer("so-y-te");
        let own = store::since(conn, &officer.scope, (from, None)).await.unwrap();
        let (own, all) = (own.into_values().next().unwrap(), all.into_values().next().unwrap());
        let sum = |counts: &Counts| counts.0.values().map(|(_, all)| all).sum::<u64>();
        assert!(sum(&own) > 0 && sum(&own) < sum(&all), "{}", desk.test.name);
        let snapshot = desk.registry.directory.snapshot();
        let ground = Ground::new(&snapshot, &desk.registry.health, desk.registry.db.now());
        let checked = ground.check_all(conn, &officer.scope).await.unwrap();
        assert!(checked.iter().all(|record| officer.scope.sees(record.agency)));
        assert!(
            by_agency(&checked.iter().collect::<Vec<_>>())
                .keys()
                .all(|agency| officer.scope.sees(*agency))
        );
    }
}
