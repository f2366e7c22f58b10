//! A piece of evidence: types and states, no IO.

use chrono::{DateTime, TimeDelta, Utc};
use event::{AccountId, AgencyId, IncidentId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long evidence is kept unless people say otherwise.
///
/// Five years, our figure and no law's: an inquiry that begins late still finds it, and who needs it longer
/// sets a hold.
pub(super) const KEPT: TimeDelta = TimeDelta::days(5 * 365);

/// Where a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Parts of it are still to come.
    Receiving,
    /// It is whole, and its digest is taken.
    Sealed,
    /// Its bytes are destroyed; what is known of it stays.
    Disposed,
}

impl State {
    /// Returns the word used in columns and translation keys.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Sealed => "sealed",
            Self::Disposed => "disposed",
        }
    }

    /// Returns the state that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Receiving, Self::Sealed, Self::Disposed].into_iter().find(|one| one.word() == word)
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) id: Uuid,
    /// What people call it: `CC-2026-0007`.
    pub(super) number: String,
    pub(super) incident: IncidentId,
    pub(super) agency: AgencyId,
    /// The file's name.
    pub(super) name: String,
    /// Where and how it was taken.
    pub(super) source: String,
    pub(super) state: State,
    /// Bytes received.
    pub(super) size_bytes: u64,
    /// Bytes it shall have.
    pub(super) expected_bytes: u64,
    pub(super) sha256: Option<String>,
    /// When it was taken from the machine, as whoever took it says.
    pub(super) collected_at: Option<DateTime<Utc>>,
    /// When the file was last written, as its sender says.
    pub(super) modified_at: Option<DateTime<Utc>>,
    pub(super) account: AccountId,
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) sealed_at: Option<DateTime<Utc>>,
    pub(super) keep_until: DateTime<Utc>,
    pub(super) hold: Option<Hold>,
    pub(super) facts: Facts,
    pub(super) examined: Option<(DateTime<Utc>, Tally)>,
}

/// Why a piece is not disposed of, whatever its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) at: DateTime<Utc>,
}

/// What a look at the bytes tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// What it is, by its first bytes: `evtx`, `zip`, `text`, …
    pub(super) kind: String,
    /// The first bytes in hexadecimal.
    pub(super) head: String,
    /// What lies in it, if it is an archive; the first of many.
    pub(super) inside: Vec<Inside>,
    /// How many files lie in it.
    pub(super) inside_count: u64,
    /// What its own list of digests says, if it holds one.
    pub(super) manifest: Option<Manifest>,
    /// SHA-1 and MD5 in hexadecimal: what older lists and tools know files by. Empty before it was searched.
    pub(super) sha1: String,
    pub(super) md5: String,
    /// What it says of itself.
    pub(super) said: Vec<Said>,
}

/// Something that a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// What: `author`, `created`, `linked`, …
    pub(super) key: String,
    /// As it stands there; times in UTC where the file tells the zone.
    pub(super) value: String,
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inside {
    pub(super) name: String,
    pub(super) size_bytes: u64,
}

/// What became of an archive's own list of digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Files that are as the list says.
    pub(super) good: u64,
    /// Files that differ from the list, or lack.
    pub(super) bad: Vec<String>,
}

/// What a search through a piece came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) events: u64,
    pub(super) unreadable: u64,
    pub(super) findings: u64,
    /// Files in it that could not be searched, and why.
    pub(super) refused: Vec<String>,
}

impl Item {
    /// Returns whether its bytes are there, whole.
    pub(super) fn is_sealed(&self) -> bool {
        self.state == State::Sealed
    }

    /// Returns whether its bytes may be destroyed at a moment: nobody holds it, and its time is over.
    pub(super) fn may_go(&self, now: DateTime<Utc>, incident_held: bool) -> bool {
        self.is_sealed() && self.hold.is_none() && !incident_held && self.keep_until <= now
    }
}
