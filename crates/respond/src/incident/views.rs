//! What the pages of incidents show.

use crate::queue_view::ViewTabs;
use askama::Template;
use chrono::{DateTime, Utc};
use event::Severity;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Lang, Permission, filters};

use super::list::MERGED;
use super::model::{Entry, EntryKind, Incident, IncidentStatus};
use crate::alert::{AlertRow, Choice};
use crate::directory::{AgencyCard, Directory, SystemCard};
use crate::hold::HoldView;
use crate::notice::NoticeCard;
use crate::obligation::{ClockPanel, Obligations};
use crate::room::{CommentRow, TaskRow};

/// One incident in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
    /// What happened.
    pub title: String,
    /// How bad.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// `open`, `contained`, `closed` or `merged`.
    pub state: String,
    /// The agency.
    pub agency: String,
    /// Who leads.
    pub assignee: Option<String>,
    /// When it happened, as far as known.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it was seen.
    pub detected_at: DateTime<Utc>,
    /// When it was reported onward.
    pub reported_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
}

impl IncidentRow {
    /// Returns the incident as a row.
    pub(crate) fn of(incident: &Incident, directory: &dyn Directory) -> Self {
        Self {
            id: incident.id.to_string(),
            number: incident.number.clone(),
            title: incident.title.clone(),
            severity: incident.severity,
            state: match incident.merged_into {
                Some(_) => MERGED.to_owned(),
                None => incident.status.word().to_owned(),
            },
            agency: directory
                .agency_name_on(incident.agency, incident.detected_at)
                .unwrap_or_default(),
            assignee: incident.assignee.and_then(|id| directory.person_name(id)),
            occurred_at: incident.occurred_at,
            detected_at: incident.detected_at,
            reported_at: incident.reported_at,
            opened_at: incident.opened_at,
        }
    }

    /// Returns the key of the state's word.
    pub fn state_key(&self) -> &'static str {
        match self.state.as_str() {
            "open" => "incident-state-open",
            "contained" => "incident-state-contained",
            "merged" => "incident-state-merged",
            _ => "incident-state-closed",
        }
    }
}

/// The list of incidents.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "incident/list.html")]
pub struct IncidentList {
    /// Saved views of the list.
    pub views: ViewTabs,
    /// The one that the list is seen through; empty for none.
    pub view: String,
    /// States to filter by.
    pub states: Vec<Choice>,
    /// Severities to filter by.
    pub severities: Vec<Choice>,
    /// Agencies to filter by.
    pub agencies: Vec<Choice>,
    /// Words to filter by.
    pub text: String,
    /// Only mine.
    pub mine: bool,
    /// Whether anything is filtered.
    pub active: bool,
    /// The rows.
    pub incidents: Vec<IncidentRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// A line of the timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineLine {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it was written down.
    pub made_at: DateTime<Utc>,
    /// `occurred`, `detected`, `step`, `note`, or `reminder-` with the stage.
    pub kind: String,
    /// Who wrote it; empty for the platform.
    pub author: String,
    /// Its words; a step's word for a step.
    pub text: String,
    /// Where what it tells of is seen.
    pub href: Option<String>,
    /// How many events a search found.
    pub count: Option<u64>,
}

impl TimelineLine {
    /// Returns an entry as a line; a reminder tells what is due in the reader's language.
    pub(crate) fn of(entry: Entry, obligations: &Obligations, lang: Lang) -> Self {
        let (kind, text) = match (entry.kind, entry.text.split_once(' ')) {
            (EntryKind::Reminder, Some((stage, id))) => {
                (format!("reminder-{stage}"), obligations.name(id, lang).to_owned())
            }
            (kind, _) => (kind.word().to_owned(), entry.text),
        };
        let mut line = Self {
            at: entry.at,
            made_at: entry.made_at,
            kind,
            author: entry.author,
            text,
            href: None,
            count: None,
        };
        if entry.kind == EntryKind::Search {
            let mut parts = line.text.splitn(3, ' ').map(ToOwned::to_owned);
            line.count = parts.next().and_then(|count| count.parse().ok());
            line.href = parts.next().filter(|href| href.starts_with("/search?"));
            line.text = parts.next().unwrap_or_default();
        }
        line
    }

