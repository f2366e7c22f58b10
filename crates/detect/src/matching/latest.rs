//! The value that each place of the records had last, with what was found in it: in one place the same
//! values often follow each other, and are then neither hashed nor looked through. And whether the values of a place
//! come back at all: those that never do (times, numbers of records) only push out of the memory of values what does.
//!
//! Bounded: places share a fixed number of entries, each of two lines of the processor's cache.

/// Entries, of which a place has one.
const ENTRIES: usize = 4_096;

/// Bytes of an entry for the value and, behind it, what was found in it; what does not fit is not kept.
const BYTES: usize = 120;

/// A leaf as an entry holds it; larger ones are not kept.
const LEAF_BYTES: usize = 2;

/// So many more values of a place that were new than twice those that were known: what comes next is held to be new.
const NEW_MAX: u8 = 64;

/// Of values that are held to be new, one in so many is looked up all the same.
const LOOKED_UP_ONE_IN: u8 = 32;

/// The latest values of one thread.
#[derive(Debug, Default)]
pub(super) struct Latest {
    entries: Vec<Entry>,
    /// For a place that has none: there is no such place.
    spare: Entry,
    places: u32,
}

/// A place of the records, among those of all shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

/// What is known of a place.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Entry {
    /// Whose value it is, from 1; the entry of nobody is 0.
    place: u32,
    value_bytes: u8,
    leaves_bytes: u8,
    new: u8,
    passed_over: u8,
    bytes: [u8; BYTES],
}

impl Latest {
    /// Returns a place that nobody else has.
    pub(super) const fn new_place(&mut self) -> Place {
        self.places = self.places.wrapping_add(1);
        Place(self.places)
    }

    /// Returns the entry of a place; what another place had there is gone.
    #[inline]
    pub(super) fn entry(&mut self, place: Place) -> &mut Entry {
        if self.entries.is_empty() {
            self.entries.resize(ENTRIES, Entry::default());
        }
        let at = usize::try_from(place.0).unwrap_or(0) % ENTRIES;
        let entry = self.entries.get_mut(at).unwrap_or(&mut self.spare);
        if entry.place != place.0 {
            *entry = Entry::of(place.0);
        }
        entry
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self::of(0)
    }
}

impl Entry {
    /// The entry of a place that has had no value; nothing is found in an empty one, which is not kept.
    const fn of(place: u32) -> Self {
        Self {
            place,
            value_bytes: u8::MAX,
            leaves_bytes: 0,
            new: 0,
            passed_over: 0,
            bytes: [0; BYTES],
        }
    }

    /// Returns what was found in the value that the place had last, if it was this one.
    #[inline]
    pub(super) fn leaves(&self, value: &[u8]) -> Option<impl Iterator<Item = usize>> {
        let end = usize::from(self.value_bytes);
        if value.len() != end || self.bytes.get(..end)? != value {
            return None;
        }
        let leaves = self.bytes.get(end..end.saturating_add(usize::from(self.leaves_bytes)))?;
        let (leaves, _) = leaves.as_chunks::<LEAF_BYTES>();
        Some(leaves.iter().map(|leaf| usize::from(u16::from_le_bytes(*leaf))))
    }

    /// Keeps what was found in the place's value.
    pub(super) fn keep(&mut self, value: &[u8], leaves: &[usize]) {
        let leaves_bytes = leaves.len().saturating_mul(LEAF_BYTES);
        let Some((room, rest)) = self.bytes.split_at_mut_checked(value.len()) else { return };
        let Some(leaf_room) = rest.get_mut(..leaves_bytes) else { return };
        if leaves.iter().any(|leaf| u16::try_from(*leaf).is_err()) {
            return;
        }
        room.copy_from_slice(value);
        for (own, leaf) in leaf_room.as_chunks_mut::<LEAF_BYTES>().0.iter_mut().zip(leaves) {
            *own = u16::try_from(*leaf).unwrap_or_default().to_le_bytes();
        }
        self.value_bytes = u8::try_from(value.len()).unwrap_or(u8::MAX);
        self.leaves_bytes = u8::try_from(leaves_bytes).unwrap_or(u8::MAX);
    }

    /// Returns whether the next value is held to be one that was never met.
    #[inline]
    pub(super) const fn expects_new(&mut self) -> bool {
        if self.new < NEW_MAX {
            return false;
        }
        self.passed_over = self.passed_over.wrapping_add(1);
        !self.passed_over.is_multiple_of(LOOKED_UP_ONE_IN)
    }

    /// Takes note of whether a value was known or new.
    #[inline]
    pub(super) fn note(&mut self, is_new: bool) {
        self.new = if is_new {
            self.new.saturating_add(1).min(NEW_MAX)
        } else {
            self.new.saturating_sub(2)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(latest: &mut Latest, place: Place, value: &[u8]) -> Option<Vec<usize>> {
        latest.entry(place).leaves(value).map(Iterator::collect)
    }

    #[test]
    fn a_place_knows_its_last_value_and_no_other() {
        assert_eq!(size_of::<Entry>(), 128);
        let mut latest = Latest::default();
        let places: Vec<Place> = (0..=ENTRIES).map(|_| latest.new_place()).collect();
        let (first, second, far) = (places[0], places[1], places[ENTRIES]);
        assert_eq!(leaves(&mut latest, first, b""), None, "nothing was kept");
        latest.entry(first).keep(b"cmd.exe", &[3, 500]);
        assert_eq!(leaves(&mut latest, first, b"cmd.exe"), Some(vec![3, 500]));
        assert_eq!(leaves(&mut latest, first, b"cmd.ex"), None);
        assert_eq!(leaves(&mut latest, second, b"cmd.exe"), None, "another place");
        latest.entry(first).keep(b"", &[]);
        assert_eq!(leaves(&mut latest, first, b"cmd.exe"), None, "the last one only");
        assert_eq!(leaves(&mut latest, first, b""), Some(vec![]));
        latest.entry(first).keep(&[b'x'; BYTES + 1], &[]);
        latest.entry(first).keep(&[b'x'; BYTES], &[1]);
        latest.entry(first).keep(b"y", &[0; BYTES / 2]);
        latest.entry(first).keep(b"y", &[1 << 16]);
        assert_eq!(leaves(&mut latest, first, b""), Some(vec![]), "too large to be kept");
        latest.entry(first).keep(&[b'x'; BYTES], &[]);
        assert_eq!(leaves(&mut latest, first, &[b'x'; BYTES]), Some(vec![]));
        // Both share an entry.
        latest.entry(far).keep(b"a", &[1]);
        assert_eq!(leaves(&mut latest, far, b"a"), Some(vec![1]));
        assert_eq!(leaves(&mut latest, first, b"a"), None);
    }

    #[test]
    fn values_that_never_come_back_are_looked_up_now_and_then() {
        let mut latest = Latest::default();
        let place = latest.new_place();
        let entry = latest.entry(place);
        for _ in 0..NEW_MAX {
            assert!(!entry.expects_new());
            entry.note(true);
        }
        let looked_up = (0..=u8::MAX).filter(|_| !entry.expects_new()).count();
        assert_eq!(looked_up, 256 / usize::from(LOOKED_UP_ONE_IN));
        entry.note(false);
        assert!(!entry.expects_new(), "they come back");
    }
}
