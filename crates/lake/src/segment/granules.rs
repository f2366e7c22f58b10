//! The index inside a file: for each granule its rows, times, ids and words.
//!
//! It stands before the Parquet footer, where other engines never look; the footer's metadata says
//! where. All granules have filters of one size, and the filters lie across each other: the first
//! block of every granule, then the second of every granule … So the question which granules may
//! hold a word is answered by one short read a file, however many granules it has: a year of files
//! is asked in seconds even when nothing of it is in memory. All numbers are little-endian.

use std::ops::Range;

use bytes::Bytes;
use event::EventId;
use parquet::file::reader::Length as _;
use uuid::Uuid;

use super::bloom::{BLOCK_BYTES, Token, block_may_hold, block_of, blocks_for, set};
use super::first::{self, OwnFilter};
use super::tokens::Tokens;
use crate::error::StoreError;
use crate::place::Opened;

/// First bytes of the index, with its version.
const MAGIC: &[u8; 8] = b"LTGRAN03";

/// Those of an index that does not know the starts of words.
const MAGIC_WITHOUT_STARTS: &[u8; 8] = b"LTGRAN02";

/// What the index knows of one granule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granule {
    /// Its place among the file's granules.
    pub(crate) number: usize,
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
}

/// Collects one granule's figures.
#[derive(Debug, Default)]
pub(super) struct GranuleBuilder {
    rows: usize,
    times: Option<(i64, i64)>,
    ids: Option<(EventId, EventId)>,
    /// Tokens of its words and values.
    pub(super) tokens: Tokens,
}

impl GranuleBuilder {
    /// Takes in rows: how many, their least and greatest time and id.
    pub(super) fn push(&mut self, rows: usize, times: (i64, i64), ids: (EventId, EventId)) {
        self.rows += rows;
        let (min, max) = self.times.unwrap_or(times);
        self.times = Some((min.min(times.0), max.max(times.1)));
        let (least, greatest) = self.ids.unwrap_or(ids);
        self.ids = Some((least.min(ids.0), greatest.max(ids.1)));
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
    /// Tokens of each.
    tokens: Vec<Vec<u64>>,
    rows: usize,
}

impl IndexBuilder {
    /// Adds a granule that is full and makes the builder ready for the next.
    pub(super) fn push(&mut self, granule: &mut GranuleBuilder) {
        if let (Some((min_us, max_us)), Some((min_id, max_id))) = (granule.times, granule.ids) {
            let rows = self.rows..self.rows + granule.rows;
            self.rows = rows.end;
            let number = self.granules.len();
            self.granules.push(Granule { number, rows, min_us, max_us, min_id, max_id });
            self.tokens.push(granule.tokens.take());
        }
        granule.rows = 0;
        granule.times = None;
        granule.ids = None;
    }

    /// Returns the granules so far.
    pub(super) fn granules(&self) -> &[Granule] {
        &self.granules
    }