    /// Returns the key of what the line is.
    pub fn kind_key(&self) -> &'static str {
        match (self.kind.as_str(), step_word(&self.text)) {
            ("occurred", _) => "incident-line-occurred",
            ("detected", _) => "incident-line-detected",
            ("step", "opened") => "incident-line-opened",
            ("step", "contained") => "incident-line-contained",
            ("step", "closed") => "incident-line-closed",
            ("step", "reopened") => "incident-line-reopened",
            ("step", "merged-in") => "incident-line-merged-in",
            ("step", "merged-into") => "incident-line-merged-into",
            ("step", "merged-out") => "incident-line-merged-out",
            ("step", "split-off") => "incident-line-split-off",
            ("step", "split-from") => "incident-line-split-from",
            ("step", "playbook-started") => "incident-line-playbook-started",
            ("step", "playbook-done") => "incident-line-playbook-done",
            ("step", "playbook-abandoned") => "incident-line-playbook-abandoned",
            ("step", "playbook-answer-yes") => "incident-line-playbook-yes",
            ("step", "playbook-answer-no") => "incident-line-playbook-no",
            ("search", _) => "incident-line-search",
            ("step", _) => "incident-line-reported",
            ("reminder-near", _) => "incident-line-reminder-near",
            ("reminder-close", _) => "incident-line-reminder-close",
            ("reminder-over", _) => "incident-line-reminder-over",
            _ => "incident-line-note",
        }
    }

    /// Returns the words to show; a step has its kind, and the number of another incident if it names one.
    pub fn words(&self) -> &str {
        match self.text.split_once(' ') {
            Some((_, number)) if self.kind == "step" => number,
            None if self.kind == "step" => "",
            _ => &self.text,
        }
    }
}

/// Returns the word of a step, which may name another incident after it.
pub(crate) fn step_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// What an incident leaves behind.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingsView {
    /// Why it could happen.
    pub cause: String,
    /// What it did.
    pub impact: String,
    /// What we do differently.
    pub lessons: String,
    /// What it cost.
    pub cost: Option<String>,
    /// What follows.
    pub follow_up: Option<String>,
}

impl FindingsView {
    pub(crate) fn of(status: &IncidentStatus) -> Option<Self> {
        let IncidentStatus::Closed(left) = status else { return None };
        Some(Self {
            cause: left.cause.as_str().to_owned(),
            impact: left.impact.as_str().to_owned(),
            lessons: left.lessons.as_str().to_owned(),
            cost: left.cost.as_ref().map(|text| text.as_str().to_owned()),
            follow_up: left.follow_up.as_ref().map(|text| text.as_str().to_owned()),
        })
    }
}

/// The head and the tabs of every page of one incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Head {
    /// The incident.
    pub incident: IncidentRow,
    /// Which tab is open.
    pub tab: &'static str,
    /// What it was merged into.
    pub merged_into: Option<Kin>,
    /// What was merged into it.
    pub merged: Vec<Kin>,
    /// What it was split from, if it can be put back.
    pub split_from: Option<Kin>,
    /// How many alerts, of the family.
    pub alert_count: u64,
    /// How many observables.
    pub observable_count: u64,
    /// How many pieces of evidence.
    pub evidence_count: u64,
    /// How many playbooks run.
    pub playbook_count: u64,
}

/// Another incident that this one is or was part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Kin {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
}

impl Head {
    /// Returns whether work is left here.
    pub fn is_open(&self) -> bool {
        matches!(self.incident.state.as_str(), "open" | "contained")
    }

    /// Returns whether someone may say that it spreads no further.
    pub fn can_contain(&self) -> bool {
        self.incident.state == "open"
    }

    /// Returns whether a tab is open.
    pub fn is_at(&self, tab: &str) -> bool {
        self.tab == tab
    }
}

/// One incident.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "incident/detail.html")]
pub struct IncidentPage {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// Who must be told, and by when.
    pub clocks: ClockPanel,
    /// When it stopped spreading.
    pub contained_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// What is held of its logs, the newest hold first.
    pub holds: Vec<HoldView>,
    /// What it leaves behind.
    pub findings: Option<FindingsView>,
    /// What its agency's officer answered to the six questions, if it began so.
    pub notice: Option<NoticeCard>,
    /// The timeline, the oldest line first.
    pub timeline: Vec<TimelineLine>,
    /// Its alerts, at most a page of them.
    #[serde(rename = "alerts")]
    pub alert_rows: Vec<AlertRow>,
    /// All of its alerts in the list.
    pub alerts_href: String,
    /// Its systems.
    pub systems: Vec<SystemCard>,
    /// The agency that owns it.
    pub agency: Option<AgencyCard>,
    /// Who can lead it.
    pub people: Vec<Choice>,
    /// Who can be given a task, or be mentioned.
    pub participants: Vec<Choice>,
    /// Its tasks, open ones first.
    pub tasks: Vec<TaskRow>,
    /// What people say to each other, the oldest first.
    pub comments: Vec<CommentRow>,
}

impl IncidentPage {
    /// Returns whether its logs are held.
    pub fn is_held(&self) -> bool {
        self.holds.iter().any(|hold| hold.lifted_at.is_none())
    }
}
