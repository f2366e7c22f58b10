//! Events by id: an id tells when the event was collected, so few granules are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::{Event, EventId, Scope};

use super::Stop;
use super::events::read_events;
use crate::error::{BadRows, StoreError};
use crate::limits::GRANULE_ROWS;
use crate::rows::{Columns, decode, id_at};
use crate::schema;
use crate::segment::{Footers, SegmentFile, read_rows};
use crate::store::View;

/// Returns the events with these ids that the scope may see, oldest first.
pub(crate) fn events_by_id(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    ids: &BTreeSet<EventId>,
    stop: &Stop,
) -> Result<Vec<Event>, StoreError> {
    let mut events: Vec<Event> = view
        .tail
        .iter()
        .flat_map(|events| events.iter())
        .filter(|event| ids.contains(&event.id))
        .cloned()
        .collect();
    for rows in &view.batches {
        for row in rows_with(&Columns::of(&rows.batch), ids)? {
            events.extend(decode(&rows.batch.slice(row, 1))?);
        }
    }
    for file in view.segments.iter() {
        events.extend(events_in_file(file, footers, ids, stop)?);
    }
    events.retain(|event| scope.sees_origin(&event.origin));
    events.sort_by_key(|event| (event.occurred_at, event.id));
    Ok(events)
}

/// Returns the events with these ids that a file has.
pub(crate) fn events_in_file(
    file: &Arc<SegmentFile>,
    footers: &Footers,
    ids: &BTreeSet<EventId>,
    stop: &Stop,
) -> Result<Vec<Event>, StoreError> {
    let rows = rows_in_file(file, footers, ids, stop)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    read_events(file, footers, &rows, None)
}

/// Returns those of the ids that are in the files.
pub(crate) fn known_ids(
    view: &View,
    footers: &Footers,
    ids: &BTreeSet<EventId>,
    stop: &Stop,
) -> Result<BTreeSet<EventId>, StoreError> {
    let mut known = BTreeSet::new();
    for file in view.segments.iter() {
        for batch in id_batches(file, footers, ids)? {
            stop.check()?;
            let (_, batch) = batch?;
            let columns = Columns::of(&batch);
            let column = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
            let found = (0..columns.rows()).filter_map(|row| id_at(column, row));
            known.extend(found.filter(|id| ids.contains(id)));
        }
    }
    Ok(known)
}

fn rows_in_file(
    file: &SegmentFile,
    footers: &Footers,
    ids: &BTreeSet<EventId>,
    stop: &Stop,
) -> Result<Vec<usize>, StoreError> {
    let mut rows = Vec::new();
    for batch in id_batches(file, footers, ids)? {
        stop.check()?;
        let (first_row, batch) = batch?;
        rows.extend(rows_with(&Columns::of(&batch), ids)?.into_iter().map(|row| first_row + row));
    }
    Ok(rows)
}

fn rows_with(columns: &Columns<'_>, ids: &BTreeSet<EventId>) -> Result<Vec<usize>, StoreError> {
    let column = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
    let is_wanted = |row: &usize| id_at(column, *row).is_some_and(|id| ids.contains(&id));
    Ok((0..columns.rows()).filter(is_wanted).collect())
}

type IdBatch = Result<(usize, arrow::record_batch::RecordBatch), StoreError>;

/// Reads the ids of the granules that may hold any of them, each with its first row.
fn id_batches(
    file: &SegmentFile,
    footers: &Footers,
    ids: &BTreeSet<EventId>,
) -> Result<Vec<IdBatch>, StoreError> {
    let segment = &file.segment;
    if ids.range(segment.min_id..=segment.max_id).next().is_none() {
        return Ok(Vec::new());
    }
    let footer = footers.of(file)?;
    let mut batches = Vec::new();
    for granule in &footer.granules {
        if ids.range(granule.min_id..=granule.max_id).next().is_none() {
            continue;
        }
        let rows = std::slice::from_ref(&granule.rows);
        let mut first_row = granule.rows.start;
        for batch in read_rows(file, &footer, Some(&[schema::ID]), rows, GRANULE_ROWS)? {
            batches.push(batch.map(|batch| {
                let start = first_row;
                first_row += batch.num_rows();
                (start, batch)
            }));
        }
    }
    Ok(batches)
}
