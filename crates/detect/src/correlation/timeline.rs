//! The entries of one group in the order of time, in chunks: an event that comes late is put in its
//! place by moving a chunk's worth of others at most, and what a chunk holds tells whether to look
//! into it at all.

use std::collections::VecDeque;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Micros};

/// Entries in a chunk at most: few enough to move for each late event, enough that a full group has
/// no more than two hundred chunks.
const CHUNK_MAX: usize = 128;

/// Entries in the order of their keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub(super) struct Timeline {
    /// None of them is empty.
    chunks: VecDeque<Chunk>,
    len: usize,
}

/// Entries that follow each other.
#[derive(Debug, Clone, Default)]
struct Chunk {
    entries: VecDeque<Entry>,
    /// A bit for each input that one of them has or had.
    inputs: u64,
}

/// Where an entry stands: its chunk, and its place in it.
type Spot = (usize, usize);

impl Chunk {
    fn of(entries: VecDeque<Entry>) -> Self {
        let inputs = entries.iter().fold(0, |inputs, entry| inputs | bit(entry.input));
        Self { entries, inputs }
    }

    fn latest(&self) -> Option<&Entry> {
        self.entries.back()
    }
}

impl Timeline {
    /// Returns how many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the entry at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Entry> {
        let (chunk, inside) = self.spot(place);
        self.chunks.get(chunk)?.entries.get(inside)
    }

    /// Returns all entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| &chunk.entries)
    }

    /// Returns all entries to change what does not order them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.chunks.iter_mut().flat_map(|chunk| &mut chunk.entries)
    }

    /// Returns the entries of a range of places, as far as there are any.
    pub(super) fn range(&self, places: Range<usize>) -> impl DoubleEndedIterator<Item = &Entry> {
        let end = places.end.min(self.len);
        let (from, inside) = self.spot(places.start.min(end));
        let (to, inside_last) = self.spot(end);
        let chunks = self.chunks.range(from..to.saturating_add(1).min(self.chunks.len()));
        chunks.enumerate().flat_map(move |(number, chunk)| {
            let is_last = from.saturating_add(number) == to;
            let end = if is_last { inside_last } else { chunk.entries.len() };
            let start = if number == 0 { inside.min(end) } else { 0 };
            chunk.entries.range(start..end)
        })
    }

    /// Returns how many entries stand before the first of which this is not so.
    pub(super) fn partition_point(&self, is_before: impl Fn(&Entry) -> bool) -> usize {
        let chunk = self.chunks.partition_point(|chunk| chunk.latest().is_some_and(&is_before));
        let before = self.chunks.range(..chunk).map(|chunk| chunk.entries.len()).sum::<usize>();
        let inside = self.chunks.get(chunk).map(|own| own.entries.partition_point(is_before));
        before.saturating_add(inside.unwrap_or_default())
    }

    /// Puts an entry in its place; returns false, and changes nothing, if it is there already.
    pub(super) fn insert(&mut self, entry: Entry) -> bool {
        let key = entry.key();
        let is_before = |own: &Entry| own.key() < key;
        if self.chunks.is_empty() {
            self.chunks.reserve_exact(1);
            self.chunks.push_back(Chunk::default());
        }
        // What is newer than all others goes behind the last.
        let found = self.chunks.partition_point(|own| own.latest().is_some_and(is_before));
        let number = found.min(self.chunks.len().saturating_sub(1));
        let Some(chunk) = self.chunks.get_mut(number) else { return false };
        let inside = chunk.entries.partition_point(is_before);
        if chunk.entries.get(inside).is_some_and(|own| own.key() == key) {
            return false;
        }
        if chunk.entries.is_empty() {
            chunk.entries.reserve_exact(1);
        }
        chunk.inputs |= bit(entry.input);
        chunk.entries.insert(inside, entry);
        self.len = self.len.saturating_add(1);
        if chunk.entries.len() > CHUNK_MAX {
            // What comes in order fills its chunks; what comes late finds room in half of one.
            let is_newest = inside == CHUNK_MAX && number.saturating_add(1) == self.chunks.len();
            self.split(number, if is_newest { CHUNK_MAX } else { CHUNK_MAX / 2 });
        }
        true
    }

    fn split(&mut self, number: usize, at: usize) {
        let Some(chunk) = self.chunks.get_mut(number) else { return };
        let behind = Chunk::of(chunk.entries.split_off(at));
        *chunk = Chunk::of(std::mem::take(&mut chunk.entries));
        self.chunks.insert(number.saturating_add(1), behind);
    }

    /// Takes off the oldest entry, if this is so of it.
    pub(super) fn pop_front_if(&mut self, is_over: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let chunk = self.chunks.front_mut()?;
        let entry = chunk.entries.pop_front_if(|entry| is_over(entry))?;
        if chunk.entries.is_empty() {
            self.chunks.pop_front();
        }
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// Keeps only the entries of which this is so.
    pub(super) fn retain(&mut self, is_kept: impl FnMut(&Entry) -> bool) {
        let mut entries: Vec<Entry> =
            std::mem::take(&mut self.chunks).into_iter().flat_map(|own| own.entries).collect();
        entries.retain(is_kept);
        *self = Self::in_order(entries);
    }

    /// Returns when this input was last seen up to a moment.
    pub(super) fn last_up_to(&self, input: u16, moment: Micros) -> Option<Micros> {
        let end =
            self.chunks.partition_point(|own| own.latest().is_some_and(|own| own.at <= moment));
        let chunks = self.chunks.range(..end.saturating_add(1).min(self.chunks.len()));
        chunks.rev().filter(|chunk| chunk.inputs & bit(input) != 0).find_map(|chunk| {
            let own = |entry: &&Entry| entry.input == input && entry.at <= moment;
            chunk.entries.iter().rev().find(own).map(|entry| entry.at)
        })
    }

    /// Returns when this input is first seen from a moment on.
    pub(super) fn first_from(&self, input: u16, moment: Micros) -> Option<Micros> {
        let start =
            self.chunks.partition_point(|own| own.latest().is_some_and(|own| own.at < moment));
        let mut chunks = self.chunks.range(start..).filter(|chunk| chunk.inputs & bit(input) != 0);
        chunks.find_map(|chunk| {
            let own = |entry: &&Entry| entry.input == input && entry.at >= moment;
            chunk.entries.iter().find(own).map(|entry| entry.at)
        })
    }

    /// Returns whether every window that holds this one of the entries holds another that counts the
    /// same: one before and one after it, no further apart than a time span.
    pub(super) fn has_twins_around(&self, entry: &Entry, span: Micros) -> bool {
        let place = self.partition_point(|own| own.key() < entry.key());
        let after = place.saturating_add(1);
        if after >= self.len {
            return false;
        }
        let is_twin = |own: &&Entry| own.counted() == entry.counted();
        let earliest = entry.at.saturating_sub(span);
        let mut before = self.range(0..place).rev().take_while(|own| own.at >= earliest);
        let Some(before) = before.find(is_twin) else { return false };
        let latest = before.at.saturating_add(span);
        let mut after = self.range(after..self.len).take_while(|own| own.at <= latest);
        after.any(|own| is_twin(&own))
    }

    /// Returns where the entry at a place stands; past the last, behind the last chunk.
    fn spot(&self, place: usize) -> Spot {
        let mut inside = place;
        for (number, chunk) in self.chunks.iter().enumerate() {
            match inside.checked_sub(chunk.entries.len()) {
                Some(rest) => inside = rest,
                None => return (number, inside),
            }
        }
        (self.chunks.len(), inside)
    }

    fn in_order(entries: Vec<Entry>) -> Self {
        let len = entries.len();
        let mut chunks = VecDeque::with_capacity(len.div_ceil(CHUNK_MAX));
        let mut rest = entries.into_iter();
        loop {
            let chunk: VecDeque<Entry> = rest.by_ref().take(CHUNK_MAX).collect();
            if chunk.is_empty() {
                return Self { chunks, len };
            }
            chunks.push_back(Chunk::of(chunk));
        }
    }
}

