//! What a stored dead letter is, and how it is read again.

use std::error::Error;
use std::fmt::Debug;
use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use event::{AgencyId, DeadReason, EventId, Frame, SourceId};
use serde::{Deserialize, Serialize};

/// What became of a dead letter. The words stand in the database: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadLetterState {
    /// Nobody dealt with it yet.
    New,
    /// It was read after all and is in the lake.
    Replayed,
    /// Someone decided that it is not worth reading.
    Discarded,
}

impl DeadLetterState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::New, Self::Replayed, Self::Discarded];

    /// Returns the word used in columns and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    /// Returns the state that a word names; an unknown word is new, so that nothing is overlooked.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.word() == word).unwrap_or(Self::New)
    }

    /// Returns the language key of the state's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::New => "registry-dead-state-new",
            Self::Replayed => "registry-dead-state-replayed",
            Self::Discarded => "registry-dead-state-discarded",
        }
    }
}

/// A dead letter as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLetter {
    /// The id that its event would have, or has since.
    pub id: EventId,
    /// The source it came on; `None` if that is unknown.
    pub source: Option<SourceId>,
    /// The agency of that source.
    pub agency: Option<AgencyId>,
    /// When it came.
    pub collected_at: DateTime<Utc>,
    /// From where.
    pub peer: Option<IpAddr>,
    /// Why it could not be read.
    pub reason: DeadReason,
    /// Its bytes.
    pub bytes: Bytes,
    /// What became of it.
    pub state: DeadLetterState,
    /// When that was decided.
    pub closed_at: Option<DateTime<Utc>>,
}

impl StoredLetter {
    /// Returns the frame as it came, if its source is known.
    pub(super) fn frame(&self) -> Option<Frame> {
        Some(Frame {
            id: self.id,
            source: self.source?,
            collected_at: self.collected_at,
            peer: self.peer,
            bytes: self.bytes.clone(),
            dead: None,
        })
    }
}

/// Which dead letters a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterFilter {
    /// `new` unless given; `all` for every state.
    pub state: Option<String>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only for this reason.
    pub code: Option<String>,
}

/// Why letters could not even be tried again.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline does not take dead letters now")]
pub struct ReplayError(#[source] pub Box<dyn Error + Send + Sync>);

/// Sends frames through decoding again; wired by `app` to the pipeline.
#[async_trait]
pub trait Replay: Send + Sync + Debug {
    /// Tries each frame again. Those that can now be read are durable in the lake (under the same
    /// event id, so nothing doubles) when this returns; the answer has one entry per frame, in order.
    ///
    /// # Errors
    /// When the pipeline cannot take anything; then nothing was kept.
    async fn replay(&self, frames: Vec<Frame>) -> Result<Vec<Result<(), DeadReason>>, ReplayError>;
}
