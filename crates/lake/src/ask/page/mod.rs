//! One page of events, newest first: files are walked from the newest event back, and the walk ends
//! when nothing that is left can be newer than what was found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event::lake::{Cursor, Found, Search};
use event::{Event, EventId, Scope};

use super::Stop;
use super::events::read_events;
use super::look::{Candidate, look_into};
use crate::error::{BadRows, StoreError};
use crate::filter::Filter;
use crate::lake::chain;
use crate::limits::{PAGE_EVENTS_MAX, RARE_EVENTS_KEPT, ROW_GROUP_ROWS};
use crate::rows::{Columns, decode, id_at, moment, text_at};
use crate::schema;
use crate::segment::{Footer, Footers, Granule};
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
    let mut hits = Hits::new(limit + 1);
    in_memory(view, &filter, &mut hits)?;
    let mut known = Vec::new();
    let walk = Walk {
        view,
        footers,
        filter: &filter,
        next_file: 0,
        left: Vec::new(),
        known: &mut known,
        tried: 0,
        dense: 0,
    };
    let stopped_ms = match walk.run(&mut hits, stop) {
        Err(StoreError::Timeout { .. }) => Some(stop.took_ms()),
        walked => {
            walked?;
            None
        }
    };
    let mut hits = hits.newest_first();
    let more = hits.len() > limit;
    hits.truncate(limit);
    let next = hits
        .last()
        .filter(|_| more)
        .map(|hit| Cursor { occurred_at: moment(hit.time_us), id: hit.id });
    let events = fetch(view, footers, &hits, &known, &stop.grace())?;
    keep_rare(view, footers, &filter, &hits, &events);
    Ok(Found { events, next, stopped_ms, took_ms: stop.took_ms() })
}

/// An event that was found, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    time_us: i64,
    id: EventId,
    place: Place,
    /// Its record, where that was read on the way and lies in a file.
    record: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// List and place in the tail.
    Tail(usize, usize),
    /// Batch and row in memory.
    Batch(usize, usize),
    /// File and row.
    File(usize, usize),
    /// Place among the events that were found before.
    Known(usize),
}

/// The newest events found so far.
pub(super) struct Hits {
    wanted: usize,
    kept: BinaryHeap<Reverse<Hit>>,
}

/// Bytes of records that are kept with hits; longer ones are read once more.
const RECORD_BYTES_KEPT: usize = 1 << 20;

impl Hits {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, kept: BinaryHeap::new() }
    }

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

    /// Takes in rows (ascending) that were found.
    pub(super) fn keep(
        &mut self,
        columns: &Columns<'_>,
        rows: &[usize],
        place: impl Fn(usize) -> Place,
    ) -> Result<(), StoreError> {
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
        let records = columns.text(schema::RAW);
        let record_bytes_max = RECORD_BYTES_KEPT / self.wanted.max(1);
        for row in rows.iter().rev().copied() {
            let time_us = times.value(row);
            if self.wants(time_us) {
                let id = id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?;
                let place = place(row);
                let record = text_at(records, row)
                    .filter(|_| matches!(place, Place::File(..)))
                    .filter(|record| record.len() <= record_bytes_max)
                    .map(ToOwned::to_owned);
                self.push(Hit { time_us, id, place, record });
            }
        }
        Ok(())
    }

    pub(super) fn newest_first(self) -> Vec<Hit> {
        // The order of `Reverse`, ascending, is the newest first.
        self.kept.into_sorted_vec().into_iter().map(|Reverse(hit)| hit).collect()
    }
}

/// Looks through what no file holds yet, the newest first: once enough was found, what is older is not asked.
fn in_memory(view: &View, filter: &Filter, hits: &mut Hits) -> Result<(), StoreError> {
    for (list, events) in view.tail.iter().enumerate().rev() {
        for (place, event) in events.iter().enumerate().rev() {
            let time_us = event.occurred_at.timestamp_micros();
            if hits.wants(time_us) && filter.takes(event) {
                let place = Place::Tail(list, place);
                hits.push(Hit { time_us, id: event.id, place, record: None });
            }
        }
    }
    for (number, rows) in view.batches.iter().enumerate().rev() {
        if rows.outline.as_ref().is_some_and(|outline| !hits.wants(outline.max_us)) {
            continue;
        }
        let found = filter.rows_in_memory(rows)?;
        hits.keep(&Columns::of(&rows.batch), &found, |row| Place::Batch(number, row))?;
    }
    Ok(())
}

