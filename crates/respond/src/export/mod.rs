//! Whole answers as files: made in the background with progress, kept for a while, for whoever asked
//! and nobody else. Each file is a job of [`db::job`]; the queue knows who asked and what came of it.

mod file;
mod pages;
mod routes;
mod run;
#[cfg(test)]
mod tests;
mod views;

use chrono::TimeDelta;
use db::job::{Job, JobId};

pub(crate) use routes::routes;
pub use run::{MakeExport, SWEEP, SweepExports, sweeping};
pub use views::ExportPage;

/// How long a file is kept: a week's work, and no archive of events beside the lake.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(7);

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Comma-separated, for spreadsheets.
    Csv,
    /// One JSON object per line, whole events.
    Ndjson,
    /// Columns, whole events, as the lake keeps them.
    Parquet,
}

impl Kind {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "csv" => Some(Self::Csv),
            "ndjson" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => crate::file::PARQUET,
        }
    }
}

/// Returns the name of a job's file in the folder.
fn file_name(id: JobId) -> String {
    id.to_string()
}

/// Returns until when a job's file is kept.
pub(crate) fn kept_until(job: &Job) -> Option<chrono::DateTime<chrono::Utc>> {
    job.ended_at.map(|ended| ended + KEPT)
}
