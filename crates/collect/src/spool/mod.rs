//! The spool: a write-ahead log of frames, in segment files.
//!
//! Second station of an event's way. [`Spool::append`] returns when the frames are on the disk: one
//! thread writes what many senders handed in meanwhile and syncs once for all of them (group
//! commit). The pipeline reads committed batches back with its [`SpoolReader`], always from the
//! files: when it falls behind, memory does not grow. Once the lake has a batch for good,
//! [`Spool::forget`] removes whole segments.
//!
//! What a crash leaves half-written at the end was never acknowledged and is cut off when the spool
//! is opened. Damage in the middle is stepped over, counted and reported.

mod disk;
mod inspect;
mod reader;
mod record;
mod recovery;
mod segment;
mod shared;
mod writer;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod failing_tests;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::seal::Seal;
use event::{Frame, SpoolPosition};
use tokio::sync::{mpsc, oneshot};

pub use disk::{DiskRoom, disk_room};
pub use inspect::{Inspection, Keys, SpoolFault, SpoolFaultKind, inspect};
pub use reader::{Batch, SpoolReader};
pub use recovery::Recovered;

use disk::{Disk, LocalDisk};
use shared::Shared;
use writer::Request;

/// How much the spool may hold, and how.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    /// A segment is closed when it is longer; forgetting removes whole segments.
    pub segment_bytes: u64,
    /// All segments together; past it, appending answers [`AppendError::Full`].
    pub disk_bytes_max: u64,
    /// Batches in memory that wait for the writer; past it, appending answers
    /// [`AppendError::Full`].
    pub waiting_bytes_max: u64,
    /// Bytes that stay free on the disk; below it, appending answers [`AppendError::Full`]. What is
    /// left serves database and lake, so that the platform can tell of it and work off what waits.
    pub free_bytes_min: u64,
    /// Whether payloads are compressed with zstd: fewer bytes to sync, more work for the processor.
    pub compress: bool,
    /// What payloads are encrypted with; nothing leaves them as they are. Encrypted ones are read all the same
    /// as long as their key is there.
    pub seal: Option<Arc<dyn Seal>>,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            disk_bytes_max: 8 * 1024 * 1024 * 1024,
            waiting_bytes_max: 256 * 1024 * 1024,
            free_bytes_min: 512 * 1024 * 1024,
            compress: false,
            seal: None,
        }
    }
}

/// Why frames were not made durable. None of them was accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The spool holds all it may: the pipeline is behind. Try again later.
    #[error("the spool is full")]
    Full,
    /// The disk refused; the spool mends itself as soon as the disk takes bytes again.
    #[error("the spool cannot write")]
    Failed(#[source] Arc<io::Error>),
    /// The batch is larger than any record may be.
    #[error("the batch is too large for one record")]
    TooLarge,
    /// The spool has been closed.
    #[error("the spool is closed")]
    Closed,
    /// Another node takes this source's records, here is its address: several at once would tear
    /// apart what belongs together.
    #[error("the source's records are taken by {0}")]
    Elsewhere(String),
}

/// Why a spool takes nothing in, or gives nothing out. It ends by itself when its reason does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The disk has too little room left.
    DiskLow {
        /// Bytes left.
        free_bytes: u64,
        /// Bytes that must stay free.
        free_bytes_min: u64,
    },
    /// It holds all it may: the pipeline is behind.
    Behind {
        /// Bytes that it holds.
        disk_bytes: u64,
    },
    /// The disk refuses what is written.
    Failing {
        /// What the system said last.
        error: String,
    },
    /// The disk does not give back what was accepted: nobody sees it until it does.
    Unreadable {
        /// Which file, and what the system said last.
        error: String,
    },
}

/// Why a spool could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use the spool folder {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("the spool folder {0} is in use by another process")]
    InUse(PathBuf),
}

/// From where on a spool goes on.
#[derive(Debug, Clone, Copy)]
struct Floor {
    /// Positions up to here have been given out, even if no file tells so any more.
    stored: Option<SpoolPosition>,
    /// Records up to here are not wanted any more.
    read: Option<SpoolPosition>,
}

/// Takes frames in and keeps them until they are forgotten. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
    /// Held for as long as the spool is: keeps a second process out.
    _lock: Arc<File>,
}

/// Appends that may wait for the writer; their bytes are bounded by
/// [`SpoolSettings::waiting_bytes_max`].
const REQUESTS_MAX: usize = 8192;