/// Two are equal if their entries are, however these are cut into chunks.
impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl From<Vec<Entry>> for Timeline {
    fn from(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by_key(Entry::key);
        Self::in_order(entries)
    }
}

impl From<Timeline> for Vec<Entry> {
    fn from(timeline: Timeline) -> Self {
        timeline.chunks.into_iter().flat_map(|own| own.entries).collect()
    }
}

/// Returns the bit of an input; there are no more than
/// [`crate::limits::CORRELATION_RULES_MAX`], which is 64.
const fn bit(input: u16) -> u64 {
    1 << (input % 64)
}

#[cfg(test)]
mod tests {
    use event::EventId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::entry::Measure;
    use super::*;

    fn entry(at: Micros, id: u8, input: u16) -> Entry {
        let id = EventId::from_uuid(Uuid::from_u128(u128::from(id)));
        Entry { at, arrived: at, id, input, measure: Measure::Nothing }
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_list(
            steps in prop::collection::vec((0_i64..200, any::<u8>(), 0_u16..3, 0_u8..8), 1..600),
            ask in (0_i64..200, 0_usize..600, 0_usize..600),
        ) {
            let (mut timeline, mut list) = (Timeline::default(), Vec::<Entry>::new());
            for (at, id, input, what) in steps {
                match what {
                    0 => {
                        let popped = timeline.pop_front_if(|own| own.at < at);
                        let want = list.first().is_some_and(|own| own.at < at);
                        prop_assert_eq!(popped, want.then(|| list.remove(0)));
                    }
                    1 if id == 0 => {
                        timeline.retain(|own| own.at != at);
                        list.retain(|own| own.at != at);
                    }
                    _ => {
                        let entry = entry(at, id, input);
                        let is_new = !list.iter().any(|own| own.key() == entry.key());
                        if is_new {
                            list.push(entry.clone());
                            list.sort_unstable_by_key(Entry::key);
                        }
                        prop_assert_eq!(timeline.insert(entry), is_new);
                    }
                }
            }
            let (at, one, other) = ask;
            prop_assert_eq!(timeline.len(), list.len());
            prop_assert!(timeline.iter().eq(list.iter()));
            prop_assert_eq!(timeline.get(one), list.get(one));
            prop_assert_eq!(
                timeline.partition_point(|own| own.at < at),
                list.partition_point(|own| own.at < at)
            );
            let (from, to) = (one.min(other).min(list.len()), one.max(other).min(list.len()));
            prop_assert!(timeline.range(from..to).eq(&list[from..to]));
            prop_assert!(timeline.range(from..to).rev().eq(list[from..to].iter().rev()));
            for input in 0..3 {
                let own = || list.iter().filter(|own| own.input == input).map(|own| own.at);
                prop_assert_eq!(timeline.last_up_to(input, at), own().rfind(|own| *own <= at));
                prop_assert_eq!(timeline.first_from(input, at), own().find(|own| *own >= at));
            }
            let stored = serde_json::to_string(&timeline).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timeline>(&stored).unwrap(), timeline);
        }
    }
}
