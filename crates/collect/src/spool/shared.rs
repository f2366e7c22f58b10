//! What the spool's handle, writer and reader know together: segments, lengths, positions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::{Recovered, SpoolSettings, Trouble, segment};

/// One segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Committed bytes: the reader looks no further.
    pub(super) length: u64,
    /// Position of its last record; below its first while it is empty.
    pub(super) last: u64,
    /// Whether the writer still appends to it.
    pub(super) active: bool,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) settings: SpoolSettings,
    /// By the position of their first record.
    pub(super) segments: Mutex<BTreeMap<u64, Segment>>,
    /// Bytes in memory that wait for the writer.
    waiting_bytes: AtomicU64,
    /// The last committed position. The sender never closes before the reader does.
    pub(super) committed: watch::Sender<u64>,
    /// The last position that the reader gave out.
    pub(super) taken: AtomicU64,
    pub(super) closing: CancellationToken,
    pub(super) closed: CancellationToken,
    disk: Arc<dyn Disk>,
    free: Mutex<Free>,
    /// What the disk said when the last write failed; nothing after one that did not.
    pub(super) failure: Mutex<Option<String>>,
    /// What the disk said when the last read failed; nothing after one that did not.
    pub(super) unreadable: Mutex<Option<String>>,
}

/// How much room the disk had, and when it was asked.
#[derive(Debug)]
struct Free {
    bytes: u64,
    asked_at: Option<Instant>,
}

/// How often the disk is asked for its free room: at 100 MB/s, a twentieth of what stays free by
/// default passes meanwhile.
const ASK_DISK_EVERY: Duration = Duration::from_millis(250);

/// A place among the waiting bytes; given back when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.waiting_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Shared {
    pub(super) fn new(
        folder: PathBuf,
        settings: SpoolSettings,
        segments: BTreeMap<u64, Segment>,
        recovered: &Recovered,
        disk: Arc<dyn Disk>,
    ) -> Self {
        Self {
            folder,
            settings,
            segments: Mutex::new(segments),
            waiting_bytes: AtomicU64::new(0),
            committed: watch::Sender::new(recovered.last.0),
            taken: AtomicU64::new(0),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            disk,
            free: Mutex::new(Free { bytes: u64::MAX, asked_at: None }),
            failure: Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    /// Returns the free room of the disk, as it was a moment ago. A disk that does not tell counts as
    /// roomy: writing will show.
    fn free_bytes(&self) -> u64 {
        let mut free = self.free.lock();
        if free.asked_at.is_none_or(|at| at.elapsed() >= ASK_DISK_EVERY) {
            free.bytes = self.disk.free_bytes(&self.folder).unwrap_or(u64::MAX);
            free.asked_at = Some(Instant::now());
        }
        free.bytes
    }

    /// Returns why nothing is taken in, or nothing given out, if so.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let (free_bytes, free_bytes_min) = (self.free_bytes(), self.settings.free_bytes_min);
        if free_bytes < free_bytes_min {
            return Some(Trouble::DiskLow { free_bytes, free_bytes_min });
        }
        if let Some(error) = self.failure.lock().clone() {
            return Some(Trouble::Failing { error });
        }
        if let Some(error) = self.unreadable.lock().clone() {
            return Some(Trouble::Unreadable { error });
        }
        (!self.has_room()).then(|| Trouble::Behind { disk_bytes: self.disk_bytes() })
    }

    /// Returns a place for this many bytes, if there is one in memory and on the disk.
    pub(super) fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Ticket> {
        if !self.has_disk_room(bytes) {
            return None;
        }
        let limit = self.settings.waiting_bytes_max;
        self.waiting_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
                // A batch larger than the whole limit may go alone.
                let after = waiting.saturating_add(bytes);
                (waiting == 0 || after <= limit).then_some(after)
            })
            .ok()
            .map(|_before| Ticket { shared: Arc::clone(self), bytes })
    }

    fn has_disk_room(&self, bytes: u64) -> bool {
        let wanted = self
            .disk_bytes()
            .saturating_add(self.waiting_bytes.load(Ordering::Acquire))
            .saturating_add(bytes);
        wanted <= self.settings.disk_bytes_max && self.free_bytes() >= self.settings.free_bytes_min
    }

    pub(super) fn has_room(&self) -> bool {
        /// A usual batch.
        const USUAL_BYTES: u64 = 1024 * 1024;
        self.has_disk_room(USUAL_BYTES)
            && self.waiting_bytes.load(Ordering::Acquire) < self.settings.waiting_bytes_max
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.segments.lock().values().map(|segment| segment.length).sum()
    }

    pub(super) fn unread(&self) -> u64 {
        let taken = self.taken.load(Ordering::Acquire);
        self.committed.borrow().saturating_sub(taken)
    }

    /// Removes segments that lie wholly at or below `up_to`. A file that cannot be removed stays
    /// counted and is tried again with the next call. So does one that holds nothing: the writer may be at
    /// beginning it anew, under the same name.
    pub(super) fn forget(&self, up_to: u64) {
        let old: Vec<u64> = self
            .segments
            .lock()
            .iter()
            .filter(|(first, segment)| {
                !segment.active && segment.last >= **first && segment.last <= up_to
            })
            .map(|(first, _)| *first)
            .collect();
        for first in old {
            match std::fs::remove_file(segment::path(&self.folder, first)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::error!(%error, segment = first, "a spool segment cannot be removed");
                }
                _ => {
                    self.segments.lock().remove(&first);
                }
            }
        }
    }
}
