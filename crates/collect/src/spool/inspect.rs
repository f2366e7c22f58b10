//! Looking at a spool without touching it: are its records as they were written, and what stands there unread?

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use event::SpoolPosition;
use event::seal::{Seal, SealError};

use super::segment::{self, Found, SEGMENT_HEAD, Spot};

/// What a look at a spool's folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Segment files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whole batches in them.
    pub batches: u64,
    /// The records in these.
    pub frames: u64,
    /// Batches above the position that was asked for: what the lake does not have for good yet.
    pub unread_batches: u64,
    /// The records in these.
    pub unread_frames: u64,
    /// What is not as it was written, in the order of positions.
    pub faults: Vec<SpoolFault>,
    /// Whether a process has the spool open: its newest file may grow while it is looked at.
    pub in_use: bool,
    /// What there is of each file, to tell whether one is missing.
    spans: Vec<Range<u64>>,
}

/// A fault of a spool, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolFault {
    /// The file.
    pub path: PathBuf,
    /// The bytes of it.
    pub bytes: Range<u64>,
    /// What is wrong with them.
    pub kind: SpoolFaultKind,
}

/// What is wrong with some bytes of a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolFaultKind {
    /// The file does not begin as one of the spool does.
    Head,
    /// They no longer read as they were written. The batches with these positions are gone.
    Damaged(Range<u64>),
    /// A write that a crash cut short, at the end of the newest file; it was never acknowledged. The next start
    /// cuts it off.
    Torn,
    /// They are as they were written, and their key is not there.
    Locked(String),
    /// The disk does not give them out.
    Unreadable(String),
}

impl SpoolFault {
    /// Returns whether records that were acknowledged are gone, or cannot be read, if the lake has everything up
    /// to this position.
    pub fn costs_records(&self, stored: Option<SpoolPosition>) -> bool {
        match &self.kind {
            SpoolFaultKind::Head | SpoolFaultKind::Torn => false,
            SpoolFaultKind::Damaged(lost) => {
                lost.end > stored.unwrap_or_default().0.saturating_add(1)
            }
            SpoolFaultKind::Locked(_) | SpoolFaultKind::Unreadable(_) => true,
        }
    }
}

impl std::fmt::Display for SpoolFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, bytes {} to {}: ", self.path.display(), self.bytes.start, self.bytes.end)?;
        match &self.kind {
            SpoolFaultKind::Head => write!(f, "not the beginning of a file of the spool"),
            SpoolFaultKind::Damaged(lost) if lost.is_empty() => {
                write!(f, "damaged; no batch is lost by it")
            }
            SpoolFaultKind::Damaged(lost) => {
                write!(
                    f,
                    "damaged; batches {} to {} are gone",
                    lost.start,
                    lost.end.saturating_sub(1)
                )
            }
            SpoolFaultKind::Torn => {
                write!(
                    f,
                    "a write that was cut short and never acknowledged; the next start cuts it off"
                )
            }
            SpoolFaultKind::Locked(why) => write!(f, "the record is {why}"),
            SpoolFaultKind::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

/// What is done with records that are encrypted.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'a> {
    /// Only checksums are looked at, for which no key is needed.
    Unasked,
    /// They are opened with this; without one they are reported.
    Open(Option<&'a dyn Seal>),
}

impl Inspection {
    /// Returns the positions above `stored` of which no file tells: files of the spool are missing. `stored` is how
    /// far the lake is after the look, not before: beside a running platform files go meanwhile.
    pub fn missing(&self, stored: Option<SpoolPosition>) -> Vec<Range<u64>> {
        let mut next = stored.unwrap_or_default().0.saturating_add(1);
        let mut missing = Vec::new();
        for span in &self.spans {
            if span.start > next {
                missing.push(next..span.start);
            }
            next = next.max(span.end);
        }
        missing
    }
}

/// Reads all files of the spool in `folder` against their checksums and changes nothing, whether a platform runs on
/// it or not. `stored` is how far the lake was before the look. A folder that is not there holds nothing.
///
/// # Errors
///
/// When the folder cannot be read. What is wrong with a file is told in the answer.
pub fn inspect(
    folder: &Path,
    stored: Option<SpoolPosition>,
    keys: Keys<'_>,
) -> io::Result<Inspection> {
    let mut found = Inspection { in_use: is_in_use(folder), ..Inspection::default() };
    let firsts = match segment::list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        listed => listed?,
    };
    let stored = stored.unwrap_or_default().0;
    for (index, first) in firsts.iter().enumerate() {
        let path = segment::path(folder, *first);
        let next = firsts.get(index.saturating_add(1)).copied();
        let look = Look { path: &path, first: *first, next, stored, keys, in_use: found.in_use };
        match look.through(&mut found) {
            // Forgotten meanwhile: the lake has what stood in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let kind = SpoolFaultKind::Unreadable(error.to_string());
                found.faults.push(SpoolFault { path, bytes: 0..0, kind });
            }
            Ok(()) => {}
        }
    }
    Ok(found)
}

