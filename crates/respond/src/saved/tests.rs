//! Saved searches over a lake on paper: whose they are, and that no record is missed or told twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::audit::AuditFilter;
use db::job::{self, Handlers, JobState, ListFilter, Worker};
use db::testing::{TestDatabase, databases, sqlite};
use db::{Db, DbError};
use event::lake::MemoryLake;
use event::{AccountId, Event, Scope};
use tokio_util::sync::CancellationToken;
use web::paging::Page;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::routes::{NewSearch, listed, shown};
use super::run::{Arrivals, Owners, ScheduledSearch};
use super::{actions, ask_again, store};
use crate::alert;
use crate::desk::Desk;
use crate::search::Ask;
use crate::testing::*;

#[derive(Debug)]
struct Stage {
    all_read: AtomicBool,
    scope: Mutex<Option<Scope>>,
}

#[async_trait]
impl Arrivals for Stage {
    async fn are_searchable(&self) -> bool {
        self.all_read.load(Ordering::SeqCst)
    }

    fn are_recovered(&self) -> bool {
        true
    }
}

#[async_trait]
impl Owners for Stage {
    async fn scope(&self, _: AccountId) -> Result<Option<Scope>, DbError> {
        Ok(self.scope.lock().unwrap().clone())
    }
}

/// A desk whose lake grows, and the worker over it.
struct Room {
    desk: Desk,
    lake: Arc<MemoryLake>,
    stage: Arc<Stage>,
    worker: Worker,
}

fn room(test: &TestDatabase, scope: Scope) -> Room {
    let lake = Arc::new(MemoryLake::with(Vec::new()));
    let desk = Desk { lake: lake.clone(), ..desk(test, Vec::new()) };
    let stage = Arc::new(Stage { all_read: AtomicBool::new(true), scope: Mutex::new(Some(scope)) });
    let search =
        ScheduledSearch { desk: desk.clone(), arrivals: stage.clone(), owners: stage.clone() };
    let worker = Worker::new(test.db.clone(), Handlers::default().with(Arc::new(search)), "a");
    Room { desk, lake, stage, worker }
}

impl Room {
    /// Records one event for each moment of receipt; `age` is how long before it happened.
    fn receive(&self, maker: &Maker, moments: &[DateTime<Utc>], age: TimeDelta) {
        for at in moments {
            let mut event: Event = event_of(&maker.finding(0), "an");
            event.collected_at = *at;
            event.occurred_at = *at - age;
            self.lake.push(event);
        }
    }

    async fn work(&self) {
        let stop = CancellationToken::new();
        while job::tick(&self.desk.db).await.unwrap() > 0 {}
        while self.worker.run_next(&stop).await.unwrap() {}
    }
}

fn new(line: &str, every: i64, above: u64) -> NewSearch {
    NewSearch {
        name: "Đăng nhập sai nhiều lần".to_owned(),
        line: line.to_owned(),
        every,
        above,
        ..NewSearch::default()
    }
}

async fn keep(desk: &Desk, who: &Who, new: &NewSearch) -> uuid::Uuid {
    actions::keep(desk, who, new.draft().unwrap()).await.unwrap().id
}

async fn alerts(db: &Db) -> Vec<alert::Alert> {
    let filter = alert::AlertFilter { state: alert::StateFilter::All, ..Default::default() };
    let (order, page) = (alert::AlertOrder::Worst, Page::default());
    alert::list(db.conn(), &Scope::platform(), &filter, order, page).await.unwrap().alerts
}

