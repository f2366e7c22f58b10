//! Reads whole events of one file, for whoever goes through the past file by file.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use event::lake::Search;
use event::{Event, EventId, Scope};

use crate::ask::{Stop, events_in_file};
use crate::catalogue::Segment;
use crate::error::{ExportError, StoreError};
use crate::filter::Filter;
use crate::place::Place;
use crate::rows::decode;
use crate::segment::{Footers, SegmentFile, read_in_time};

/// Returns the events in these rows of a file, counted in the order of time; rows past its end are none.
///
/// # Errors
///
/// When the file cannot be read. One that a merge has just replaced is [`ExportError::Replaced`].
pub fn read_events(
    place: &Arc<Place>,
    segment: &Segment,
    rows: Range<usize>,
) -> Result<Vec<Event>, ExportError> {
    told(read(place, segment, rows))
}

/// Returns the rows of a file that may hold what is searched for, by the file's index: whole granules, in
/// the file's order. `limit` and `after` do not matter.
///
/// # Errors
///
/// As [`read_events`].
pub fn asked_rows(
    place: &Arc<Place>,
    segment: &Segment,
    search: &Search,
) -> Result<Vec<Range<usize>>, ExportError> {
    let search = Search { after: None, ..search.clone() };
    told(asked(place, segment, &search))
}

/// Returns the event with this id from these files; `None` where none of them has it. Of each file that
/// was written when the event was collected only the parts of that time are read.
///
/// # Errors
///
/// As [`read_events`].
pub fn find_event(
    place: &Arc<Place>,
    segments: &[Segment],
    id: EventId,
) -> Result<Option<Event>, ExportError> {
    told(find(place, segments, id))
}

fn find(
    place: &Arc<Place>,
    segments: &[Segment],
    id: EventId,
) -> Result<Option<Event>, StoreError> {
    let (footers, ids) = (Footers::default(), BTreeSet::from([id]));
    // Whoever asks waits as long as the few parts take.
    let stop = Stop::after(Duration::MAX);
    for segment in segments {
        let file = Arc::new(SegmentFile::new(place, segment.clone()));
        if let Some(event) = events_in_file(&file, &footers, &ids, &stop)?.pop() {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

fn asked(
    place: &Arc<Place>,
    segment: &Segment,
    search: &Search,
) -> Result<Vec<Range<usize>>, StoreError> {
    let file = SegmentFile::new(place, segment.clone());
    let footer = Footers::default().of(&file)?;
    let granules = Filter::new(&Scope::platform(), search).granules(&file, &footer)?;
    let mut rows: Vec<Range<usize>> = Vec::new();
    for granule in granules {
        match rows.last_mut() {
            Some(last) if last.end == granule.rows.start => last.end = granule.rows.end,
            _ => rows.push(granule.rows.clone()),
        }
    }
    Ok(rows)
}

fn told<T>(read: Result<T, StoreError>) -> Result<T, ExportError> {
    match read {
        Ok(read) => Ok(read),
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
    for batch in read_in_time(&file, &footer, rows) {
        events.extend(decode(&batch?)?);
    }
    Ok(events)
}
