//! A request for an act that takes two people, and its states.

use chrono::{DateTime, TimeDelta, Utc};
use event::{AccountId, AgencyId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Phrase;

/// How long a request waits: over a weekend.
pub(super) const WAITS: TimeDelta = TimeDelta::hours(72);
/// Longest reason or note.
pub(super) const TEXT_CHARS_MAX: usize = 500;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The act's word.
    pub action: &'static str,
    /// Kind of thing it is about.
    pub subject_kind: &'static str,
    /// Its id.
    pub subject_id: String,
    /// Whose data it changes.
    pub agency: Option<AgencyId>,
    /// What is to be done, in a sentence.
    pub summary: Phrase,
    /// What carrying it out needs.
    pub payload: Value,
    /// Why.
    pub reason: String,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Someone else must decide.
    Waiting,
    /// It was carried out.
    Approved,
    /// Someone else said no.
    Rejected,
    /// Whoever asked took it back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

impl State {
    /// Returns the word in the table. An expired request stands there as waiting.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Waiting | Self::Expired => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state of a word at a moment.
    pub(super) fn of(word: &str, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match word {
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            "withdrawn" => Self::Withdrawn,
            _ if expires_at <= now => Self::Expired,
            _ => Self::Waiting,
        }
    }

    /// Returns the language key of its name.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Waiting => "approval-waiting",
            Self::Approved => "approval-approved",
            Self::Rejected => "approval-rejected",
            Self::Withdrawn => "approval-withdrawn",
            Self::Expired => "approval-expired",
        }
    }
}

/// A request as it is kept.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its id.
    pub id: Uuid,
    /// The act's word.
    pub action: String,
    /// Kind of thing it is about.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// Whose data it changes.
    pub agency: Option<AgencyId>,
    /// What is to be done.
    pub summary: Option<Phrase>,
    /// What carrying it out needs.
    pub payload: Value,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: AccountId,
    /// Their name as it was then.
    pub requested_name: String,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Until when it waits.
    pub expires_at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// Who decided.
    pub decided_name: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the one who decided wrote.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_too_long_has_expired() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!(State::of("waiting", at(10), at(9)), State::Waiting);
        assert_eq!(State::of("waiting", at(10), at(10)), State::Expired);
        assert_eq!(State::of("approved", at(10), at(11)), State::Approved);
        for state in [State::Approved, State::Rejected, State::Withdrawn, State::Waiting] {
            assert_eq!(State::of(state.word(), at(10), at(9)), state);
        }
    }
}
