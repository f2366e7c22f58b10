//! What the pages of the room show.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::model::Comment;
use crate::alert::{AlertRow, Choice};
use crate::incident::{FindingsView, Head, Kin};

/// A task.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TaskRow {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// By whom.
    pub assignee: Option<String>,
    /// Until when.
    pub due_at: Option<DateTime<Utc>>,
    /// Who gave it.
    pub author: String,
    /// Who did it; nothing while it is open.
    pub done_by: Option<String>,
    /// When.
    pub done_at: Option<DateTime<Utc>>,
    /// Whether the reader may tick it off or open it again.
    pub may_set: bool,
}

/// What someone said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentRow {
    /// Who.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Their words.
    pub text: String,
}

impl From<Comment> for CommentRow {
    fn from(comment: Comment) -> Self {
        Self { author: comment.author, made_at: comment.made_at, text: comment.text }
    }
}

/// An observable.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ObservableRow {
    /// Its id.
    pub id: String,
    /// `ip`, `domain`, `url`, `hash` or `email`.
    pub kind: String,
    /// Its value, defanged.
    pub shown: String,
    /// What people say of it.
    pub note: String,
    /// Who named it.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The search for it over the past month.
    pub search: String,
    /// Other incidents that have it as well.
    pub elsewhere: Vec<Kin>,
    /// Whether it stands on the list of indicators: every new event is held against it.
    pub is_watched: bool,
}

impl ObservableRow {
    /// Returns the key of the kind's word.
    pub fn kind_key(&self) -> &'static str {
        match self.kind.as_str() {
            "ip" => "room-kind-ip",
            "domain" => "room-kind-domain",
            "url" => "room-kind-url",
            "hash" => "room-kind-hash",
            _ => "room-kind-email",
        }
    }
}

/// A linked search.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchRow {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its line.
    pub line: String,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Who linked it.
    pub author: String,
    /// Where it is asked.
    pub href: String,
}

/// The tab of observables and searches.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "room/observables.html")]
pub struct ObservablesPage {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// The observables, by kind and value.
    pub observables: Vec<ObservableRow>,
    /// The searches.
    pub searches: Vec<SearchRow>,
}

/// The tab of alerts, where incidents are split and merged.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "room/alerts.html")]
pub struct IncidentAlertsPage {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// The alerts, the earliest first.
    pub alerts: Vec<AlertRow>,
    /// All of them in the list.
    pub alerts_href: String,
}

/// The tab where an incident ends.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "room/closing.html")]
pub struct ClosingPage {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// What it leaves behind, once it is closed.
    pub findings: Option<FindingsView>,
    /// Who can be given what follows.
    pub participants: Vec<Choice>,
    /// Tasks that are still open.
    pub open_tasks: u64,
}
