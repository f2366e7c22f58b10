//! What was received, from whom and when: numbers that the source pages, the health page and the
//! silence alarm read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use event::SourceId;
use parking_lot::RwLock;

/// Counts for each source since the process began, and for the gates themselves.
#[derive(Debug, Default)]
pub struct Counters {
    sources: RwLock<BTreeMap<SourceId, Arc<SourceCells>>>,
    /// What happened at the doors, before a source was known.
    pub gate: Gate,
}

#[derive(Debug, Default)]
struct SourceCells {
    received: AtomicU64,
    bytes: AtomicU64,
    rejected: AtomicU64,
    dead: AtomicU64,
    last_received_us: AtomicI64,
}

/// Numbers that belong to no source.
#[derive(Debug, Default)]
pub struct Gate {
    /// HTTP requests without a known token (401).
    pub unknown_token: AtomicU64,
    /// HTTP requests and stream reads that met a full spool (429, or a pause in reading).
    pub full: AtomicU64,
    /// Times that the spool could not write (503, or a pause in reading).
    pub failed: AtomicU64,
    /// Connections refused because a listener had its most.
    pub refused: AtomicU64,
    /// Connections open now.
    pub open: AtomicU64,
    /// Datagrams that the kernel dropped before we could read them.
    pub udp_dropped: AtomicU64,
}

/// The counts of one source at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCount {
    /// Records made durable, dead ones among them.
    pub received: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests refused as a whole (full spool, too large, unreadable): the sender still has them.
    pub rejected: u64,
    /// Records that became dead letters.
    pub dead: u64,
    /// When the last one came.
    pub last_received_at: Option<DateTime<Utc>>,
}

impl Counters {
    /// Notes records that are now durable.
    pub fn received(&self, source: SourceId, records: u64, bytes: u64, at: DateTime<Utc>) {
        let cells = self.cells(source);
        cells.received.fetch_add(records, Ordering::Relaxed);
        cells.bytes.fetch_add(bytes, Ordering::Relaxed);
        cells.last_received_us.fetch_max(at.timestamp_micros(), Ordering::Relaxed);
    }

    /// Notes requests that were refused as a whole.
    pub fn rejected(&self, source: SourceId, requests: u64) {
        self.cells(source).rejected.fetch_add(requests, Ordering::Relaxed);
    }

    /// Notes records that were filed as dead letters; the pipeline calls it when they are filed.
    pub fn dead(&self, source: SourceId, records: u64) {
        self.cells(source).dead.fetch_add(records, Ordering::Relaxed);
    }

    /// Returns the counts of one source.
    pub fn of(&self, source: SourceId) -> Option<SourceCount> {
        self.sources.read().get(&source).map(|cells| cells.read())
    }

    /// Returns the counts of every source that was ever counted, by id.
    pub fn all(&self) -> Vec<(SourceId, SourceCount)> {
        self.sources.read().iter().map(|(source, cells)| (*source, cells.read())).collect()
    }

    fn cells(&self, source: SourceId) -> Arc<SourceCells> {
        if let Some(cells) = self.sources.read().get(&source) {
            return Arc::clone(cells);
        }
        Arc::clone(self.sources.write().entry(source).or_default())
    }
}

impl SourceCells {
    fn read(&self) -> SourceCount {
        let last_us = self.last_received_us.load(Ordering::Relaxed);
        SourceCount {
            received: self.received.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            last_received_at: (last_us != 0)
                .then(|| DateTime::from_timestamp_micros(last_us))
                .flatten(),
        }
    }
}
