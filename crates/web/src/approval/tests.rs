//! Two people, one act: who may decide, and that it happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use db::Tx;
use db::testing::TestDatabase;
use serde_json::{Value, json};

use super::views::{ApprovalRow, ApprovalsPage};
use super::{Approvals, Ask, Grave};
use crate::identity::console;
use crate::{AppError, Permission, Phrase, Role, Who};

#[derive(Debug, Default)]
struct Counted(AtomicU32);

#[async_trait]
impl Grave for Counted {
    fn action(&self) -> &'static str {
        "test.count"
    }

    fn key(&self) -> &'static str {
        "approval-make-administrator"
    }

    fn permission(&self) -> Permission {
        Permission::AccountChange
    }

    async fn carry_out(&self, _: &Tx, payload: &Value) -> Result<(), AppError> {
        if payload == &json!("fails") {
            return Err(AppError::NotFound);
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Makes accounts and returns them as readers, in the order of their names.
async fn people(test: &TestDatabase, roles: &[(&str, Role)]) -> Vec<Who> {
    for (name, role) in roles {
        let password = "tre xanh ben lang".to_owned();
        console::add(&test.db, name, name, *role, password).await.unwrap();
    }
    let all = crate::identity::people(&test.db).await.unwrap();
    let who = |(name, role): &(&str, Role)| {
        let person = all.iter().find(|person| person.name == *name).unwrap();
        let scope = event::Scope::province(person.account);
        Who {
            account: person.account,
            name: person.name.clone(),
            scope,
            ..crate::testing::who(*role)
        }
    };
    roles.iter().map(who).collect()
}

fn asked(payload: Value) -> Ask {
    Ask {
        action: "test.count",
        subject_kind: "test",
        subject_id: payload.to_string(),
        agency: None,
        summary: Phrase::key("approval-title"),
        payload,
        reason: "vì cần".to_owned(),
    }
}

#[tokio::test]
async fn it_takes_another_who_may_and_happens_once() {
    for test in db::testing::databases().await {
        let act = Arc::new(Counted::default());
        let approvals = Approvals::new(test.db.clone(), vec![act.clone()]);
        let roles = [("an", Role::Administrator), ("lan", Role::Leader)];
        let who = people(&test, &roles).await;
        assert!(!approvals.is_needed(&who[0], Permission::AccountChange).await.unwrap());
        let more = people(&test, &[("binh", Role::Administrator)]).await;
        assert!(approvals.is_needed(&who[0], Permission::AccountChange).await.unwrap());

        let id = approvals.ask(&who[0], asked(json!(1))).await.unwrap();
        let again = approvals.ask(&more[0], asked(json!(1))).await;
        assert!(matches!(again, Err(AppError::Conflict(_))), "{}: {again:?}", test.name);
        let own = approvals.approve(&who[0], id, "").await;
        assert!(matches!(own, Err(AppError::Conflict(_))), "{own:?}");
        let stand_in = Who { acting_for: Some(who[0].account), ..more[0].clone() };
        let lent = approvals.approve(&stand_in, id, "").await;
        assert!(matches!(lent, Err(AppError::Conflict(_))), "the one who asked, in other shoes");
        let lesser = approvals.approve(&who[1], id, "").await;
        assert!(matches!(lesser, Err(AppError::NotFound)), "{lesser:?}");
        approvals.approve(&more[0], id, "được").await.unwrap();
        assert_eq!(act.0.load(Ordering::Relaxed), 1);
        let twice = approvals.approve(&more[0], id, "").await;
        assert!(matches!(twice, Err(AppError::Conflict(_))), "{twice:?}");
        assert_eq!(act.0.load(Ordering::Relaxed), 1);
        assert!(db::audit::verify(&test.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn what_fails_still_waits_and_what_waits_too_long_is_over() {
    for test in db::testing::databases().await {
        let approvals = Approvals::new(test.db.clone(), vec![Arc::new(Counted::default())]);
        let roles = [("an", Role::Administrator), ("binh", Role::Administrator)];
        let who = people(&test, &roles).await;
        let id = approvals.ask(&who[0], asked(json!("fails"))).await.unwrap();
        assert!(approvals.approve(&who[1], id, "").await.is_err());
        approvals.reject(&who[1], id, "không").await.unwrap();
        let id = approvals.ask(&who[0], asked(json!("fails"))).await.unwrap();
        assert!(matches!(approvals.withdraw(&who[1], id).await, Err(AppError::NotFound)));
        approvals.withdraw(&who[0], id).await.unwrap();
        let id = approvals.ask(&who[0], asked(json!(2))).await.unwrap();
        let waiting = super::store::waiting_for(&test.db, &who[1], vec!["test.count"]);
        assert_eq!(waiting.await.unwrap(), 1, "{}", test.name);
        test.clock.advance(super::model::WAITS + TimeDelta::seconds(1));
        let late = approvals.approve(&who[1], id, "").await;
        assert!(matches!(late, Err(AppError::Conflict(_))), "{late:?}");
        let waiting = super::store::waiting_for(&test.db, &who[1], vec!["test.count"]);
        assert_eq!(waiting.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_request_needs_a_reason() {
    let test = db::testing::sqlite().await;
    let approvals = Approvals::new(test.db.clone(), vec![Arc::new(Counted::default())]);
    let who = people(&test, &[("an", Role::Administrator)]).await;
    let silent = Ask { reason: " ".to_owned(), ..asked(json!(1)) };
    assert!(matches!(approvals.ask(&who[0], silent).await, Err(AppError::Invalid(_))));
}

#[test]
fn the_page_is_sound() {
    let row = |may_decide: bool| ApprovalRow {
        id: if may_decide { "1" } else { "2" }.to_owned(),
        action: "test.count".to_owned(),
        act_key: "approval-make-administrator",
        summary: "<b>x</b>".to_owned(),
        reason: "x".to_owned(),
        requested_name: "Hằng".to_owned(),
        requested_at: chrono::DateTime::UNIX_EPOCH,
        expires_at: chrono::DateTime::UNIX_EPOCH,
        state: "approved",
        state_key: "approval-approved",
        decided_name: Some("Bình".to_owned()),
        decided_at: Some(chrono::DateTime::UNIX_EPOCH),
        note: "y".to_owned(),
        may_decide,
        may_withdraw: !may_decide,
    };
    let full = ApprovalsPage { waiting: vec![row(true), row(false)], settled: vec![row(false)] };
    let empty = ApprovalsPage { waiting: Vec::new(), settled: Vec::new() };
    assert_eq!(crate::testing::faults(&full), Vec::<String>::new());
    assert_eq!(crate::testing::faults(&empty), Vec::<String>::new());
}
