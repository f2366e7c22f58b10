//! A frame: the bytes of one record as they came in, before anything reads them; and the dead
//! letter that a frame becomes when nothing can read it.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{EventId, SourceId};

/// One record as a listener cut it out of its stream, durable in the spool before it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The id that the event will carry.
    pub id: EventId,
    /// Whose stream it came on: decided by token or listener, never by what the bytes claim.
    pub source: SourceId,
    /// When we received it.
    pub collected_at: DateTime<Utc>,
    /// The sender's address, where there is one.
    pub peer: Option<IpAddr>,
    /// The record without its framing (no newline, no octet count).
    pub bytes: Bytes,
    /// Set by the collector when the bytes must not be parsed (too long, broken framing): the
    /// pipeline files the frame as a dead letter for this reason.
    pub dead: Option<DeadReason>,
}

/// How far the spool has come: the sequence number of one durable batch of frames, growing by one
/// with each batch. The lake commits it with its files, so that after a crash the spool replays
/// exactly what is missing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SpoolPosition(pub u64);

impl fmt::Display for SpoolPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a frame could not become an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadReason {
    /// A stable word for lists, counters and translation keys, for example `too-long`,
    /// `bad-json`, `unknown-source`.
    pub code: String,
    /// What and where, in English, for the person who mends it ("column 14: expected ','").
    pub detail: String,
}

impl DeadReason {
    /// Returns a reason from its stable code and what was seen.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// A frame that could not be read, with the reason: kept whole, shown on a page, replayable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The frame, bytes and all.
    pub frame: Frame,
    /// Why nothing could read it.
    pub reason: DeadReason,
}
