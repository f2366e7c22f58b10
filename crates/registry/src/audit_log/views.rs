//! The page of the audit log.

use askama::Template;
use chrono::{DateTime, Utc};
use db::audit::{Anchor, AuditRow, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use web::filters;

use super::words;
use crate::forms::Choice;

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
            "post" => "posts",
            "person" => "people",
            "account" => "accounts",
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
    /// The first printed mark that the chain does not bear out.
    pub(crate) first_missed: Option<i64>,
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        Self {
            entries: verdict.entries,
            first_bad: verdict.first_bad,
            head: verdict.head,
            first_missed: verdict.first_missed,
        }
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
    pub(crate) from: String,
    #[serde(skip)]
    pub(crate) to: String,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// A month's anchor: one page of paper, to be signed and put away.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "audit_log/anchor.html")]
pub(crate) struct AnchorSheet {
    /// The month, `2026-11`.
    pub(crate) month: String,
    pub(crate) from: DateTime<Utc>,
    /// The first moment after it.
    pub(crate) to: DateTime<Utc>,
    /// Entries made in it.
    pub(crate) entries: u64,
    /// The last entry made before its end.
    pub(crate) last: Option<i64>,
    /// Its hash.
    pub(crate) hash: Option<String>,
    /// Whether the month is over.
    pub(crate) is_over: bool,
    pub(crate) printed_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) mark: String,
    /// What holding the given mark against the chain found.
    pub(crate) checked: Option<Checked>,
}

impl AnchorSheet {
    pub(crate) fn new(
        month: String,
        anchor: &Anchor,
        now: DateTime<Utc>,
        (mark, checked): (String, Option<Verdict>),
    ) -> Self {
        Self {
            month,
            from: anchor.from,
            to: anchor.to,
            entries: anchor.entries,
            last: anchor.mark.as_ref().map(|mark| mark.seq),
            hash: anchor.mark.as_ref().map(|mark| mark.hash.clone()),
            is_over: anchor.to <= now,
            printed_at: now,
            mark,
            checked: checked.map(Checked::from),
        }
    }

    /// Returns the hash in groups of eight, as people read it out.
    pub(crate) fn groups(&self) -> String {
        let hash: Vec<char> = self.hash.iter().flat_map(|hash| hash.chars()).collect();
        let groups: Vec<String> = hash.chunks(8).map(|group| group.iter().collect()).collect();
        groups.join(" ")
    }
}
