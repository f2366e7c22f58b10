//! A packed copy of a file's footer, right in front of it: where the footer is damaged, its rows can
//! still be found. Readers of Parquet pass over it.
//!
//! `… page index · MAGIC · header · packed footer · footer`; in an encrypted file the footer begins with
//! a chunk of its own, so that damage to it leaves the copy readable. The header (four numbers of 32
//! bits) tells length and checksum of the page index and of the packed footer. Not even a copy helps
//! where the trailer of an encrypted file is damaged: without its salt there is no key.

use std::io::{self, Read as _};

use bytes::{Buf as _, Bytes};
use memchr::memmem;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::encryption::CHUNK_BYTES;
use crate::place::Opened;

/// First bytes of a copy, with the format's version.
const MAGIC: &[u8; 8] = b"LTFOOT01";

/// Bytes of the header behind them.
const HEADER_BYTES: usize = 16;

/// What a Parquet file ends with.
const PARQUET_MAGIC: &[u8; 4] = b"PAR1";

/// Bytes from a file's end in which a copy is looked for; footers are shorter by far.
const SEARCHED_BYTES: u64 = 16 << 20;

/// How hard zstd tries: names of columns repeat for each of their parts.
const PACKING_LEVEL: i32 = 3;

/// Cuts a file's end in two: what stands before the footer, and the footer with its length and the
/// file's last word.
pub(super) fn parts(end: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, magic) = end.split_last_chunk::<4>()?;
    let (_, length) = rest.split_last_chunk::<4>()?;
    let footer = usize::try_from(u32::from_le_bytes(*length)).ok()? + 8;
    let (before, footer) = end.split_at_checked(end.len().checked_sub(footer)?)?;
    (magic == PARQUET_MAGIC).then_some((before, footer))
}

/// Returns the copy of a footer behind what stands before it.
pub(super) fn copy_of(before: &[u8], footer: &[u8]) -> io::Result<Vec<u8>> {
    let packed = zstd::stream::encode_all(footer, PACKING_LEVEL)?;
    let mut copy = Vec::with_capacity(MAGIC.len() + HEADER_BYTES + packed.len());
    copy.extend_from_slice(MAGIC);
    for bytes in [before, packed.as_slice()] {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        copy.extend_from_slice(&length.to_le_bytes());
        copy.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    }
    copy.extend_from_slice(&packed);
    Ok(copy)
}

/// A file as it was with its footer whole: its bytes up to the copy, then the footer.
pub(super) struct Mended<'a> {
    file: &'a Opened,
    /// Where the copy stands.
    at: u64,
    footer: Bytes,
}

impl<'a> Mended<'a> {
    /// Returns the file with the footer of its copy, if it has one that is as it was written, and so is
    /// the page index before it.
    pub(super) fn find(file: &'a Opened) -> Option<Self> {
        let (size, piece) = (file.len(), CHUNK_BYTES as u64);
        let start = size.saturating_sub(SEARCHED_BYTES) / piece * piece;
        let mut tail = vec![0; usize::try_from(size - start).ok()?];
        for (number, bytes) in (0_u64..).zip(tail.chunks_mut(CHUNK_BYTES)) {
            // Where nothing can be read there is no copy.
            if file.read_exact_at(bytes, start + number * piece).is_err() {
                bytes.fill(0);
            }
        }
        let mut end = tail.len();
        loop {
            let at = memmem::rfind(tail.get(..end)?, MAGIC)?;
            if let Some(footer) = proven(&tail, at) {
                return Some(Self { file, at: start + at as u64, footer });
            }
            end = at;
        }
    }
}

/// Returns the footer that stands packed at this place, if it and what is before it are as they were
/// written.
fn proven(tail: &[u8], at: usize) -> Option<Bytes> {
    let (header, rest) = tail.get(at + MAGIC.len()..)?.split_first_chunk::<HEADER_BYTES>()?;
    let (numbers, _) = header.as_chunks::<4>();
    let [before_bytes, before_check, packed_bytes, packed_check] = numbers else { return None };
    let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    let length = |bytes: &[u8; 4]| usize::try_from(number(bytes)).ok();
    let before = tail.get(at.checked_sub(length(before_bytes)?)?..at)?;
    let packed = rest.get(..length(packed_bytes)?)?;
    let is_proven = crc32fast::hash(before) == number(before_check)
        && crc32fast::hash(packed) == number(packed_check);
    if !is_proven {
        return None;
    }
    let mut footer = Vec::new();
    let unpacked = zstd::stream::read::Decoder::new(packed).ok()?;
    unpacked.take(SEARCHED_BYTES).read_to_end(&mut footer).ok()?;
    Some(Bytes::from(footer))
}

impl Length for Mended<'_> {
    fn len(&self) -> u64 {
        self.at + self.footer.len() as u64
    }
}

impl ChunkReader for Mended<'_> {
    type T = bytes::buf::Reader<Bytes>;

    /// Reads to the end: only the footer's last bytes are asked for so.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let left = usize::try_from(self.len().saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(self.get_bytes(start, left)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len());
        let end = end.ok_or_else(|| ParquetError::EOF("past the end of the file".to_owned()))?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(length);
        if start < self.at {
            bytes.extend_from_slice(&self.file.read(start, place(end.min(self.at) - start))?);
        }
        if end > self.at {
            let (from, to) = (start.max(self.at) - self.at, end - self.at);
            bytes.extend_from_slice(self.footer.get(place(from)..place(to)).unwrap_or_default());
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(footer: &[u8]) -> Vec<u8> {
        let length = u32::try_from(footer.len()).unwrap();
        [b"page index".as_slice(), footer, &length.to_le_bytes(), PARQUET_MAGIC].concat()
    }

    #[test]
    fn a_copy_is_taken_for_one_only_where_all_is_as_it_was() {
        let end = end_of(&b"footer ".repeat(500));
        let (before, footer) = parts(&end).unwrap();
        assert_eq!(before, b"page index");
        let copy = copy_of(before, footer).unwrap();
        assert!(copy.len() < footer.len() / 10, "{} bytes", copy.len());
        let file = [b"rows", before, &copy, footer].concat();
        let at = memmem::rfind(&file, MAGIC).unwrap();
        assert_eq!(proven(&file, at).as_deref(), Some(footer));
        for place in 4..14 + copy.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 0x10;
            let found = memmem::rfind(&damaged, MAGIC).and_then(|at| proven(&damaged, at));
            assert_eq!(found, None, "byte {place}");
        }
        assert_eq!(proven(&file[..at + 30], at), None);
        assert_eq!(proven(MAGIC, 0), None);
    }

    #[test]
    fn what_ends_otherwise_has_no_footer() {
        for end in [&b""[..], b"PAR1", b"\0\0\0\0PAR2", b"\xff\xff\xff\xffPAR1"] {
            assert!(parts(end).is_none(), "{end:?}");
        }
        assert!(parts(b"\0\0\0\0PAR1").is_some());
    }
}