impl Spool {
    /// Opens the spool in `folder`, making it if need be, and returns it with its one reader and
    /// what was found. The reader begins after `floor`, the last position that the lake has for
    /// good; segments below it are removed.
    ///
    /// # Errors
    ///
    /// Returns an error when the folder cannot be used or another process uses it.
    pub fn open(
        folder: &Path,
        settings: SpoolSettings,
        floor: Option<SpoolPosition>,
    ) -> Result<(Self, SpoolReader, Recovered), OpenError> {
        Self::open_on(folder, settings, Floor { stored: floor, read: floor }, Arc::new(LocalDisk))
    }

    /// As [`Spool::open`], for more than one who must have seen a batch before it may go: the reader
    /// begins after the lower of both positions, and no batch that it gives out reaches over one.
    ///
    /// # Errors
    ///
    /// As [`Spool::open`].
    pub fn open_for(
        folder: &Path,
        settings: SpoolSettings,
        stored: Option<SpoolPosition>,
        judged: Option<SpoolPosition>,
    ) -> Result<(Self, SpoolReader, Recovered), OpenError> {
        let floor = Floor { stored, read: stored.min(judged) };
        let (spool, mut reader, recovered) =
            Self::open_on(folder, settings, floor, Arc::new(LocalDisk))?;
        reader.end_batches_at([stored, judged].into_iter().flatten());
        Ok((spool, reader, recovered))
    }

    fn open_on(
        folder: &Path,
        settings: SpoolSettings,
        floor: Floor,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, SpoolReader, Recovered), OpenError> {
        let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder)?;
        let (segments, recovered) =
            recovery::recover(folder, floor, settings.seal.as_deref()).map_err(failed)?;
        let shared = Arc::new(Shared::new(
            folder.to_owned(),
            settings,
            segments,
            &recovered,
            Arc::clone(&disk),
        ));
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        writer::start(Arc::clone(&shared), disk, waiting).map_err(failed)?;
        let reader = SpoolReader::new(Arc::clone(&shared), floor.read.unwrap_or_default().0);
        Ok((Self { shared, requests, _lock: Arc::new(lock) }, reader, recovered))
    }

    /// Returns the position of these frames when they are durable. All of them are, or none.
    ///
    /// # Errors
    ///
    /// Returns an error when the frames were not accepted; the caller still has them and may try
    /// again.
    pub async fn append(&self, frames: &[Frame]) -> Result<SpoolPosition, AppendError> {
        self.append_marked(frames, &[]).await
    }

    /// As [`Spool::append`], with a mark that becomes durable in the same moment: how far a
    /// followed file was read. Marks come back in [`Recovered::marks`].
    ///
    /// # Errors
    ///
    /// As [`Spool::append`].
    pub async fn append_marked(
        &self,
        frames: &[Frame],
        mark: &[u8],
    ) -> Result<SpoolPosition, AppendError> {
        let size = frames
            .iter()
            .map(|frame| frame.bytes.len() as u64)
            .fold(mark.len() as u64, u64::saturating_add);
        let ticket = self.shared.reserve(size).ok_or(AppendError::Full)?;
        let encoded = record::encode(frames, mark, &self.shared.settings)?;
        let (reply, answer) = oneshot::channel();
        let request = Request { encoded, reply, _ticket: ticket };
        self.requests.send(request).await.map_err(|_closed| AppendError::Closed)?;
        answer.await.map_err(|_closed| AppendError::Closed)?
    }

    /// Returns whether an append of a usual size would be accepted now.
    pub fn has_room(&self) -> bool {
        self.shared.has_room()
    }

    /// Removes the segments whose every record is at or below this position.
    pub async fn forget(&self, up_to: SpoolPosition) {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || shared.forget(up_to.0)).await;
        if let Err(error) = done {
            tracing::error!(%error, "the spool could not forget");
        }
    }

    /// Returns why nothing is taken in, or nothing given out, at this moment, if so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble()
    }

    /// Returns the bytes that the segments take on the disk.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.disk_bytes()
    }

    /// Returns the last committed position; 0 before the first.
    pub fn committed(&self) -> SpoolPosition {
        SpoolPosition(*self.shared.committed.borrow())
    }

    /// Returns how many batches are committed and not yet taken by the reader.
    pub fn unread(&self) -> u64 {
        self.shared.unread()
    }

    /// Writes what waits and stops; later appends answer [`AppendError::Closed`]. The reader still
    /// gives out what is committed, then ends.
    pub async fn close(&self) {
        /// A group commit takes milliseconds; a disk that hangs must not hang the shutdown.
        const PATIENCE: Duration = Duration::from_secs(10);
        self.shared.closing.cancel();
        if tokio::time::timeout(PATIENCE, self.shared.closed.cancelled()).await.is_err() {
            tracing::error!("the spool's writer did not stop in time");
        }
    }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    let file = File::create(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}
