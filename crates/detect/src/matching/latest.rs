//! The value that each place of the records had last, with what was found in it: in one place the same
//! values often follow each other, and are then neither hashed nor looked through.
//!
//! Bounded: places share a fixed number of entries, and only short values are kept.

/// Entries, of which a place has one.
const ENTRIES: usize = 4_096;

/// Longer values hardly follow each other.
const VALUE_BYTES_MAX: usize = 256;

/// A value in which more is found is not kept.
const LEAVES_MAX: usize = 32;

/// The latest values of one thread.
#[derive(Debug, Default)]
pub(super) struct Latest {
    entries: Vec<Entry>,
    places: usize,
}

/// A place of the records, among those of all shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

#[derive(Debug, Clone, Default)]
struct Entry {
    /// Whose value it is.
    place: Option<Place>,
    value: Vec<u8>,
    leaves: Vec<usize>,
}

impl Latest {
    /// Returns a place that nobody else has.
    pub(super) fn new_place(&mut self) -> Place {
        self.places = self.places.wrapping_add(1);
        Place(self.places)
    }

    /// Returns what was found in the value that the place had last, if it was this one.
    #[inline]
    pub(super) fn leaves(&self, place: Place, value: &[u8]) -> Option<&[usize]> {
        let entry = self.entries.get(place.0 % ENTRIES)?;
        (entry.place == Some(place) && entry.value == value).then_some(entry.leaves.as_slice())
    }

    /// Keeps what was found in a place's value.
    pub(super) fn keep(&mut self, place: Place, value: &[u8], leaves: &[usize]) {
        if value.len() > VALUE_BYTES_MAX || leaves.len() > LEAVES_MAX {
            return;
        }
        if self.entries.is_empty() {
            self.entries.resize(ENTRIES, Entry::default());
        }
        if let Some(entry) = self.entries.get_mut(place.0 % ENTRIES) {
            entry.place = Some(place);
            entry.value.clear();
            entry.value.extend_from_slice(value);
            entry.leaves.clear();
            entry.leaves.extend_from_slice(leaves);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_knows_its_last_value_and_no_other() {
        let mut latest = Latest::default();
        let places: Vec<Place> = (0..=ENTRIES).map(|_| latest.new_place()).collect();
        let (first, second, far) = (places[0], places[1], places[ENTRIES]);
        assert_eq!(latest.leaves(first, b""), None, "nothing was kept");
        latest.keep(first, b"cmd.exe", &[3, 5]);
        assert_eq!(latest.leaves(first, b"cmd.exe"), Some([3, 5].as_slice()));
        assert_eq!(latest.leaves(first, b"cmd.ex"), None);
        assert_eq!(latest.leaves(second, b"cmd.exe"), None, "another place");
        latest.keep(first, b"", &[]);
        assert_eq!(latest.leaves(first, b"cmd.exe"), None, "the last one only");
        assert_eq!(latest.leaves(first, b""), Some([].as_slice()));
        // Both share an entry.
        latest.keep(far, b"a", &[1]);
        assert_eq!(latest.leaves(first, b""), None);
        assert_eq!(latest.leaves(far, b"a"), Some([1].as_slice()));
        latest.keep(first, &[b'x'; VALUE_BYTES_MAX + 1], &[]);
        latest.keep(first, b"y", &[0; LEAVES_MAX + 1]);
        assert_eq!(latest.leaves(far, b"a"), Some([1].as_slice()), "too large to be kept");
    }
}
