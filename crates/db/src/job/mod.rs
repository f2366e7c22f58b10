//! Work that takes longer than a request: a queue in the database, visible to people with its
//! progress, that outlives restarts and `kill -9`.
//!
//! A slice implements [`Handler`] for its kind of work and enqueues [`NewJob`]s inside the [`Tx`]
//! that decided them. The application runs [`Worker`]s; several nodes share one queue, because a job
//! is *leased*: who stops extending the lease loses the job to another. An attempt that lost its job
//! cannot finish it, so work that writes its effect in the same [`Tx`] as [`Running::finish`] happens
//! exactly once, however often it was begun.
//!
//! What comes round again stands in a schedule ([`put_schedule`]): its windows follow each other
//! without a hole, also over a week without power.

mod model;
mod store;
mod worker;

#[cfg(test)]
mod tests;

pub use model::{Job, JobId, JobState, Missed, NewJob, Schedule, Window};
pub use store::{
    ListFilter, drop_schedule, ensure_schedule, forget_ended, get, list, put_schedule, release_all,
    running_count, tick,
};
pub use worker::{Ended, Handler, Handlers, JobError, Running, Worker};

use event::Scope;

use crate::{DbError, Tx};

/// Puts a job into the queue, as part of this change. A job of the same kind with the same key is
/// returned instead of a second one, whatever became of it.
///
/// # Errors
/// When the database does not answer.
pub async fn enqueue(tx: &Tx, new: &NewJob) -> Result<JobId, DbError> {
    store::insert(tx.conn(), JobId::from_uuid(tx.new_uuid()), tx.now(), new).await
}

/// Asks a job to stop: one that waits is cancelled at once, one that runs is told and stops soon.
/// Returns `None` if the scope has no such job that could still stop.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel(tx: &Tx, scope: &Scope, id: JobId) -> Result<Option<Job>, DbError> {
    store::cancel(tx.conn(), scope, id, tx.now()).await
}

/// Sends a failed or cancelled job through the queue again, with all its attempts. Returns `None` if
/// the scope has no such job.
///
/// # Errors
/// When the database does not answer.
pub async fn again(tx: &Tx, scope: &Scope, id: JobId) -> Result<Option<Job>, DbError> {
    store::again(tx.conn(), scope, id, tx.now()).await
}
