//! Alerts against both databases: grouping, repeats, exceptions, steps, scope.

use chrono::TimeDelta;
use db::testing::databases;
use event::{Finding, Scope, Severity};

use super::actions::{self, Bulk};
use super::store::{self, AlertFilter, AlertOrder, StateFilter};
use super::{Alert, Closure, Reason, Received, Status, Step, receive};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::exception::{self, Draft};
use crate::testing::*;

async fn take(desk: &Desk, findings: Vec<Finding>) -> Received {
    receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap()
}

async fn all(desk: &Desk, scope: &Scope) -> Vec<Alert> {
    let filter = AlertFilter { state: StateFilter::All, ..AlertFilter::default() };
    let page = web::paging::Page::default();
    store::list(desk.db.conn(), scope, &filter, AlertOrder::Worst, page).await.unwrap().alerts
}

#[tokio::test]
async fn findings_close_in_time_become_one_alert_and_a_replay_changes_nothing() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let first: Vec<Finding> = (0..5).map(|n| maker.finding(n)).collect();
        let received = take(&desk, first.clone()).await;
        assert_eq!((received.fresh.len(), received.grown.len()), (1, 0), "{}", test.name);

        let later: Vec<Finding> = vec![maker.finding(20), maker.finding(100)];
        let received = take(&desk, later.clone()).await;
        assert_eq!((received.fresh.len(), received.grown.len()), (1, 1));

        let before = all(&desk, &Scope::platform()).await;
        let replay = [first, later].concat();
        let received = take(&desk, replay).await;
        assert_eq!(received, Received { repeated: 7, ..Received::default() });
        assert_eq!(all(&desk, &Scope::platform()).await, before);

        let numbers: Vec<&str> = before.iter().map(|alert| alert.number.as_str()).collect();
        assert_eq!(numbers, ["CB-2026-00002", "CB-2026-00001"], "the newer stands first");
        let grown = &before[1];
        assert_eq!((grown.findings, grown.events.iter().count()), (6, 6));
        assert_eq!((grown.first_at, grown.last_at), (at(0), at(20)));
        assert_eq!(grown.severity, Severity::Critical, "high on a level 4 system is critical");
        assert_eq!(grown.matched.len(), 1);
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn what_differs_in_rule_system_or_entity_is_another_alert() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let mut other_rule = maker.finding(0);
        other_rule.rule = "another".to_owned();
        let mut other_system = maker.finding(0);
        other_system.origin.system = Some(system(2));
        let mut other_entity = maker.finding(0);
        other_entity.entity.value = "10.20.0.8".to_owned();
        let findings = vec![maker.finding(0), other_rule, other_system, other_entity];
        assert_eq!(take(&desk, findings).await.fresh.len(), 4);
        let mild = all(&desk, &Scope::platform()).await.pop().unwrap();
        assert_eq!(mild.severity, Severity::Medium, "high on a level 2 system is medium");
    }
}

#[tokio::test]
async fn a_closed_alert_takes_no_more_and_a_flood_stays_bounded() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let flood: Vec<Finding> = (0..3000).map(|n| maker.finding(n / 200)).collect();
        let alert = take(&desk, flood.clone()).await.fresh[0];
        let stored = store::get(desk.db.conn(), &Scope::platform(), alert).await.unwrap();
        assert_eq!((stored.findings, stored.events.iter().count()), (3000, 200));
        assert_eq!(take(&desk, flood.clone()).await.repeated, 3000);

        let reason = Reason::new("đã gỡ mã độc").unwrap();
        let close = Step::Close(Closure::Resolved(reason));
        actions::step(&desk, &analyst(), alert, close).await.unwrap();
        assert_eq!(take(&desk, flood).await.repeated, 3000, "also once it is closed");
        let received = take(&desk, vec![maker.finding(16)]).await;
        assert_eq!(received.fresh.len(), 1, "something new after the end is a new alert");
    }
}

#[tokio::test]
async fn what_lies_outside_the_scope_is_not_found() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let alert = take(&desk, vec![maker.finding(0)]).await.fresh[0];
        let conn = desk.db.conn();
        let (own, other) = (officer(agency(1)), officer(agency(2)));
        assert!(store::get(conn, &own.scope, alert).await.is_ok());
        assert!(matches!(store::get(conn, &other.scope, alert).await, Err(RespondError::NotFound)));
        assert!(all(&desk, &other.scope).await.is_empty());
        let counts = store::open_counts(conn, &other.scope, desk.db.now()).await.unwrap();
        assert!(counts.iter().all(|(_, count)| *count == 0));
        let stored = store::get(conn, &own.scope, alert).await.unwrap();
        assert!(store::related(conn, &other.scope, &stored, 10).await.unwrap().is_empty());
        let refused = [
            actions::step(&desk, &other, alert, Step::Acknowledge).await.map(drop),
            actions::assign(&desk, &other, alert, None).await.map(drop),
            actions::comment(&desk, &other, alert, "xin chào").await.map(drop),
        ];
        for result in refused {
            assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
        }
        let bulk = actions::step_many(&desk, &other, &[alert], &Step::Acknowledge).await.unwrap();
        assert_eq!(bulk, Bulk { done: 0, skipped: 1 });
    }
}

