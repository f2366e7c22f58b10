//! Checksums of a file's blocks, so that damage can be told to the place.
//!
//! The checksum of the whole file says that something changed, these say where: what lies in other
//! blocks is as it was written. They stand behind the index; the footer's metadata says where.

use std::ops::Range;

use parquet::file::reader::Length;

use super::file::{KEY_CHECKS, key};
use super::{Footer, SegmentFile};
use crate::error::StoreError;

/// Bytes of a block while a file is written, and in a small file for good: pages of its columns are no larger.
const CHECKED_BYTES: usize = 1024;

/// Blocks of that size that stand for themselves: a file of more has longer blocks.
const SMALL_BLOCKS_MAX: usize = 1024;

/// Bytes of a block of a larger file, and of those written before there were shorter ones: damage costs what lies
/// in 64 KiB around it, and a file of 100 MB has 6 KB of checksums.
const LONG_CHECKED_BYTES: usize = 64 * 1024;

/// Computes the checksums while a file is written.
#[derive(Default)]
pub(super) struct CheckBuilder {
    done: Vec<u32>,
    open: crc32fast::Hasher,
    open_bytes: usize,
    /// Bytes of the last block, where it is shorter.
    last_bytes: usize,
}

/// The checksums of a file's bytes so far.
pub(super) struct Checks {
    /// As they stand in the file.
    pub(super) bytes: Vec<u8>,
    /// Bytes of a block.
    pub(super) block_bytes: usize,
}

impl CheckBuilder {
    /// Takes in the next bytes of the file.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some((now, rest)) =
            bytes.split_at_checked((CHECKED_BYTES - self.open_bytes).min(bytes.len()))
            && !now.is_empty()
        {
            self.open.update(now);
            self.open_bytes += now.len();
            if self.open_bytes == CHECKED_BYTES {
                self.end_block();
            }
            bytes = rest;
        }
    }

    fn end_block(&mut self) {
        self.done.push(std::mem::take(&mut self.open).finalize());
        self.open_bytes = 0;
    }

    /// Returns the checksums of all bytes so far; what follows is not covered.
    pub(super) fn finish(&mut self) -> Checks {
        self.last_bytes = CHECKED_BYTES;
        if self.open_bytes > 0 {
            self.last_bytes = self.open_bytes;
            self.end_block();
        }
        let is_small = self.done.len() <= SMALL_BLOCKS_MAX;
        let block_bytes = if is_small { CHECKED_BYTES } else { LONG_CHECKED_BYTES };
        let checks = if is_small { std::mem::take(&mut self.done) } else { self.joined() };
        let bytes = checks.iter().flat_map(|check| check.to_le_bytes()).collect();
        Checks { bytes, block_bytes }
    }

    /// Returns the checksums of long blocks, made of those of the short ones.
    fn joined(&self) -> Vec<u32> {
        let last = self.done.len().saturating_sub(1);
        let length = |block: usize| {
            let bytes = if block == last { self.last_bytes } else { CHECKED_BYTES };
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        let of = |(block, check): (usize, &u32)| {
            crc32fast::Hasher::new_with_initial_len(*check, length(block))
        };
        let mut short = self.done.iter().enumerate().map(of);
        let mut long =
            Vec::with_capacity(self.done.len() / (LONG_CHECKED_BYTES / CHECKED_BYTES) + 1);
        while let Some(mut joined) = short.next() {
            for next in short.by_ref().take(LONG_CHECKED_BYTES / CHECKED_BYTES - 1) {
                joined.combine(&next);
            }
            long.push(joined.finalize());
        }
        long
    }
}

/// Returns how many bytes are covered, and the bytes of a block.
fn covered_and_block(text: &str) -> Option<(u64, usize)> {
    let Some((covered, block)) = text.split_once(',') else {
        return Some((text.parse().ok()?, LONG_CHECKED_BYTES));
    };
    let block =
        block.parse().ok().filter(|block| [CHECKED_BYTES, LONG_CHECKED_BYTES].contains(block));
    Some((covered.parse().ok()?, block?))
}

/// Which bytes of a file are no longer as they were written.
pub(crate) struct Damage {
    blocks: Vec<Range<u64>>,
    covered: u64,
}

