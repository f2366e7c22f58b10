//! Reads whole events of one file, for whoever goes through the past file by file.

use std::ops::Range;
use std::sync::Arc;

use event::Event;

use crate::catalogue::Segment;
use crate::error::{ExportError, StoreError};
use crate::limits::MERGE_BATCH_ROWS;
use crate::place::Place;
use crate::rows::decode;
use crate::segment::{Footers, SegmentFile, read_rows};

/// Returns the events in these rows of a file, in the file's order; rows past its end are none.
///
/// # Errors
///
/// When the file cannot be read. One that a merge has just replaced is [`ExportError::Replaced`].
pub fn read_events(
    place: &Arc<Place>,
    segment: &Segment,
    rows: Range<usize>,
) -> Result<Vec<Event>, ExportError> {
    match read(place, segment, rows) {
        Ok(events) => Ok(events),
        Err(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ExportError::Replaced)
        }
        Err(error) => Err(ExportError::Failed(Box::new(error))),
    }
}

fn read(
    place: &Arc<Place>,
    segment: &Segment,
    rows: Range<usize>,
) -> Result<Vec<Event>, StoreError> {
    let file = SegmentFile::new(place, segment.clone());
    let footer = Footers::default().of(&file)?;
    let mut events = Vec::new();
    for batch in read_rows(&file, &footer, None, std::slice::from_ref(&rows), MERGE_BATCH_ROWS)? {
        events.extend(decode(&batch?)?);
    }
    Ok(events)
}
