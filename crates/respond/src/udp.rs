//! How the listeners do whose senders get no answer, as the duty page tells it: what came by UDP, and what
//! of it was lost. The application measures, the [`Hub`](crate::Hub) holds the newest.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A UDP listener of this machine at one moment; counts are since it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UdpListener {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Datagrams received.
    pub received: u64,
    /// Datagrams that the kernel dropped because the receive buffer was full; nothing where it does not tell.
    pub dropped: Option<u64>,
    /// When it was last seen that some were dropped.
    pub last_dropped_at: Option<DateTime<Utc>>,
    /// Whether that was a moment ago.
    pub is_losing: bool,
    /// The size of the receive buffer.
    pub buffer_bytes: u64,
}

impl UdpListener {
    /// Returns whether anything was lost.
    pub fn has_lost(&self) -> bool {
        self.dropped.is_some_and(|dropped| dropped > 0)
    }
}
