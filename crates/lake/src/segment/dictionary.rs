//! The dictionary of a column's texts in a row group: it has each of them once, and says by itself what none of
//! sixteen granules holds.

use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::Granule;
use crate::error::StoreError;
use crate::place::Opened;

/// Returns the row group that all rows of a granule are in, and its first row in the file.
pub(crate) fn group_of(metadata: &ParquetMetaData, granule: &Granule) -> Option<(usize, usize)> {
    let mut start = 0;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let end = start + usize::try_from(group.num_rows()).ok()?;
        if granule.rows.start < end {
            return (granule.rows.end <= end).then_some((number, start));
        }
        start = end;
    }
    None
}

/// Returns whether a text of a column passes in any row of a row group; `true` where its dictionary does not tell.
pub(crate) fn any_text(
    open: &Arc<Opened>,
    metadata: &ParquetMetaData,
    group: usize,
    column: &str,
    passes: &dyn Fn(&str) -> bool,
) -> Result<bool, StoreError> {
    let Some((texts, count)) = dictionary(open, metadata, group, column)? else { return Ok(true) };
    let mut rest: &[u8] = &texts;
    for _ in 0..count {
        let Some((length, after)) = rest.split_first_chunk::<4>() else { return Ok(true) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((text, next)) = after.split_at_checked(length) else { return Ok(true) };
        let Ok(text) = std::str::from_utf8(text) else { return Ok(true) };
        if passes(text) {
            return Ok(true);
        }
        rest = next;
    }
    Ok(false)
}

/// Reads the dictionary of a column, each text after its length in four bytes, and how many there are; nothing where
/// it does not have all of the column's texts.
fn dictionary(
    open: &Arc<Opened>,
    metadata: &ParquetMetaData,
    group: usize,
    column: &str,
) -> Result<Option<(bytes::Bytes, u32)>, StoreError> {
    let Some(rows) = metadata.row_groups().get(group) else { return Ok(None) };
    let mut chunks = rows.columns().iter().enumerate();
    let found = chunks.find(|(_, chunk)| chunk.column_path().string() == column);
    let Some((number, chunk)) = found.filter(|(_, chunk)| has_all(chunk)) else { return Ok(None) };
    let indexes = metadata.offset_index().and_then(|indexes| indexes.get(group));
    let Some(index) = indexes.and_then(|indexes| indexes.get(number)) else { return Ok(None) };
    let count = usize::try_from(rows.num_rows()).unwrap_or(0);
    let pages = Some(index.page_locations().clone());
    let mut reader = SerializedPageReader::new(Arc::clone(open), chunk, count, pages)?;
    match reader.get_next_page()? {
        Some(Page::DictionaryPage {
            buf,
            num_values,
            encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY,
            ..
        }) => Ok(Some((buf, num_values))),
        _ => Ok(None),
    }
}

/// Returns whether all texts of a column are in its dictionary: one that grows too large is given up midway.
fn has_all(chunk: &ColumnChunkMetaData) -> bool {
    chunk.dictionary_page_offset().is_some()
        && chunk.page_encoding_stats_mask().is_some_and(|encodings| {
            encodings.is_only(Encoding::RLE_DICTIONARY)
                || encodings.is_only(Encoding::PLAIN_DICTIONARY)
        })
}
