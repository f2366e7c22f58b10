//! Events in memory: searchable at once, until their file is in the catalogue.

use std::sync::Arc;
use std::time::Instant;

use ahash::AHashSet;
use arrow::error::ArrowError;
use event::{Event, EventId, SpoolPosition};
use parking_lot::Mutex;

use crate::catalogue::Segment;
use crate::limits::{TAIL_BYTES_MAX, TAIL_EVENTS_MAX};
use crate::rows::{Rows, encode_outlined};

/// A run of events that will become one file a day.
///
/// The newest few stand as they came; a column apiece for every single event would take many times
/// their memory. The others are columns already.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) batches: Vec<Arc<Rows>>,
    pub(crate) tail: Vec<Arc<Vec<Event>>>,
    tail_events: usize,
    tail_bytes: usize,
    batch_bytes: usize,
    pub(crate) ids: AHashSet<EventId>,
    /// The last batch of the spool that is wholly in this buffer or before it.
    pub(crate) position: Option<SpoolPosition>,
    /// When its first events came.
    pub(crate) opened_at: Instant,
    /// The files that were written from it, while the catalogue does not know them yet.
    pub(crate) written: Mutex<Option<Vec<Segment>>>,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            tail: Vec::new(),
            tail_events: 0,
            tail_bytes: 0,
            batch_bytes: 0,
            ids: AHashSet::new(),
            position: None,
            opened_at: Instant::now(),
            written: Mutex::new(None),
        }
    }
}

impl Buffer {
    /// Returns how many events it holds.
    pub(crate) fn events(&self) -> usize {
        self.ids.len()
    }

    /// Returns how much memory it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.batch_bytes + self.tail_bytes
    }

    /// Returns whether there is nothing to write or to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.position.is_none()
    }

    /// Adds the events of a batch as they came.
    pub(crate) fn push(&mut self, events: Vec<Event>, position: SpoolPosition) {
        if self.position.is_none() {
            self.opened_at = Instant::now();
        }
        self.position = self.position.max(Some(position));
        if events.is_empty() {
            return;
        }
        self.ids.extend(events.iter().map(|event| event.id));
        self.tail_events += events.len();
        self.tail_bytes += events.iter().map(event_bytes).sum::<usize>();
        self.tail.push(Arc::new(events));
    }

    /// Returns the tail if it has grown large enough to become columns.
    pub(crate) fn long_tail(&self) -> Option<Vec<Arc<Vec<Event>>>> {
        let long = self.tail_events >= TAIL_EVENTS_MAX || self.tail_bytes >= TAIL_BYTES_MAX;
        long.then(|| self.tail.clone())
    }

    /// Puts columns in the place of the first lists of the tail, if they were made of those.
    pub(crate) fn replace_tail(&mut self, lists: &[Arc<Vec<Event>>], rows: Vec<Rows>) {
        let same = |(own, list)| Arc::ptr_eq(own, list);
        if self.tail.len() < lists.len() || !self.tail.iter().zip(lists).all(same) {
            return;
        }
        self.tail.drain(..lists.len());
        self.tail_events = self.tail.iter().map(|list| list.len()).sum();
        self.tail_bytes = self.tail.iter().flat_map(|list| list.iter()).map(event_bytes).sum();
        self.batch_bytes +=
            rows.iter().map(|rows| rows.batch.get_array_memory_size()).sum::<usize>();
        self.batches.extend(rows.into_iter().map(Arc::new));
    }
}

/// Returns roughly what an event takes in memory: its text three times (raw, fields, attributes)
/// and the lists around it.
fn event_bytes(event: &Event) -> usize {
    event.raw.len() * 3 + event.fields.len() * 64 + 512
}

/// Turns lists of events into columns with their outlines, in parts that no long record can make too large.
pub(crate) fn encode_lists(lists: &[Arc<Vec<Event>>]) -> Result<Vec<Rows>, ArrowError> {
    let mut parts = Vec::new();
    let mut part: Vec<&Event> = Vec::new();
    let mut part_bytes = 0;
    for event in lists.iter().flat_map(|list| list.iter()) {
        part_bytes += event_bytes(event);
        part.push(event);
        if part.len() >= 2 * TAIL_EVENTS_MAX || part_bytes >= 4 * TAIL_BYTES_MAX {
            parts.push(encode_outlined(std::mem::take(&mut part).into_iter())?);
            part_bytes = 0;
        }
    }
    if !part.is_empty() {
        parts.push(encode_outlined(part.into_iter())?);
    }
    Ok(parts)
}