#[tokio::test]
async fn every_record_is_in_exactly_one_window_whatever_stops() {
    for test in databases().await {
        let maker = Maker::new();
        let who = who(Role::Analyst);
        let room = room(&test, who.scope.clone());
        let begin = test.db.now();
        let id = keep(&room.desk, &who, &new("user:an", 5, 0)).await;
        let minute = |n: i64| begin + TimeDelta::seconds(n * 60);
        // On both sides of borders, late by a week, and while nothing runs.
        let edges = [0, 1, 5, 9, 10, 15, 59, 60, 61, 100].map(minute);
        let before = edges.map(|at| at - TimeDelta::microseconds(1));
        room.receive(&maker, &edges, TimeDelta::zero());
        room.receive(&maker, &before[1..], TimeDelta::days(7));
        test.clock.advance(TimeDelta::minutes(11));
        room.work().await;
        // A worker that dies with a window in its hands, then an hour without power.
        test.clock.advance(TimeDelta::minutes(5));
        assert_eq!(job::tick(&test.db).await.unwrap(), 1, "{}", test.name);
        let killed = room.worker.clone();
        room.stage.all_read.store(false, Ordering::SeqCst);
        killed.run_next(&CancellationToken::new()).await.unwrap();
        assert_eq!(store::runs(test.db.conn(), id, 100).await.unwrap().len(), 2, "not all is read");
        test.clock.advance(TimeDelta::minutes(90));
        room.stage.all_read.store(true, Ordering::SeqCst);
        room.work().await;

        let mut runs = store::runs(test.db.conn(), id, 100).await.unwrap();
        runs.reverse();
        assert_eq!((runs[0].from, runs.len()), (begin, 21));
        assert!(runs.windows(2).all(|pair| pair[0].to == pair[1].from), "a hole");
        assert!(runs.iter().all(|run| run.to - run.from == TimeDelta::minutes(5)));
        let hits: Vec<u64> = runs.iter().map(|run| run.hits).filter(|hits| *hits > 0).collect();
        assert_eq!(hits.iter().sum::<u64>(), 19, "{hits:?}");
        assert!(runs.last().unwrap().late_s < 60 && runs[3].late_s > 80 * 60, "told late");

        let raised = runs.iter().filter(|run| run.raised).count() as u64;
        let made = alerts(&test.db).await;
        let findings = |prefix: &str| {
            let of = made.iter().filter(|one| one.rule == format!("{prefix}{id}"));
            of.map(|one| one.findings).sum::<u64>()
        };
        assert_eq!(findings(super::RULE_PREFIX), raised, "one finding a window, none twice");
        let late = runs.iter().filter(|run| run.late_s > 600).count() as u64;
        assert_eq!(findings(super::TROUBLE_PREFIX), late, "late windows are told");
    }
}

#[tokio::test]
async fn a_window_taken_in_twice_is_told_once() {
    for test in databases().await {
        let who = who(Role::Analyst);
        let room = room(&test, who.scope.clone());
        room.receive(&Maker::new(), &[test.db.now()], TimeDelta::zero());
        let id = keep(&room.desk, &who, &new("user:an", 1, 0)).await;
        test.clock.advance(TimeDelta::minutes(2));
        room.work().await;
        let filter = ListFilter { limit: 1, ..ListFilter::default() };
        let (jobs, _) = job::list(test.db.conn(), &Scope::platform(), &filter).await.unwrap();
        assert_eq!(jobs[0].state, JobState::Done, "{}", test.name);
        // As if the platform had ended between the alert and the end of the job.
        let tx = test.db.begin().await.unwrap();
        let again = job::NewJob::new(&jobs[0].kind, &jobs[0].scope, jobs[0].payload.clone());
        job::enqueue(&tx, &again).await.unwrap();
        let subject = db::Subject::all("test");
        let detail = serde_json::Value::Null;
        let entry = db::AuditEntry::new(db::Actor::Platform("test"), "test", subject, detail);
        tx.commit(entry).await.unwrap();
        room.work().await;
        assert_eq!(store::runs(test.db.conn(), id, 9).await.unwrap().len(), 1);
        assert_eq!(alerts(&test.db).await[0].findings, 1);
    }
}