/// Returns whether a process holds the spool, by its lock; without making the file that is locked.
fn is_in_use(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// One file being looked at.
struct Look<'a> {
    path: &'a Path,
    first: u64,
    /// The first position of the file after it; nothing for the newest.
    next: Option<u64>,
    stored: u64,
    keys: Keys<'a>,
    in_use: bool,
}

impl Look<'_> {
    fn through(&self, found: &mut Inspection) -> io::Result<()> {
        let file = File::open(self.path)?;
        let length = file.metadata()?.len();
        found.files = found.files.saturating_add(1);
        found.bytes = found.bytes.saturating_add(length);
        self.check_head(&file, length, found);
        let mut spot = Spot::start(self.first);
        loop {
            match segment::read(&file, spot, length)? {
                Found::Record { header, payload, next, skipped } => {
                    if skipped > 0 {
                        let lost = spot.last.saturating_add(1)..header.position;
                        let bytes = spot.at..spot.at.saturating_add(skipped);
                        self.tell(found, bytes, SpoolFaultKind::Damaged(lost));
                    }
                    let own = spot.at.saturating_add(skipped)..next.at;
                    let opened = match self.keys {
                        Keys::Unasked => Ok(true),
                        Keys::Open(seal) => header.decode(payload, seal).map(|it| it.is_some()),
                    };
                    let fault = match opened {
                        Ok(true) => None,
                        Ok(false) | Err(SealError::Damaged) => {
                            let lost = header.position..header.position.saturating_add(1);
                            Some(SpoolFaultKind::Damaged(lost))
                        }
                        Err(error) => Some(SpoolFaultKind::Locked(error.to_string())),
                    };
                    if let Some(kind) = fault {
                        self.tell(found, own, kind);
                    }
                    found.batches = found.batches.saturating_add(1);
                    found.frames = found.frames.saturating_add(u64::from(header.frames));
                    if header.position > self.stored {
                        found.unread_batches = found.unread_batches.saturating_add(1);
                        found.unread_frames =
                            found.unread_frames.saturating_add(u64::from(header.frames));
                    }
                    spot = next;
                }
                Found::End { rest, broken } => {
                    self.end(spot, rest, broken, found);
                    return Ok(());
                }
            }
        }
    }

    /// Tells of what stands behind the last whole record, and up to where the file reaches.
    fn end(&self, spot: Spot, rest: u64, broken: u64, found: &mut Inspection) {
        let mut reach = spot.last.saturating_add(1);
        if rest > 0 {
            let bytes = spot.at..spot.at.saturating_add(rest);
            match self.next {
                Some(next) => {
                    self.tell(found, bytes, SpoolFaultKind::Damaged(reach..next));
                    reach = next;
                }
                // Of full length, so not cut short.
                None if broken > 0 => {
                    let lost = reach..reach.saturating_add(broken);
                    self.tell(found, bytes, SpoolFaultKind::Damaged(lost));
                }
                // A running platform is about to write it.
                None if self.in_use => {}
                None => self.tell(found, bytes, SpoolFaultKind::Torn),
            }
        }
        found.spans.push(self.first..reach);
    }

    fn check_head(&self, file: &File, length: u64, found: &mut Inspection) {
        let mut head = [0; SEGMENT_HEAD.len()];
        let mut file = file;
        let is_whole = file.read_exact(&mut head).is_ok() && head == *SEGMENT_HEAD;
        // A file that was just begun is shorter than that.
        if !is_whole && length >= head.len() as u64 {
            self.tell(found, 0..head.len() as u64, SpoolFaultKind::Head);
        }
    }

    fn tell(&self, found: &mut Inspection, bytes: Range<u64>, kind: SpoolFaultKind) {
        found.faults.push(SpoolFault { path: self.path.to_owned(), bytes, kind });
    }
}
