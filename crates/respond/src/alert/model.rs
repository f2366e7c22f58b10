//! An alert: what findings become for people, and the few states it goes through.

use chrono::{DateTime, Datelike as _, Utc};
use event::{
    AccountId, AgencyId, AlertId, Entity, EventId, IncidentId, Level, Match, Severity, SourceId,
    SystemId,
};
use serde::{Deserialize, Serialize};

use crate::limits::{EVENTS_PER_END, REASON_CHARS_MIN, TEXT_CHARS_MAX};

/// Findings of one rule about one entity of one system, close in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// What people read aloud: `CB-2026-00042`.
    pub number: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's title, English.
    pub title: String,
    /// The rule's title, Vietnamese, if it has one.
    pub title_vi: Option<String>,
    /// How bad it is on this system: the rule's level weighed by the system's.
    pub severity: Severity,
    /// The system's level when the alert was made.
    pub level: Option<Level>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// Who owns the system.
    pub agency: AgencyId,
    /// The system, if the log source belongs to one.
    pub system: Option<SystemId>,
    /// The log source of the first finding.
    pub source: SourceId,
    /// What it is about.
    pub entity: Entity,
    /// Where it stands.
    pub status: Status,
    /// Who works on it.
    pub assignee: Option<AccountId>,
    /// The incident that it is part of.
    pub incident: Option<IncidentId>,
    /// Until when it is put aside; it is in the list again from then on, and as soon as anyone touches it.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Why the first finding fired.
    pub matched: Vec<Match>,
    /// How many findings it holds.
    pub findings: u64,
    /// The events behind it, both ends.
    pub events: EventSample,
    /// When the first finding's event happened.
    pub first_at: DateTime<Utc>,
    /// When the last finding's event happened.
    pub last_at: DateTime<Utc>,
    /// When the platform made the alert: the moment of detection.
    pub detected_at: DateTime<Utc>,
    /// When anyone or anything last changed it.
    pub changed_at: DateTime<Utc>,
}

impl Alert {
    /// Returns the title in the reader's language.
    pub fn title_in(&self, vietnamese: bool) -> &str {
        self.title_vi.as_deref().filter(|_| vietnamese).unwrap_or(&self.title)
    }
}

/// Returns the number by which open alerts are ordered: severity first, then the system's level.
pub fn priority(severity: Severity, level: Option<Level>) -> i16 {
    i16::from(severity.number()) * 10 + level.map_or(0, |level| i16::from(level.number()))
}

/// Returns the year that a number carries: Vietnam's, which turns seven hours before UTC's.
pub(crate) fn vietnam_year(now: DateTime<Utc>) -> i32 {
    web::figures::vietnam(now).year()
}

/// The first and the last event ids of an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSample {
    /// The first ones, oldest first.
    pub first: Vec<EventId>,
    /// The last ones that are not among the first, oldest first.
    pub last: Vec<EventId>,
}

impl EventSample {
    /// Adds an event that came after those already here; what is neither among the first nor the
    /// last is only counted, elsewhere.
    pub fn push(&mut self, id: EventId) {
        if self.first.contains(&id) || self.last.contains(&id) {
            return;
        }
        if self.first.len() < EVENTS_PER_END {
            self.first.push(id);
            return;
        }
        if self.last.len() >= EVENTS_PER_END {
            self.last.remove(0);
        }
        self.last.push(id);
    }

    /// Returns all kept ids, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = EventId> {
        self.first.iter().chain(&self.last).copied()
    }
}

/// A text that explains something: trimmed, not empty, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Reason(String);

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("too short or too long for a reason")
    }
}

impl Reason {
    /// Returns the reason, if the text is long enough to be one.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let chars = text.chars().count();
        (REASON_CHARS_MIN..=TEXT_CHARS_MAX).contains(&chars).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How an alert ended. There is none without an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closure {
    /// It was real and is dealt with: what was done.
    Resolved(Reason),
    /// It was not what the rule thought: because …
    False(Reason),
    /// Another alert tells the same.
    Duplicate(AlertId),
}

impl Closure {
    /// The word of an alert that was not what the rule thought.
    pub(crate) const FALSE: &'static str = "false";

    /// Returns the word used in columns, addresses and translation keys.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Resolved(_) => "resolved",
            Self::False(_) => Self::FALSE,
            Self::Duplicate(_) => "duplicate",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nobody has looked.
    New,
    /// Someone has seen it.
    Acknowledged,
    /// Someone works on it.
    InProgress,
    /// It is over, and why.
    Closed(Closure),
}

/// The words of [`Status`], in the order of life.
pub(crate) const STATES: [&str; 4] = ["new", "acknowledged", "in_progress", "closed"];

/// What someone does to an alert's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// "I have seen it."
    Acknowledge,
    /// "I work on it."
    Start,
    /// "It is over."
    Close(Closure),
    /// "It is not over."
    Reopen,
}

