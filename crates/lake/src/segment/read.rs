//! Reads chosen rows and columns of a file.

use std::ops::Range;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};

use super::bloom::{BLOCK_BYTES, block_may_hold, block_of};
use super::{Footer, Granule, SegmentFile};
use crate::error::StoreError;
use crate::limits::{GRANULE_ROWS, ROW_GROUP_ROWS, WIDE_BATCH_ROWS};
use crate::place::Opened;
use crate::schema::RARELY_REPEATED;

/// Reads columns of some rows (ascending, not overlapping), batch by batch. Columns that the file
/// lacks are left out.
pub(crate) fn read_rows(
    file: &SegmentFile,
    footer: &Footer,
    columns: Option<&[&str]>,
    rows: &[Range<usize>],
    batch_rows: usize,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>> + use<>, StoreError> {
    let (groups, selection) = selection(footer, rows);
    let builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file.open()?, footer.parquet.clone());
    let mask = match columns {
        Some(names) => ProjectionMask::columns(builder.parquet_schema(), names.iter().copied()),
        None => ProjectionMask::all(),
    };
    let reader = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .with_row_selection(selection)
        .with_batch_size(batch_rows)
        .build()?;
    Ok(reader.map(|batch| batch.map_err(StoreError::from)))
}

/// Returns how many rows of these columns are decoded at a time: fewer where a value may be long.
pub(crate) fn batch_rows(columns: &[&str]) -> usize {
    let is_wide = columns.iter().any(|column| RARELY_REPEATED.contains(column));
    if is_wide { WIDE_BATCH_ROWS } else { GRANULE_ROWS }
}

/// Returns the row groups that hold the rows, and where the rows are in those groups.
fn selection(footer: &Footer, rows: &[Range<usize>]) -> (Vec<usize>, RowSelection) {
    let mut groups = Vec::new();
    let mut local = Vec::new();
    let mut local_start = 0;
    let mut start = 0;
    for (place, group) in footer.parquet.metadata().row_groups().iter().enumerate() {
        let length = usize::try_from(group.num_rows()).unwrap_or(ROW_GROUP_ROWS);
        let end = start + length;
        let inside: Vec<Range<usize>> = rows
            .iter()
            .map(|range| range.start.max(start)..range.end.min(end))
            .filter(|range| range.start < range.end)
            .map(|range| range.start - start + local_start..range.end - start + local_start)
            .collect();
        if !inside.is_empty() {
            groups.push(place);
            local.extend(inside);
            local_start += length;
        }
        start = end;
    }
    (groups, RowSelection::from_consecutive_ranges(local.into_iter(), local_start))
}

/// Returns whether a granule may hold all of these tokens.
pub(crate) fn may_hold(
    file: &Opened,
    footer: &Footer,
    granule: &Granule,
    tokens: &[u64],
) -> Result<bool, StoreError> {
    for token in tokens {
        let place = u64::from(block_of(*token, granule.blocks));
        let block_bytes = u64::try_from(BLOCK_BYTES).unwrap_or(0);
        let offset = footer.filters_offset + granule.filter_offset + place * block_bytes;
        let mut block = [0; BLOCK_BYTES];
        file.read_exact_at(&mut block, offset)?;
        if !block_may_hold(block, *token) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the rows of granules, neighbours joined.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub(crate) fn granule_rows<'a>(
    granules: impl IntoIterator<Item = &'a Granule>,
) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    for granule in granules {
        match rows.last_mut() {
            Some(last) if last.end == granule.rows.start => last.end = granule.rows.end,
            _ => rows.push(granule.rows.clone()),
        }
    }
    rows
}
