//! The index inside a file: for each granule its rows, times, ids and words.
//!
//! It stands before the Parquet footer, where other engines never look; the footer's metadata says
//! where. All numbers are little-endian.

use std::ops::Range;

use ahash::AHashSet;
use event::EventId;
use uuid::Uuid;

use super::bloom::{BLOCK_BYTES, filter_of};
use crate::error::StoreError;

/// First bytes of the index, with its version.
const MAGIC: &[u8; 8] = b"LTGRAN01";

/// What the index knows of one granule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granule {
    /// Its rows in the file.
    pub(crate) rows: Range<usize>,
    /// The earliest `occurred_at`, microseconds.
    pub(crate) min_us: i64,
    /// The latest, inclusive.
    pub(crate) max_us: i64,
    /// The smallest event id.
    pub(crate) min_id: EventId,
    /// The largest, inclusive.
    pub(crate) max_id: EventId,
    /// Blocks of its bloom filter.
    pub(super) blocks: u32,
    /// Where the filter starts, counted from the first filter.
    pub(super) filter_offset: u64,
}

/// Collects one granule's figures.
#[derive(Debug, Default)]
pub(super) struct GranuleBuilder {
    rows: usize,
    times: Option<(i64, i64)>,
    ids: Option<(EventId, EventId)>,
    /// Tokens of its words and values.
    pub(super) tokens: AHashSet<u64>,
}

impl GranuleBuilder {
    /// Takes in one row's time and id.
    pub(super) fn push(&mut self, time_us: i64, id: EventId) {
        self.rows += 1;
        let (min, max) = self.times.unwrap_or((time_us, time_us));
        self.times = Some((min.min(time_us), max.max(time_us)));
        let (least, greatest) = self.ids.unwrap_or((id, id));
        self.ids = Some((least.min(id), greatest.max(id)));
    }

    /// Returns how many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }
}

/// Collects a file's granules.
#[derive(Debug, Default)]
pub(super) struct IndexBuilder {
    granules: Vec<Granule>,
    filters: Vec<u8>,
    rows: usize,
}

impl IndexBuilder {
    /// Adds a granule that is full.
    pub(super) fn push(&mut self, granule: &GranuleBuilder) {
        let (Some((min_us, max_us)), Some((min_id, max_id))) = (granule.times, granule.ids) else {
            return;
        };
        let filter = filter_of(granule.tokens.iter());
        let rows = self.rows..self.rows + granule.rows;
        self.rows = rows.end;
        self.granules.push(Granule {
            rows,
            min_us,
            max_us,
            min_id,
            max_id,
            blocks: u32::try_from(filter.len() / BLOCK_BYTES).unwrap_or(u32::MAX),
            filter_offset: u64::try_from(self.filters.len()).unwrap_or(u64::MAX),
        });
        self.filters.extend(filter);
    }

    /// Returns the granules so far.
    pub(super) fn granules(&self) -> &[Granule] {
        &self.granules
    }

    /// Returns the index as it stands in the file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(u32::try_from(self.granules.len()).unwrap_or(u32::MAX).to_le_bytes());
        for granule in &self.granules {
            bytes.extend(u32::try_from(granule.rows.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(granule.min_us.to_le_bytes());
            bytes.extend(granule.max_us.to_le_bytes());
            bytes.extend(granule.min_id.uuid().as_bytes());
            bytes.extend(granule.max_id.uuid().as_bytes());
            bytes.extend(granule.blocks.to_le_bytes());
        }
        bytes.extend(&self.filters);
        bytes
    }
}

/// Bytes before the granules: magic and count.
pub(super) const HEAD_BYTES: usize = 12;

/// Bytes of one granule's entry.
const ENTRY_BYTES: usize = 4 + 8 + 8 + 16 + 16 + 4;

/// Returns how many bytes of entries follow the head.
pub(super) fn entries_bytes(head: &[u8]) -> Result<usize, StoreError> {
    let (magic, count) = head.split_first_chunk::<8>().ok_or(StoreError::Index)?;
    let count = count.first_chunk::<4>().ok_or(StoreError::Index)?;
    if magic != MAGIC {
        return Err(StoreError::Index);
    }
    let count = usize::try_from(u32::from_le_bytes(*count)).map_err(|_| StoreError::Index)?;
    count.checked_mul(ENTRY_BYTES).ok_or(StoreError::Index)
}

/// Reads the entries.
pub(super) fn read_entries(bytes: &[u8]) -> Result<Vec<Granule>, StoreError> {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut granules = Vec::with_capacity(entries.len());
    let mut first_row = 0;
    let mut filter_offset = 0;
    for entry in entries {
        let mut rest = entry.as_slice();
        let row_count = u32::from_le_bytes(take(&mut rest)?);
        let rows = first_row..first_row + usize::try_from(row_count).unwrap_or(usize::MAX);
        first_row = rows.end;
        let granule = Granule {
            rows,
            min_us: i64::from_le_bytes(take(&mut rest)?),
            max_us: i64::from_le_bytes(take(&mut rest)?),
            min_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
            max_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
            blocks: u32::from_le_bytes(take(&mut rest)?),
            filter_offset,
        };
        filter_offset += u64::from(granule.blocks) * 32;
        granules.push(granule);
    }
    Ok(granules)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], StoreError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(StoreError::Index)?;
    *bytes = rest;
    Ok(*taken)
}