#[tokio::test]
async fn steps_are_kept_with_who_and_why() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let mut other = maker.finding(0);
        other.entity.value = "10.20.0.8".to_owned();
        let made = take(&desk, vec![maker.finding(0), other]).await.fresh;
        let who = analyst();
        let alert = actions::step(&desk, &who, made[0], Step::Acknowledge).await.unwrap();
        assert_eq!((alert.status, alert.assignee), (Status::Acknowledged, Some(who.account)));
        let again = actions::step(&desk, &who, made[0], Step::Acknowledge).await;
        assert!(matches!(again, Err(RespondError::State(_))));
        actions::comment(&desk, &who, made[0], "  gọi trực ban lúc 14:05 ").await.unwrap();

        let itself = Step::Close(Closure::Duplicate(made[0]));
        assert!(actions::step(&desk, &who, made[0], itself).await.is_err());
        let duplicate = Step::Close(Closure::Duplicate(made[1]));
        actions::step(&desk, &who, made[0], duplicate).await.unwrap();
        let backwards = Step::Close(Closure::Duplicate(made[0]));
        assert!(actions::step(&desk, &who, made[1], backwards).await.is_err());

        let stored = store::get(desk.db.conn(), &who.scope, made[0]).await.unwrap();
        assert_eq!(stored.status, Status::Closed(Closure::Duplicate(made[1])));
        let comments = store::comments(desk.db.conn(), &stored).await.unwrap();
        assert_eq!(comments[0].text, "gọi trực ban lúc 14:05");
        let filter = db::audit::AuditFilter {
            subject_id: Some(made[0].to_string()),
            ..db::audit::AuditFilter::default()
        };
        let log = db::audit::list(&desk.db, &who.scope, &filter, 10).await.unwrap();
        let actions: Vec<&str> = log.iter().rev().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["alert.acknowledged", "alert.comment", "alert.closed"]);
    }
}

#[tokio::test]
async fn filters_find_folded_text_and_refuse_wildcards() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        take(&desk, vec![maker.finding(0)]).await;
        let cases = [
            ("ma dieu khien", 1),
            ("Mã Điều Khiển", 1),
            ("cb-2026-00001", 1),
            ("10.20.0.7", 1),
            ("%", 0),
            ("1_.20", 0),
            ("không có", 0),
        ];
        for (text, expected) in cases {
            let filter = AlertFilter { text: text.to_owned(), ..AlertFilter::default() };
            let page = web::paging::Page::default();
            let conn = desk.db.conn();
            let listed = store::list(conn, &Scope::platform(), &filter, AlertOrder::Newest, page)
                .await
                .unwrap();
            assert_eq!((listed.alerts.len(), listed.total), (expected, expected as u64), "{text}");
        }
    }
}

fn draft(condition: &str, days: i64) -> Draft {
    Draft {
        rule: WEB_SHELL.to_owned(),
        agency: None,
        system: Some(system(1)),
        condition: condition.to_owned(),
        reason: Reason::new("máy quét của trung tâm").unwrap(),
        expires_at: at(0) + TimeDelta::days(days),
    }
}

#[tokio::test]
async fn an_exception_hides_what_it_names_counts_it_and_ends() {
    for test in databases().await {
        let maker = Maker::new();
        let scanner = maker.finding(0);
        let attacker = maker.finding(1);
        let events = vec![event_of(&scanner, "scanner"), event_of(&attacker, "mallory")];
        let desk = desk(&test, events.clone());
        let who = analyst();
        let made = exception::make(&desk, &who, draft("user:scanner", 30)).await.unwrap();
        assert_eq!(made.agency, Some(agency(1)), "the system decides whose it is");

        let findings = vec![scanner.clone(), attacker];
        let directory = desk.directory.as_ref();
        let received = receive(&desk.db, directory, &desk.hub, findings.clone(), &events).await;
        let received = received.unwrap();
        assert_eq!((received.fresh.len(), received.hidden), (1, 1));
        let again = receive(&desk.db, directory, &desk.hub, findings, &events).await.unwrap();
        assert_eq!(again.repeated, 2, "a hidden finding is known as well");
        let stored = exception::get(desk.db.conn(), &who.scope, made.id).await.unwrap();
        assert_eq!(stored.hidden, 1);

        let preview = exception::preview(&desk, &who.scope, draft("user:scanner", 1)).await;
        let preview = preview.unwrap();
        assert_eq!((preview.hidden, preview.looked_at), (1, 2));

        test.clock.advance(TimeDelta::days(31));
        let late = Finding { event: maker.event_id(2), ..scanner };
        let late_events = vec![event_of(&late, "scanner")];
        let received =
            receive(&desk.db, directory, &desk.hub, vec![late], &late_events).await.unwrap();
        assert_eq!(received.hidden, 0, "past its end it hides nothing");
    }
}

