//! What the pages of alerts show.

use askama::Template;
use chrono::{DateTime, Utc};
use event::{Level, Severity};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Lang, Permission, Phrase, filters};

use super::grouping::kind_word;
use super::model::{Alert, Closure, STATES, Status};
use super::story::Both;
use crate::directory::{AgencyCard, Directory, Named, SystemCard};
use crate::event_line::EventLine;
use crate::mark::Piece;
use crate::queue_view::ViewTabs;

/// One alert in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlertRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
    /// The rule's title, English.
    pub title: String,
    /// The rule's title, Vietnamese.
    pub title_vi: Option<String>,
    /// How bad.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// The system's level.
    #[schema(value_type = Option<u8>)]
    pub level: Option<Level>,
    /// `new`, `acknowledged`, `in_progress` or `closed`.
    pub state: String,
    /// How it ended: `resolved`, `false` or `duplicate`.
    pub closure: Option<String>,
    /// The agency.
    pub agency: String,
    /// The system, or the log source where there is none.
    pub place: String,
    /// What kind of thing it is about.
    pub entity_kind: String,
    /// What it is about.
    pub entity: String,
    /// How many findings.
    pub findings: u64,
    /// The first event.
    pub first_at: DateTime<Utc>,
    /// The last event.
    pub last_at: DateTime<Utc>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// Whether it is part of an incident.
    pub in_incident: bool,
    /// Until when it is put aside, if it was; what lies in the past is over.
    pub snoozed_until: Option<DateTime<Utc>>,
}

impl AlertRow {
    /// Returns the alert as a row.
    pub(crate) fn of(alert: &Alert, directory: &dyn Directory) -> Self {
        let closure = match &alert.status {
            Status::Closed(closure) => Some(closure.word().to_owned()),
            _ => None,
        };
        Self {
            id: alert.id.to_string(),
            number: alert.number.clone(),
            title: alert.title.clone(),
            title_vi: alert.title_vi.clone(),
            severity: alert.severity,
            level: alert.level,
            state: alert.status.word().to_owned(),
            closure,
            agency: directory.agency(alert.agency).map(|card| card.name).unwrap_or_default(),
            place: alert
                .system
                .and_then(|id| directory.system(id))
                .map(|card| card.name)
                .or_else(|| directory.source_name(alert.source))
                .unwrap_or_default(),
            entity_kind: kind_word(alert.entity.kind).to_owned(),
            entity: alert.entity.value.clone(),
            findings: alert.findings,
            first_at: alert.first_at,
            last_at: alert.last_at,
            assignee: alert.assignee.and_then(|id| directory.person_name(id)),
            in_incident: alert.incident.is_some(),
            snoozed_until: alert.snoozed_until,
        }
    }

    /// Returns the key of the state's word.
    pub fn state_key(&self) -> &'static str {
        state_key(&self.state, self.closure.as_deref())
    }

    /// Returns the key of the word for what it is about.
    pub fn entity_key(&self) -> &'static str {
        entity_key(&self.entity_kind)
    }
}

/// Returns the key of a state's word.
pub(crate) fn state_key(state: &str, closure: Option<&str>) -> &'static str {
    match (state, closure) {
        ("new", _) => "alert-state-new",
        ("acknowledged", _) => "alert-state-acknowledged",
        ("in_progress", _) => "alert-state-in-progress",
        (_, Some("resolved")) => "alert-closure-resolved",
        (_, Some("false")) => "alert-closure-false",
        (_, Some("duplicate")) => "alert-closure-duplicate",
        _ => "alert-state-closed",
    }
}

/// Returns the key of the word for a kind of entity.
pub(crate) fn entity_key(kind: &str) -> &'static str {
    match kind {
        "src_ip" => "alert-entity-src-ip",
        "user" => "alert-entity-user",
        "host" => "alert-entity-host",
        _ => "alert-entity-source",
    }
}

/// A count that opens its rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeverityCount {
    /// The severity.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// How many open alerts, counted up to a limit.
    pub count: u64,
    /// Whether there may be more.
    pub more: bool,
    /// Where they are.
    pub href: String,
}

/// A choice in a filter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// Its words, in the reader's language.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// Returns choices of names from the directory.
    pub(crate) fn named(names: Vec<Named>, chosen: Option<&str>) -> Vec<Self> {
        let choice = |one: Named| Self {
            chosen: chosen == Some(one.id.as_str()),
            value: one.id,
            name: one.name,
        };
        names.into_iter().map(choice).collect()
    }

    /// Returns choices of values with their words.
    pub(crate) fn words(lang: Lang, words: &[(&str, &'static str)], chosen: &str) -> Vec<Self> {
        let choice = |(value, key): &(&str, &'static str)| Self {
            value: (*value).to_owned(),
            name: Phrase::key(key).text(lang),
            chosen: *value == chosen,
        };
        words.iter().map(choice).collect()
    }

    /// Returns a choice of each severity.
    pub(crate) fn severities(lang: Lang, chosen: Option<Severity>) -> Vec<Self> {
        let choice = |severity: Severity| Self {
            value: severity.word().to_owned(),
            name: Phrase::key(filters::severity_key(severity)).text(lang),
            chosen: chosen == Some(severity),
        };
        Severity::WORST_FIRST.into_iter().map(choice).collect()
    }
}

/// What the list is filtered by, as chosen.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlertFilterView {
    /// States.
    pub states: Vec<Choice>,
    /// Severities.
    pub severities: Vec<Choice>,
    /// Lowest levels.
    pub levels: Vec<Choice>,
    /// Agencies in scope.
    pub agencies: Vec<Choice>,
    /// Systems in scope.
    pub systems: Vec<Choice>,
    /// Orders.
    pub orders: Vec<Choice>,
    /// The rule, if chosen.
    pub rule: String,
    /// Exactly this entity, if chosen.
    pub entity: String,
    /// Only mine.
    pub mine: bool,
    /// Words.
    pub text: String,
    /// The saved view that it comes from; empty for none.
    pub view: String,
    /// Whether anything but the start is chosen.
    pub active: bool,
}

