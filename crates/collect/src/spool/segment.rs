//! Segment files: their names, their first bytes, and walking through their records.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::record::{self, HEADER_BYTES, Header};

/// First bytes of a segment: what it is and the version of its format.
pub(super) const SEGMENT_HEAD: &[u8; 16] = b"LUYTRE-SPOOL\x01\0\0\0";

/// Ending of a segment's file name.
const ENDING: &str = "spool";

/// Returns the path of the segment whose first record has this position.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{ENDING}"))
}

/// Returns the first positions of the segments in a folder, in order.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let first: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_suffix(ENDING))
            .and_then(|name| name.strip_suffix('.'))
            .and_then(|digits| digits.parse().ok());
        firsts.extend(first);
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Where a walk through a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// The offset: behind the head, or behind a whole record.
    pub(super) at: u64,
    /// The position of the last record before it; below the segment's first while there is none.
    pub(super) last: u64,
}

impl Spot {
    /// Returns the place of a segment's first record.
    pub(super) fn start(first: u64) -> Self {
        Self { at: SEGMENT_HEAD.len() as u64, last: first.saturating_sub(1) }
    }

    /// Returns whether a record at `at` may have this position: positions of a segment follow each other, and
    /// what was passed over held so many records at most.
    fn may_reach(self, at: u64, position: u64) -> bool {
        let passed = at.saturating_sub(self.at) / HEADER_BYTES as u64;
        position > self.last && position <= self.last.saturating_add(1).saturating_add(passed)
    }
}

/// What the next whole record of a segment is.
#[derive(Debug)]
pub(super) enum Found {
    /// A record, its payload's checksum checked.
    Record {
        header: Header,
        payload: Bytes,
        /// Behind it.
        next: Spot,
        /// Damaged bytes that were passed over to reach it.
        skipped: u64,
    },
    /// Nothing more that is whole: `rest` bytes are left, in which so many records are of full length and not as
    /// they were written.
    End { rest: u64, broken: u64 },
}

/// What stands at an offset.
enum Stands {
    Whole {
        header: Header,
        payload: Bytes,
    },
    /// The header is whole, the payload is not.
    Damaged {
        header: Header,
        next: u64,
    },
    /// The header is whole, the payload goes on behind the end.
    Torn {
        header: Header,
    },
    NoRecord,
}

/// Returns what names the file in an error about it.
pub(super) fn of_file(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Returns the first whole record at or after `from`, within the file's first `length` bytes.
///
/// A payload is what senders wrote, so it may hold what looks like a record. It is never looked into where the
/// record's own header tells how long it is; elsewhere a record must have a position that can follow.
pub(super) fn read(file: &File, from: Spot, length: u64) -> io::Result<Found> {
    let mut at = from.at;
    // Whether a record begins here, if any: the one before says where it ends.
    let mut is_start = true;
    let mut broken = 0_u64;
    loop {
        match read_at(file, at, length)? {
            Stands::Whole { header, payload } if from.may_reach(at, header.position) => {
                let end =
                    at.saturating_add(HEADER_BYTES as u64).saturating_add(payload.len() as u64);
                let next = Spot { at: end, last: header.position };
                return Ok(Found::Record {
                    header,
                    payload,
                    next,
                    skipped: at.saturating_sub(from.at),
                });
            }
            Stands::Damaged { header, next } if is_start && from.may_reach(at, header.position) => {
                at = next;
                broken = broken.saturating_add(1);
                continue;
            }
            Stands::Torn { header } if is_start && from.may_reach(at, header.position) => break,
            _ => {}
        }
        let Some(found) = search(file, at, length)? else { break };
        (at, is_start) = (found, false);
    }
    Ok(Found::End { rest: length.saturating_sub(from.at), broken })
}

fn read_at(file: &File, at: u64, length: u64) -> io::Result<Stands> {
    let payload_at = at.saturating_add(HEADER_BYTES as u64);
    if payload_at > length {
        return Ok(Stands::NoRecord);
    }
    let mut head = [0; HEADER_BYTES];
    file.read_exact_at(&mut head, at)?;
    let Some(header) = record::header(&head) else {
        return Ok(Stands::NoRecord);
    };
    let next = payload_at.saturating_add(header.stored_bytes as u64);
    if next > length {
        return Ok(Stands::Torn { header });
    }
    let mut payload = vec![0; header.stored_bytes];
    file.read_exact_at(&mut payload, payload_at)?;
    if header.fits(&payload) {
        return Ok(Stands::Whole { header, payload: Bytes::from(payload) });
    }
    Ok(Stands::Damaged { header, next })
}

/// Returns where the next magic stands after `at`.
fn search(file: &File, at: u64, length: u64) -> io::Result<Option<u64>> {
    /// Read at a time; windows overlap by a magic's length less one.
    const WINDOW: u64 = 1024 * 1024;
    let mut from = at;
    while from < length {
        let size = WINDOW.min(length.saturating_sub(from));
        let mut window = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_exact_at(&mut window, from)?;
        if let Some(found) = record::next_magic(&window) {
            return Ok(Some(from.saturating_add(found as u64)));
        }
        if size < WINDOW {
            return Ok(None);
        }
        from = from.saturating_add(WINDOW.saturating_sub(4));
    }
    Ok(None)
}
