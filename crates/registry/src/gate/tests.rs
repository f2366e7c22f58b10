//! The gate: closed without papers, open with them, opened by a named person until a day.

use chrono::{Days, NaiveDate};
use event::{Level, SystemId};
use uuid::Uuid;
use web::AppError;

use super::model::{OverrideDraft, PaperDraft};
use super::{Lack, actions, lacks, store};
use crate::law::Law;
use crate::system::{self, SystemDraft};
use crate::testing::{Desk, administrator, desks, one_desk};
use crate::today;

async fn building(desk: &Desk, level: u8) -> SystemId {
    let draft = SystemDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        code: format!("MOI-{level}"),
        name: "Hệ thống mới".to_owned(),
        level: Some(level),
        state: "building".to_owned(),
        ..SystemDraft::default()
    };
    system::create(&desk.registry, &administrator(), draft).await.unwrap()
}

async fn run(desk: &Desk, id: SystemId) -> Result<(), AppError> {
    let who = administrator();
    let conn = desk.registry.db.conn();
    let kept = system::by_id(conn, &who.scope, id).await.unwrap().unwrap();
    let draft = SystemDraft { state: "running".to_owned(), ..SystemDraft::from(&kept) };
    system::change(&desk.registry, &who, id, draft).await
}

fn paper(kind: &str, day: NaiveDate) -> PaperDraft {
    PaperDraft {
        kind: kind.to_owned(),
        number: "12/QĐ-UBND".to_owned(),
        issuer: "UBND tỉnh".to_owned(),
        level: (kind == "level_decision").then_some(3),
        issued_on: Some(day),
        ..PaperDraft::default()
    }
}

#[tokio::test]
async fn nothing_runs_before_the_last_paper_is_filed() {
    for desk in desks().await {
        let (who, day) = (administrator(), today(&desk.registry));
        let id = building(&desk, 3).await;
        let kinds: Vec<String> =
            Law::builtin().needed(3, day).map(|kind| kind.id.clone()).collect();
        assert!(kinds.len() >= 9, "{kinds:?}");
        for kind in kinds {
            let closed = run(&desk, id).await;
            assert!(
                matches!(closed, Err(AppError::Invalid(_))),
                "{} before {kind}",
                desk.test.name
            );
            actions::file(&desk.registry, &who, id, paper(&kind, day)).await.unwrap();
        }
        run(&desk, id).await.unwrap();
        assert_eq!(desk.last_action().await, "system.update");
    }
}

#[tokio::test]
async fn a_named_person_lets_it_run_until_a_day() {
    for desk in desks().await {
        let (who, day) = (administrator(), today(&desk.registry));
        let id = building(&desk, 2).await;
        let draft = |until: NaiveDate| OverrideDraft {
            reason: "Phục vụ bầu cử".to_owned(),
            approver: "Trần Văn A, Phó Chủ tịch".to_owned(),
            until: Some(until),
        };
        let far = day.checked_add_days(Days::new(181)).unwrap();
        let refused = actions::give_override(&desk.registry, &who, id, draft(far)).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))));
        actions::give_override(&desk.registry, &who, id, draft(day)).await.unwrap();
        assert_eq!(desk.last_action().await, "system.override");
        run(&desk, id).await.unwrap();
        let conn = desk.registry.db.conn();
        let now = desk.test.db.now();
        let held = store::overrides_of_all(conn, &[id], now).await.unwrap();
        assert!(held.contains_key(&id));
        let tomorrow = now + chrono::TimeDelta::days(1);
        let over = store::overrides_of_all(conn, &[id], tomorrow).await.unwrap();
        assert!(over.is_empty(), "an exception outlives its day");
        actions::end_override(&desk.registry, &who, id, held[&id].id).await.unwrap();
        let again = actions::end_override(&desk.registry, &who, id, held[&id].id).await;
        assert!(matches!(again, Err(AppError::NotFound)));
    }
}

#[tokio::test]
async fn a_new_system_cannot_be_registered_as_running_but_an_old_one_can() {
    let desk = one_desk().await;
    let draft = |since| SystemDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        code: "CU".to_owned(),
        name: "Hệ thống cũ".to_owned(),
        state: "running".to_owned(),
        in_use_since: since,
        ..SystemDraft::default()
    };
    let who = administrator();
    let day = today(&desk.registry);
    for since in [None, Some(day)] {
        let refused = system::create(&desk.registry, &who, draft(since)).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))));
    }
    let before = day.checked_sub_days(Days::new(400));
    system::create(&desk.registry, &who, draft(before)).await.unwrap();
}

#[tokio::test]
async fn a_decision_gives_the_level_and_only_the_newest_counts() {
    let desk = one_desk().await;
    let (who, day) = (administrator(), today(&desk.registry));
    let id = building(&desk, 2).await;
    let filed = |level: u8, days: u64| PaperDraft {
        level: Some(level),
        ..paper("level_decision", day.checked_sub_days(Days::new(days)).unwrap())
    };
    actions::file(&desk.registry, &who, id, filed(3, 10)).await.unwrap();
    actions::file(&desk.registry, &who, id, filed(4, 900)).await.unwrap();
    let conn = desk.registry.db.conn();
    let kept = system::by_id(conn, &who.scope, id).await.unwrap().unwrap();
    assert_eq!(
        kept.level.map(Level::number),
        Some(3),
        "an older decision filed late changes nothing"
    );
    let papers = store::papers(conn, &kept).await.unwrap();
    let lacking = |level| {
        let found = lacks(Law::builtin(), (Level::new(level), false), &papers, day);
        found.into_iter().map(|lack: Lack| lack.id).any(|id| id == "level_decision")
    };
    assert!(!lacking(3) && lacking(4));
}

#[tokio::test]
async fn what_lies_outside_the_scope_is_not_found_and_stamps_are_refused() {
    let desk = one_desk().await;
    let day = today(&desk.registry);
    let id = building(&desk, 2).await;
    let other = desk.officer("so-y-te");
    let foreign = actions::file(&desk.registry, &other, id, paper("regulation", day)).await;
    assert!(matches!(foreign, Err(AppError::NotFound)));
    let foreign = actions::withdraw(&desk.registry, &other, id, Uuid::nil()).await;
    assert!(matches!(foreign, Err(AppError::NotFound)));
    let stamped =
        PaperDraft { note: "Độ mật: TUYỆT MẬT".to_owned(), ..paper("regulation", day) };
    let Err(AppError::Invalid(errors)) =
        actions::file(&desk.registry, &administrator(), id, stamped).await
    else {
        panic!("a secret was kept")
    };
    assert!(errors.told(web::Lang::Vi).contains_key("note"));
}
