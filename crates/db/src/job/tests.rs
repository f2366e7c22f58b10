//! The queue on both databases: who gets a job, what an end is, and that no window is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use event::{AccountId, AgencyId, Scope};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::claim;
use super::*;
use crate::testing::{TestDatabase, databases};
use crate::{Actor, AuditEntry, Db, Subject};

const KIND: &str = "test.count";

/// Does what its payload says, and counts how often it was begun.
#[derive(Debug, Default)]
struct Counter(AtomicI32);

#[async_trait]
impl Handler for Counter {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "job-title"
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let what: Value = job.payload()?;
        job.progress(1, 2, "job-note");
        match what["do"].as_str().unwrap_or_default() {
            "fail" => Err(JobError::failed(std::io::Error::other("no"))),
            "refuse" => Err(JobError::Refused("job-error-no")),
            "panic" => panic!("told to"),
            "stop" => {
                job.stop().cancelled().await;
                job.check().map(|()| Ended::with(Value::Null, ""))
            }
            _ => {
                let tx = job.db().begin().await?;
                let ended = job.finish(&tx, json!({ "answer": 42 }), "/answer").await?;
                tx.commit(entry()).await?;
                Ok(ended)
            }
        }
    }
}

fn entry() -> AuditEntry {
    let subject = Subject::all("test");
    AuditEntry::new(Actor::Platform("test"), "test.done", subject, Value::Null)
}

async fn put(db: &Db, new: NewJob) -> JobId {
    let tx = db.begin().await.unwrap();
    let id = enqueue(&tx, &new).await.unwrap();
    tx.commit(entry()).await.unwrap();
    id
}

fn job(what: &str) -> NewJob {
    NewJob::new(KIND, &Scope::platform(), json!({ "do": what }))
}

async fn state(db: &Db, id: JobId) -> Job {
    get(db.conn(), &Scope::platform(), id).await.unwrap().unwrap()
}

fn worker(test: &TestDatabase) -> (Worker, Arc<Counter>) {
    let counter = Arc::new(Counter::default());
    let handlers = Handlers::default().with(counter.clone());
    (Worker::new(test.db.clone(), handlers, "a"), counter)
}

#[tokio::test]
async fn a_job_is_done_once_with_its_effect() {
    for test in databases().await {
        let (worker, counter) = worker(&test);
        let stop = CancellationToken::new();
        assert!(!worker.run_next(&stop).await.unwrap(), "{}", test.name);
        let first = put(&test.db, job("").once("a")).await;
        assert_eq!(put(&test.db, job("").once("a")).await, first, "one job per key");
        assert_ne!(put(&test.db, job("").once("b")).await, first);
        assert!(worker.run_next(&stop).await.unwrap());
        assert!(worker.run_next(&stop).await.unwrap());
        assert!(!worker.run_next(&stop).await.unwrap());
        assert_eq!(counter.0.load(Ordering::SeqCst), 2);
        let done = state(&test.db, first).await;
        assert_eq!((done.state, done.link.as_str()), (JobState::Done, "/answer"));
        assert_eq!(done.result, Some(json!({ "answer": 42 })));
        assert_eq!(done.ended_at, Some(test.db.now()));
        assert_eq!(put(&test.db, job("").once("a")).await, first, "also when it is over");
    }
}

#[tokio::test]
async fn failures_wait_longer_each_time_and_end() {
    for test in databases().await {
        let (worker, counter) = worker(&test);
        let stop = CancellationToken::new();
        let id = put(&test.db, job("fail").attempts(3)).await;
        for (attempt, wait) in [(1, 10), (2, 20)] {
            assert!(worker.run_next(&stop).await.unwrap(), "{}", test.name);
            let failed = state(&test.db, id).await;
            assert_eq!((failed.state, failed.attempts), (JobState::Queued, attempt));
            assert_eq!(failed.error_key, "job-error-internal");
            assert!(!worker.run_next(&stop).await.unwrap(), "it waits");
            test.clock.advance(TimeDelta::seconds(wait));
        }
        assert!(worker.run_next(&stop).await.unwrap());
        assert_eq!(state(&test.db, id).await.state, JobState::Failed);
        assert_eq!(counter.0.load(Ordering::SeqCst), 3);

        let tx = test.db.begin().await.unwrap();
        let sent = again(&tx, &Scope::platform(), id).await.unwrap().unwrap();
        tx.commit(entry()).await.unwrap();
        assert_eq!((sent.state, sent.attempts, sent.ended_at), (JobState::Queued, 0, None));

        let refused = put(&test.db, job("refuse")).await;
        let panics = put(&test.db, job("panic")).await;
        while worker.run_next(&stop).await.unwrap() {}
        let refused = state(&test.db, refused).await;
        assert_eq!((refused.state, refused.error_key.as_str()), (JobState::Failed, "job-error-no"));
        assert_eq!(state(&test.db, panics).await.state, JobState::Queued);
    }
}

