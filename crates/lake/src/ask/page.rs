//! One page of events, newest first: files are walked from the newest event back, and the walk ends
//! when nothing that is left can be newer than what was found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;

use event::lake::{Cursor, Found, Search};
use event::{Event, EventId, Scope};

use super::Stop;
use crate::error::{BadRows, StoreError};
use crate::filter::Filter;
use crate::limits::{PAGE_EVENTS_MAX, WIDE_BATCH_ROWS};
use crate::rows::{Columns, decode, id_at, moment};
use crate::schema;
use crate::segment::{Footers, Granule, SegmentFile, batch_rows, granule_rows, read_rows};
use crate::store::View;

/// Granules that are read at once when little was found so far.
const GRANULES_AT_ONCE_MAX: usize = 16;

/// Returns a page of the events that match.
pub(crate) fn page(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    search: &Search,
    stop: &Stop,
) -> Result<Found, StoreError> {
    let limit = usize::try_from(search.limit.min(PAGE_EVENTS_MAX)).unwrap_or(0);
    let filter = Filter::new(scope, search);
    let mut hits = Hits { wanted: limit + 1, kept: BinaryHeap::new() };
    in_memory(view, &filter, &mut hits)?;
    let mut stopped_ms = None;
    for (number, file) in view.segments.iter().enumerate() {
        let newest_us = file.segment.max_occurred_at.timestamp_micros();
        if !hits.wants(newest_us) {
            break; // The files are sorted by their newest event.
        }
        let oldest_us = file.segment.min_occurred_at.timestamp_micros();
        if filter.may_match_times(oldest_us, newest_us) {
            match in_file(file, number, footers, &filter, &mut hits, stop) {
                Err(StoreError::Timeout { .. }) => {
                    stopped_ms = Some(stop.took_ms());
                    break;
                }
                walked => walked?,
            }
        }
    }
    let mut hits = hits.newest_first();
    let more = hits.len() > limit;
    hits.truncate(limit);
    let next = hits
        .last()
        .filter(|_| more)
        .map(|hit| Cursor { occurred_at: moment(hit.time_us), id: hit.id });
    let events = fetch(view, footers, &hits, &stop.grace())?;
    Ok(Found { events, next, stopped_ms, took_ms: stop.took_ms() })
}

/// An event that was found, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    time_us: i64,
    id: EventId,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// List and place in the tail.
    Tail(usize, usize),
    /// Batch and row in memory.
    Batch(usize, usize),
    /// File and row.
    File(usize, usize),
}

/// The newest events found so far.
struct Hits {
    wanted: usize,
    kept: BinaryHeap<Reverse<Hit>>,
}

impl Hits {
    /// Returns whether an event of this time could be among the newest.
    fn wants(&self, time_us: i64) -> bool {
        match self.kept.peek() {
            Some(Reverse(oldest)) if self.kept.len() >= self.wanted => time_us >= oldest.time_us,
            _ => true,
        }
    }

    fn push(&mut self, hit: Hit) {
        self.kept.push(Reverse(hit));
        if self.kept.len() > self.wanted {
            self.kept.pop();
        }
    }

    fn newest_first(self) -> Vec<Hit> {
        // The order of `Reverse`, ascending, is the newest first.
        self.kept.into_sorted_vec().into_iter().map(|Reverse(hit)| hit).collect()
    }
}

fn in_memory(view: &View, filter: &Filter, hits: &mut Hits) -> Result<(), StoreError> {
    for (list, events) in view.tail.iter().enumerate() {
        for (place, event) in events.iter().enumerate() {
            let time_us = event.occurred_at.timestamp_micros();
            if hits.wants(time_us) && filter.takes(event) {
                hits.push(Hit { time_us, id: event.id, place: Place::Tail(list, place) });
            }
        }
    }
    for (number, rows) in view.batches.iter().enumerate() {
        let found = filter.rows(&rows.batch, &rows.loose)?;
        keep(&Columns::of(&rows.batch), &found, hits, |row| Place::Batch(number, row))?;
    }
    Ok(())
}

