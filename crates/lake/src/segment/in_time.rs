//! Reads the rows of a file in the order of time, whatever their order within granules.

use std::iter;
use std::ops::Range;

use arrow::array::UInt32Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::record_batch::RecordBatch;
use event::EventId;

use super::{Footer, Granule, SegmentFile, read_rows};
use crate::error::StoreError;
use crate::limits::{GRANULE_ROWS, MERGE_BATCH_ROWS};
use crate::rows::time_keys;
use crate::schema;

type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, StoreError>> + 'a>;

/// Rows of a file, batch by batch, in the order of time and id.
pub(crate) struct InTime<'a> {
    file: &'a SegmentFile,
    footer: &'a Footer,
    rows: Range<usize>,
    granules: std::slice::Iter<'a, Granule>,
    batches: Batches<'a>,
}

/// Reads all columns of some rows, counted in the order of time. A granule whose rows stand otherwise is
/// in memory at once.
pub(crate) fn read_in_time<'a>(
    file: &'a SegmentFile,
    footer: &'a Footer,
    rows: Range<usize>,
) -> InTime<'a> {
    InTime {
        file,
        footer,
        rows,
        granules: footer.granules.iter(),
        batches: Box::new(iter::empty()),
    }
}

impl<'a> InTime<'a> {
    fn open(&self, granule: &Granule, wanted: &Range<usize>) -> Result<Batches<'a>, StoreError> {
        let all = std::slice::from_ref(&granule.rows);
        let Some(mut order) = self.order(all)? else {
            let wanted = std::slice::from_ref(wanted);
            let batches = read_rows(self.file, self.footer, None, wanted, MERGE_BATCH_ROWS)?;
            return Ok(Box::new(batches));
        };
        let batches: Vec<RecordBatch> = read_rows(self.file, self.footer, None, all, GRANULE_ROWS)?
            .collect::<Result<_, _>>()?;
        let schema = batches.first().ok_or(StoreError::Index)?.schema();
        let batch = concat_batches(&schema, &batches)?;
        let skipped = wanted.start - granule.rows.start;
        order.drain(..skipped.min(order.len()));
        order.truncate(wanted.len());
        let taken = take_record_batch(&batch, &UInt32Array::from(order))?;
        Ok(Box::new(iter::once(Ok(taken))))
    }

    /// Returns the places of a granule's rows in the order of time; nothing where they stand so.
    fn order(&self, granule: &[Range<usize>]) -> Result<Option<Vec<u32>>, StoreError> {
        if self.footer.is_in_time {
            return Ok(None);
        }
        let columns = [schema::ID, schema::OCCURRED_AT];
        let mut keys: Vec<(i64, EventId, u32)> = Vec::new();
        for batch in read_rows(self.file, self.footer, Some(&columns), granule, GRANULE_ROWS)? {
            for (time, id) in time_keys(&batch?)? {
                keys.push((time, id, u32::try_from(keys.len()).unwrap_or(u32::MAX)));
            }
        }
        if keys.is_sorted() {
            return Ok(None);
        }
        keys.sort_unstable();
        Ok(Some(keys.into_iter().map(|(_, _, row)| row).collect()))
    }
}

impl Iterator for InTime<'_> {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.batches.next() {
                return Some(batch);
            }
            let granule = self.granules.next()?;
            let wanted =
                self.rows.start.max(granule.rows.start)..self.rows.end.min(granule.rows.end);
            if wanted.is_empty() {
                continue;
            }
            match self.open(granule, &wanted) {
                Ok(batches) => self.batches = batches,
                Err(error) => {
                    self.granules = [].iter();
                    return Some(Err(error));
                }
            }
        }
    }
}
