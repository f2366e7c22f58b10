//! Doing the work: a handler per kind, and the worker that takes jobs, keeps their leases and writes
//! what came of them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use event::Scope;
use futures::FutureExt as _;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::model::{Job, backoff};
use super::store::{self, End, Held};
use crate::{Db, DbError, Tx};

/// How often a worker says that it is alive and how far it is; also how soon a running job hears that
/// it should stop. Far more often than a lease ends, so that a slow database takes no job away.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// One kind of work.
///
/// Work that keeps a thread busy for longer than a moment goes into `tokio::task::spawn_blocking`:
/// the lease is extended beside it, in the same task.
#[async_trait]
pub trait Handler: Send + Sync + Debug {
    /// Returns the kind, for ever: `hunt.look-back`.
    fn kind(&self) -> &'static str;

    /// Returns the text key of what such work is called.
    fn title_key(&self) -> &'static str;

    /// Returns whether it may take minutes: some workers leave such work to others, so that short
    /// work never waits behind it.
    fn is_long(&self) -> bool {
        false
    }

    /// Does the work. It may be begun again after an error, a restart or `kill -9`: what it writes
    /// stands in the [`Tx`] of [`Running::finish`], or is harmless to write twice.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when it was told to stop, [`JobError::Refused`] when trying again would
    /// not help, [`JobError::NotYet`] when it is too early, [`JobError::Failed`] otherwise.
    async fn run(&self, job: &Running) -> Result<Ended, JobError>;
}

/// The handlers by kind.
#[derive(Debug, Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Arc<dyn Handler>>);

impl Handlers {
    /// Adds a handler.
    #[must_use]
    pub fn with(mut self, handler: Arc<dyn Handler>) -> Self {
        self.0.insert(handler.kind(), handler);
        self
    }

    /// Returns the kinds with the text keys of their names.
    pub fn titles(&self) -> BTreeMap<&'static str, &'static str> {
        self.0.iter().map(|(kind, handler)| (*kind, handler.title_key())).collect()
    }

    fn kinds(&self, with_long: bool) -> Vec<&'static str> {
        let fits = |handler: &Arc<dyn Handler>| with_long || !handler.is_long();
        self.0.iter().filter(|(_, handler)| fits(handler)).map(|(kind, _)| *kind).collect()
    }
}

/// What the work ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended(How);

#[derive(Debug, Clone, PartialEq)]
enum How {
    Written,
    With { result: Value, link: String },
}

impl Ended {
    /// Returns the end of work whose only effect is its result; `link` is the page that shows it, or
    /// empty.
    pub fn with(result: Value, link: &str) -> Self {
        Self(How::With { result, link: link.to_owned() })
    }
}

/// Why the work did not get done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was told to stop, or another attempt has the job now.
    #[error("the job was told to stop")]
    Stopped,
    /// Trying again would not help; the text key says why.
    #[error("the job cannot be done ({0})")]
    Refused(&'static str),
    /// What it needs is not there yet: it waits this long and is begun again, and the attempt does
    /// not count. The text key says what is waited for.
    #[error("the job has to wait ({0})")]
    NotYet(&'static str, TimeDelta),
    /// It failed; it is tried again.
    #[error("the job failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database did not answer; it is tried again.
    #[error("the job's database did not answer")]
    Db(#[from] DbError),
}

impl JobError {
    /// Returns a failure with this cause.
    pub fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed(Box::new(cause))
    }
}

/// The text key of a failure whose cause is in the platform's own log.
const INTERNAL_KEY: &str = "job-error-internal";

/// The text key of a payload that this version cannot read.
const PAYLOAD_KEY: &str = "job-error-payload";

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    done: u64,
    total: u64,
    note: &'static str,
}

/// A job in the hands of its handler.
#[derive(Debug)]
pub struct Running {
    job: Job,
    db: Db,
    progress: Mutex<Progress>,
    stop: CancellationToken,
}

impl Running {
    /// Returns the job as it was taken.
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// Returns the database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Returns what the one who asked may see: every read passes it on.
    pub const fn scope(&self) -> &Scope {
        &self.job.scope
    }