fn keep(
    columns: &Columns<'_>,
    rows: &[usize],
    hits: &mut Hits,
    place: impl Fn(usize) -> Place,
) -> Result<(), StoreError> {
    let times = columns.times(schema::OCCURRED_AT);
    let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
    let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
    for row in rows.iter().rev().copied() {
        let time_us = times.value(row);
        if hits.wants(time_us) {
            let id = id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?;
            hits.push(Hit { time_us, id, place: place(row) });
        }
    }
    Ok(())
}

/// Walks a file's granules from the newest back, a few at first, then more at a time.
fn in_file(
    file: &SegmentFile,
    number: usize,
    footers: &Footers,
    filter: &Filter,
    hits: &mut Hits,
    stop: &Stop,
) -> Result<(), StoreError> {
    stop.check()?;
    let footer = footers.of(file)?;
    let mut columns = filter.columns(&footer.loose);
    columns.insert(schema::ID);
    let columns: Vec<&str> = columns.into_iter().collect();
    let mut left = filter.granules(file, &footer)?;
    let mut at_once = 1;
    while let Some(newest_us) = left.iter().map(|granule| granule.max_us).max() {
        if !hits.wants(newest_us) {
            return Ok(());
        }
        let chosen: Vec<&Granule> = left.split_off(left.len().saturating_sub(at_once));
        at_once = (at_once * 2).min(GRANULES_AT_ONCE_MAX);
        for granule in chosen.into_iter().rev() {
            stop.check()?;
            let mut first_row = granule.rows.start;
            let rows = granule_rows([granule]);
            for batch in read_rows(file, &footer, Some(&columns), &rows, batch_rows(&columns))? {
                let batch = batch?;
                let found = filter.rows(&batch, &footer.loose)?;
                keep(&Columns::of(&batch), &found, hits, |row| {
                    Place::File(number, first_row + row)
                })?;
                first_row += batch.num_rows();
            }
        }
    }
    Ok(())
}

/// Reads the events that were found, in their order.
fn fetch(
    view: &View,
    footers: &Footers,
    hits: &[Hit],
    stop: &Stop,
) -> Result<Vec<Event>, StoreError> {
    let mut found = BTreeMap::<EventId, Event>::new();
    let mut by_file = BTreeMap::<usize, Vec<usize>>::new();
    for hit in hits {
        match hit.place {
            Place::Tail(list, place) => {
                let event = view.tail.get(list).and_then(|events| events.get(place)).cloned();
                found.extend(event.map(|event| (event.id, event)));
            }
            Place::Batch(number, row) => {
                if let Some(rows) = view.batches.get(number) {
                    let events = decode(&rows.batch.slice(row, 1))?;
                    found.extend(events.into_iter().map(|event| (event.id, event)));
                }
            }
            Place::File(number, row) => by_file.entry(number).or_default().push(row),
        }
    }
    for (number, mut rows) in by_file {
        stop.check()?;
        let Some(file) = view.segments.get(number) else { continue };
        rows.sort_unstable();
        let events = read_events(file, footers, &rows)?;
        found.extend(events.into_iter().map(|event| (event.id, event)));
    }
    Ok(hits.iter().filter_map(|hit| found.remove(&hit.id)).collect())
}

/// Reads whole events at these rows, ascending, of a file.
pub(super) fn read_events(
    file: &Arc<SegmentFile>,
    footers: &Footers,
    rows: &[usize],
) -> Result<Vec<Event>, StoreError> {
    let footer = footers.of(file)?;
    let ranges: Vec<Range<usize>> = rows.iter().map(|row| *row..row + 1).collect();
    let mut events = Vec::with_capacity(rows.len());
    for batch in read_rows(file, &footer, None, &ranges, WIDE_BATCH_ROWS)? {
        events.extend(decode(&batch?)?);
    }
    Ok(events)
}
