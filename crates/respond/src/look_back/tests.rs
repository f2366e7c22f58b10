//! Looks back over a lake on paper: everything is read once, nothing becomes an alert by itself, and
//! nobody sees what they may not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use db::job::{self, Handlers, Job, JobId, JobState, Worker};
use db::testing::{TestDatabase, databases, sqlite};
use event::lake::MemoryLake;
use event::{AccountId, Event, Scope};
use tokio_util::sync::CancellationToken;
use web::paging::Page;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::model::{Look, Wanted};
use super::routes::{NewLookBack, listed, shown};
use super::work::LookBack;
use super::{actions, store};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::testing::*;

struct Room {
    desk: Desk,
    worker: Worker,
    recovering: Arc<Recovering>,
}

fn room(test: &TestDatabase, events: Vec<Event>) -> Room {
    let desk = Desk { lake: Arc::new(MemoryLake::with(events)), ..desk(test, Vec::new()) };
    let recovering = Arc::new(Recovering::default());
    let look_back =
        LookBack { desk: desk.clone(), owners: Arc::new(Everyone), arrivals: recovering.clone() };
    let handlers = Handlers::default().with(Arc::new(look_back));
    Room { worker: Worker::new(test.db.clone(), handlers, "a"), desk, recovering }
}

impl Room {
    async fn look(&self, who: &Who, wanted: Wanted, days: i64) -> Look {
        let look = actions::ask(&self.desk, &Handler::from(who), wanted, days).await.unwrap();
        while self.worker.run_next(&CancellationToken::new()).await.unwrap() {}
        store::get(self.desk.db.conn(), &Scope::platform(), look.id).await.unwrap()
    }

    async fn job(&self, look: &Look) -> Job {
        let id = JobId::from_uuid(look.job);
        job::get(self.desk.db.conn(), &Scope::platform(), id).await.unwrap().unwrap()
    }
}

/// Events of one agency, one a minute, the newest `first` minutes from now.
fn events(maker: &Maker, of: u128, minutes: std::ops::Range<i64>) -> Vec<Event> {
    let event = |minute: i64| {
        let mut event = event_of(&maker.finding(-minute), "an");
        event.origin.agency = agency(of);
        event
    };
    minutes.map(event).collect()
}