    /// Returns what the work needs to know.
    ///
    /// # Errors
    /// When this version cannot read it; trying again would not help.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.job.payload.clone()).map_err(|_| JobError::Refused(PAYLOAD_KEY))
    }

    /// Says how far the work is and, by a text key, what it does now. Costs nothing: it is written
    /// with the next sign of life.
    pub fn progress(&self, done: u64, total: u64, note: &'static str) {
        *self.progress.lock() = Progress { done, total, note };
    }

    /// Returns what fires when the work should stop.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Goes on unless the work should stop; called between steps.
    ///
    /// # Errors
    /// [`JobError::Stopped`].
    pub fn check(&self) -> Result<(), JobError> {
        if self.stop.is_cancelled() { Err(JobError::Stopped) } else { Ok(()) }
    }

    /// Ends the job inside the change that is its effect: both happen, or neither. The caller commits
    /// the [`Tx`] and returns what this returned.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when another attempt has the job: the [`Tx`] must be given up.
    pub async fn finish(&self, tx: &Tx, result: Value, link: &str) -> Result<Ended, JobError> {
        let end = End::Done { result: &result, link };
        if store::end(tx.conn(), self.held(), &end, tx.now()).await? {
            Ok(Ended(How::Written))
        } else {
            Err(JobError::Stopped)
        }
    }

    const fn held(&self) -> Held {
        Held { id: self.job.id, attempt: self.job.attempts }
    }

    async fn beat(&self) -> Result<(bool, bool), DbError> {
        let Progress { done, total, note } = *self.progress.lock();
        store::beat(&self.db, self.held(), (done, total, note)).await
    }

    /// Keeps the lease, and tells the work when it should stop; never ends by itself.
    async fn keep(&self, orders: &Orders) {
        loop {
            tokio::time::sleep(BEAT_EVERY).await;
            match self.beat().await {
                Ok((true, false)) => {}
                Ok((held, cancelled)) => {
                    orders.note(held, cancelled);
                    self.stop.cancel();
                }
                // The lease outlasts some lost beats; the end of the work is fenced in any case.
                Err(error) => tracing::warn!(job.id = %self.job.id, %error, "a beat was lost"),
            }
        }
    }
}

/// Why a job was told to stop.
#[derive(Debug, Default)]
struct Orders(Mutex<Option<Order>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Cancelled,
    Lost,
}

impl Orders {
    fn note(&self, held: bool, cancelled: bool) {
        let order = if held && cancelled { Order::Cancelled } else { Order::Lost };
        self.0.lock().get_or_insert(order);
    }
}

/// Takes jobs and does them, one at a time.
#[derive(Debug, Clone)]
pub struct Worker {
    db: Db,
    handlers: Handlers,
    holder: String,
    with_long: bool,
}

impl Worker {
    /// Returns a worker; `holder` names it in the table.
    pub fn new(db: Db, handlers: Handlers, holder: &str) -> Self {
        Self { db, handlers, holder: holder.to_owned(), with_long: true }
    }

    /// Makes it leave long work to others.
    #[must_use]
    pub fn short_only(mut self) -> Self {
        self.with_long = false;
        self
    }

    /// Takes the job that has waited longest and does it; returns whether there was one. When `stop`
    /// fires, the work is told to stop and goes back into the queue.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_next(&self, stop: &CancellationToken) -> Result<bool, DbError> {
        let kinds = self.handlers.kinds(self.with_long);
        let Some(job) = store::claim(&self.db, &kinds, &self.holder).await? else {
            return Ok(false);
        };
        let Some(handler) = self.handlers.0.get(job.kind.as_str()) else { return Ok(false) };
        let running = Running {
            progress: Mutex::new(Progress { done: job.done, total: job.total, note: "" }),
            job,
            db: self.db.clone(),
            stop: stop.child_token(),
        };
        let orders = Orders::default();
        // Both are polled beside each other: a beat may have to wait for the work's own transaction.
        let came_of_it = tokio::select! {
            ended = AssertUnwindSafe(handler.run(&running)).catch_unwind() => {
                ended.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            }
            () = running.keep(&orders) => Err(JobError::Stopped),
        };
        let order = *orders.0.lock();
        self.write_end(&running, came_of_it, order).await?;
        Ok(true)
    }

    async fn write_end(
        &self,
        running: &Running,
        came_of_it: Result<Ended, JobError>,
        order: Option<Order>,
    ) -> Result<(), DbError> {
        let job = &running.job;
        let last = job.attempts_max > 0 && job.attempts >= job.attempts_max;
        if let Err(error @ (JobError::Failed(_) | JobError::Db(_))) = &came_of_it {
            let error = chain(error);
            tracing::warn!(job.id = %job.id, job.kind = %job.kind, error, last, "a job failed");
        }
        let run_after: DateTime<Utc> = self.db.now() + backoff(job.attempts);
        let (result, link);
        let end = match came_of_it {
            Ok(Ended(How::Written)) => return Ok(()),
            Ok(Ended(How::With { result: given, link: page })) => {
                (result, link) = (given, page);
                End::Done { result: &result, link: &link }
            }
            Err(JobError::Stopped) if order == Some(Order::Cancelled) => End::Cancelled,
            Err(JobError::Stopped) => End::Released,
            Err(JobError::Refused(error_key)) => End::Failed { error_key },
            Err(JobError::NotYet(why_key, wait)) => {
                End::Waits { why_key, run_after: self.db.now() + wait }
            }
            Err(_) if last => End::Failed { error_key: INTERNAL_KEY },
            Err(_) => End::Again { error_key: INTERNAL_KEY, run_after },
        };
        let books = self.db.begin_bookkeeping().await?;
        store::end(books.conn(), running.held(), &end, books.now()).await?;
        books.commit().await
    }
}

fn panicked(panic: &(dyn Any + Send)) -> JobError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    JobError::Failed(text.unwrap_or_else(|| "a panic".to_owned()).into())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
