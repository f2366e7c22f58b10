//! The measures move when the data does, and nobody sees another's.

use chrono::TimeDelta;
use event::{Level, Scope};

use super::check::{Attribute, Counts, of_agency, of_system};
use super::ground::Ground;
use super::keep::Keeper;
use super::parts::{of_asset, of_person, of_source};
use super::store;
use super::views::card;
use crate::asset::{self, AssetDraft};
use crate::post::Person;
use crate::profile::SystemProfile;
use crate::system::{System, SystemState};
use crate::testing::{Desk, desks, one_desk};
use crate::{Status, vietnam_day};

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
        assert!(!checked.is_empty() && checked.keys().all(|agency| officer.scope.sees(*agency)));
    }
}

#[tokio::test]
async fn sources_assets_and_people_are_measured_too() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let now = desk.registry.db.now();
    let ground = Ground::new(&snapshot, &desk.registry.health, now);
    let failing = |checks: Vec<super::Check>| -> Vec<&'static str> {
        checks.into_iter().filter(|check| !check.passed).map(|check| check.key).collect()
    };
    let mut source = snapshot.bindings().next().unwrap().as_ref().clone();
    source.origin.system = None;
    let bare = failing(of_source(&ground, &source, (Status::Failing, 2)));
    for key in ["quality-fix-source-unread", "quality-fix-source-system", "quality-fix-source-twin"]
    {
        assert!(bare.contains(&key), "{key}: {bare:?}");
    }
    let system = snapshot.systems().next().unwrap();
    let draft = AssetDraft {
        agency: Some(desk.agency("so-y-te")),
        kind: "other".to_owned(),
        name: "Máy chủ".to_owned(),
        ..AssetDraft::default()
    };
    let (draft, kind) = draft.checked().unwrap();
    let id = uuid::Uuid::from_u128(9);
    let mut asset = asset::asset_of(id, (desk.agency("so-y-te"), kind), now, &draft);
    let bare = failing(of_asset(&ground, &asset, 0));
    assert!(bare.contains(&"quality-fix-asset-address"), "{bare:?}");
    "10.1.2.3".clone_into(&mut asset.address);
    asset.system = Some(system.id);
    asset.agency = system.agency;
    let better = failing(of_asset(&ground, &asset, 1));
    assert!(better.len() + 2 == bare.len(), "{better:?} of {bare:?}");
    asset.updated_at = now - TimeDelta::days(400);
    assert!(failing(of_asset(&ground, &asset, 2)).contains(&"quality-fix-asset-stale"));
    let mut person = Person {
        id,
        agency: desk.agency("so-y-te"),
        name: "An".to_owned(),
        phone: "0912".to_owned(),
        email: String::new(),
        account: None,
        created_at: now,
    };
    let bare = failing(of_person(&ground, &person, (0, false)));
    assert_eq!(bare.len(), 4, "{bare:?}");
    (person.name, person.phone) = ("Lê An".to_owned(), "0912345678".to_owned());
    person.email = "an@x.example.vn".to_owned();
    assert_eq!(failing(of_person(&ground, &person, (1, true))), Vec::<&str>::new());
}
