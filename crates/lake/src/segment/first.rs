//! The index of the first layout (schema version 1): a filter of its own size for each granule, one after
//! the other. Such files are read as long as there are any; none is written.

use std::ops::Range;

use event::EventId;
use uuid::Uuid;

use super::bloom::{BLOCK_BYTES, block_may_hold, block_of};
use super::granules::{Granule, read_within, take};
use crate::error::StoreError;
use crate::place::Opened;

/// First bytes of the index.
pub(super) const MAGIC: &[u8; 8] = b"LTGRAN01";

/// Bytes before the granules: magic and count.
const HEAD_BYTES: usize = 12;

/// Bytes of one granule's entry.
const ENTRY_BYTES: usize = 4 + 8 + 8 + 16 + 16 + 4;

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

const fn fnv_step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(FNV_PRIME)
}

/// Spreads FNV's bits (the finaliser of `MurmurHash3`).
const fn spread(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Returns the hash of a folded word.
pub(super) fn word_hash(word: &str) -> u64 {
    spread(word.bytes().fold(FNV_START, fnv_step))
}

/// Returns the hash of a field's folded value.
pub(super) fn value_hash(name: &str, folded: &str) -> u64 {
    let hash = name.bytes().fold(FNV_START, fnv_step);
    spread(folded.bytes().fold(fnv_step(hash, 0), fnv_step))
}

/// One granule's filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnFilter {
    blocks: u32,
    offset: u64,
}

impl OwnFilter {
    /// Returns whether the granule may hold a token.
    pub(super) fn may_hold(self, file: &Opened, first_hash: u64) -> Result<bool, StoreError> {
        let place = u64::from(block_of(first_hash, self.blocks));
        let mut block = [0; BLOCK_BYTES];
        file.read_exact_at(&mut block, self.offset + place * block_bytes())?;
        Ok(block_may_hold(block, first_hash))
    }
}

fn block_bytes() -> u64 {
    u64::try_from(BLOCK_BYTES).unwrap_or(0)
}

/// Reads the granules and their filters; the index begins at `offset`.
pub(super) fn read(
    file: &Opened,
    offset: u64,
) -> Result<(Vec<Granule>, Vec<OwnFilter>), StoreError> {
    let head = file.read(offset, HEAD_BYTES)?;
    let count =
        head.get(8..).and_then(|count| count.first_chunk::<4>()).ok_or(StoreError::Index)?;
    let count = usize::try_from(u32::from_le_bytes(*count)).map_err(|_| StoreError::Index)?;
    let bytes = count.checked_mul(ENTRY_BYTES).ok_or(StoreError::Index)?;
    let entries_offset = offset + u64::try_from(HEAD_BYTES).unwrap_or(0);
    let entries = read_within(file, entries_offset, bytes)?;
    let mut filter_offset = entries_offset + u64::try_from(bytes).unwrap_or(0);
    let (mut granules, mut filters) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut first_row = 0;
    for (number, entry) in entries.chunks_exact(ENTRY_BYTES).enumerate() {
        let mut rest = entry;
        let row_count = u32::from_le_bytes(take(&mut rest)?);
        let rows: Range<usize> =
            first_row..first_row + usize::try_from(row_count).unwrap_or(usize::MAX);
        first_row = rows.end;
        granules.push(Granule {
            number,
            rows,
            min_us: i64::from_le_bytes(take(&mut rest)?),
            max_us: i64::from_le_bytes(take(&mut rest)?),
            min_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
            max_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
        });
        let blocks = u32::from_le_bytes(take(&mut rest)?);
        filters.push(OwnFilter { blocks, offset: filter_offset });
        filter_offset += u64::from(blocks) * block_bytes();
    }
    Ok((granules, filters))
}