#[tokio::test]
async fn exceptions_stay_within_a_year_and_within_scope() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        for days in [-1, 0, 366] {
            let refused = exception::make(&desk, &analyst(), draft("user:x", days)).await;
            assert!(matches!(refused, Err(RespondError::Exception(_))), "{days}");
        }
        let everywhere = Draft { system: None, ..draft("", 10) };
        assert!(exception::make(&desk, &analyst(), everywhere).await.is_err());
        let wrong = exception::make(&desk, &analyst(), draft("user:(", 10)).await;
        assert!(matches!(wrong, Err(RespondError::Exception(_))));
        let elsewhere = exception::make(&desk, &officer(agency(2)), draft("user:x", 10)).await;
        assert!(matches!(elsewhere, Err(RespondError::NotFound)));
        let made = exception::make(&desk, &analyst(), draft("user:x", 10)).await.unwrap();
        let hidden = exception::end(&desk, &officer(agency(2)), made.id).await;
        assert!(matches!(hidden, Err(RespondError::NotFound)));
        assert!(exception::end(&desk, &analyst(), made.id).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_put_aside_leaves_the_list_and_comes_back_by_itself_or_when_touched() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let id = take(&desk, vec![maker.finding(0)]).await.fresh[0];
        let (conn, who) = (desk.db.conn(), analyst());
        let shown = async |state: StateFilter| {
            let filter = AlertFilter { state, ..AlertFilter::default() };
            let page = web::paging::Page::default();
            store::list(conn, &who.scope, &filter, AlertOrder::Worst, page).await.unwrap().total
        };
        let counted = async |now| {
            let counts = store::open_counts(conn, &who.scope, now).await.unwrap();
            counts.iter().map(|(_, count)| count).sum::<u64>()
        };
        let (now, later) = (desk.db.now(), desk.db.now() + TimeDelta::hours(25));
        for hours in [0, -1, 721] {
            let wrong = actions::snooze(&desk, &who, &[id], hours).await;
            assert!(matches!(wrong, Err(RespondError::Field { field: "hours", .. })), "{hours}");
        }
        let other = officer(agency(2));
        assert_eq!(actions::snooze(&desk, &other, &[id], 24).await.unwrap().done, 0);
        assert_eq!(actions::snooze(&desk, &who, &[id], 24).await.unwrap().done, 1);
        let seen = (shown(StateFilter::Awake(now)).await, shown(StateFilter::Asleep(now)).await);
        assert_eq!((seen, counted(now).await), ((0, 1), 0));
        let seen =
            (shown(StateFilter::Awake(later)).await, shown(StateFilter::Asleep(later)).await);
        assert_eq!((seen, counted(later).await), ((1, 0), 1));
        actions::step(&desk, &who, id, Step::Start).await.unwrap();
        assert_eq!(shown(StateFilter::Awake(now)).await, 1, "whoever works on it sees it");
        let reason = Reason::new("đã xử lý xong").unwrap();
        actions::step(&desk, &who, id, Step::Close(Closure::Resolved(reason))).await.unwrap();
        assert_eq!(actions::snooze(&desk, &who, &[id], 24).await.unwrap().skipped, 1);
    }
}

#[tokio::test]
async fn weak_signals_of_several_systems_add_up_to_one_strong_alert_a_day() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let signal = |n: usize| Finding {
            rule: format!("weak-{n}"),
            title: format!("Weak {n}"),
            severity: Severity::Low,
            origin: event::Origin {
                system: Some(system(1 + n as u128 % 2)),
                ..maker.finding(0).origin
            },
            ..maker.finding(0)
        };
        let weak = take(&desk, (0..4).map(signal).collect()).await;
        assert_eq!(weak.fresh.len(), 4, "not enough yet");
        let more = take(&desk, (4..14).map(signal).collect()).await;
        assert_eq!(more.fresh.len(), 11, "ten signals and what all add up to");
        let risk = all(&desk, &Scope::platform()).await;
        let risk: Vec<&Alert> =
            risk.iter().filter(|alert| alert.rule == super::risk::RULE).collect();
        let [risk] = risk.as_slice() else { panic!("{risk:?}") };
        assert!(
            risk.severity >= Severity::High || risk.level.is_some_and(|level| level.number() < 3)
        );
        assert!(risk.matched.len() >= 10, "{:?}", risk.matched);
        let told = super::story::why(risk);
        assert!(told.vi.contains("luật khác nhau") && told.en.contains("points"), "{told:?}");
        let again = take(&desk, (14..30).map(signal).collect()).await;
        assert_eq!(again.fresh.len(), 16, "said once a day");
    }
}
