//! Reads chosen rows and columns of a file.

use std::ops::Range;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::schema::types::SchemaDescriptor;

use super::bloom::Token;
use super::file::Parquet;
use super::{Footer, Granule, SegmentFile};
use crate::error::StoreError;
use crate::limits::{GRANULE_ROWS, ROW_GROUP_ROWS, WIDE_BATCH_ROWS};
use crate::place::Opened;
use crate::schema::RARELY_REPEATED;

/// Which columns are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chosen<'a> {
    All,
    AllBut(&'a [&'a str]),
    Only(&'a [&'a str]),
}

impl Chosen<'_> {
    fn mask(self, schema: &SchemaDescriptor) -> ProjectionMask {
        match self {
            Self::All => ProjectionMask::all(),
            Self::AllBut(left_out) => {
                let names = schema.columns().iter().map(|column| column.name());
                ProjectionMask::columns(schema, names.filter(|name| !left_out.contains(name)))
            }
            Self::Only(names) => ProjectionMask::columns(schema, names.iter().copied()),
        }
    }
}

/// Reads columns of some rows (ascending, not overlapping), batch by batch. Columns that the file
/// lacks are left out. Chosen columns come with their short texts as codes of a dictionary; all
/// columns together come plain.
pub(crate) fn read_rows(
    file: &SegmentFile,
    footer: &Footer,
    columns: Option<&[&str]>,
    rows: &[Range<usize>],
    batch_rows: usize,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>> + use<>, StoreError> {
    read_chosen(file, footer, columns.map_or(Chosen::All, Chosen::Only), rows, batch_rows)
}

/// [`read_rows`] of chosen columns.
pub(crate) fn read_chosen(
    file: &SegmentFile,
    footer: &Footer,
    columns: Chosen<'_>,
    rows: &[Range<usize>],
    batch_rows: usize,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>> + use<>, StoreError> {
    let teller = file.teller();
    let reader = open_rows(file, footer, (columns, rows), batch_rows);
    let reader = reader.map_err(|error| teller.of(error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| teller.of(error.into()))))
}

fn open_rows(
    file: &SegmentFile,
    footer: &Footer,
    (columns, rows): (Chosen<'_>, &[Range<usize>]),
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, StoreError> {
    let parquet = footer.parquet(file)?;
    let (groups, selection) = selection(parquet, rows);
    let metadata = match columns {
        Chosen::Only(_) => &parquet.coded,
        Chosen::All | Chosen::AllBut(_) => &parquet.plain,
    };
    let builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file.open()?, metadata.clone());
    let mask = columns.mask(builder.parquet_schema());
    let reader = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .with_row_selection(selection)
        .with_batch_size(batch_rows);
    Ok(reader.build()?)
}

/// Returns how many rows of these columns are decoded at a time: fewer where a value may be long.
pub(crate) fn batch_rows(columns: &[&str]) -> usize {
    let is_wide = columns.iter().any(|column| RARELY_REPEATED.contains(column));
    if is_wide { WIDE_BATCH_ROWS } else { GRANULE_ROWS }
}

/// Returns the row groups that hold the rows, and where the rows are in those groups.
fn selection(parquet: &Parquet, rows: &[Range<usize>]) -> (Vec<usize>, RowSelection) {
    let mut groups = Vec::new();
    let mut local = Vec::new();
    let mut local_start = 0;
    let mut start = 0;
    for (place, group) in parquet.plain.metadata().row_groups().iter().enumerate() {
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

/// Returns for each granule whether it may hold all of these tokens.
pub(crate) fn may_hold(
    file: &Opened,
    footer: &Footer,
    tokens: &[Token],
) -> Result<Vec<bool>, StoreError> {
    footer.filters.may_hold(file, footer.granules.len(), tokens)
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
