//! What was received, from whom and when: numbers that the source pages, the health page and the
//! silence alarm read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use event::SourceId;
use parking_lot::RwLock;

/// Counts for each source since the process began, and for the gates themselves.
#[derive(Debug, Default)]
pub struct Counters {
    sources: RwLock<BTreeMap<SourceId, Arc<SourceCells>>>,
    udp: RwLock<BTreeMap<String, Arc<UdpCells>>>,
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
    /// Connections closed because a load balancer did not begin them with a valid PROXY header.
    pub unproxied: AtomicU64,
    /// Connections open now.
    pub open: AtomicU64,
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

/// What came to one UDP listener, and what the kernel dropped of it.
#[derive(Debug)]
pub(crate) struct UdpCells {
    address: SocketAddr,
    buffer_bytes: u64,
    received: AtomicU64,
    dropped: AtomicU64,
    /// Whether the kernel tells what it drops.
    is_told: AtomicBool,
    last_dropped_us: AtomicI64,
}

/// The counts of one UDP listener at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpCount {
    /// The listener's name.
    pub listener: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The receive buffer that the kernel gave it.
    pub buffer_bytes: u64,
    /// Datagrams read since the process began.
    pub received: u64,
    /// Datagrams that the kernel dropped before they could be read; nothing where it does not tell.
    pub dropped: Option<u64>,
    /// When it was last seen that some were dropped.
    pub last_dropped_at: Option<DateTime<Utc>>,
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

    /// Begins the counts of a UDP listener.
    pub(crate) fn udp(&self, name: &str, address: SocketAddr, buffer_bytes: u64) -> Arc<UdpCells> {
        let cells = Arc::new(UdpCells {
            address,
            buffer_bytes,
            received: AtomicU64::default(),
            dropped: AtomicU64::default(),
            is_told: AtomicBool::default(),
            last_dropped_us: AtomicI64::default(),
        });
        self.udp.write().insert(name.to_owned(), Arc::clone(&cells));
        cells
    }

    /// Returns the counts of every UDP listener, by name.
    pub fn udp_counts(&self) -> Vec<UdpCount> {
        self.udp.read().iter().map(|(name, cells)| cells.read(name)).collect()
    }

    fn cells(&self, source: SourceId) -> Arc<SourceCells> {
        if let Some(cells) = self.sources.read().get(&source) {
            return Arc::clone(cells);
        }
        Arc::clone(self.sources.write().entry(source).or_default())
    }
}

impl UdpCells {
    /// Returns where the listener listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Notes a datagram that was read.
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how many datagrams the kernel dropped since it was last asked.
    pub(crate) fn dropped(&self, datagrams: u64, at: DateTime<Utc>) {
        self.is_told.store(true, Ordering::Relaxed);
        if datagrams > 0 {
            self.last_dropped_us.fetch_max(at.timestamp_micros(), Ordering::Relaxed);
            self.dropped.fetch_add(datagrams, Ordering::Relaxed);
        }
    }

    /// Notes that the kernel does not tell what it drops.
    pub(crate) fn drops_unknown(&self) {
        self.is_told.store(false, Ordering::Relaxed);
    }

    /// Returns the counts of this moment.
    pub(crate) fn read(&self, listener: &str) -> UdpCount {
        let dropped = self.dropped.load(Ordering::Relaxed);
        let is_told = self.is_told.load(Ordering::Relaxed);
        UdpCount {
            listener: listener.to_owned(),
            address: self.address,
            buffer_bytes: self.buffer_bytes,
            received: self.received.load(Ordering::Relaxed),
            dropped: (is_told || dropped > 0).then_some(dropped),
            last_dropped_at: moment(self.last_dropped_us.load(Ordering::Relaxed)),
        }
    }
}

impl SourceCells {
    fn read(&self) -> SourceCount {
        SourceCount {
            received: self.received.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            last_received_at: moment(self.last_received_us.load(Ordering::Relaxed)),
        }
    }
}

/// Returns the moment that a cell holds; 0 is none.
fn moment(at_us: i64) -> Option<DateTime<Utc>> {
    (at_us != 0).then(|| DateTime::from_timestamp_micros(at_us)).flatten()
}
