//! What the page of a file shows.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::filters;

/// A file that was made for the reader.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "export/detail.html")]
pub struct ExportPage {
    /// The id.
    pub id: String,
    /// The query line.
    pub line: String,
    /// The earliest time, inclusive.
    pub from: DateTime<Utc>,
    /// The latest time, exclusive.
    pub to: DateTime<Utc>,
    /// `csv`, `ndjson` or `parquet`.
    pub format: &'static str,
    /// Whether it is made and still there.
    pub ready: bool,
    /// How many rows it has.
    pub rows: u64,
    /// How long it is.
    pub size_bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Whether it ends at the largest size, and older events lack.
    pub cut: bool,
    /// Until when it is kept.
    pub until: Option<DateTime<Utc>>,
}
