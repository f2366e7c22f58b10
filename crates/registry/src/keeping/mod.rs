//! How long each system's logs are kept: never shorter than the law wants for its level, longer where
//! someone set it; and the page that shows it, with what is held and what was deleted.

mod actions;
mod law;
mod model;
mod routes;
mod store;
mod views;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use db::{Db, DbError};
use event::SystemId;

pub use law::LawError;
pub use model::{Plan, Term};
pub use routes::routes;

use crate::{Directory, Registry};

/// What the pages of keeping work with.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Systems, and the database.
    pub registry: Registry,
    /// The files and what went of them.
    pub archive: Arc<dyn Archive>,
    /// Months that logs are kept where nobody set longer.
    pub months: u32,
}

/// What the lake tells of its files; the application answers.
#[async_trait]
pub trait Archive: Send + Sync + Debug {
    /// Returns what was deleted or taken out, the newest first; `before` is the number of the oldest
    /// one seen so far.
    async fn records(&self, before: Option<i64>, limit: u64) -> Result<Vec<Record>, DbError>;

    /// Follows the chain over the files.
    async fn chain(&self) -> Result<Chain, DbError>;

    /// Returns what is held for incidents now, or still kept after its hold was lifted.
    async fn holds(&self) -> Result<Vec<Hold>, DbError>;

    /// Returns which terms were made shorter lately, so that logs still go by the longer ones.
    async fn shortened(&self, plan: &Plan) -> Result<BTreeMap<SystemId, Longer>, DbError>;

    /// Returns the day of the oldest events, and the bytes that all files take.
    fn extent(&self) -> (Option<NaiveDate>, u64);
}

/// A deletion, a quarantine or the loss of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number in the chain.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `deletion`, `quarantine` or `missing`.
    pub kind: String,
    /// What went: file, hash, counts by owner, times, basis.
    pub detail: serde_json::Value,
    /// The hash of the entry, which covers the one before.
    pub hash: String,
}

/// How the chain over the files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its entries.
    pub entries: u64,
    /// Whether it is whole and says what the catalogue says.
    pub holds: bool,
    /// Its last hash.
    pub head: String,
}

/// A longer term by which logs still go after it was made shorter, for that to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longer {
    /// Its months.
    pub months: u32,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// What is held for an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The incident's id.
    pub incident: String,
    /// The incident's number.
    pub number: String,
    /// Whose logs: the systems' names.
    pub systems: Vec<String>,
    /// From which moment on.
    pub from: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Until when it still keeps logs, where it was lifted.
    pub until: Option<DateTime<Utc>>,
}

/// Returns for how long each system's logs are kept at a moment; `months` is for those that nobody set.
///
/// # Errors
///
/// When the database does not answer.
pub async fn plan(
    db: &Db,
    directory: &Directory,
    months: u32,
    now: DateTime<Utc>,
) -> Result<Plan, DbError> {
    let today = model::legal_day(now);
    let set = store::all(db.conn()).await?;
    let snapshot = directory.snapshot();
    Ok(Plan::new(snapshot.systems().map(|system| (system.id, system.level)), &set, months, today))
}
