//! The legal clocks: what is owed by which law, reminders, what is late and why, who may touch them.

use chrono::{DateTime, TimeDelta, Utc};
use db::testing::{TestDatabase, databases, sqlite};
use event::IncidentId;
use web::testing::faults;
use web::{Role, testing::who};

use super::actions::{self, Correction};
use super::book::Obligations;
use super::model::{Circumstance, Moments, Outcome, Precision, Which};
use super::routes::{ListQuery, listed};
use super::{remind, store};
use crate::alert::{Reason, receive};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;
use crate::testing::*;

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn owed(book: &Obligations, moments: Moments, circumstances: &[Circumstance]) -> Vec<String> {
    let owed = book.owed(moments, circumstances);
    let line = |(one, due): &(&super::model::Obligation, DateTime<Utc>)| {
        format!("{} {}", one.id, due.format("%d/%m %H:%M"))
    };
    owed.iter().map(line).collect()
}

#[test]
fn the_law_of_the_day_counts_and_each_circumstance_brings_its_own() {
    let book = Obligations::read([]).unwrap();
    let detected = |text: &str| Moments { occurred: None, detected: moment(text) };
    // The last second of 18/08/2026 in Vietnam, and the first of the next day.
    let before = detected("2026-08-18T16:59:59Z");
    let after = detected("2026-08-18T17:00:00Z");
    assert_eq!(owed(&book, before, &[]), ["notice-2017 23/08 16:59"]);
    assert_eq!(owed(&book, after, &[]), ["full 21/08 17:00"]);
    assert_eq!(
        owed(&book, after, &[Circumstance::Serious]),
        ["initial 19/08 17:00", "full 21/08 17:00"]
    );
    assert_eq!(
        owed(&book, after, &[Circumstance::Security, Circumstance::Disruption]),
        ["at-once 18/08 17:30", "full 21/08 17:00"]
    );
    assert_eq!(
        owed(&book, after, &[Circumstance::SensitiveData]),
        ["full 21/08 17:00", "personal-data 21/08 17:00", "data-subjects 21/08 17:00"]
    );
}

/// A provincial plan that counts from the occurrence.
const PLAN: &str = r#"
[[obligation]]
id = "plan"
name_vi = "Báo cáo theo kế hoạch"
name_en = "Notice under the plan"
to_vi = "Công an tỉnh"
to_en = "Provincial police"
report = "initial"
base = "occurred"
hours = 24
law = "Kế hoạch của tỉnh"
from = "2026-01-01"
"#;

