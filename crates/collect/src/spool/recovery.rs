//! Opening a spool that a crash may have left behind.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use bytes::Bytes;
use event::SpoolPosition;
use event::seal::{Seal, SealError};

use super::Floor;
use super::segment::{self, Found, Spot, of_file};
use super::shared::Segment;

/// What was found in a spool when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Committed batches above the floor: the pipeline sees them again.
    pub batches: u64,
    /// The first of them.
    pub first: Option<SpoolPosition>,
    /// The frames in them.
    pub frames: u64,
    /// Bytes of an unfinished write that were cut off the end. They were never acknowledged.
    pub truncated_bytes: u64,
    /// Bytes in the middle that no longer read as they were written (a failing disk). They are
    /// passed over and stay in their file until it is forgotten.
    pub damaged_bytes: u64,
    /// Batches above what the lake has for good that no file tells of any more, or that are damaged: they were
    /// acknowledged and are gone.
    pub lost_batches: u64,
    /// The last position in the spool, or the floor if that is higher.
    pub last: SpoolPosition,
    /// The marks of all batches that are still there, oldest first.
    pub marks: Vec<Bytes>,
}

/// Walks through all segments, removes those at or below the floor and cuts the last one's torn end.
pub(super) fn recover(
    folder: &Path,
    floor: Floor,
    seal: Option<&dyn Seal>,
) -> io::Result<(BTreeMap<u64, Segment>, Recovered)> {
    let mut recovered =
        Recovered { last: floor.stored.unwrap_or_default(), ..Recovered::default() };
    let stored = floor.stored.unwrap_or_default();
    let floor = floor.read.unwrap_or_default();
    let mut wanted = 0_u64;
    let mut segments = BTreeMap::new();
    let firsts = segment::list(folder)?;
    for (index, first) in firsts.iter().enumerate() {
        let newest = index.saturating_add(1) == firsts.len();
        let path = segment::path(folder, *first);
        let walk = Walk { first: *first, newest, floor: floor.0, stored: stored.0, seal };
        let walked = walk.through(&path, &mut recovered)?;
        // Even an empty or forgotten file tells how far positions have been given out.
        let given = walked.last.max(first.saturating_sub(1));
        wanted = wanted.saturating_add(walked.wanted);
        recovered.last = recovered.last.max(SpoolPosition(given));
        if walked.last <= floor.0 && walked.damaged == 0 {
            std::fs::remove_file(&path)?;
        } else {
            let segment = Segment { length: walked.length, last: walked.last, active: false };
            segments.insert(*first, segment);
        }
    }
    let above = recovered.last.0.saturating_sub(stored.0);
    let gone = above.saturating_sub(wanted);
    recovered.lost_batches = recovered.lost_batches.saturating_add(gone);
    Ok((segments, recovered))
}

struct Walked {
    length: u64,
    last: u64,
    damaged: u64,
    /// Whole records that the lake does not have for good.
    wanted: u64,
}

/// How one segment is walked through.
struct Walk<'a> {
    /// The position of its first record.
    first: u64,
    /// Whether it is the newest, whose end a crash may have torn.
    newest: bool,
    /// Records up to here are not wanted any more.
    floor: u64,
    /// Records up to here are in the lake for good.
    stored: u64,
    seal: Option<&'a dyn Seal>,
}

impl Walk<'_> {
    fn through(&self, path: &Path, recovered: &mut Recovered) -> io::Result<Walked> {
        let file = File::open(path).map_err(of_file(path))?;
        let length = file.metadata().map_err(of_file(path))?.len();
        let last = self.first.saturating_sub(1);
        let mut walked = Walked { length, last, damaged: 0, wanted: 0 };
        let mut spot = Spot::start(self.first);
        loop {
            match segment::read(&file, spot, length).map_err(of_file(path))? {
                Found::Record { header, payload, next, skipped } => {
                    walked.damaged = walked.damaged.saturating_add(skipped);
                    walked.last = walked.last.max(header.position);
                    match header
                        .decode(payload, self.seal)
                        .map_err(|error| unreadable(path, &error))?
                    {
                        None => walked.damaged = walked.damaged.saturating_add(next.at - spot.at),
                        Some(decoded) => {
                            if !decoded.mark.is_empty() {
                                recovered.marks.push(Bytes::copy_from_slice(&decoded.mark));
                            }
                            if header.position > self.stored {
                                walked.wanted = walked.wanted.saturating_add(1);
                            }
                            if header.position > self.floor {
                                recovered.first.get_or_insert(SpoolPosition(header.position));
                                recovered.batches = recovered.batches.saturating_add(1);
                                recovered.frames =
                                    recovered.frames.saturating_add(u64::from(header.frames));
                            }
                        }
                    }
                    spot = next;
                }
                Found::End { rest, broken } => {
                    if rest > 0 {
                        if self.newest {
                            // Of full length: not what a crash cut short, so it may have been acknowledged.
                            let above =
                                spot.last.saturating_add(broken).saturating_sub(self.stored);
                            recovered.lost_batches =
                                recovered.lost_batches.saturating_add(broken.min(above));
                            cut(path, spot.at)?;
                            recovered.truncated_bytes =
                                recovered.truncated_bytes.saturating_add(rest);
                            walked.length = spot.at;
                        } else {
                            walked.damaged = walked.damaged.saturating_add(rest);
                        }
                    }
                    break;
                }
            }
        }
        if walked.damaged > 0 {
            tracing::error!(
                segment = %path.display(),
                damaged_bytes = walked.damaged,
                "the spool is damaged: these bytes no longer read as they were written"
            );
            recovered.damaged_bytes = recovered.damaged_bytes.saturating_add(walked.damaged);
        }
        Ok(walked)
    }
}

/// What is encrypted with a key that is not there is not lost: nothing is touched until the key is.
fn unreadable(path: &Path, error: &SealError) -> io::Error {
    let text = format!("{}: a record is {error}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}