/// A worker that is gone (`kill -9`) loses its job when the lease ends; if it was only slow, its end
/// changes nothing any more.
#[tokio::test]
async fn a_lost_worker_loses_its_job_and_cannot_finish_it() {
    for test in databases().await {
        let (worker, counter) = worker(&test);
        let stop = CancellationToken::new();
        let id = put(&test.db, job("")).await;
        let lost = claim(&test.db, &[KIND], "gone").await.unwrap().unwrap();
        assert!(!worker.run_next(&stop).await.unwrap(), "{}: it is held", test.name);
        test.clock.advance(TimeDelta::seconds(61));
        assert!(worker.run_next(&stop).await.unwrap());
        assert_eq!(state(&test.db, id).await.attempts, 2);
        let held = store::Held { id, attempt: lost.attempts };
        let books = test.db.begin_bookkeeping().await.unwrap();
        let end = store::End::Done { result: &json!("late"), link: "" };
        assert!(!store::end(books.conn(), held, &end, books.now()).await.unwrap());
        books.commit().await.unwrap();
        assert_eq!(store::beat(&test.db, held, (1, 1, "")).await.unwrap(), (false, false));
        assert_eq!(state(&test.db, id).await.result, Some(json!({ "answer": 42 })));
        assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    }
}

/// Work that ends the process is not begun for ever.
#[tokio::test]
async fn a_job_that_kills_its_workers_fails() {
    for test in databases().await {
        let id = put(&test.db, job("").attempts(2)).await;
        for attempt in 1..=2 {
            let taken = claim(&test.db, &[KIND], "gone").await.unwrap().unwrap();
            assert_eq!(taken.attempts, attempt);
            // A start on a database of one's own does not wait for the lease.
            assert_eq!(release_all(&test.db).await.unwrap(), 1, "{}", test.name);
        }
        assert_eq!(claim(&test.db, &[KIND], "gone").await.unwrap(), None);
        let failed = state(&test.db, id).await;
        assert_eq!((failed.state, failed.error_key.as_str()), (JobState::Failed, "job-error-lost"));
    }
}

#[tokio::test]
async fn jobs_are_cancelled_waiting_and_running() {
    for test in databases().await {
        let (worker, _) = worker(&test);
        let (waits, runs) = (put(&test.db, job("")).await, put(&test.db, job("stop")).await);
        let ask = async |id| {
            let tx = test.db.begin().await.unwrap();
            let asked = cancel(&tx, &Scope::platform(), id).await.unwrap();
            tx.commit(entry()).await.unwrap();
            asked.map(|job| job.state)
        };
        assert_eq!(ask(waits).await, Some(JobState::Cancelled), "{}", test.name);
        assert_eq!(ask(waits).await, None, "it is over");
        let taken = claim(&test.db, &[KIND], "a").await.unwrap().unwrap();
        assert_eq!(ask(runs).await, Some(JobState::Running));
        let held = store::Held { id: runs, attempt: taken.attempts };
        assert_eq!(store::beat(&test.db, held, (1, 9, "job-note")).await.unwrap(), (true, true));
        let told = state(&test.db, runs).await;
        assert_eq!((told.done, told.total, told.note_key.as_str()), (1, 9, "job-note"));
        // Its worker dies before it obeys: nobody begins it again.
        release_all(&test.db).await.unwrap();
        assert!(!worker.run_next(&CancellationToken::new()).await.unwrap());
        assert_eq!(state(&test.db, runs).await.state, JobState::Cancelled);
    }
}

#[tokio::test]
async fn the_end_of_the_platform_is_no_attempt() {
    for test in databases().await {
        let (worker, _) = worker(&test);
        let id = put(&test.db, job("stop")).await;
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(worker.run_next(&stop).await.unwrap(), "{}", test.name);
        let back = state(&test.db, id).await;
        assert_eq!((back.state, back.attempts), (JobState::Queued, 0));
    }
}

#[tokio::test]
async fn two_nodes_never_hold_the_same_job() {
    for test in databases().await {
        for n in 0..20 {
            put(&test.db, job("").once(&n.to_string())).await;
        }
        let take = async |name: &str| {
            let mut taken = Vec::new();
            for _ in 0..20 {
                taken.extend(claim(&test.db, &[KIND], name).await.unwrap().map(|job| job.id));
            }
            taken
        };
        let (mut a, b) = futures::join!(take("a"), take("b"));
        a.extend(b);
        assert_eq!(a.len(), 20, "{}", test.name);
        assert_eq!(a.iter().collect::<BTreeSet<_>>().len(), 20);
    }
}