#[tokio::test]
async fn what_could_be_read_only_later_is_asked_about_again() {
    for test in databases().await {
        let maker = Maker::new();
        let who = who(Role::Analyst);
        let room = room(&test, who.scope.clone());
        let begin = test.db.now();
        let minute = |n: i64| begin + TimeDelta::minutes(n);
        let id = keep(&room.desk, &who, &new("user:an", 5, 0)).await;
        let other = keep(&room.desk, &who, &new("user:nobody", 60, 0)).await;
        room.receive(&maker, &[minute(1)], TimeDelta::zero());
        test.clock.advance(TimeDelta::minutes(62));
        room.work().await;
        // Late runs are told; these are not what this is about.
        let told = |made: &[alert::Alert], prefix: &str| {
            let of = made.iter().filter(|one| one.rule == format!("{prefix}{id}"));
            of.map(|one| one.findings).sum::<u64>()
        };
        let before = alerts(&test.db).await;
        assert_eq!(told(&before, super::RULE_PREFIX), 1, "{}", test.name);
        // Dead letters are read: in the window that was told, in one that held nothing, in one to come.
        let late = [minute(12), minute(2), minute(11), minute(61), minute(-9)];
        room.receive(&maker, &late, TimeDelta::zero());
        assert_eq!(ask_again(&test.db, &late).await.unwrap(), 3, "two and an hour of the other");
        room.work().await;
        let after = alerts(&test.db).await;
        assert_eq!(
            told(&after, super::RULE_PREFIX),
            2,
            "the window that was told is not told twice"
        );
        let late_of = |made: &[alert::Alert]| told(made, super::TROUBLE_PREFIX);
        assert_eq!(late_of(&after), late_of(&before), "asked again is not late");
        let mut runs = store::runs(test.db.conn(), id, 100).await.unwrap();
        runs.reverse();
        let hits: Vec<(u64, bool)> =
            runs.iter().take(3).map(|run| (run.hits, run.raised)).collect();
        assert_eq!(hits, [(2, true), (0, false), (2, true)]);
        assert_eq!(runs.len(), 12, "no run more");
        assert_eq!(store::runs(test.db.conn(), other, 9).await.unwrap().len(), 1);
        assert_eq!(ask_again(&test.db, &[minute(-9)]).await.unwrap(), 0);
        assert_eq!(ask_again(&test.db, &[]).await.unwrap(), 0);
        // So long after nobody knows any more what was told: what was told stays told once.
        test.clock.advance(TimeDelta::days(40));
        assert_eq!(ask_again(&test.db, &[minute(1), minute(6)]).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn rows_above_the_threshold_are_told_to_their_agencies() {
    let test = sqlite().await;
    let maker = Maker::new();
    let who = who(Role::Analyst);
    let room = room(&test, who.scope.clone());
    let now = test.db.now();
    room.receive(&maker, &[now; 3], TimeDelta::zero());
    for user in ["binh", "an"] {
        let mut event = event_of(&maker.finding(0), user);
        event.collected_at = now;
        event.origin.agency = agency(2);
        event.origin.system = None;
        room.lake.push(event);
    }
    let line = "cmd.exe | stats count() by user | where count > 1";
    keep(&room.desk, &who, &new(line, 1, 0)).await;
    test.clock.advance(TimeDelta::minutes(2));
    room.work().await;
    let mut made = alerts(&test.db).await;
    made.sort_by_key(|alert| alert.agency);
    let told: Vec<(_, _, &str, &str)> = made
        .iter()
        .map(|one| {
            (one.agency, one.system, one.entity.value.as_str(), one.matched[1].value.as_str())
        })
        .collect();
    // `an` has four events; each agency is told its own, `binh` is not above.
    let want = [(agency(1), Some(system(1)), "an", "3"), (agency(2), None, "an", "1")];
    assert_eq!(told, want);
    assert_eq!(made[0].events.iter().count(), 4, "the events behind it, and its own id");
    assert_eq!(made[0].title_vi.as_deref(), Some("Tìm định kỳ: Đăng nhập sai nhiều lần"));
}

#[tokio::test]
async fn a_search_sees_what_its_owner_sees_now() {
    let test = sqlite().await;
    let who = who(Role::Analyst);
    let room = room(&test, Scope::agencies(who.account, [agency(2)].into()));
    room.receive(&Maker::new(), &[test.db.now()], TimeDelta::zero());
    let id = keep(&room.desk, &who, &new("*", 1, 0)).await;
    test.clock.advance(TimeDelta::minutes(2));
    room.work().await;
    assert_eq!(store::runs(test.db.conn(), id, 9).await.unwrap()[0].hits, 0);
    *room.stage.scope.lock().unwrap() = None;
    test.clock.advance(TimeDelta::minutes(2));
    room.work().await;
    let runs = store::runs(test.db.conn(), id, 9).await.unwrap();
    assert_eq!(runs[0].skipped_key, "saved-run-no-owner");
    assert_eq!(alerts(&test.db).await.len(), 1, "told once, not for each window");
}

#[tokio::test]
async fn a_search_of_an_agency_whose_owner_left_is_told_there() {
    let test = sqlite().await;
    let maker = Maker::new();
    let who =
        Who { account: AccountId::from_uuid(uuid::Uuid::from_u128(1)), ..officer_of([agency(2)]) };
    let room = room(&test, who.scope.clone());
    let shared = NewSearch {
        share: "agency".to_owned(),
        agency: agency(2).to_string(),
        ..new("user:an", 1, 0)
    };
    let id = keep(&room.desk, &who, &shared).await;
    // The owner works for another agency from now on, where the search would find something.
    *room.stage.scope.lock().unwrap() = Some(Scope::agencies(who.account, [agency(1)].into()));
    room.receive(&maker, &[test.db.now()], TimeDelta::zero());
    test.clock.advance(TimeDelta::minutes(3));
    room.work().await;
    let runs = store::runs(test.db.conn(), id, 9).await.unwrap();
    assert!(runs.len() > 1 && runs.iter().all(|run| run.skipped_key == "saved-run-elsewhere"));
    let made = alerts(&test.db).await;
    let told: Vec<_> =
        made.iter().map(|one| (one.agency, one.findings, one.rule.as_str())).collect();
    assert_eq!(told, [(agency(2), 1, &*format!("{}{id}", super::TROUBLE_PREFIX))]);
}

#[tokio::test]
async fn a_window_with_more_values_than_are_held_is_told() {
    let test = sqlite().await;
    let maker = Maker::new();
    let who = who(Role::Analyst);
    let room = room(&test, who.scope.clone());
    let mut event = event_of(&maker.finding(0), "an");
    event.collected_at = test.db.now();
    for one in with_many_users(&event) {
        room.lake.push(one);
    }
    let id =
        keep(&room.desk, &who, &new("cmd.exe | stats count() by user | where count > 1", 1, 0))
            .await;
    test.clock.advance(TimeDelta::minutes(2));
    room.work().await;
    let runs = store::runs(test.db.conn(), id, 9).await.unwrap();
    assert_eq!(
        (runs.last().unwrap().hits, &*runs.last().unwrap().skipped_key),
        (0, "saved-run-cut")
    );
    let made = alerts(&test.db).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].rule, format!("{}{id}", super::TROUBLE_PREFIX));
    assert_eq!(made[0].matched[0].pattern, "", "its line is its owner's own");
}

#[tokio::test]
async fn people_find_their_own_and_what_is_shared_with_them() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let account = |n| AccountId::from_uuid(uuid::Uuid::from_u128(n));
        let of = |n, at| Who { account: account(n), ..officer_of([agency(at)]) };
        let (an, binh, other) = (of(1, 1), of(2, 1), of(3, 2));
        let centre = Who { account: account(4), ..who(Role::Analyst) };
        let own = keep(&desk, &an, &new("*", 0, 0)).await;
        let share = |word: &str| NewSearch {
            share: word.to_owned(),
            agency: agency(1).to_string(),
            ..new("*", 0, 0)
        };
        let agency_own = keep(&desk, &an, &share("agency")).await;
        let wide = keep(&desk, &centre, &share("all")).await;
        let refused = actions::keep(&desk, &an, share("all").draft().unwrap()).await;
        assert!(refused.is_err(), "{}: an officer shares with their own", test.name);
        let refused = actions::keep(&desk, &other, share("agency").draft().unwrap()).await;
        assert!(refused.is_err());

        let admin = Who { account: account(5), ..who(Role::Administrator) };
        for (who, finds) in [
            (&an, vec![own, agency_own, wide]),
            (&binh, vec![agency_own, wide]),
            (&other, vec![wide]),
            (&centre, vec![agency_own, wide]),
            (&admin, vec![own, agency_own, wide]),
        ] {
            let page = listed(&desk, who, Page::default()).await.unwrap();
            let mut ids: Vec<String> = page.searches.iter().map(|row| row.id.clone()).collect();
            let mut want: Vec<String> = finds.iter().map(ToString::to_string).collect();
            ids.sort();
            want.sort();
            assert_eq!(ids, want);
            assert_eq!(faults(&page), Vec::<String>::new());
        }
        assert!(shown(&desk, &binh, own).await.is_err(), "not found");
        let seen = shown(&desk, &binh, agency_own).await.unwrap();
        assert!(seen.form.is_none() && !seen.may_delete);
        let draft = || new("a", 0, 0).draft().unwrap();
        assert!(actions::change(&desk, &binh, agency_own, draft()).await.is_err());
        assert!(actions::delete(&desk, &binh, agency_own).await.is_err());
        actions::change(&desk, &an, agency_own, draft()).await.unwrap();
        assert!(shown(&desk, &binh, agency_own).await.is_err(), "it is shared no more");
        actions::delete(&desk, &an, own).await.unwrap();
        assert!(shown(&desk, &an, own).await.is_err());
        let filter = AuditFilter { action: Some("search.".to_owned()), ..AuditFilter::default() };
        let log = db::audit::list(&test.db, &Scope::platform(), &filter, 10).await.unwrap();
        assert_eq!(log.len(), 5, "three kept, one changed, one deleted");
    }
}

