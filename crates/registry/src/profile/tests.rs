//! Profiles: kept, proposed a level, flagged when what counts changes; what may not be here is refused.

use event::SystemId;
use web::{AppError, Lang};

use super::actions::{self, CriticalMark, Reviewed};
use super::{Profile, of, proposal_of};
use crate::system;
use crate::testing::{Desk, administrator, desks, one_desk};
use crate::today;

fn portal(desk: &Desk) -> SystemId {
    let snapshot = desk.registry.directory.snapshot();
    snapshot.systems().find(|system| system.code == "DVC").unwrap().id
}

fn facts() -> Profile {
    Profile {
        types: vec!["nguoi_dan_doanh_nghiep".to_owned()],
        info_classes: vec!["ca_nhan".to_owned()],
        admin_procedures: true,
        subjects_basic: 90_000,
        zones: "DMZ | 10.20.0.0/24 | máy chủ web".to_owned(),
        ..Profile::default()
    }
}

#[tokio::test]
async fn a_change_that_can_alter_the_level_flags_it_until_someone_answers() {
    for desk in desks().await {
        let (registry, who, id) = (&desk.registry, administrator(), portal(&desk));
        actions::update(registry, &who, id, facts()).await.unwrap();
        let system = system::by_id(registry.db.conn(), &who.scope, id).await.unwrap().unwrap();
        let kept = of(registry.db.conn(), &system).await.unwrap();
        assert_eq!((kept.version, kept.flagged_at, &kept.facts), (1, None, &facts()));
        let words = Profile { model: "Sơ đồ mới".to_owned(), version: Some(1), ..facts() };
        actions::update(registry, &who, id, words.clone()).await.unwrap();
        let kept = of(registry.db.conn(), &system).await.unwrap();
        assert_eq!(kept.flagged_at, None, "words alter no level");
        let stale = actions::update(registry, &who, id, words).await;
        assert!(matches!(stale, Err(AppError::Conflict(_))), "{}", desk.test.name);
        let more = Profile { subjects_basic: 200_000, ..facts() };
        actions::update(registry, &who, id, more).await.unwrap();
        let kept = of(registry.db.conn(), &system).await.unwrap();
        assert!(kept.flagged_at.is_some());
        assert_eq!(kept.flag_reason, ["subjects"]);
        let silent = actions::review(registry, &who, id, Reviewed::default()).await;
        assert!(matches!(silent, Err(AppError::Invalid(_))), "a level is kept without a reason");
        let reviewed = Reviewed { reason: "Vẫn cấp 3".to_owned() };
        actions::review(registry, &who, id, reviewed).await.unwrap();
        assert_eq!(of(registry.db.conn(), &system).await.unwrap().flagged_at, None);
        let mark = CriticalMark { critical: true, note: "QĐ 1/QĐ-TTg".to_owned() };
        actions::mark_critical(registry, &who, id, mark).await.unwrap();
        assert!(of(registry.db.conn(), &system).await.unwrap().critical);
        assert_eq!(desk.last_action().await, "system.critical");
    }
}

#[tokio::test]
async fn secrets_military_systems_and_unknown_words_are_refused() {
    let desk = one_desk().await;
    let cases = [
        ("state_secrets", Profile { state_secrets: true, ..facts() }),
        ("military", Profile { military: true, ..facts() }),
        ("model", Profile { model: "TỐI MẬT".to_owned(), ..facts() }),
        ("types", Profile { types: vec!["la".to_owned()], ..facts() }),
        ("hosting", Profile { hosting: "o-dau".to_owned(), ..facts() }),
        ("subjects_basic", Profile { subjects_basic: -1, ..facts() }),
    ];
    for (field, facts) in cases {
        let refused = actions::update(&desk.registry, &administrator(), portal(&desk), facts).await;
        let Err(AppError::Invalid(errors)) = refused else { panic!("{field} was accepted") };
        assert_eq!(errors.told(Lang::Vi).keys().collect::<Vec<_>>(), [field]);
    }
    let officer = desk.officer("so-y-te");
    let foreign = actions::update(&desk.registry, &officer, portal(&desk), facts()).await;
    assert!(matches!(foreign, Err(AppError::NotFound)));
}

#[tokio::test]
async fn the_proposal_quotes_the_law() {
    let desk = one_desk().await;
    let proposal = proposal_of(&facts(), today(&desk.registry), Lang::Vi);
    assert_eq!(proposal.level.map(event::Level::number), Some(3));
    let first = proposal.reasons.first().unwrap();
    assert_eq!(first.clause, "NĐ 331/2026/NĐ-CP, Điều 13");
    assert!(first.text.contains("thủ tục hành chính"));
}