#[tokio::test]
async fn people_see_their_own_jobs_and_those_of_their_agencies() {
    for test in databases().await {
        let agency = |n| AgencyId::from_uuid(Uuid::from_u128(n));
        let account = |n| AccountId::from_uuid(Uuid::from_u128(n));
        let officer = |n, at| Scope::agencies(account(n), BTreeSet::from([agency(at)]));
        let own = NewJob::new(KIND, &officer(1, 1), json!({}));
        let own = put(&test.db, own).await;
        let about = NewJob::new(KIND, &Scope::province(account(9)), json!({}));
        let about = put(&test.db, about.of_agency(agency(2))).await;
        let platform = put(&test.db, job("")).await;
        let seen = async |scope: &Scope| {
            let filter = ListFilter { open: true, limit: 10, ..ListFilter::default() };
            let (jobs, total) = list(test.db.conn(), scope, &filter).await.unwrap();
            assert_eq!(jobs.len() as u64, total);
            assert_eq!(running_count(test.db.conn(), scope).await.unwrap(), total);
            jobs.into_iter().map(|job| job.id).collect::<BTreeSet<_>>()
        };
        let all = BTreeSet::from([own, about, platform]);
        assert_eq!(seen(&Scope::province(account(9))).await, all, "{}", test.name);
        assert_eq!(seen(&officer(1, 1)).await, BTreeSet::from([own]));
        assert_eq!(seen(&officer(2, 2)).await, BTreeSet::from([about]));
        assert_eq!(seen(&officer(3, 3)).await, BTreeSet::new());
        assert_eq!(get(test.db.conn(), &officer(3, 3), own).await.unwrap(), None);
        let tx = test.db.begin().await.unwrap();
        assert_eq!(cancel(&tx, &officer(2, 2), own).await.unwrap(), None, "not found");
        tx.rollback().await.unwrap();
        // The work sees what its owner saw.
        let taken = claim(&test.db, &[KIND], "a").await.unwrap().unwrap();
        assert_eq!((taken.id, taken.scope), (own, officer(1, 1)));
    }
}

#[tokio::test]
async fn no_window_is_skipped_and_none_comes_twice() {
    for test in databases().await {
        let from = test.db.now();
        let every = TimeDelta::hours(1);
        let each = Schedule {
            name: "each".to_owned(),
            kind: KIND.to_owned(),
            payload: json!({ "do": "" }),
            scope: Scope::platform(),
            agency: None,
            label: "mỗi giờ".to_owned(),
            every,
            delay: TimeDelta::minutes(5),
            missed: Missed::Each,
            from,
        };
        let merged = Schedule {
            name: "merged".to_owned(),
            kind: "test.merged".to_owned(),
            missed: Missed::Merged,
            ..each.clone()
        };
        ensure_schedule(&test.db, &each).await.unwrap();
        ensure_schedule(&test.db, &merged).await.unwrap();
        test.clock.advance(TimeDelta::minutes(64));
        assert_eq!(tick(&test.db).await.unwrap(), 0, "{}: late events may come", test.name);
        test.clock.advance(TimeDelta::minutes(1));
        assert_eq!(tick(&test.db).await.unwrap(), 2);
        assert_eq!(tick(&test.db).await.unwrap(), 0);
        // A week without power, and a start that puts its schedules up again.
        test.clock.advance(TimeDelta::days(7));
        ensure_schedule(&test.db, &each).await.unwrap();
        assert_eq!(tick(&test.db).await.unwrap(), 101, "a hundred at once, and one for all");
        assert_eq!(tick(&test.db).await.unwrap(), 68);
        assert_eq!(tick(&test.db).await.unwrap(), 0);
        let filter = ListFilter { limit: 500, ..ListFilter::default() };
        let (jobs, _) = list(test.db.conn(), &Scope::platform(), &filter).await.unwrap();
        let windows = |kind: &str| {
            let of_kind = jobs.iter().filter(|job| job.kind == kind);
            let mut windows: Vec<Window> = of_kind
                .map(|job| serde_json::from_value(job.payload["window"].clone()).unwrap())
                .collect();
            windows.sort_by_key(|window| window.from);
            windows
        };
        for (kind, count) in [(KIND, 169), ("test.merged", 2)] {
            let windows = windows(kind);
            assert_eq!(windows.len(), count);
            assert_eq!(windows[0].from, from);
            assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from), "no hole");
            assert_eq!(windows.last().unwrap().to, from + every * 169);
        }
        assert!(jobs.iter().all(|job| job.attempts_max == 0), "never given up");
        let tx = test.db.begin().await.unwrap();
        drop_schedule(&tx, "each").await.unwrap();
        tx.commit(entry()).await.unwrap();
        test.clock.advance(every);
        assert_eq!(tick(&test.db).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn old_jobs_are_forgotten() {
    for test in databases().await {
        let (worker, _) = worker(&test);
        let done = put(&test.db, job("")).await;
        worker.run_next(&CancellationToken::new()).await.unwrap();
        let waits = put(&test.db, job("")).await;
        test.clock.advance(TimeDelta::days(31));
        let before = test.db.now() - TimeDelta::days(30);
        assert_eq!(forget_ended(&test.db, before).await.unwrap(), 1, "{}", test.name);
        assert_eq!(get(test.db.conn(), &Scope::platform(), done).await.unwrap(), None);
        assert_eq!(state(&test.db, waits).await.state, JobState::Queued);
    }
}
