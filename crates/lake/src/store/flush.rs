//! Memory → files: one for each UTC day that the events occurred on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::compute::interleave_record_batch;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use event::{EventId, SpoolPosition};

use super::hot::{Buffer, encode_lists};
use crate::catalogue::{Segment, SegmentId};
use crate::error::{BadRows, StoreError};
use crate::limits::GRANULE_ROWS;
use crate::place::Target;
use crate::rows::{Columns, Rows, id_at, moment};
use crate::schema;
use crate::segment::{FileOrigin, remove_or_remember, write_segment};

/// Bytes that one piece of a text column may have: half of what its offsets can count.
const COLUMN_BYTES_MAX: usize = 1 << 30;

/// A row's time and id, and where it is: batch, row.
type Place = (i64, EventId, usize, usize);

/// Writes a buffer's events, unless that was done before; the files are durable but unknown to the
/// catalogue when this returns.
pub(crate) fn write_files(
    target: &Target,
    buffer: &Buffer,
    next_id: impl Fn() -> SegmentId,
) -> Result<Vec<Segment>, StoreError> {
    // Held while writing: whoever was given up may still be at it.
    let mut written = buffer.written.lock();
    if let Some(segments) = &*written {
        return Ok(segments.clone());
    }
    let mut segments = Vec::new();
    match write_buffer(target, buffer, next_id, &mut segments) {
        Ok(()) => {
            *written = Some(segments.clone());
            Ok(segments)
        }
        Err(error) => {
            for segment in segments {
                remove_or_remember(&target.folder.join(segment.path));
            }
            Err(error)
        }
    }
}

fn write_buffer(
    target: &Target,
    buffer: &Buffer,
    next_id: impl Fn() -> SegmentId,
    segments: &mut Vec<Segment>,
) -> Result<(), StoreError> {
    let mut parts: Vec<Arc<Rows>> = buffer.batches.clone();
    parts.extend(encode_lists(&buffer.tail)?.into_iter().map(Arc::new));
    let largest_bytes = parts.iter().map(|rows| rows.largest_bytes).max().unwrap_or(0);
    let piece_rows = (COLUMN_BYTES_MAX / largest_bytes.max(1)).clamp(1, GRANULE_ROWS);
    let loose = parts.iter().flat_map(|rows| rows.loose.iter().copied()).collect::<BTreeSet<_>>();
    let batches: Vec<&RecordBatch> = parts.iter().map(|rows| &rows.batch).collect();
    let origin = FileOrigin::Flush(buffer.position.unwrap_or(SpoolPosition(0)));
    for (day, places) in by_day(&batches)? {
        let pieces = places.chunks(piece_rows).map(|piece| {
            let rows: Vec<(usize, usize)> =
                piece.iter().map(|(_, _, batch, row)| (*batch, *row)).collect();
            interleave_record_batch(&batches, &rows).map_err(StoreError::from)
        });
        segments.push(write_segment(target, next_id(), day, &origin, &loose, pieces)?);
    }
    Ok(())
}

/// Returns the rows of each day in the order of time.
fn by_day(batches: &[&RecordBatch]) -> Result<BTreeMap<NaiveDate, Vec<Place>>, StoreError> {
    let mut days = BTreeMap::<NaiveDate, Vec<Place>>::new();
    for (number, batch) in batches.iter().enumerate() {
        let columns = Columns::of(batch);
        let times =
            columns.times(schema::OCCURRED_AT).ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
        for row in 0..columns.rows() {
            let time_us = times.value(row);
            let id = id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?;
            days.entry(moment(time_us).date_naive()).or_default().push((time_us, id, number, row));
        }
    }
    for places in days.values_mut() {
        places.sort_unstable();
    }
    Ok(days)
}
