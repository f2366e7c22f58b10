//! An incident: alerts that someone has confirmed to be one thing that harms, with its own life.

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId, IncidentId, Severity, SystemId};
use serde::Serialize;

use crate::alert::Reason;

/// Something that harms an agency's systems, and what is done about it.
///
/// Its three times are kept apart because the law counts from the first, the duty room from the
/// second, and the report is the third.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What people read aloud: `SC-2026-0042`.
    pub number: String,
    /// What happened, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// The agency whose systems are harmed.
    pub agency: AgencyId,
    /// The systems.
    pub systems: Vec<SystemId>,
    /// Who leads the work.
    pub assignee: Option<AccountId>,
    /// When it happened, as far as known: the earliest event of its alerts.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When the platform saw it: the earliest of its alerts.
    pub detected_at: DateTime<Utc>,
    /// When it was reported onward, if it was.
    pub reported_at: Option<DateTime<Utc>>,
    /// When someone made it of alerts.
    pub opened_at: DateTime<Utc>,
    /// When it stopped spreading.
    pub contained_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The incident that it was found to be part of: work goes on there.
    pub merged_into: Option<IncidentId>,
}

/// What an incident leaves behind. It cannot be closed without all of it; those closed by older versions
/// say nothing of cost and of what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Why it could happen.
    pub cause: Reason,
    /// What it did.
    pub impact: Reason,
    /// What we do differently.
    pub lessons: Reason,
    /// What it cost: hours, money, what could not be done meanwhile.
    pub cost: Option<Reason>,
    /// What follows from it.
    pub follow_up: Option<Reason>,
}

/// Where an incident stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentStatus {
    /// Work goes on.
    Open,
    /// It spreads no further.
    Contained,
    /// It is over, with what it leaves behind.
    Closed(Findings),
}

/// What someone does to an incident's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentStep {
    /// It spreads no further.
    Contain,
    /// It is over.
    Close(Findings),
    /// It is not over, or spreads again.
    Reopen,
}

impl IncidentStep {
    /// Returns the word used in audit entries.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Contain => "contained",
            Self::Close(_) => "closed",
            Self::Reopen => "reopened",
        }
    }
}

/// The state does not allow the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an incident that is {state} cannot be {step}")]
pub struct IncidentStateError {
    /// Where it stands.
    pub state: &'static str,
    /// What was asked.
    pub step: &'static str,
}

impl IncidentStatus {
    /// Returns the word used in columns, addresses and translation keys.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Contained => "contained",
            Self::Closed(_) => "closed",
        }
    }

    /// Returns whether work is left.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }

    /// Returns the status after a step.
    ///
    /// # Errors
    /// [`IncidentStateError`] when the step does not lead on from here.
    pub fn after(&self, step: IncidentStep) -> Result<Self, IncidentStateError> {
        match (self, step) {
            (Self::Open, IncidentStep::Contain) => Ok(Self::Contained),
            (Self::Open | Self::Contained, IncidentStep::Close(findings)) => {
                Ok(Self::Closed(findings))
            }
            (Self::Contained | Self::Closed(_), IncidentStep::Reopen) => Ok(Self::Open),
            (from, step) => Err(IncidentStateError { state: from.word(), step: step.word() }),
        }
    }
}

/// What a line of a timeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// The first event of an alert.
    Occurred,
    /// An alert was made.
    Detected,
    /// Someone did something here.
    Step,
    /// Someone wrote it.
    Note,
    /// A deadline came near or passed: the stage's word and the obligation's id.
    Reminder,
    /// A search of a playbook: how many events, where they are seen, and what it is called.
    Search,
}

impl EntryKind {
    /// Returns the word used in columns and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Occurred => "occurred",
            Self::Detected => "detected",
            Self::Step => "step",
            Self::Note => "note",
            Self::Reminder => "reminder",
            Self::Search => "search",
        }
    }

    /// Returns the kind that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Occurred, Self::Detected, Self::Step, Self::Note, Self::Reminder, Self::Search]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it was written down.
    pub made_at: DateTime<Utc>,
    /// What kind of line.
    pub kind: EntryKind,
    /// Who wrote it; empty for the platform.
    pub author: String,
    /// A person's words; for a step its word, for an alert its number and title.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps() -> impl Strategy<Value = Vec<(u8, [String; 3])>> {
        prop::collection::vec((0_u8..3, prop::array::uniform3("[a-z ]{0,9}")), 0..20)
    }

    proptest! {
        #[test]
        fn no_path_closes_an_incident_without_cause_impact_and_lessons(steps in steps()) {
            let mut status = IncidentStatus::Open;
            for (kind, [cause, impact, lessons]) in steps {
                let findings = || Some(Findings {
                    cause: Reason::new(&cause)?,
                    impact: Reason::new(&impact)?,
                    lessons: Reason::new(&lessons)?,
                    cost: None,
                    follow_up: None,
                });
                let step = match kind {
                    0 => Some(IncidentStep::Contain),
                    1 => findings().map(IncidentStep::Close),
                    _ => Some(IncidentStep::Reopen),
                };
                if let Some(next) = step.and_then(|step| status.after(step).ok()) {
                    prop_assert_ne!(&next, &status);
                    status = next;
                }
                if let IncidentStatus::Closed(left) = &status {
                    for text in [&left.cause, &left.impact, &left.lessons] {
                        prop_assert!(text.as_str().chars().count() >= 5);
                    }
                }
            }
        }
    }
}