#[tokio::test]
async fn every_event_of_the_span_is_read_once_and_makes_alerts_only_when_asked() {
    for test in databases().await {
        let maker = Maker::new();
        // Over several pages in one hour, and some days apart; what is older than the span is not read.
        let day = 24 * 60;
        let mut past = events(&maker, 1, 1..2_501);
        past.extend(events(&maker, 1, 3 * day..3 * day + 10));
        past.extend(events(&maker, 1, 31 * day..31 * day + 5));
        let room = room(&test, past);
        let who = who(Role::Analyst);
        let look = room.look(&who, Wanted::Rule(WEB_SHELL.to_owned()), 30).await;
        let outcome = look.outcome.clone().unwrap();
        assert_eq!((outcome.events, outcome.findings), (2_510, 2_510));
        assert_eq!(outcome.per_rule.get(WEB_SHELL), Some(&2_510));
        let job = room.job(&look).await;
        assert_eq!(job.state, JobState::Done);
        assert_eq!(job.link, format!("/look-backs/{}", look.id));

        let page = shown(&room.desk, &who, look.id, Page::default()).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(page.cut);
        assert_eq!(page.pager.total, 500, "a noisy rule is cut");
        let list = listed(&room.desk, &who, Page::default()).await.unwrap();
        assert_eq!(faults(&list), Vec::<String>::new());
        assert_eq!((list.rows.len(), list.cost_events), (1, Some(2_510)));

        let open = crate::alert::open_count(test.db.conn(), &who.scope).await.unwrap();
        assert_eq!(open, 0);
        let handler = Handler::from(&who);
        let made =
            actions::make_alerts(&room.desk, &handler, look.id, Some(&[1, 2])).await.unwrap();
        assert_eq!((made.fresh.len(), made.hidden), (1, 0));
        let again = actions::make_alerts(&room.desk, &handler, look.id, Some(&[1, 2])).await;
        assert!(matches!(again, Err(RespondError::Field { field: "numbers", .. })));
        actions::make_alerts(&room.desk, &handler, look.id, None).await.unwrap();
        let page = shown(&room.desk, &who, look.id, Page::default()).await.unwrap();
        assert!(page.found.iter().all(|row| row.taken_at.is_some()));
        assert_eq!(faults(&page), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_look_back_waits_until_what_a_crash_left_is_read() {
    for test in databases().await {
        let room = room(&test, events(&Maker::new(), 1, 1..11));
        room.recovering.0.store(true, Ordering::SeqCst);
        let look = room.look(&who(Role::Analyst), Wanted::Rule(WEB_SHELL.to_owned()), 30).await;
        assert!(look.outcome.is_none());
        assert_eq!(room.job(&look).await.state, JobState::Queued);
        room.recovering.0.store(false, Ordering::SeqCst);
        test.clock.advance(chrono::TimeDelta::seconds(3));
        while room.worker.run_next(&CancellationToken::new()).await.unwrap() {}
        assert_eq!(room.job(&look).await.state, JobState::Done);
        let look = store::get(room.desk.db.conn(), &Scope::platform(), look.id).await.unwrap();
        assert_eq!(look.outcome.unwrap().events, 10);
    }
}

#[tokio::test]
async fn a_look_back_sees_what_its_asker_sees_and_is_shown_to_nobody_below() {
    let test = sqlite().await;
    let maker = Maker::new();
    let mut past = events(&maker, 1, 1..4);
    past.extend(events(&maker, 2, 1..6));
    let room = room(&test, past);
    let officer = officer_of([agency(2)]);
    let own = room.look(&officer, Wanted::All, 1).await;
    assert_eq!(own.outcome.unwrap().events, 5);
    let account = AccountId::from_uuid(uuid::Uuid::from_u128(7));
    let analyst = Who { account, scope: Scope::province(account), ..who(Role::Analyst) };
    let all = room.look(&analyst, Wanted::Indicators("203.0.113.9".to_owned()), 1).await;
    assert_eq!(all.outcome.unwrap().events, 8);
    let shown_to = async |who: &Who, id| shown(&room.desk, who, id, Page::default()).await;
    assert!(shown_to(&officer, own.id).await.is_ok());
    assert!(matches!(shown_to(&officer, all.id).await, Err(RespondError::NotFound)));
    assert!(shown_to(&analyst, own.id).await.is_ok());
    assert_eq!(listed(&room.desk, &officer, Page::default()).await.unwrap().rows.len(), 1);

    let left = AccountId::from_uuid(uuid::Uuid::from_u128(99));
    let left = Who { account: left, scope: Scope::province(left), ..analyst };
    let refused = room.look(&left, Wanted::Feeds, 1).await;
    let job = room.job(&refused).await;
    assert_eq!((job.state, job.error_key.as_str()), (JobState::Failed, "look-back-error-right"));
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_with_its_line() {
    let test = sqlite().await;
    let room = room(&test, Vec::new());
    let who = Handler::from(&who(Role::Analyst));
    let ask = async |wanted, days| actions::ask(&room.desk, &who, wanted, days).await;
    let none = ask(Wanted::Rule("none".to_owned()), 30).await;
    assert!(matches!(none, Err(RespondError::NotFound)));
    for days in [0, -1, 367] {
        let wrong = ask(Wanted::All, days).await;
        assert!(matches!(wrong, Err(RespondError::Field { field: "days", .. })), "{days}");
    }
    let blank = ask(Wanted::Text("  ".to_owned()), 30).await;
    assert!(matches!(blank, Err(RespondError::Field { field: "text", .. })));
    let nonsense = ask(Wanted::Text("nonsense".to_owned()), 30).await;
    assert!(matches!(nonsense, Err(RespondError::Line { field: "text", line: 3, .. })));
    let many = ask(Wanted::Indicators("x".repeat(70_000)), 30).await;
    assert!(matches!(many, Err(RespondError::Field { field: "indicators", .. })));
    let all = job::ListFilter::default();
    let (_, jobs) = job::list(test.db.conn(), &Scope::platform(), &all).await.unwrap();
    assert_eq!(jobs, 0, "nothing was asked for");
}

#[test]
fn what_is_asked_for_is_one_thing() {
    let with = |rule: &str, text: &str, indicators: &str, feeds: &str| NewLookBack {
        rule: rule.to_owned(),
        text: text.to_owned(),
        indicators: indicators.to_owned(),
        feeds: feeds.to_owned(),
        days: None,
    };
    assert_eq!(with("r", "", "", "").wanted(), Wanted::Rule("r".to_owned()));
    assert_eq!(with("", "t", "", "").wanted(), Wanted::Text("t".to_owned()));
    assert_eq!(with("", "", "i", "").wanted(), Wanted::Indicators("i".to_owned()));
    assert_eq!(with("", "", "", "yes").wanted(), Wanted::Feeds);
    assert_eq!(with("", "", "", "").wanted(), Wanted::All);
}
