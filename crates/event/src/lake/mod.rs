//! How the domains ask the lake, without knowing Arrow, Parquet or DataFusion.
//!
//! A trait with one production implementation is against our taste; here it keeps DataFusion out of
//! every domain test and every domain rebuild. [`MemoryLake`] is the twin those tests use.

mod files;
mod memory;
mod sql_fault;
mod summing;
mod table;

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;

pub use files::{EventFile, FileCells, FileColumn};
pub use memory::MemoryLake;
pub use sql_fault::{SqlFault, SqlKind, SqlWrong};
pub use summing::begin;
pub use table::{Table, TableCell};

use crate::query::Query;
use crate::query::summary::{Summarised, Summary};
use crate::{Event, EventId, Scope};

/// Answers questions about events. Every answer is limited to what the scope may see.
#[async_trait]
pub trait LakeReader: Send + Sync + Debug {
    /// Returns a page of events, newest first.
    async fn search(&self, scope: &Scope, search: &Search) -> Result<Found, LakeError>;

    /// Returns how many events match in each of `buckets` equal parts of the search's time range.
    async fn histogram(
        &self,
        scope: &Scope,
        search: &Search,
        buckets: u32,
    ) -> Result<Vec<Bucket>, LakeError>;

    /// Returns how many events must be read to answer a search: those in the parts of the lake that its
    /// index does not rule out. `limit` and `after` do not matter.
    async fn weigh(&self, scope: &Scope, search: &Search) -> Result<u64, LakeError> {
        let all = Search { query: Query::All, after: None, ..search.clone() };
        Ok(self.histogram(scope, &all, 1).await?.iter().map(|bar| bar.count).sum())
    }

    /// Returns the most frequent values of a field (any of its names) among the matching events.
    async fn top(
        &self,
        scope: &Scope,
        search: &Search,
        field: &str,
        limit: u32,
    ) -> Result<Vec<TopValue>, LakeError>;

    /// Returns what a summary makes of all matching events; `limit` and `after` do not matter. When
    /// its time is up, it tells what was added up so far.
    async fn summarise(
        &self,
        scope: &Scope,
        search: &Search,
        summary: &Summary,
    ) -> Result<Summarised, LakeError> {
        let whole = Search { after: None, ..search.clone() };
        summing::summarised(self, scope, &whole, summary).await
    }

    /// Returns the events with these ids that the scope may see, oldest first. At most
    /// [`IDS_MAX`] ids are looked up.
    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Event>, LakeError>;

    /// Runs one read-only SQL `SELECT` over the table `events`, limited to the scope.
    async fn sql(&self, scope: &Scope, sql: &str) -> Result<Table, LakeError> {
        self.sql_beside(scope, sql, Vec::new()).await
    }

    /// Runs such a `SELECT` with more tables to join; the caller gives no row of them that the scope
    /// does not see.
    async fn sql_beside(
        &self,
        scope: &Scope,
        sql: &str,
        beside: Vec<Beside>,
    ) -> Result<Table, LakeError>;

    /// Begins a Parquet file that takes events, with the columns of the lake's own files.
    fn event_file(&self) -> Result<Box<dyn EventFile>, LakeError>;

    /// Returns a Parquet file of figures.
    fn figure_file(&self, columns: &[FileColumn]) -> Result<Vec<u8>, LakeError>;

    /// Returns how much is stored.
    async fn stats(&self) -> Result<LakeStats, LakeError>;
}

/// How many ids one [`LakeReader::events`] call looks up: an alert's page shows no more.
pub const IDS_MAX: usize = 1000;

/// A query over a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What the events must be like.
    pub query: Query,
    /// Earliest `occurred_at`, inclusive.
    pub from: DateTime<Utc>,
    /// Latest `occurred_at`, exclusive.
    pub to: DateTime<Utc>,
    /// At most this many events; the lake cuts it at its own maximum.
    pub limit: u32,
    /// Only events that sort after this one in the answer's order (the last of the page before).
    pub after: Option<Cursor>,
}

/// Where a page of events ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last event's time.
    pub occurred_at: DateTime<Utc>,
    /// Its id, to tell events of the same moment apart.
    pub id: EventId,
}

/// One page of events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Cursor>,
    /// Whether the search was stopped because its time was up, and after how long: older events may
    /// be missing.
    pub stopped_ms: Option<u64>,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
}

/// One bar of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Where the bar starts.
    pub from: DateTime<Utc>,
    /// How many events.
    pub count: u64,
}

/// One value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopValue {
    /// The value as text.
    pub value: String,
    /// How many events have it.
    pub count: u64,
}

/// A table that stands beside the events in a SQL question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Its name.
    pub name: &'static str,
    /// The names of its columns with their cells; all of the same length.
    pub columns: Vec<(&'static str, Cells)>,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Number(Vec<Option<i64>>),
}

/// How much the lake holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct LakeStats {
    /// Events that can be searched.
    pub events: u64,
    /// Files on disk.
    pub files: u64,
    /// Their size.
    pub size_bytes: u64,
    /// The oldest event's time.
    pub oldest: Option<DateTime<Utc>>,
    /// The newest event's time.
    pub newest: Option<DateTime<Utc>>,
}

/// Why the lake did not answer.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The question itself is wrong; the text is for the person who asked.
    #[error("the question cannot be answered: {0}")]
    Question(String),
    /// A SQL question is wrong in a way that is known by name.
    #[error("the question cannot be answered: {0}")]
    Sql(SqlFault),
    /// The question has a part that the lake would pass over, in the words of its language.
    #[error("the question cannot be answered: {0} is not supported")]
    Unsupported(String),
    /// A time chart would have more bars than can be read.
    #[error("the span is too narrow for the time asked")]
    TooManyBars,
    /// It took longer than allowed.
    #[error("the search took longer than {limit_ms} ms")]
    Timeout {
        /// The limit.
        limit_ms: u64,
    },
    /// The lake itself failed.
    #[error("the lake failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}
