//! Hooks against a real HTTP server on this machine: told in order, once, signed; what is not taken waits.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use chrono::TimeDelta;
use db::testing::{TestDatabase, databases};
use db::{Actor, AuditEntry, Subject};
use event::{AccountId, AgencyId};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::actions::{self, HookDraft};
use super::model::{Hook, signature};
use super::routes::faults_of;
use super::*;
use crate::outbound::{AllowList, OutboundSettings};
use crate::testing::who;
use crate::{AppError, Role, Who};

/// A program that is told; answers as it is set to.
#[derive(Debug)]
struct Receiver {
    answer: Mutex<StatusCode>,
    heard: Mutex<Vec<(HeaderMap, String)>>,
}

impl Receiver {
    fn actions(&self) -> Vec<String> {
        let heard = self.heard.lock();
        let action = |body: &str| {
            let body: Value = serde_json::from_str(body).unwrap();
            body["type"].as_str().unwrap().to_owned()
        };
        heard.iter().map(|(_, body)| action(body)).collect()
    }
}

async fn receiver() -> (String, Arc<Receiver>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/nhan?khoa=rieng", listener.local_addr().unwrap());
    let receiver =
        Arc::new(Receiver { answer: Mutex::new(StatusCode::OK), heard: Mutex::default() });
    let hear = |State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: String| async move {
        let answer = *receiver.answer.lock();
        if answer.is_success() {
            receiver.heard.lock().push((headers, body));
        }
        (answer, "nghe")
    };
    let router = Router::new().fallback(any(hear)).with_state(Arc::clone(&receiver));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

#[derive(Debug)]
struct Flat;

impl AgencyTree for Flat {
    fn subtree(&self, agency: AgencyId) -> std::collections::BTreeSet<AgencyId> {
        std::iter::once(agency).collect()
    }

    fn choices(&self) -> Vec<(AgencyId, String)> {
        Vec::new()
    }
}

fn hooks(test: &TestDatabase) -> Webhooks {
    let settings = OutboundSettings {
        allow: AllowList::read(&["http://127.0.0.1"]).unwrap(),
        private: vec!["127.0.0.0/8".parse().unwrap()],
        ..OutboundSettings::default()
    };
    let outbound = Outbound::new(settings).unwrap();
    Webhooks::new(test.db.clone(), Arc::new(Flat), outbound, |_| None)
}

async fn administrator(test: &TestDatabase) -> Who {
    let mut who = who(Role::Administrator);
    who.account = account(test, "quan-tri", Role::Administrator).await;
    who.scope = event::Scope::province(who.account);
    who
}

async fn account(test: &TestDatabase, login: &str, role: Role) -> AccountId {
    let password = "mat-khau-du-dai-de-thu".to_owned();
    crate::identity::console::add(&test.db, login, login, role, password).await.unwrap();
    let people = crate::identity::people(&test.db).await.unwrap();
    people.into_iter().find(|person| person.name == login).unwrap().account
}

async fn change(test: &TestDatabase, action: &str) {
    let tx = test.db.begin().await.unwrap();
    let subject = Subject::new("system", "ht-1");
    let detail = json!({ "name": "Cổng dịch vụ công" });
    tx.commit(AuditEntry::new(Actor::CommandLine, action, subject, detail)).await.unwrap();
}

fn draft(url: &str, actions: &str) -> HookDraft {
    HookDraft { name: "SOAR".to_owned(), url: url.to_owned(), actions: actions.to_owned() }
}

async fn now(hooks: &Webhooks, id: uuid::Uuid) -> Hook {
    store::get(hooks.db.conn(), id).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_asked_for_comes_once_in_order_and_signed() {
    for test in databases().await {
        let (hooks, who) = (hooks(&test), administrator(&test).await);
        let (url, receiver) = receiver().await;
        change(&test, "system.create").await;
        let hook =
            actions::make(&hooks, &who, &draft(&url, "system. incident.open")).await.unwrap();
        for action in ["system.update", "alert.receive", "incident.open", "incident.closed"] {
            change(&test, action).await;
        }
        assert_eq!(hooks.look().await.unwrap(), 2, "{}", test.name);
        assert_eq!(hooks.look().await.unwrap(), 0);
        assert_eq!(receiver.actions(), ["system.update", "incident.open"]);
        let (headers, body) = receiver.heard.lock()[0].clone();
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        let sent_at = header("webhook-timestamp").parse().unwrap();
        let expected = signature(&hook.secret, &header("webhook-id"), sent_at, &body);
        assert_eq!(header("webhook-signature"), expected);
        assert!(!body.contains("Cổng"), "no content leaves: {body}");
        assert_eq!(faults_of(&hooks, &who, hook.id).await, Vec::<String>::new());
        // A trial comes whatever is asked for, and to this hook only.
        actions::try_out(&hooks, &who, hook.id).await.unwrap();
        hooks.look().await.unwrap();
        assert_eq!(receiver.actions().last().unwrap(), "webhook.trial");
    }
}

#[tokio::test]
async fn what_is_not_taken_waits_and_nothing_is_lost() {
    for test in databases().await {
        let (hooks, who) = (hooks(&test), administrator(&test).await);
        let (url, receiver) = receiver().await;
        let hook = actions::make(&hooks, &who, &draft(&url, "system.")).await.unwrap();
        *receiver.answer.lock() = StatusCode::BAD_GATEWAY;
        for action in ["system.update", "system.paper"] {
            change(&test, action).await;
        }
        assert_eq!(hooks.look().await.unwrap(), 0, "{}", test.name);
        let failing = now(&hooks, hook.id).await;
        // Only its own making is behind it.
        assert_eq!((failing.failures, failing.seq), (1, hook.seq + 1));
        assert!(failing.last_error.contains("502"), "{}", failing.last_error);
        // It rests: the next look does not ask again.
        *receiver.answer.lock() = StatusCode::OK;
        assert_eq!(hooks.look().await.unwrap(), 0);
        test.clock.advance(TimeDelta::seconds(11));
        assert_eq!(hooks.look().await.unwrap(), 2);
        assert_eq!(receiver.actions(), ["system.update", "system.paper"]);
        assert_eq!(now(&hooks, hook.id).await.failures, 0);
    }
}

#[tokio::test]
async fn a_hook_pauses_when_nobody_listens_and_goes_on_where_it_stopped() {
    for test in databases().await {
        let (hooks, who) = (hooks(&test), administrator(&test).await);
        let (url, receiver) = receiver().await;
        let hook = actions::make(&hooks, &who, &draft(&url, "system.")).await.unwrap();
        *receiver.answer.lock() = StatusCode::GONE;
        change(&test, "system.update").await;
        hooks.look().await.unwrap();
        let paused = now(&hooks, hook.id).await;
        assert_eq!(paused.paused_why, "webhook-paused-gone", "{}", test.name);
        change(&test, "system.paper").await;
        *receiver.answer.lock() = StatusCode::OK;
        test.clock.advance(TimeDelta::days(1));
        assert_eq!(hooks.look().await.unwrap(), 0);
        actions::set_paused(&hooks, &who, hook.id, false).await.unwrap();
        assert_eq!(hooks.look().await.unwrap(), 2);
        // Three days without an answer.
        *receiver.answer.lock() = StatusCode::NOT_FOUND;
        change(&test, "system.profile").await;
        hooks.look().await.unwrap();
        test.clock.advance(TimeDelta::days(3));
        hooks.look().await.unwrap();
        assert_eq!(now(&hooks, hook.id).await.paused_why, "webhook-paused-failing");
        // What is not taken may be passed over.
        actions::pass(&hooks, &who, hook.id).await.unwrap();
        actions::set_paused(&hooks, &who, hook.id, false).await.unwrap();
        *receiver.answer.lock() = StatusCode::OK;
        change(&test, "system.critical").await;
        hooks.look().await.unwrap();
        assert_eq!(receiver.actions(), ["system.update", "system.paper", "system.critical"]);
    }
}

#[tokio::test]
async fn only_reachable_addresses_and_only_administrators() {
    for test in databases().await {
        let (hooks, who) = (hooks(&test), administrator(&test).await);
        for (url, actions) in
            [("https://example.vn/x", ""), ("ftp://127.0.0.1/", ""), ("http://127.0.0.1/", "Hệ")]
        {
            let made = actions::make(&hooks, &who, &draft(url, actions)).await;
            assert!(matches!(made, Err(AppError::Invalid(_))), "{url} {}", test.name);
        }
        let (url, receiver) = receiver().await;
        let hook = actions::make(&hooks, &who, &draft(&url, "")).await.unwrap();
        // An account that is no administrator: nothing goes out in its name.
        let officer = account(&test, "can-bo", Role::Analyst).await;
        let nobody = Hook { account: officer, ..hook.clone() };
        let tx = test.db.begin().await.unwrap();
        store::change(tx.conn(), &nobody).await.unwrap();
        let entry = AuditEntry::new(Actor::CommandLine, "t", Subject::all("t"), Value::Null);
        tx.commit(entry).await.unwrap();
        hooks.look().await.unwrap();
        assert_eq!(now(&hooks, hook.id).await.paused_why, "webhook-paused-owner");
        assert!(receiver.heard.lock().is_empty());
    }
}
