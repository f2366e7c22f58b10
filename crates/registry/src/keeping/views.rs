//! The page of keeping.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use event::Level;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::{Hold, Record};

/// How long one system's logs are kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TermRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) agency: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    /// The least months that the law wants.
    pub(crate) legal_months: u32,
    /// The standard that says so.
    pub(crate) base: String,
    /// The months that hold.
    pub(crate) months: u32,
    /// Whether someone set them.
    pub(crate) is_set: bool,
    /// Why, by whom and when; empty where nobody did.
    pub(crate) reason: String,
    /// Logs of days before this one go.
    pub(crate) kept_from: NaiveDate,
    /// The longer term by which they still go, after it was made shorter.
    pub(crate) longer: Option<LongerView>,
}

/// A longer term that still holds after it was made shorter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LongerView {
    pub(crate) months: u32,
    pub(crate) until: DateTime<Utc>,
}

impl LongerView {
    /// Returns until when, on Vietnam's clock.
    pub(crate) fn day(&self) -> String {
        web::figures::vietnam(self.until).format("%d/%m/%Y").to_string()
    }
}

/// What is held for an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HoldRow {
    pub(crate) incident: String,
    pub(crate) number: String,
    pub(crate) systems: Vec<String>,
    pub(crate) from: DateTime<Utc>,
    pub(crate) reason: String,
    pub(crate) set_by: String,
    pub(crate) set_at: DateTime<Utc>,
    /// Until when it still keeps logs, where it was lifted.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl From<Hold> for HoldRow {
    fn from(hold: Hold) -> Self {
        Self {
            incident: hold.incident,
            number: hold.number,
            systems: hold.systems,
            from: hold.from,
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: hold.set_at,
            until: hold.until,
        }
    }
}

/// A deletion, a quarantine or the loss of a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecordRow {
    pub(crate) seq: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: String,
    /// The file, below the lake's folder.
    pub(crate) file: String,
    /// How many events went.
    pub(crate) events: u64,
    /// All of the record, as JSON.
    #[schema(value_type = Object)]
    pub(crate) detail: serde_json::Value,
    pub(crate) hash: String,
}

impl From<Record> for RecordRow {
    fn from(record: Record) -> Self {
        let text = |name: &str| record.detail.get(name).and_then(serde_json::Value::as_str);
        let count = |name: &str| record.detail.get(name).and_then(serde_json::Value::as_u64);
        Self {
            seq: record.seq,
            at: record.at,
            file: text("file").unwrap_or_default().to_owned(),
            events: count("events").or_else(|| count("events_lost")).unwrap_or_default(),
            kind: record.kind,
            detail: record.detail,
            hash: record.hash,
        }
    }
}

impl RecordRow {
    /// Returns the key of what happened.
    pub(crate) fn key(&self) -> &'static str {
        match self.kind.as_str() {
            "deletion" => "keeping-deleted",
            "quarantine" => "keeping-quarantined",
            _ => "keeping-missing",
        }
    }

    /// Returns the record on several lines.
    pub(crate) fn pretty(&self) -> String {
        serde_json::to_string_pretty(&self.detail).unwrap_or_default()
    }
}

/// How the chain over the files is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChainView {
    pub(crate) entries: u64,
    pub(crate) holds: bool,
    pub(crate) head: String,
}

/// The page.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "keeping/page.html")]
pub(crate) struct KeepingPage {
    pub(crate) terms: Vec<TermRow>,
    /// Months for logs of no system.
    pub(crate) other_months: u32,
    pub(crate) holds: Vec<HoldRow>,
    pub(crate) records: Vec<RecordRow>,
    /// Address of the older records.
    pub(crate) older: Option<String>,
    /// The chain, if it was asked for.
    pub(crate) chain: Option<ChainView>,
    /// The day of the oldest events.
    pub(crate) oldest: Option<NaiveDate>,
    pub(crate) lake_bytes: u64,
}