/// The way through the files' granules, from the newest back; a few at first, then more at a time.
struct Walk<'a> {
    view: &'a View,
    footers: &'a Footers,
    filter: &'a Filter,
    /// The next file to look into; they are sorted by their newest event.
    next_file: usize,
    /// Granules of the files before it, the newest last.
    left: Vec<Candidate>,
    /// Events that were found before, by the same question.
    known: &'a mut Vec<Arc<Event>>,
    /// Granules that were looked into, and those of which all rows had to be read though a text was asked for.
    tried: usize,
    dense: usize,
}

impl Walk<'_> {
    fn run(mut self, hits: &mut Hits, stop: &Stop) -> Result<(), StoreError> {
        let mut at_once = 1;
        loop {
            let chosen = self.next(at_once, hits, stop)?;
            if chosen.is_empty() {
                return Ok(());
            }
            at_once = (at_once * 2).min(GRANULES_AT_ONCE_MAX);
            let use_needle = self.tried < GRANULES_AT_ONCE_MAX || self.dense * 2 < self.tried;
            let filter = self.filter;
            let wanted = hits.wanted;
            let found = in_parallel(&chosen, |candidate| {
                look_into(candidate, filter, use_needle, wanted, stop)
            });
            let mut failed = None;
            for (candidate, more) in chosen.iter().zip(found) {
                match more {
                    Ok(more) => {
                        self.tried += 1;
                        self.dense += usize::from(more.is_dense);
                        self.keep_count(candidate, more.hits.len(), wanted);
                        for hit in more.hits {
                            hits.push(hit);
                        }
                    }
                    // What the others found is kept: it is shown when the time is up.
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// Returns the next granules that could hold newer events than those that were found.
    fn next(
        &mut self,
        count: usize,
        hits: &mut Hits,
        stop: &Stop,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut chosen = Vec::new();
        while chosen.len() < count {
            if let Some(candidate) = self.left.pop() {
                if hits.wants(candidate.granule.max_us) {
                    chosen.push(candidate);
                }
                continue;
            }
            stop.check()?;
            let number = self.next_file;
            let Some(file) = self.view.segments.get(number) else { break };
            self.next_file += 1;
            let newest_us = file.segment.max_occurred_at.timestamp_micros();
            if !hits.wants(newest_us) {
                self.next_file = usize::MAX;
                break;
            }
            let oldest_us = file.segment.min_occurred_at.timestamp_micros();
            if self.filter.may_match_times(oldest_us, newest_us) {
                let footer = self.footers.of(file)?;
                let granules = self.filter.granules(file, &footer)?;
                for granule in self.unknown(granules, &footer, hits) {
                    let (file, footer) = (Arc::clone(file), Arc::clone(&footer));
                    let granule = granule.clone();
                    self.left.push(Candidate { number, file, footer, granule });
                }
            }
        }
        Ok(chosen)
    }

    /// Takes the hits of granules that are all known from before; returns the others that may hold any.
    fn unknown<'g>(
        &mut self,
        granules: Vec<&'g Granule>,
        footer: &Footer,
        hits: &mut Hits,
    ) -> Vec<&'g Granule> {
        let Some(condition) = self.filter.condition() else { return granules };
        let counted = footer.counts.rows_of(condition);
        let mut unknown = Vec::new();
        for granule in granules {
            let count = counted.get(granule.number).copied().flatten();
            let Some(events) =
                count.and_then(|count| footer.rare.all_of(condition, granule, count))
            else {
                unknown.push(granule);
                continue;
            };
            for event in events {
                let time_us = event.occurred_at.timestamp_micros();
                if self.filter.may_match_times(time_us, time_us) && hits.wants(time_us) {
                    let place = Place::Known(self.known.len());
                    hits.push(Hit { time_us, id: event.id, place, record: None });
                    self.known.push(event);
                }
            }
        }
        unknown
    }

    /// Keeps how many rows of a granule were found, where these are all that will ever be: who asks the same
    /// again need not look where there were none.
    fn keep_count(&self, candidate: &Candidate, found: usize, wanted: usize) {
        let granule = &candidate.granule;
        let is_all = found < wanted && self.filter.spans(granule.min_us, granule.max_us);
        if let (true, Some(condition), Ok(count)) =
            (is_all, self.filter.condition(), u32::try_from(found))
        {
            candidate.footer.counts.keep_rows(condition, &[(granule, count)]);
        }
    }
}

/// Does a work for each, on both cores where there is more than one; the results keep their order.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, StoreError> + Sync,
) -> Vec<Result<R, StoreError>> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return done };
            done.push((number, work(item)));
        }
    };
    let run = &run;
    let mut done = std::thread::scope(|scope| {
        let other = (items.len() > 1).then(|| scope.spawn(run));
        let mut done = run();
        match other.map(std::thread::ScopedJoinHandle::join) {
            Some(Ok(more)) => done.extend(more),
            // A panic in there is ours; it goes on here.
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => {}
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Reads the events that were found, in their order.
fn fetch(
    view: &View,
    footers: &Footers,
    hits: &[Hit],
    known: &[Arc<Event>],
    stop: &Stop,
) -> Result<Vec<Event>, StoreError> {
    let mut found = BTreeMap::<EventId, Event>::new();
    // A part of a file is read at once: what its rows share is then unpacked once.
    let mut in_files = BTreeMap::<(usize, usize), Vec<(usize, Option<&str>)>>::new();
    for hit in hits {
        match hit.place {
            Place::Tail(list, place) => {
                let event = view.tail.get(list).and_then(|events| events.get(place)).cloned();
                found.extend(event.map(|event| (event.id, event)));
            }
            Place::Known(place) => {
                let event = known.get(place).map(|event| Event::clone(event));
                found.extend(event.map(|event| (event.id, event)));
            }
            Place::Batch(number, row) => {
                if let Some(rows) = view.batches.get(number) {
                    let events = decode(&rows.batch.slice(row, 1))?;
                    found.extend(events.into_iter().map(|event| (event.id, event)));
                }
            }
            Place::File(number, row) => {
                let rows = in_files.entry((number, row / ROW_GROUP_ROWS)).or_default();
                rows.push((row, hit.record.as_deref()));
            }
        }
    }
    let in_files: Vec<_> = in_files.into_iter().collect();
    let read = in_parallel(&in_files, |((number, _), rows)| {
        stop.check()?;
        let Some(file) = view.segments.get(*number) else { return Ok(Vec::new()) };
        let mut rows = rows.clone();
        rows.sort_unstable();
        let (rows, records): (Vec<usize>, Vec<Option<&str>>) = rows.into_iter().unzip();
        let records = records.into_iter().collect::<Option<Vec<&str>>>();
        read_events(file, footers, &rows, records.as_deref())
    });
    for events in read {
        found.extend(events?.into_iter().map(|event| (event.id, event)));
    }
    Ok(hits.iter().filter_map(|hit| found.remove(&hit.id)).collect())
}

/// Keeps events of granules that have few: who asks the same again need not read them. The page is found; a file
/// that cannot be read any more keeps nothing.
fn keep_rare(view: &View, footers: &Footers, filter: &Filter, hits: &[Hit], events: &[Event]) {
    let Some(condition) = filter.condition() else { return };
    let events: BTreeMap<EventId, &Event> = events.iter().map(|event| (event.id, event)).collect();
    let mut unread = BTreeSet::new();
    for hit in hits {
        let Place::File(number, row) = hit.place else { continue };
        let (Some(file), Some(event)) = (view.segments.get(number), events.get(&hit.id)) else {
            continue;
        };
        if unread.contains(&number) {
            continue;
        }
        let footer = match footers.of(file) {
            Ok(footer) => footer,
            Err(error) => {
                if unread.is_empty() {
                    tracing::warn!(
                        file.path = %file.segment.path,
                        error = %chain(&error),
                        "events that were found are not kept for the next question"
                    );
                }
                unread.insert(number);
                continue;
            }
        };
        let granule = footer.granules.iter().find(|granule| granule.rows.contains(&row));
        let counted = footer.counts.rows_of(condition);
        let count = granule.and_then(|granule| counted.get(granule.number).copied().flatten());
        if count.is_some_and(|count| count <= RARE_EVENTS_KEPT) {
            footer.rare.keep(condition, row, event);
        }
    }
}

#[cfg(test)]
mod tests;