#[test]
fn an_installation_adds_its_own_and_a_wrong_file_names_the_place() {
    let book = Obligations::read([("plan.toml", PLAN)]).unwrap();
    let moments = Moments {
        occurred: Some(moment("2026-11-20T00:00:00Z")),
        detected: moment("2026-11-22T00:00:00Z"),
    };
    assert_eq!(owed(&book, moments, &[]), ["plan 21/11 00:00", "full 25/11 00:00"]);
    let cases = [
        (PLAN.replace("hours = 24", "hours = -1"), "plan.toml: obligation `plan`: hours must"),
        (PLAN.replace("[[obligation]]", "[[obligation]]\nuntil = \"2025-01-01\""), "ends before"),
        (PLAN.replace("base = \"occurred\"", "base = \"seen\""), "plan.toml is not a file"),
    ];
    for (text, expected) in cases {
        let error = Obligations::read([("plan.toml", text.as_str())]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

async fn desk_with_incident(test: &TestDatabase) -> (Desk, IncidentId) {
    let desk = desk(test, Vec::new());
    let finding = Maker::new().finding(-30);
    let made = receive(&desk.db, desk.directory.as_ref(), &desk.hub, vec![finding], &[]).await;
    let made = incident::open(&desk, &analyst(), &made.unwrap().fresh, None).await.unwrap();
    (desk, made.id)
}

async fn standing(desk: &Desk, id: IncidentId) -> Vec<(String, &'static str)> {
    let incident = incident::get(desk.db.conn(), &analyst().scope, id).await.unwrap();
    let deadlines = store::of_incident(desk.db.conn(), id).await.unwrap();
    let outcome = |deadline: &super::model::Deadline| {
        Outcome::of(deadline, incident.detected_at, desk.db.now()).word()
    };
    deadlines.iter().map(|one| (one.obligation.clone(), outcome(one))).collect()
}

#[tokio::test]
async fn a_deadline_is_reminded_of_three_times_and_told_late_or_in_time() {
    for test in databases().await {
        let (desk, id) = desk_with_incident(&test).await;
        let running = |name: &str| (name.to_owned(), "running");
        assert_eq!(standing(&desk, id).await, [running("initial"), running("full")]);
        assert_eq!(remind(&desk).await.unwrap(), 0, "{}: a day is left", test.name);

        test.clock.advance(TimeDelta::hours(20));
        assert_eq!((remind(&desk).await.unwrap(), remind(&desk).await.unwrap()), (1, 0));
        test.clock.advance(TimeDelta::hours(3));
        assert_eq!((remind(&desk).await.unwrap(), remind(&desk).await.unwrap()), (1, 0));
        actions::fulfil(&desk, &analyst(), id, "initial", None, "670/CAT-ANM").await.unwrap();
        test.clock.advance(TimeDelta::hours(60));
        assert_eq!(remind(&desk).await.unwrap(), 1, "{}: several steps, one reminder", test.name);

        let done = [("initial".to_owned(), "in-time"), ("full".to_owned(), "overdue")];
        assert_eq!(standing(&desk, id).await, done);
        actions::fulfil(&desk, &analyst(), id, "full", None, "gọi trực ban").await.unwrap();
        let late = [("initial".to_owned(), "in-time"), ("full".to_owned(), "reported-late")];
        assert_eq!(standing(&desk, id).await, late);
        let twice = actions::fulfil(&desk, &analyst(), id, "full", None, "lần nữa").await;
        assert!(matches!(twice, Err(RespondError::Field { field: "obligation", .. })));
        assert!(store::nearest(desk.db.conn(), &analyst().scope).await.unwrap().is_none());

        let who = who(Role::DutyOfficer);
        let query = ListQuery { state: "fulfilled".to_owned(), ..ListQuery::default() };
        let page = listed(&desk, &who, query).await.unwrap();
        assert_eq!(page.deadlines.len(), 2);
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

fn correction(which: Which, at: DateTime<Utc>) -> Correction {
    Correction {
        which,
        at,
        precision: Precision::Hour,
        source: "log của tường lửa".to_owned(),
        reason: Reason::new("quản trị viên kể lại").unwrap(),
    }
}

#[tokio::test]
async fn a_moved_moment_keeps_its_old_value_and_moves_the_deadlines() {
    for test in databases().await {
        let (mut desk, id) = desk_with_incident(&test).await;
        let book = Obligations::read([("plan.toml", PLAN)]).unwrap();
        desk.obligations = std::sync::Arc::new(book);
        let who = analyst();
        let (occurred, detected) = (at(-3 * 24 * 60), at(0));
        let earlier = correction(Which::Occurred, occurred);
        actions::move_moment(&desk, &who, id, earlier).await.unwrap();
        // The plan's day was over two days before anyone could know.
        actions::fulfil(&desk, &who, id, "plan", None, "671/CAT-ANM").await.unwrap();
        assert_eq!(standing(&desk, id).await[0], ("plan".to_owned(), "detected-late"));

        let moves = store::moves(desk.db.conn(), id).await.unwrap();
        assert_eq!((moves[0].before, moves[0].after), (Some(at(-30)), occurred));
        assert_eq!((moves[0].by.as_str(), moves[0].precision), ("Trần Minh", Precision::Hour));
        let wrong = correction(Which::Detected, occurred - TimeDelta::hours(1));
        let wrong = actions::move_moment(&desk, &who, id, wrong).await;
        assert!(matches!(wrong, Err(RespondError::Field { key: "obligation-error-order", .. })));

        let known = correction(Which::Detected, detected - TimeDelta::hours(5));
        actions::move_moment(&desk, &who, id, known).await.unwrap();
        let deadlines = store::of_incident(desk.db.conn(), id).await.unwrap();
        let due = |name: &str| deadlines.iter().find(|one| one.obligation == name).unwrap().due_at;
        assert_eq!(due("initial"), detected + TimeDelta::hours(19));
        assert_eq!(due("full"), detected + TimeDelta::hours(67));

        actions::judge(&desk, &who, id, &[]).await.unwrap();
        let left = standing(&desk, id).await;
        assert_eq!(
            left.len(),
            2,
            "what was fulfilled stays, what is no longer owed goes: {left:?}"
        );
    }
}

#[tokio::test]
async fn the_clocks_of_others_are_not_found() {
    let test = sqlite().await;
    let (desk, id) = desk_with_incident(&test).await;
    let other = officer(agency(2));
    let refused = [
        actions::judge(&desk, &other, id, &[]).await,
        actions::move_moment(&desk, &other, id, correction(Which::Occurred, at(-60))).await,
        actions::fulfil(&desk, &other, id, "full", None, "672").await,
    ];
    for result in refused {
        assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
    }
    let mut reader = who(Role::AgencyOfficer);
    reader.scope = other.scope.clone();
    let page = listed(&desk, &reader, ListQuery::default()).await.unwrap();
    assert_eq!((page.deadlines.len(), page.pager.total), (0, 0));
    assert!(store::nearest(desk.db.conn(), &other.scope).await.unwrap().is_none());
}
