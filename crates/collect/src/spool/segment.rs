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

/// What stands at an offset of a segment.
#[derive(Debug)]
pub(super) enum Found {
    /// A record, its payload's checksum checked.
    Record {
        header: Header,
        payload: Bytes,
        /// Where the next record begins.
        next: u64,
        /// Damaged bytes that were passed over to reach it.
        skipped: u64,
    },
    /// Nothing more that is whole: `rest` bytes are left.
    End { rest: u64 },
}

/// Returns the first whole record at or after `offset`, within the file's first `length` bytes.
pub(super) fn read(file: &File, offset: u64, length: u64) -> io::Result<Found> {
    let mut at = offset;
    loop {
        if let Some((header, payload)) = read_at(file, at, length)? {
            let next = at.saturating_add(HEADER_BYTES as u64).saturating_add(payload.len() as u64);
            return Ok(Found::Record { header, payload, next, skipped: at.saturating_sub(offset) });
        }
        match search(file, at, length)? {
            Some(found) => at = found,
            None => return Ok(Found::End { rest: length.saturating_sub(offset) }),
        }
    }
}

fn read_at(file: &File, at: u64, length: u64) -> io::Result<Option<(Header, Bytes)>> {
    let payload_at = at.saturating_add(HEADER_BYTES as u64);
    if payload_at > length {
        return Ok(None);
    }
    let mut head = [0; HEADER_BYTES];
    file.read_exact_at(&mut head, at)?;
    let Some(header) = record::header(&head) else {
        return Ok(None);
    };
    if payload_at.saturating_add(header.stored_bytes as u64) > length {
        return Ok(None);
    }
    let mut payload = vec![0; header.stored_bytes];
    file.read_exact_at(&mut payload, payload_at)?;
    Ok(header.fits(&payload).then(|| (header, Bytes::from(payload))))
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
