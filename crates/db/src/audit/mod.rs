//! Who did what, when: an append-only table whose rows are chained by their hashes.
//!
//! The database refuses to change or remove a row (triggers), and each row's hash covers the one
//! before, so that a change made behind the database's back is found by [`verify`]. A chain alone
//! cannot show that its end was cut off: note [`Verdict::head`] somewhere else now and then.

mod anchor;
mod store;

use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId};
use serde::Serialize;
use uuid::Uuid;

pub use anchor::{Anchor, Mark, anchor, month};
pub(crate) use store::append;
pub use store::{following, last_seq, list, verify, verify_against};

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    Account {
        /// The account.
        id: AccountId,
        /// Its sign-in name, kept as it was then.
        name: String,
        /// Where the request came from.
        address: Option<IpAddr>,
    },
    /// Someone not signed in: a failed sign-in, the first-run link.
    Anonymous {
        /// Where the request came from.
        address: Option<IpAddr>,
    },
    /// The platform itself; the word says which part (`pipeline`, `demo`, `retention`).
    Platform(&'static str),
    /// Whoever runs `luytre` on the server.
    CommandLine,
}

impl Actor {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Account { .. } => "account",
            Self::Anonymous { .. } => "anonymous",
            Self::Platform(_) => "platform",
            Self::CommandLine => "command_line",
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Account { name, .. } => name.clone(),
            Self::Anonymous { .. } => "anonymous".to_owned(),
            Self::Platform(part) => (*part).to_owned(),
            Self::CommandLine => "luytre".to_owned(),
        }
    }

    const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account { id, .. } => Some(*id),
            _ => None,
        }
    }

    const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Account { address, .. } | Self::Anonymous { address } => *address,
            _ => None,
        }
    }
}

/// What a change is about: the kind of thing (`system`, `source`, `alert`) and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    kind: &'static str,
    id: String,
}

impl Subject {
    /// Returns a subject, for example `Subject::new("system", system.id)`.
    pub fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        Self { kind, id: id.to_string() }
    }

    /// Returns the subject of a change that is about a whole kind, not one thing (an import).
    pub const fn all(kind: &'static str) -> Self {
        Self { kind, id: String::new() }
    }
}

/// What is written into the audit table when a change commits.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    actor: Actor,
    action: String,
    subject: Subject,
    agency: Option<AgencyId>,
    detail: serde_json::Value,
}

impl AuditEntry {
    /// Returns an entry. `action` is a stable word `slice.verb` (`source.rotate-token`); `detail`
    /// holds what changed, never a secret.
    pub fn new(actor: Actor, action: &str, subject: Subject, detail: serde_json::Value) -> Self {
        Self { actor, action: action.to_owned(), subject, agency: None, detail }
    }

    /// Says whose data was changed: people of that agency may then read the entry.
    #[must_use]
    pub const fn of_agency(mut self, agency: AgencyId) -> Self {
        self.agency = Some(agency);
        self
    }
}

/// One line of the audit table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `account`, `anonymous`, `platform` or `command_line`.
    pub actor_kind: String,
    /// The account, if it was one.
    pub account: Option<Uuid>,
    /// The actor's name as it was then.
    pub actor_name: String,
    /// Where the request came from.
    pub address: Option<String>,
    /// `slice.verb`.
    pub action: String,
    /// Kind of the thing changed.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// Whose data it is.
    pub agency: Option<Uuid>,
    /// What changed, as JSON text exactly as hashed.
    pub detail: String,
    /// This row's hash, hex.
    pub hash: String,
}

/// Which part of the audit table is asked for. Newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only actions that begin with this (`source.`).
    pub action: Option<String>,
    /// Only actors whose name holds this.
    pub actor_name: Option<String>,
    /// Only this kind of thing.
    pub subject_kind: Option<String>,
    /// Only this thing.
    pub subject_id: Option<String>,
    /// Only what was done to this agency's data.
    pub agency: Option<AgencyId>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Only rows with a smaller number: the next page.
    pub before_seq: Option<i64>,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How many entries were read.
    pub entries: u64,
    /// The number of the first entry that does not fit; `None` when the whole chain holds.
    pub first_bad: Option<i64>,
    /// The last good hash: write it down elsewhere, and a later, shorter chain gives itself away.
    pub head: Option<String>,
    /// The number of the first mark, of those held against the chain, that it does not bear out.
    pub first_missed: Option<i64>,
}

impl Verdict {
    /// Returns whether the whole chain holds, and every mark that was held against it.
    pub const fn holds(&self) -> bool {
        self.first_bad.is_none() && self.first_missed.is_none()
    }
}
