//! Whole events of a file by their rows.

use std::ops::Range;
use std::sync::Arc;

use event::Event;

use crate::error::StoreError;
use crate::limits::WIDE_BATCH_ROWS;
use crate::rows::{decode, with_records};
use crate::schema;
use crate::segment::{Chosen, Footers, SegmentFile, read_chosen};

/// Reads whole events at these rows, ascending, of a file. Their records are read as well, unless they are given:
/// those are the largest part of most events.
pub(super) fn read_events(
    file: &Arc<SegmentFile>,
    footers: &Footers,
    rows: &[usize],
    records: Option<&[&str]>,
) -> Result<Vec<Event>, StoreError> {
    let footer = footers.of(file)?;
    let ranges = runs(rows);
    // What stands beside a record only helps to find it.
    let left_out: &[&str] = match records {
        Some(_) => &[schema::EXTRA_TEXT, schema::RAW],
        None => &[schema::EXTRA_TEXT],
    };
    let mut records = records;
    let mut events = Vec::with_capacity(rows.len());
    for batch in read_chosen(file, &footer, Chosen::AllBut(left_out), &ranges, WIDE_BATCH_ROWS)? {
        let mut batch = batch?;
        if let Some(left) = records {
            let split = left.split_at_checked(batch.num_rows());
            let (own, rest) = split.ok_or(StoreError::Index)?;
            batch = with_records(&batch, own)?;
            records = Some(rest);
        }
        let decoded = decode(&batch);
        events.extend(decoded.map_err(|error| file.teller().of(error.into()))?);
    }
    Ok(events)
}

/// Returns rows (ascending) as ranges of those that follow each other.
pub(super) fn runs(rows: &[usize]) -> Vec<Range<usize>> {
    let runs = rows.chunk_by(|row, next| row + 1 == *next);
    runs.filter_map(|run| Some(*run.first()?..*run.last()? + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_follow_each_other_are_one_range() {
        assert_eq!(runs(&[3, 4, 5, 7, 9, 10]), [3..6, 7..8, 9..11]);
        assert!(runs(&[]).is_empty());
    }
}
