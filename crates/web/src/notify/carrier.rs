//! What carries a message out of the platform.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id: the same when it is tried again, so that whoever takes it over can tell.
    pub id: Uuid,
    /// Where to: a mail address, a telephone number, a Zalo id; of a push whose browsers.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The whole text.
    pub text: String,
    /// What stands below the line: the level, or the first of many.
    pub brief: String,
    /// The path of the page that tells the rest.
    pub path: String,
    /// The text where room is short.
    pub short: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
}

/// Why a message was not carried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// The way itself is broken: nothing more is tried by it for a while.
    #[error("the gateway does not work: {why}")]
    Down {
        /// What was said; no secrets.
        why: String,
        /// Whether the message may have been taken over nonetheless: it is tried again as the same.
        unsure: bool,
    },
    /// This message was not taken everywhere, or not yet: it is tried again as the same.
    #[error("the message is to be tried again: {0}")]
    Again(String),
    /// This message was not taken, others may be.
    #[error("the message was refused: {0}")]
    Refused(String),
}

/// A way out for messages.
#[async_trait]
pub trait Carrier: Send + Sync + Debug {
    /// Hands a message over; when this returns without an error, someone else answers for it.
    ///
    /// # Errors
    /// Why it was not taken.
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError>;
}