impl Step {
    /// Returns the word used in audit entries.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Start => "started",
            Self::Close(_) => "closed",
            Self::Reopen => "reopened",
        }
    }
}

/// The state does not allow the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an alert that is {state} cannot be {step}")]
pub struct WrongState {
    /// Where it stands.
    pub state: &'static str,
    /// What was asked.
    pub step: &'static str,
}

impl Status {
    /// Returns the word used in columns, addresses and translation keys.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::Closed(_) => "closed",
        }
    }

    /// Returns whether work is left.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }

    /// Returns the status after a step. A step that changes nothing is refused, so that history
    /// holds no empty lines.
    ///
    /// # Errors
    /// [`WrongState`] when the step does not lead on from here.
    pub fn after(&self, step: Step) -> Result<Self, WrongState> {
        match (self, step) {
            (Self::New, Step::Acknowledge) => Ok(Self::Acknowledged),
            (Self::New | Self::Acknowledged, Step::Start) | (Self::Closed(_), Step::Reopen) => {
                Ok(Self::InProgress)
            }
            (Self::New | Self::Acknowledged | Self::InProgress, Step::Close(closure)) => {
                Ok(Self::Closed(closure))
            }
            (from, step) => Err(WrongState { state: from.word(), step: step.word() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use event::IdSource;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Press {
        Acknowledge,
        Start,
        Resolve(String),
        False(String),
        Reopen,
    }

    fn presses() -> impl Strategy<Value = Vec<Press>> {
        let press = prop_oneof![
            Just(Press::Acknowledge),
            Just(Press::Start),
            Just(Press::Reopen),
            "\\PC{0,12}".prop_map(Press::Resolve),
            "[ \\t\\n]{0,9}".prop_map(Press::False),
            "[a-z ]{0,12}".prop_map(Press::False),
        ];
        prop::collection::vec(press, 0..24)
    }

    fn step(press: &Press) -> Option<Step> {
        Some(match press {
            Press::Acknowledge => Step::Acknowledge,
            Press::Start => Step::Start,
            Press::Reopen => Step::Reopen,
            Press::Resolve(text) => Step::Close(Closure::Resolved(Reason::new(text)?)),
            Press::False(text) => Step::Close(Closure::False(Reason::new(text)?)),
        })
    }

    proptest! {
        #[test]
        fn no_path_closes_an_alert_without_a_reason(presses in presses()) {
            let mut status = Status::New;
            for press in &presses {
                let before = status.clone();
                if let Some(next) = step(press).and_then(|step| status.after(step).ok()) {
                    prop_assert_ne!(&next, &Status::New, "nothing becomes unseen again");
                    prop_assert_ne!(&next, &before, "a step changes something");
                    status = next;
                }
                if let Status::Closed(Closure::Resolved(why) | Closure::False(why)) = &status {
                    prop_assert!(why.as_str().trim().chars().count() >= REASON_CHARS_MIN);
                }
            }
        }

        #[test]
        fn a_sample_keeps_both_ends(count in 0_usize..500) {
            let ids = IdSource::seeded(3);
            let made: Vec<EventId> = (0..count).map(|_| ids.event(DateTime::UNIX_EPOCH)).collect();
            let mut sample = EventSample::default();
            for id in &made {
                sample.push(*id);
                sample.push(*id);
            }
            let kept: Vec<EventId> = sample.iter().collect();
            prop_assert!(kept.len() <= 2 * EVENTS_PER_END);
            prop_assert_eq!(kept.len(), count.min(2 * EVENTS_PER_END));
            prop_assert_eq!(kept.first(), made.first());
            prop_assert_eq!(kept.last(), made.last());
            prop_assert!(kept.is_sorted());
        }
    }

    #[test]
    fn the_year_turns_in_vietnam() {
        let at = |text: &str| vietnam_year(text.parse().unwrap());
        assert_eq!(at("2026-12-31T16:59:59Z"), 2026);
        assert_eq!(at("2026-12-31T17:00:00Z"), 2027);
    }

    #[test]
    fn worse_comes_before_higher_level() {
        let order = [
            priority(Severity::Critical, None),
            priority(Severity::High, Level::new(4)),
            priority(Severity::High, Level::new(3)),
            priority(Severity::Medium, Level::new(5)),
        ];
        assert!(order.is_sorted_by(|a, b| a > b));
    }
}