impl Damage {
    /// Reads the whole file against its checksums.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has no checksums that fit its length.
    pub(crate) fn of(file: &SegmentFile, footer: &Footer) -> Result<Self, StoreError> {
        let parquet = footer.parquet(file)?;
        let place = key(parquet.plain.metadata(), KEY_CHECKS).ok_or(StoreError::Index)?;
        let (covered, block_bytes) = covered_and_block(place).ok_or(StoreError::Index)?;
        let file = file.open()?;
        if let Some(blocks) = file.damaged()? {
            // What opens is as it was encrypted: that covers all of it, and needs no checksums.
            return Ok(Self { blocks, covered: Length::len(&file) });
        }
        if covered > Length::len(&file) {
            return Err(StoreError::Index);
        }
        let length = usize::try_from(covered).map_err(|_| StoreError::Index)?;
        let mut checks = vec![0; length.div_ceil(block_bytes) * 4];
        file.read_exact_at(&mut checks, covered)?;
        let (checks, _) = checks.as_chunks::<4>();
        let mut block = vec![0; block_bytes];
        let mut blocks = Vec::new();
        let mut start = 0;
        for check in checks {
            let bytes = (length - start).min(block_bytes);
            let block = block.get_mut(..bytes).ok_or(StoreError::Index)?;
            let at = u64::try_from(start).map_err(|_| StoreError::Index)?;
            file.read_exact_at(block, at)?;
            start += bytes;
            if crc32fast::hash(block) != u32::from_le_bytes(*check) {
                blocks.push(at..u64::try_from(start).map_err(|_| StoreError::Index)?);
            }
        }
        Ok(Self { blocks, covered })
    }

    /// Returns whether any of these bytes may be other than what was written.
    pub(crate) fn touches(&self, bytes: &Range<u64>) -> bool {
        bytes.end > self.covered
            || self.blocks.iter().any(|bad| bad.start < bytes.end && bytes.start < bad.end)
    }
}

/// Returns the places in the file that some rows are read from: their pages in each column (or in those of the
/// named ones), and the dictionaries that these point into.
///
/// # Errors
///
/// When the footer does not say where pages are.
pub(crate) fn places_of(
    file: &SegmentFile,
    footer: &Footer,
    rows: &Range<usize>,
    names: Option<&[&str]>,
) -> Result<Vec<Range<u64>>, StoreError> {
    let metadata = footer.parquet(file)?.plain.metadata();
    let pages = metadata.offset_index().ok_or(StoreError::Index)?;
    let mut places = Vec::new();
    let mut first_row = 0;
    for (group, columns) in metadata.row_groups().iter().zip(pages) {
        let group_rows = usize::try_from(group.num_rows()).map_err(|_| StoreError::Index)?;
        let end_row = first_row + group_rows;
        if first_row < rows.end && rows.start < end_row {
            let wanted = rows.start.saturating_sub(first_row)..rows.end - first_row;
            for (chunk, pages) in group.columns().iter().zip(columns) {
                let name = chunk.column_path().parts().first().map(String::as_str);
                if names.is_some_and(|names| name.is_none_or(|name| !names.contains(&name))) {
                    continue;
                }
                // Not `byte_range`, which ends the program where a damaged footer says less than nothing.
                let chunk_start = chunk.dictionary_page_offset();
                let chunk_start = place(chunk_start.unwrap_or_else(|| chunk.data_page_offset()))?;
                let pages = &pages.page_locations;
                let first = pages.first().ok_or(StoreError::Index)?;
                places.push(chunk_start..place(first.offset)?);
                for (number, page) in pages.iter().enumerate() {
                    let next = pages.get(number + 1).map(|page| place(page.first_row_index));
                    let end = next.transpose()?.map_or(group_rows, row_number);
                    let start = row_number(place(page.first_row_index)?);
                    if start < wanted.end && wanted.start < end {
                        let offset = place(page.offset)?;
                        let bytes = u64::from(page.compressed_page_size.unsigned_abs());
                        places.push(offset..offset.saturating_add(bytes));
                    }
                }
            }
        }
        first_row = end_row;
    }
    Ok(places)
}

fn place(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Index)
}

fn row_number(row: u64) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_short_blocks_become_those_of_long_ones() {
        let bytes: Vec<u8> =
            (0..5_000_001_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
        for length in [0, 1, CHECKED_BYTES, 100_000, SMALL_BLOCKS_MAX * CHECKED_BYTES, bytes.len()]
        {
            let mut builder = CheckBuilder::default();
            for piece in bytes[..length].chunks(777) {
                builder.push(piece);
            }
            let checks = builder.finish();
            let is_small = length <= SMALL_BLOCKS_MAX * CHECKED_BYTES;
            assert_eq!(
                checks.block_bytes,
                if is_small { CHECKED_BYTES } else { LONG_CHECKED_BYTES }
            );
            let wanted: Vec<u8> = bytes[..length]
                .chunks(checks.block_bytes)
                .flat_map(|block| crc32fast::hash(block).to_le_bytes())
                .collect();
            assert_eq!(checks.bytes, wanted, "{length}");
        }
    }

    #[test]
    fn files_say_how_long_their_blocks_are() {
        assert_eq!(covered_and_block("123"), Some((123, LONG_CHECKED_BYTES)));
        assert_eq!(covered_and_block("123,1024"), Some((123, CHECKED_BYTES)));
        for bad in ["", "x", "123,", "123,0", "123,1", ",1024"] {
            assert_eq!(covered_and_block(bad), None, "{bad}");
        }
    }
}
