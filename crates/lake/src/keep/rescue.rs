//! Of a damaged file: the records as they came, where at least these are as they were written. What stands beside
//! them can be read of them again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use event::{Frame, SourceId};

use super::QUARANTINE_FOLDER;
use crate::catalogue::{Segment, Where};
use crate::error::StoreError;
use crate::limits::{GRANULE_ROWS, WIDE_BATCH_ROWS};
use crate::place::Place;
use crate::rows::{Columns, id_at, moment, text_at};
use crate::schema::{COLLECTED_AT, ID, RAW, SOURCE_ID};
use crate::segment::{Damage, Footer, SegmentFile, places_of, read_rows};

/// What a record is made of.
const OF_A_RECORD: [&str; 4] = [ID, SOURCE_ID, COLLECTED_AT, RAW];

/// The records of a damaged file, a granule at a time.
struct Rescue {
    /// Nothing where it cannot be read at all.
    open: Option<Open>,
    row: usize,
}

struct Open {
    file: SegmentFile,
    footer: Arc<Footer>,
    damage: Damage,
    rows: usize,
}

/// Returns the records that a file holds as they came, a granule at a time, of those rows only that [`Lake::take_out`](crate::Lake) could
/// not save whole: it moved the file aside, and there it is read.
pub fn rescue(
    place: &Arc<Place>,
    taken_out: &Segment,
) -> impl Iterator<Item = Vec<Frame>> + Send + use<> {
    let path = format!("{QUARANTINE_FOLDER}/{}.parquet", taken_out.id);
    let aside = Segment { path, lies_in: Where::Folder, ..taken_out.clone() };
    let open = catch_unwind(AssertUnwindSafe(|| open(place, aside)));
    Rescue { open: open.ok().and_then(Result::ok), row: 0 }
}

fn open(place: &Arc<Place>, segment: Segment) -> Result<Open, StoreError> {
    let rows = usize::try_from(segment.rows).unwrap_or(0);
    let file = SegmentFile::new(place, segment);
    let footer = Footer::of_damaged(&file)?;
    let damage = Damage::of(&file, &footer)?;
    Ok(Open { file, footer, damage, rows })
}

impl Iterator for Rescue {
    type Item = Vec<Frame>;

    fn next(&mut self) -> Option<Vec<Frame>> {
        let open = self.open.as_ref()?;
        loop {
            let first = self.row;
            if first >= open.rows {
                return None;
            }
            self.row = first + GRANULE_ROWS;
            let granule = first..self.row.min(open.rows);
            // A footer without a copy has no checksum: a reader may stumble.
            let records = catch_unwind(AssertUnwindSafe(|| open.records(&granule)));
            match records {
                Ok(Ok(records)) if !records.is_empty() => return Some(records),
                _ => {}
            }
        }
    }
}

impl Open {
    fn records(&self, granule: &std::ops::Range<usize>) -> Result<Vec<Frame>, StoreError> {
        let is_damaged = |names: Option<&[&str]>| -> Result<bool, StoreError> {
            let places = places_of(&self.file, &self.footer, granule, names)?;
            Ok(places.iter().any(|place| self.damage.touches(place)))
        };
        if !is_damaged(None)? || is_damaged(Some(&OF_A_RECORD))? {
            return Ok(Vec::new());
        }
        let mut records = Vec::new();
        let rows = std::slice::from_ref(granule);
        for batch in read_rows(&self.file, &self.footer, Some(&OF_A_RECORD), rows, WIDE_BATCH_ROWS)?
        {
            let batch = batch?;
            let columns = Columns::of(&batch);
            let (Some(ids), Some(times)) = (columns.ids(), columns.times(COLLECTED_AT)) else {
                continue;
            };
            let (sources, raw) = (columns.text(SOURCE_ID), columns.text(RAW));
            for row in 0..columns.rows() {
                let source = text_at(sources, row).and_then(|id| id.parse::<SourceId>().ok());
                let (Some(id), Some(source), Some(text)) =
                    (id_at(ids, row), source, text_at(raw, row))
                else {
                    continue;
                };
                records.push(Frame {
                    id,
                    source,
                    collected_at: moment(times.value(row)),
                    peer: None,
                    bytes: Bytes::copy_from_slice(text.as_bytes()),
                    dead: None,
                });
            }
        }
        Ok(records)
    }
}