    /// Returns the index as it stands in the file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let count = self.granules.len();
        let filters = self.filters();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        let blocks = filters.len() / count.max(1);
        bytes.extend(u32::try_from(blocks).unwrap_or(u32::MAX).to_le_bytes());
        for granule in &self.granules {
            bytes.extend(u32::try_from(granule.rows.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(granule.min_us.to_le_bytes());
            bytes.extend(granule.max_us.to_le_bytes());
            bytes.extend(granule.min_id.uuid().as_bytes());
            bytes.extend(granule.max_id.uuid().as_bytes());
        }
        bytes.extend(filters.iter().flatten().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    /// Returns the blocks of all filters, those of one place beside each other. The largest granule
    /// decides their size, but one that has far more words than the others does not make theirs as
    /// large: it is read in vain more often instead.
    fn filters(&self) -> Vec<[u32; 8]> {
        let count = self.granules.len().max(1);
        let most = self.tokens.iter().map(Vec::len).max().unwrap_or(0);
        let all: usize = self.tokens.iter().map(Vec::len).sum();
        let blocks = blocks_for(most.min(2 * all.div_ceil(count)));
        let blocks_u32 = u32::try_from(blocks).unwrap_or(u32::MAX);
        let mut filters = vec![[0_u32; 8]; blocks * self.granules.len()];
        for (number, tokens) in self.tokens.iter().enumerate() {
            for token in tokens {
                let block = usize::try_from(block_of(*token, blocks_u32)).unwrap_or(0);
                if let Some(block) = filters.get_mut(block * count + number) {
                    set(block, *token);
                }
            }
        }
        filters
    }
}

/// Bytes before the granules: magic, their count, the blocks of a filter.
const HEAD_BYTES: usize = 16;

/// Bytes of one granule's entry.
const ENTRY_BYTES: usize = 4 + 8 + 8 + 16 + 16;

/// Where a file's filters are.
#[derive(Debug)]
pub(super) enum Filters {
    /// Across each other, from this place on; so many blocks each.
    Across { offset: u64, blocks: u32, has_starts: bool },
    /// One after the other.
    First(Vec<OwnFilter>),
}

impl Filters {
    /// Returns for each granule whether it may hold all of these tokens.
    pub(super) fn may_hold(
        &self,
        file: &Opened,
        granules: usize,
        tokens: &[Token],
    ) -> Result<Vec<bool>, StoreError> {
        let mut may = vec![true; granules];
        for token in tokens {
            match (self, token) {
                (Self::First(_) | Self::Across { has_starts: false, .. }, Token::Start { .. }) => {}
                (
                    Self::Across { offset, blocks, .. },
                    Token::Whole { hash, .. } | Token::Start { hash },
                ) => {
                    let row = granules * BLOCK_BYTES;
                    let place = u64::from(block_of(*hash, *blocks));
                    let start = offset + place * u64::try_from(row).unwrap_or(0);
                    let bytes = read_within(file, start, row)?;
                    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
                    for (may, block) in may.iter_mut().zip(blocks) {
                        *may = *may && block_may_hold(*block, *hash);
                    }
                }
                (Self::First(filters), Token::Whole { first, .. }) => {
                    for (may, filter) in may.iter_mut().zip(filters) {
                        *may = *may && filter.may_hold(file, *first)?;
                    }
                }
            }
            if !may.contains(&true) {
                break;
            }
        }
        Ok(may)
    }
}

/// Reads what stands of the granules at a place of the file.
pub(super) fn read(file: &Opened, offset: u64) -> Result<(Vec<Granule>, Filters), StoreError> {
    let head = file.read(offset, HEAD_BYTES)?;
    let mut rest: &[u8] = &head;
    let magic = take::<8>(&mut rest)?;
    if magic == *first::MAGIC {
        let (granules, filters) = first::read(file, offset)?;
        return Ok((granules, Filters::First(filters)));
    }
    let has_starts = magic == *MAGIC;
    if !has_starts && magic != *MAGIC_WITHOUT_STARTS {
        return Err(StoreError::Index);
    }
    let count = u32::from_le_bytes(take(&mut rest)?);
    let blocks = u32::from_le_bytes(take(&mut rest)?);
    let count = usize::try_from(count).map_err(|_| StoreError::Index)?;
    let bytes = count.checked_mul(ENTRY_BYTES).ok_or(StoreError::Index)?;
    let entries_offset = offset + u64::try_from(HEAD_BYTES).unwrap_or(0);
    let granules = read_entries(&read_within(file, entries_offset, bytes)?)?;
    let offset = entries_offset + u64::try_from(bytes).unwrap_or(0);
    Ok((granules, Filters::Across { offset, blocks, has_starts }))
}

/// Reads bytes of the file; a length that cannot be is not asked memory for.
pub(super) fn read_within(file: &Opened, start: u64, length: usize) -> Result<Bytes, StoreError> {
    let left = file.len().saturating_sub(start);
    if u64::try_from(length).map_or(true, |length| length > left) {
        return Err(StoreError::Index);
    }
    Ok(file.read(start, length)?)
}

/// Reads the entries.
fn read_entries(bytes: &[u8]) -> Result<Vec<Granule>, StoreError> {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut granules = Vec::with_capacity(entries.len());
    let mut first_row = 0;
    for entry in entries {
        let mut rest = entry.as_slice();
        let row_count = u32::from_le_bytes(take(&mut rest)?);
        let rows = first_row..first_row + usize::try_from(row_count).unwrap_or(usize::MAX);
        first_row = rows.end;
        granules.push(Granule {
            number: granules.len(),
            rows,
            min_us: i64::from_le_bytes(take(&mut rest)?),
            max_us: i64::from_le_bytes(take(&mut rest)?),
            min_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
            max_id: EventId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
        });
    }
    Ok(granules)
}

pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], StoreError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(StoreError::Index)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::place::Stored;

    fn opened(bytes: &[u8]) -> Opened {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Opened::Plain(Stored::Local(file))
    }

    /// An index of a granule for each text.
    fn index(texts: &[&str]) -> Vec<u8> {
        let mut index = IndexBuilder::default();
        for text in texts {
            let mut granule = GranuleBuilder::default();
            let id = EventId::from_uuid(Uuid::nil());
            granule.push(1, (0, 0), (id, id));
            granule.tokens.add_words(text);
            index.push(&mut granule);
        }
        index.bytes()
    }

    fn may_hold(bytes: &[u8], token: Token) -> Vec<bool> {
        let file = opened(bytes);
        let (granules, filters) = read(&file, 0).unwrap();
        filters.may_hold(&file, granules.len(), &[token]).unwrap()
    }

    #[test]
    fn words_are_found_by_themselves_and_by_their_first_letters() {
        let mut bytes = index(&["run PowerShell now", "Đường dẫn powe", "1234567 pow er-shell"]);
        assert_eq!(may_hold(&bytes, Token::word("powershell")), [true, false, false]);
        let starts_with = |text: &str| Token::start(text).unwrap();
        assert_eq!(may_hold(&bytes, starts_with("powers")), [true, true, false]);
        assert_eq!(may_hold(&bytes, starts_with("duon")), [false, true, false]);
        assert_eq!(may_hold(&bytes, starts_with("shell")), [false, false, true]);
        for untold in ["pow", "1234", "a1bc", "đường"] {
            assert_eq!(Token::start(untold), None, "{untold}");
        }
        // An index from before tells whole words only.
        bytes[..8].copy_from_slice(MAGIC_WITHOUT_STARTS);
        assert_eq!(may_hold(&bytes, starts_with("powers")), [true; 3]);
        assert_eq!(may_hold(&bytes, Token::word("powershell")), [true, false, false]);
    }
}
