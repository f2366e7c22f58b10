//! Many small files of a day → one: fewer to open, wider to skip.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use arrow::compute::interleave_record_batch;
use arrow::record_batch::RecordBatch;
use event::EventId;

use crate::catalogue::{Segment, SegmentId};
use crate::error::StoreError;
use crate::limits::{FILE_ROWS_MAX, MERGE_BATCH_ROWS, MERGE_FILES_MAX, MERGE_FILES_MIN};
use crate::place::Target;
use crate::rows::time_keys;
use crate::schema::SCHEMA;
use crate::segment::{FileOrigin, Footers, Packing, SegmentFile, SegmentWriter, read_in_time};

/// Returns files of one day that are worth merging: the day with the most small ones. Worth it are many, or
/// few that make a large one.
pub(crate) fn pick(segments: &[Arc<SegmentFile>]) -> Option<Vec<Arc<SegmentFile>>> {
    let mut days = BTreeMap::<_, Vec<&Arc<SegmentFile>>>::new();
    for file in segments.iter().filter(|file| file.segment.rows < FILE_ROWS_MAX / 2) {
        days.entry(file.segment.day).or_default().push(file);
    }
    let mut small = days.into_values().max_by_key(Vec::len)?;
    small.sort_by_key(|file| (file.segment.rows, file.segment.id));
    let rows: Vec<u64> = small.iter().map(|file| file.segment.rows).collect();
    let picked: Vec<_> = small.into_iter().take(worth_merging(&rows)?).cloned().collect();
    Some(picked)
}

/// Returns how many files of so many rows, the smallest first, are worth merging.
fn worth_merging(rows: &[u64]) -> Option<usize> {
    let (mut count, mut sum) = (0, 0);
    for own in rows.iter().take(MERGE_FILES_MAX) {
        if sum + own > FILE_ROWS_MAX {
            break;
        }
        sum += own;
        count += 1;
    }
    let is_large = count > 1 && sum >= FILE_ROWS_MAX / 2;
    (is_large || count >= MERGE_FILES_MIN).then_some(count)
}

/// Writes one file with the rows of all these, in the order of time. Holds a small batch or a granule of each
/// in memory, never a whole file.
pub(crate) fn merge(
    target: &Target,
    files: &[Arc<SegmentFile>],
    footers: &Footers,
    id: SegmentId,
    go_on: impl Fn() -> bool,
) -> Result<Segment, StoreError> {
    let day = files.first().ok_or(StoreError::Index)?.segment.day;
    for file in files {
        file.prove()?;
    }
    let mut loose = std::collections::BTreeSet::new();
    let read: Vec<_> = files.iter().map(|file| footers.of(file)).collect::<Result<_, _>>()?;
    let mut inputs = Vec::new();
    for (file, footer) in files.iter().zip(&read) {
        loose.extend(footer.loose.iter().copied());
        let all = 0..usize::try_from(file.segment.rows).unwrap_or(usize::MAX);
        let batches = read_in_time(file, footer, all);
        inputs.push(Input { batches: Box::new(batches), batch: None, row: 0, keys: Vec::new() });
    }
    let mut writer = SegmentWriter::create(target, id, day, Packing::Small)?;
    if let Err(error) = write_merged(&mut inputs, &mut writer, go_on) {
        writer.abandon();
        return Err(error);
    }
    let sources = files.iter().map(|file| file.segment.id).collect();
    writer.finish(&FileOrigin::Merge(sources), &loose)
}

/// One file's rows that are not written yet.
struct Input<'a> {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, StoreError>> + 'a>,
    batch: Option<RecordBatch>,
    row: usize,
    keys: Vec<(i64, EventId)>,
}

impl Input<'_> {
    /// Reads the next batch.
    fn advance(&mut self) -> Result<(), StoreError> {
        self.row = 0;
        self.keys.clear();
        self.batch = None;
        let Some(batch) = self.batches.next().transpose()? else { return Ok(()) };
        self.keys = time_keys(&batch)?;
        self.batch = Some(widened(&batch)?);
        Ok(())
    }
}

/// Returns the batch with all columns of today: one that the file lacks is null.
pub(crate) fn widened(batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
    let columns = SCHEMA.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => arrow::array::new_null_array(field.data_type(), batch.num_rows()),
    });
    Ok(RecordBatch::try_new(SCHEMA.clone(), columns.collect())?)
}

fn write_merged(
    inputs: &mut [Input<'_>],
    writer: &mut SegmentWriter,
    go_on: impl Fn() -> bool,
) -> Result<(), StoreError> {
    let mut heads = BinaryHeap::new();
    for (number, input) in inputs.iter_mut().enumerate() {
        input.advance()?;
        heads.extend(input.keys.first().map(|key| Reverse((*key, number))));
    }
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    while let Some(Reverse((_, number))) = heads.pop() {
        let Some(input) = inputs.get_mut(number) else { continue };
        chosen.push((number, input.row));
        input.row += 1;
        if let Some(key) = input.keys.get(input.row) {
            heads.push(Reverse((*key, number)));
            if chosen.len() >= MERGE_BATCH_ROWS {
                write_chosen(inputs, &mut chosen, writer)?;
            }
            continue;
        }
        // This input's batch is used up: write what was chosen before the batch goes.
        write_chosen(inputs, &mut chosen, writer)?;
        if !go_on() {
            return Err(StoreError::Closed);
        }
        if let Some(input) = inputs.get_mut(number) {
            input.advance()?;
            heads.extend(input.keys.first().map(|key| Reverse((*key, number))));
        }
    }
    write_chosen(inputs, &mut chosen, writer)
}

fn write_chosen(
    inputs: &[Input<'_>],
    chosen: &mut Vec<(usize, usize)>,
    writer: &mut SegmentWriter,
) -> Result<(), StoreError> {
    if chosen.is_empty() {
        return Ok(());
    }
    // An input that has ended takes no part; its place is filled so that the numbers stay right.
    let empty = RecordBatch::new_empty(SCHEMA.clone());
    let batches: Vec<&RecordBatch> =
        inputs.iter().map(|input| input.batch.as_ref().unwrap_or(&empty)).collect();
    writer.write(&interleave_record_batch(&batches, chosen)?)?;
    chosen.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_files_are_worth_merging_and_few_that_make_a_large_one() {
        for (rows, want) in [
            (&[][..], None),
            (&[10; 7], None),
            (&[10; 8], Some(8)),
            (&[10; 40], Some(16)),
            // As they come when buffers fill: eight of them are more than a file.
            (&[131_072; 3], None),
            (&[131_072; 4], Some(4)),
            (&[131_072; 30], Some(7)),
            (&[10, 499_999], Some(2)),
            (&[499_999], None),
        ] {
            assert_eq!(worth_merging(rows), want, "{rows:?}");
        }
    }
}