/// The list of alerts.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "alert/list.html")]
pub struct AlertList {
    /// The filter.
    pub filter: AlertFilterView,
    /// Saved views of the list.
    pub views: ViewTabs,
    /// Open alerts of each severity.
    pub counts: Vec<SeverityCount>,
    /// The rows.
    pub alerts: Vec<AlertRow>,
    /// How many alerts were looked at, the newest, when too many hold the words to look at all.
    pub newest: Option<usize>,
    /// Where the list stands.
    pub pager: Pager,
    /// The address of this list as a file, without the ending.
    pub export: String,
    /// This page's address, for the way back after a change.
    pub back: String,
}

/// One reason why the rule fired.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MatchRow {
    /// The field; empty for a word anywhere.
    pub field: String,
    /// What people call the field, in the reader's language.
    pub name: String,
    /// What was there.
    pub value: String,
    /// The same, with what matched marked.
    pub marked: Vec<Piece>,
    /// What the rule looks for, as written in it.
    pub pattern: String,
    /// What the rule looks for, in the reader's words; never empty for a correlation.
    pub wanted: String,
    /// The selection in the rule.
    pub selection: String,
}

impl MatchRow {
    /// Returns whether the row tells how many events a correlation counted.
    pub fn counts_events(&self) -> bool {
        self.field.is_empty() && self.selection == "event_count"
    }

    /// Returns whether the row tells how many different values of the field a correlation counted.
    pub fn counts_values(&self) -> bool {
        self.selection == "value_count"
    }
}

/// A line under an alert: a comment or something done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HistoryLine {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; empty for the platform.
    pub who: String,
    /// The key of what was done; empty for a comment.
    pub action: String,
    /// A comment's or reason's words.
    pub text: String,
}

/// How an alert ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClosureView {
    /// `resolved`, `false` or `duplicate`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// The other alert's id, for a duplicate.
    pub duplicate_of: Option<String>,
}

impl ClosureView {
    pub(crate) fn of(status: &Status) -> Option<Self> {
        let Status::Closed(closure) = status else { return None };
        let (reason, duplicate_of) = match closure {
            Closure::Resolved(reason) | Closure::False(reason) => {
                (reason.as_str().to_owned(), None)
            }
            Closure::Duplicate(of) => (String::new(), Some(of.to_string())),
        };
        Some(Self { kind: closure.word().to_owned(), reason, duplicate_of })
    }
}

/// A link to the incident that an alert is part of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentLink {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
}

/// One alert: left the story, right the card.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "alert/detail.html")]
pub struct AlertPage {
    /// The alert.
    pub alert: AlertRow,
    /// Why it fired, in a sentence.
    pub why: Both,
    /// The same sentence in the reader's language, with what matched marked.
    pub told: Vec<Piece>,
    /// Why it fired, reason by reason.
    pub matched: Vec<MatchRow>,
    /// The rule's id.
    pub rule: String,
    /// Whether the rule is still loaded.
    pub rule_loaded: bool,
    /// The saved search that raised it, if one did.
    pub saved_search: Option<String>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// When it was made.
    pub detected_at: DateTime<Utc>,
    /// How it ended.
    pub closure: Option<ClosureView>,
    /// The events behind it, oldest first.
    pub events: Vec<EventLine>,
    /// How many event ids are kept in all.
    pub events_kept: u64,
    /// Whether the lake did not answer.
    pub events_unavailable: bool,
    /// These events in the search.
    pub search: String,
    /// The system's card.
    pub system: Option<SystemCard>,
    /// The agency's card.
    pub agency: Option<AgencyCard>,
    /// What to do first.
    pub first_steps: Vec<Both>,
    /// Other alerts about the same thing.
    pub related: Vec<AlertRow>,
    /// More of them.
    pub related_href: String,
    /// Who can take it.
    pub people: Vec<Choice>,
    /// The incident that it is part of.
    pub incident: Option<IncidentLink>,
    /// What was done and said, oldest first.
    pub history: Vec<HistoryLine>,
}

impl AlertPage {
    /// Returns whether someone may acknowledge it now.
    pub fn is_new(&self) -> bool {
        self.alert.state == STATES[0]
    }

    /// Returns whether work is left.
    pub fn is_open(&self) -> bool {
        self.closure.is_none()
    }

    /// Returns whether someone may say "I work on it" now.
    pub fn can_start(&self) -> bool {
        matches!(self.alert.state.as_str(), "new" | "acknowledged")
    }
}
