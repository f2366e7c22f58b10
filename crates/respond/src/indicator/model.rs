//! An indicator of the platform's own list: types and states, no IO.

use chrono::{DateTime, Utc};
use event::IncidentId;
use event::observable::Observable;
use uuid::Uuid;

/// How far an indicator may be passed on. Source: FIRST, Traffic Light Protocol 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tlp {
    /// To anyone.
    Clear,
    /// Within the community.
    Green,
    /// Within the organisation and its clients.
    Amber,
    /// Within the organisation.
    AmberStrict,
    /// To those present.
    Red,
}

impl Tlp {
    /// All of them, the most open first.
    pub(super) const ALL: [Self; 5] =
        [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// Returns the word of columns and forms; it is also how papers write it, after `TLP:`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::AmberStrict => "AMBER+STRICT",
            Self::Red => "RED",
        }
    }

    /// Returns what a word means.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tlp| tlp.word() == word)
    }
}

/// Where an indicator stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is looked for.
    InForce,
    /// Its time is over; earlier events are still held against it.
    Expired,
    /// Someone took it off.
    Withdrawn,
}

impl State {
    /// All of them, in the order of the filter.
    pub(super) const ALL: [Self; 3] = [Self::InForce, Self::Expired, Self::Withdrawn];

    /// Returns the word of addresses and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Returns the key of its name.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::InForce => "indicator-state-in-force",
            Self::Expired => "indicator-state-expired",
            Self::Withdrawn => "indicator-state-withdrawn",
        }
    }
}

/// The end of an indicator before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withdrawal {
    pub(super) at: DateTime<Utc>,
    pub(super) by: String,
    pub(super) reason: String,
}

/// An indicator as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indicator {
    pub(super) id: Uuid,
    pub(super) observable: Observable,
    /// Who says so: an incident's number, or what was typed.
    pub(super) source: String,
    /// How sure they are, 0 to 100.
    pub(super) confidence: u8,
    pub(super) tlp: Tlp,
    pub(super) reason: String,
    pub(super) valid_until: DateTime<Utc>,
    /// The incident that it came from.
    pub(super) incident: Option<IncidentId>,
    pub(super) account: event::AccountId,
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) withdrawn: Option<Withdrawal>,
}

impl Indicator {
    /// Returns where it stands at a moment.
    pub(super) fn state(&self, now: DateTime<Utc>) -> State {
        match &self.withdrawn {
            Some(_) => State::Withdrawn,
            None if self.valid_until <= now => State::Expired,
            None => State::InForce,
        }
    }
}

/// An indicator as whoever looks for it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is looked for.
    pub observable: Observable,
    /// Who says so: an incident's number, or what was typed.
    pub source: String,
    /// Why.
    pub reason: String,
    /// How sure they are, 0 to 100.
    pub confidence: u8,
    /// How far it may be passed on, as papers write it after `TLP:`.
    pub tlp: &'static str,
    /// Until when events are held against it.
    pub valid_until: DateTime<Utc>,
}

/// How the list stands: another mark is another list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub(super) rows: u64,
    pub(super) withdrawn: u64,
    pub(super) changed_at: Option<DateTime<Utc>>,
}
