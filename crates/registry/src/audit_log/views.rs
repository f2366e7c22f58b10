//! The page of the audit log.

use askama::Template;
use chrono::{DateTime, Utc};
use db::audit::{AuditRow, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use web::filters;

use super::words;

/// One entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EntryRow {
    pub(crate) seq: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor_kind: String,
    pub(crate) actor_name: String,
    pub(crate) address: Option<String>,
    pub(crate) action: String,
    pub(crate) subject_kind: String,
    pub(crate) subject_id: String,
    /// What changed, JSON exactly as hashed.
    pub(crate) detail: String,
    pub(crate) hash: String,
}

impl From<AuditRow> for EntryRow {
    fn from(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_name: row.actor_name,
            address: row.address,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            detail: row.detail,
            hash: row.hash,
        }
    }
}

impl EntryRow {
    /// Returns the key of what was done.
    pub(crate) fn action_key(&self) -> Option<&'static str> {
        words::action(&self.action)
    }

    /// Returns the key of what was changed.
    pub(crate) fn subject_key(&self) -> Option<&'static str> {
        words::subject(&self.subject_kind)
    }

    /// Returns the key of who did it, unless it was a person.
    pub(crate) fn actor_key(&self) -> Option<&'static str> {
        words::actor(&self.actor_kind)
    }

    /// Returns the page of the thing changed, where it has one.
    pub(crate) fn link(&self) -> Option<String> {
        let place = match self.subject_kind.as_str() {
            "agency" => "agencies",
            "system" => "systems",
            "source" => "sources",
            "dead_letter" => "dead-letters",
            "alert" => "alerts",
            "incident" => "incidents",
            _ => return None,
        };
        (!self.subject_id.is_empty()).then(|| format!("/{place}/{}", self.subject_id))
    }

    /// Returns the detail on several lines, for people.
    pub(crate) fn pretty(&self) -> String {
        serde_json::from_str::<serde_json::Value>(&self.detail)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or_else(|_| self.detail.clone())
    }
}

/// What the check of the chain found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Checked {
    pub(crate) entries: u64,
    /// The first entry that does not fit; nothing when the chain holds.
    pub(crate) first_bad: Option<i64>,
    pub(crate) head: Option<String>,
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        Self { entries: verdict.entries, first_bad: verdict.first_bad, head: verdict.head }
    }
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "audit_log/list.html")]
pub(crate) struct AuditList {
    pub(crate) rows: Vec<EntryRow>,
    pub(crate) checked: Option<Checked>,
    /// Address of the older entries.
    pub(crate) older: Option<String>,
    #[serde(skip)]
    pub(crate) action: String,
    #[serde(skip)]
    pub(crate) actor: String,
    #[serde(skip)]
    pub(crate) subject: String,
    #[serde(skip)]
    pub(crate) query: String,
}
