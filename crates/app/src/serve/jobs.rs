//! The workers of the job queue: how many there are, when they look, and what they can do.

use std::time::Duration;

use chrono::TimeDelta;
use db::job::{self, Handlers, Worker};
use db::{Db, DbError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Workers that take any work: as many long searches of the lake at once as leave a small server able
/// to take logs in.
const WORKERS: usize = 2;

/// How often an idle worker looks into the queue: what a person still feels as "at once".
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a database that does not answer is left alone.
const REST: Duration = Duration::from_secs(10);

/// How often the schedules are looked at.
const TICK_EVERY: Duration = Duration::from_secs(5);

/// How long work that is over stays in the list.
const KEPT: TimeDelta = TimeDelta::days(30);

/// How often old work is forgotten, in looks at the schedules.
const FORGET_EVERY: u32 = 720;

/// Starts the workers and the watch over schedules. One worker more leaves long work to the others.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn start(
    db: &Db,
    handlers: &Handlers,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), DbError> {
    job::ensure_schedule(db, &registry::quality::schedule(db.now())).await?;
    if db.is_embedded() {
        // Nobody else can have this database's jobs; on a shared one their leases tell.
        job::release_all(db).await?;
    }
    job::ensure_schedule(db, &respond::export::sweeping(db.now())).await?;
    let node = db.new_uuid();
    for n in 0..=WORKERS {
        let worker = Worker::new(db.clone(), handlers.clone(), &format!("{node}/{n}"));
        let worker = if n == WORKERS { worker.short_only() } else { worker };
        tasks.spawn(work(worker, stop.clone()));
    }
    tasks.spawn(schedules(db.clone(), stop.clone()));
    Ok(())
}

async fn work(worker: Worker, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = match worker.run_next(&stop).await {
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(error = web::chain(&error), "the job queue does not answer");
                REST
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn schedules(db: Db, stop: CancellationToken) {
    let mut looks: u32 = 0;
    loop {
        if let Err(error) = job::tick(&db).await {
            tracing::warn!(error = web::chain(&error), "schedules cannot be looked at");
        }
        if looks.is_multiple_of(FORGET_EVERY)
            && let Err(error) = job::forget_ended(&db, db.now() - KEPT).await
        {
            tracing::warn!(error = web::chain(&error), "old jobs cannot be forgotten");
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(TICK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
