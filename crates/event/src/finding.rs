//! A finding: one rule saw something in one event (or, for a correlation, in several).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{EventId, Origin, Severity};

/// What a rule saw. Findings group into alerts; a finding is never edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id (Sigma `id`).
    pub rule: String,
    /// The rule's title as written in it (English); screens prefer `title_vi`.
    pub title: String,
    /// The Vietnamese title, if the rule carries one (custom attribute `title_vi`).
    pub title_vi: Option<String>,
    /// The rule's `level`, before the system's level is weighed in.
    pub severity: Severity,
    /// ATT&CK and other tags of the rule.
    pub tags: Vec<String>,
    /// The event that completed the finding.
    pub event: EventId,
    /// All events behind it, oldest first; at most [`Finding::EVENTS_MAX`]. One for a plain rule.
    pub events: Vec<EventId>,
    /// Whose system it is.
    pub origin: Origin,
    /// When the completing event happened.
    pub occurred_at: DateTime<Utc>,
    /// What the finding is about: alerts group by it.
    pub entity: Entity,
    /// Which selection, field and value matched; empty only for silence.
    pub matched: Vec<Match>,
    /// For a correlation: how many (events or distinct values) were seen; 1 for a plain rule.
    pub count: u64,
}

impl Finding {
    /// How many event ids a finding carries: enough to show, bounded under a flood.
    pub const EVENTS_MAX: usize = 100;

    /// Returns what makes this finding the same one when a crash has it made again.
    pub fn key(&self) -> FindingKey {
        FindingKey { rule: self.rule.clone(), event: self.event }
    }
}

/// Identity of a finding: the same rule on the same completing event is the same finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingKey {
    /// The rule's id.
    pub rule: String,
    /// The completing event.
    pub event: EventId,
}

/// One reason why a rule fired: shown as a sentence and as a highlight.
///
/// Counts, indicators and baselines put their kind into `selection` and leave the rest of the reason to
/// its default: `Match { selection, field, value, pattern, ..Match::default() }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The selection in the rule (`selection_img`).
    pub selection: String,
    /// The field as the rule names it; empty for a keyword search over the whole event.
    pub field: String,
    /// The value that was in the event, cut to [`Match::VALUE_CHARS_MAX`] characters around what
    /// matched.
    pub value: String,
    /// What the rule looked for, as written in it (`*\cmd.exe`).
    pub pattern: String,
    /// How the value meets the pattern; `None` where `selection` says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchKind>,
    /// The characters of `value` that met the pattern, as first and one past the last; `None` for
    /// the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<(usize, usize)>,
}

impl Match {
    /// How much of a value is kept in a finding; the event itself has the rest.
    pub const VALUE_CHARS_MAX: usize = 512;
}

/// How a value meets what a rule wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// The whole value is this.
    Is,
    /// The value begins so.
    Starts,
    /// The value ends so.
    Ends,
    /// The value holds this.
    Contains,
    /// The value has this shape: wildcards inside.
    Like,
    /// A regular expression finds something.
    Regex,
    /// The address is inside this network.
    Network,
    /// The number compares so.
    Number,
    /// A part of the time is this.
    Time,
    /// It compares so with another field of the same event.
    Field,
    /// The field is there.
    Present,
    /// The field is absent, or empty.
    Absent,
    /// The value is anything but this.
    Not,
    /// A whole selection that must not hold does not.
    Lacks,
}

/// What kind of thing a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A remote address.
    SrcIp,
    /// An account.
    User,
    /// A machine of ours.
    Host,
    /// Nothing narrower than the log source itself.
    Source,
}

/// What a finding is about: the attacker's address, the account, the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What kind of thing.
    pub kind: EntityKind,
    /// Its name as the event wrote it.
    pub value: String,
}
