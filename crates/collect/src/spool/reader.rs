//! The one reader: gives committed batches to the pipeline, from the files.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event::{Frame, SpoolPosition};
use tokio::sync::watch;

use super::segment::{self, Found, Spot, of_file};
use super::shared::Shared;

/// Frames that are given out together, if that many are committed: one turn of the pipeline.
const BATCH_FRAMES: usize = 4096;

/// Bytes on disk of what is given out together.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// How long a reader that met a failing disk waits before it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// Committed frames, in the order in which they were accepted.
#[derive(Debug)]
pub struct Batch {
    /// The position of the last of them: what the lake commits and the spool then forgets.
    pub position: SpoolPosition,
    /// The frames. Their bytes share the memory that the records were read into.
    pub frames: Vec<Frame>,
}

/// Reads the spool from its floor on. There is one; batches come in order, each once.
#[derive(Debug)]
pub struct SpoolReader {
    shared: Arc<Shared>,
    committed: watch::Receiver<u64>,
    cursor: Cursor,
}

#[derive(Debug, Clone)]
struct Cursor {
    /// The last position that was given out.
    position: u64,
    open: Option<Open>,
    /// Positions that no batch reaches over.
    ends: Vec<u64>,
}

/// A segment being read.
#[derive(Debug, Clone)]
struct Open {
    first: u64,
    file: Arc<File>,
    spot: Spot,
}

impl SpoolReader {
    pub(super) fn new(shared: Arc<Shared>, floor: u64) -> Self {
        shared.taken.store(floor, Ordering::Release);
        let committed = shared.committed.subscribe();
        Self { shared, committed, cursor: Cursor { position: floor, open: None, ends: Vec::new() } }
    }

    /// Lets no batch reach over one of these positions.
    pub(super) fn end_batches_at(&mut self, positions: impl Iterator<Item = SpoolPosition>) {
        self.cursor.ends = positions.map(|position| position.0).collect();
    }

    /// Waits for and returns the next committed frames; `None` when the spool is closed and all has
    /// been given out. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            let committed = *self.committed.borrow_and_update();
            if committed > self.cursor.position {
                let read = self.read(committed).await;
                self.note(read.as_ref().err());
                match read {
                    Ok(Some(batch)) => return Some(batch),
                    // Only damage was left below the committed position.
                    Ok(None) => self.cursor.position = committed,
                    Err(_told) => {
                        self.cursor.open = None;
                        tokio::time::sleep(RETRY).await;
                    }
                }
                continue;
            }
            tokio::select! {
                changed = self.committed.changed() => changed.ok()?,
                () = self.shared.closed.cancelled() => {
                    if *self.committed.borrow() == self.cursor.position {
                        return None;
                    }
                }
            }
        }
    }

    /// Takes note of how the last read went; of a failure once, not with every try.
    fn note(&self, error: Option<&io::Error>) {
        let said = error.map(ToString::to_string);
        let before = std::mem::replace(&mut *self.shared.unreadable.lock(), said.clone());
        match said {
            Some(error) if before.as_ref() != Some(&error) => {
                tracing::error!(error, "the spool cannot be read; trying again");
            }
            None if before.is_some() => tracing::info!("the spool can be read again"),
            _ => {}
        }
    }

    async fn read(&mut self, committed: u64) -> io::Result<Option<Batch>> {
        let shared = Arc::clone(&self.shared);
        let mut cursor = self.cursor.clone();
        let (batch, cursor) = tokio::task::spawn_blocking(move || {
            cursor.read(&shared, committed).map(|batch| (batch, cursor))
        })
        .await
        .map_err(io::Error::other)??;
        self.cursor = cursor;
        self.shared.taken.store(self.cursor.position, Ordering::Release);
        Ok(batch)
    }
}

impl Cursor {
    fn read(&mut self, shared: &Shared, committed: u64) -> io::Result<Option<Batch>> {
        let mut frames = Vec::new();
        let mut bytes = 0;
        // Nothing found is the end: however much lies below the floor, it is stepped over here.
        while self.position < committed
            && (frames.is_empty() || (frames.len() < BATCH_FRAMES && bytes < BATCH_BYTES))
        {
            let Some((mut open, length)) = self.segment(shared)? else { break };
            let read = segment::read(&open.file, open.spot, length);
            let named = |error| of_file(&segment::path(&shared.folder, open.first))(error);
            match read.map_err(named)? {
                Found::Record { header, payload, next, .. } => {
                    let reached = self.position..header.position;
                    if !frames.is_empty() && self.ends.iter().any(|end| reached.contains(end)) {
                        break;
                    }
                    let own = next.at.saturating_sub(open.spot.at);
                    open.spot = next;
                    // Below the floor: the lake has it already.
                    if header.position > self.position {
                        bytes += own;
                        let seal = shared.settings.seal.as_deref();
                        let decoded = header.decode(payload, seal).map_err(io::Error::other)?;
                        frames.extend(decoded.map_or_else(Vec::new, |it| it.frames));
                        self.position = header.position;
                    }
                }
                Found::End { .. } => open.spot.at = length,
            }
            self.open = Some(open);
        }
        if frames.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch { position: SpoolPosition(self.position), frames }))
    }

    /// Returns the segment with the next record and how far it may be read.
    fn segment(&self, shared: &Shared) -> io::Result<Option<(Open, u64)>> {
        let after = {
            let segments = shared.segments.lock();
            if let Some(open) = &self.open
                && let Some(segment) = segments.get(&open.first)
                && open.spot.at < segment.length
            {
                return Ok(Some((open.clone(), segment.length)));
            }
            let from = self.open.as_ref().map_or(0, |open| open.first.saturating_add(1));
            segments
                .range(from..)
                .find(|(_, segment)| segment.last > self.position)
                .map(|(first, segment)| (*first, segment.length))
        };
        let Some((first, length)) = after else { return Ok(None) };
        let path = segment::path(&shared.folder, first);
        let file = Arc::new(File::open(&path).map_err(of_file(&path))?);
        Ok(Some((Open { first, file, spot: Spot::start(first) }, length)))
    }
}
