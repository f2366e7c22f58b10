//! Checksums of a file's blocks, so that damage can be told to the place.
//!
//! The checksum of the whole file says that something changed, these say where: what lies in other
//! blocks is as it was written. They stand behind the index; the footer's metadata says where.

use std::ops::Range;

use parquet::file::reader::Length;

use super::file::{KEY_CHECKS, key};
use super::{Footer, SegmentFile};
use crate::error::StoreError;

/// Bytes of a block: damage costs what lies in 64 KiB around it, and a file of 100 MB has 6 KB of
/// checksums.
const CHECKED_BYTES: usize = 64 * 1024;

/// Computes the checksums while a file is written.
#[derive(Default)]
pub(super) struct CheckBuilder {
    done: Vec<u32>,
    open: crc32fast::Hasher,
    open_bytes: usize,
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

    /// Returns the checksums of all bytes so far as they stand in the file; what follows is not
    /// covered.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        if self.open_bytes > 0 {
            self.end_block();
        }
        self.done.iter().flat_map(|check| check.to_le_bytes()).collect()
    }
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
        let covered: u64 = place.parse().map_err(|_| StoreError::Index)?;
        let file = file.open()?;
        if let Some(blocks) = file.damaged()? {
            // What opens is as it was encrypted: that covers all of it, and needs no checksums.
            return Ok(Self { blocks, covered: Length::len(&file) });
        }
        if covered > Length::len(&file) {
            return Err(StoreError::Index);
        }
        let length = usize::try_from(covered).map_err(|_| StoreError::Index)?;
        let mut checks = vec![0; length.div_ceil(CHECKED_BYTES) * 4];
        file.read_exact_at(&mut checks, covered)?;
        let (checks, _) = checks.as_chunks::<4>();
        let mut block = vec![0; CHECKED_BYTES];
        let mut blocks = Vec::new();
        let mut start = 0;
        for check in checks {
            let bytes = (length - start).min(CHECKED_BYTES);
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

/// Returns the places in the file that some rows are read from: their pages in each column, and the
/// dictionaries that these point into.
///
/// # Errors
///
/// When the footer does not say where pages are.
pub(crate) fn places_of(
    file: &SegmentFile,
    footer: &Footer,
    rows: &Range<usize>,
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
                let (chunk_start, _) = chunk.byte_range();
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
