//! The pages of imports.

use askama::Template;
use chrono::{DateTime, Utc};
use db::job::Job;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Lang, Phrase, filters};

use super::columns::columns;
use super::model::{Batch, BatchHead, BatchState, Deed, Fault, Kind, Planned};
use crate::forms::Errors;

/// A batch in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatchRow {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) file: String,
    pub(crate) state: BatchState,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) added: usize,
    pub(crate) changed: usize,
    pub(crate) kept: usize,
    pub(crate) refused: usize,
}

impl From<&BatchHead> for BatchRow {
    fn from(batch: &BatchHead) -> Self {
        let count = |deed| batch.counts.get(&deed).copied().unwrap_or(0);
        Self {
            id: batch.id.to_string(),
            kind: batch.kind,
            file: batch.file.clone(),
            state: batch.state,
            created_at: batch.created_at,
            ended_at: batch.ended_at,
            added: count(Deed::Add),
            changed: count(Deed::Change),
            kept: count(Deed::Keep),
            refused: count(Deed::Refuse),
        }
    }
}

/// The page on which a file is chosen.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "import/form.html")]
pub(crate) struct ImportPage {
    pub(crate) kind: Kind,
    /// Names of the columns that are understood.
    pub(crate) columns: Vec<String>,
    pub(crate) batches: Vec<BatchRow>,
    #[serde(skip)]
    pub(crate) errors: Errors,
}

impl ImportPage {
    /// Returns the page of a kind.
    pub(crate) fn new(kind: Kind, batches: &[BatchHead], lang: Lang) -> Self {
        let names = columns(kind).iter().map(|(_, key, _)| Phrase::key(key).text(lang));
        Self {
            kind,
            columns: names.collect(),
            batches: batches.iter().map(BatchRow::from).collect(),
            errors: Errors::new(),
        }
    }
}

/// A row of a file with what becomes of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlanRow {
    pub(crate) line: u32,
    pub(crate) deed: Deed,
    pub(crate) name: String,
    pub(crate) changed: Vec<String>,
    pub(crate) faults: Vec<Fault>,
}

impl From<&Planned> for PlanRow {
    fn from(row: &Planned) -> Self {
        Self {
            line: row.line,
            deed: row.deed,
            name: row.name.clone(),
            changed: row.changed.clone(),
            faults: row.faults.clone(),
        }
    }
}

/// How far the work on a batch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Work {
    /// Rows dealt with.
    pub(crate) done: u64,
    /// Rows there are; 0: not begun.
    pub(crate) total: u64,
    /// Whether it goes on; otherwise it failed or was stopped, and may be asked for again.
    pub(crate) goes_on: bool,
}

impl Work {
    /// Returns how far it is; `None` when nothing is under way.
    pub(crate) fn of(batch: &Batch, job: Option<&Job>) -> Option<Self> {
        let under_way = matches!(batch.state, BatchState::Applying | BatchState::Undoing);
        let goes_on = |job: &Job| !job.state.is_over();
        under_way.then(|| Self {
            done: job.map_or(0, |job| job.done),
            total: job.map_or(0, |job| job.total),
            goes_on: job.is_some_and(goes_on),
        })
    }
}

/// One batch.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "import/batch.html")]
pub(crate) struct BatchPage {
    pub(crate) batch: BatchRow,
    /// Who looked at the file.
    pub(crate) by: String,
    /// Columns of the file that nothing is known of.
    pub(crate) ignored: Vec<String>,
    /// What is wrong first, then what is added, what changes, what stays.
    pub(crate) rows: Vec<PlanRow>,
    pub(crate) pager: Pager,
    /// How far the work on it is, while there is some.
    pub(crate) work: Option<Work>,
    /// Why the last turn was refused; empty when it was not.
    pub(crate) trouble: String,
}

/// Returns the language key of a deed.
pub(crate) const fn deed_key(deed: Deed) -> &'static str {
    match deed {
        Deed::Refuse => "import-refuse",
        Deed::Add => "import-add",
        Deed::Change => "import-change",
        Deed::Keep => "import-keep",
    }
}

/// Returns the tone of a deed.
pub(crate) const fn deed_tone(deed: Deed) -> &'static str {
    match deed {
        Deed::Refuse => "bad",
        Deed::Add | Deed::Change => "ok",
        Deed::Keep => "quiet",
    }
}