#[tokio::test]
async fn the_pages_are_sound_and_their_links_find_the_window() {
    let test = sqlite().await;
    let who = who(Role::Analyst);
    test.clock.advance(TimeDelta::microseconds(654_321));
    let room = room(&test, who.scope.clone());
    // In the first microsecond of a window, in the last of the one before, and by a clock that is ahead.
    let border = test.db.now() + TimeDelta::minutes(1);
    let last = border - TimeDelta::microseconds(1);
    room.receive(&Maker::new(), &[test.db.now(), border], TimeDelta::days(7));
    room.receive(&Maker::new(), &[last], TimeDelta::hours(-5));
    let id = keep(&room.desk, &who, &new("user:an OR user:binh", 1, 0)).await;
    let empty = shown(&room.desk, &who, id).await.unwrap();
    assert_eq!(faults(&empty), Vec::<String>::new());
    test.clock.advance(TimeDelta::minutes(12));
    room.work().await;
    let page = shown(&room.desk, &who, id).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert_eq!(faults(page.form.as_ref().unwrap()), Vec::<String>::new());
    let link = &page.runs.last().unwrap().href;
    assert!(link.starts_with("/search?q=%28user%3Aan+OR+user%3Abinh%29+collected_at"), "{link}");
    assert_eq!(page.runs.iter().map(|run| run.hits).sum::<u64>(), 3);
    for run in &page.runs {
        let (_, query) = run.href.split_once('?').unwrap();
        let mut ask = Ask::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => ask.q = Some(value.into_owned()),
                "from" => ask.from = value.into_owned(),
                "to" => ask.to = value.into_owned(),
                other => panic!("{other} of {query}"),
            }
        }
        ask.check_times().unwrap();
        let (search, _) = ask.search(test.db.now()).unwrap();
        let found = room.desk.lake.search(&who.scope, &search).await.unwrap();
        assert_eq!(found.events.len() as u64, run.hits, "{query}");
    }
    let made = alerts(&test.db).await;
    let raised = made.iter().find(|one| one.rule == format!("luytre-search-{id}")).unwrap();
    assert_eq!(super::page_of_rule(&raised.rule), Some(format!("/searches/{id}")));
}
