//! What was found in a value, remembered: log values repeat, so most values need not be scanned.
//!
//! Bounded and safe against invented values: a fixed number of places, hashed with a key that nobody
//! outside knows, and a hit compares every byte.

use ahash::RandomState;

/// Places in all, in pairs: a value may stand in either of its two.
const PLACES: usize = 32 * 1024;
const PLACES_U64: u64 = 32 * 1024;

/// The place behind the last: for what is scanned each time.
const NEVER_KEPT: usize = PLACES;

/// Longer values are scanned each time: they hardly repeat, and would make the memory large.
const VALUE_BYTES_MAX: usize = 512;

/// Values found with the leaves they answer with yes.
#[derive(Debug)]
pub(super) struct Memo {
    places: Vec<Place>,
    keys: RandomState,
}

/// A value of one field of one program. Buffers are kept when a value makes room for another.
#[derive(Debug, Default)]
struct Place {
    hash: u64,
    field: FieldOf,
    value: Vec<u8>,
    leaves: Vec<usize>,
}

/// A program's number, from 1, and the slot of a field in it.
pub(super) type FieldOf = (usize, usize);

impl Default for Memo {
    fn default() -> Self {
        Self { places: Vec::new(), keys: RandomState::new() }
    }
}

impl Memo {
    /// Returns the leaves that a value answers with yes, from memory or else from `scan`.
    pub(super) fn leaves_of(
        &mut self,
        field: FieldOf,
        value: &str,
        scan: impl FnOnce(&mut Vec<usize>),
    ) -> &[usize] {
        if self.places.is_empty() {
            self.places.resize_with(NEVER_KEPT.saturating_add(1), Place::default);
        }
        let (at, hash, is_known) = self.place_of(field, value);
        let Some(place) = self.places.get_mut(at) else { return &[] };
        if !is_known {
            place.hash = hash;
            place.field = field;
            place.value.clear();
            if at != NEVER_KEPT {
                place.value.extend_from_slice(value.as_bytes());
            }
            place.leaves.clear();
            scan(&mut place.leaves);
        }
        &place.leaves
    }

    /// Returns where the value stands or will stand, its hash, and whether it stands there already.
    fn place_of(&self, field: FieldOf, value: &str) -> (usize, u64, bool) {
        if value.len() > VALUE_BYTES_MAX {
            return (NEVER_KEPT, 0, false);
        }
        let hash = self.keys.hash_one((field, value.as_bytes()));
        let first = usize::try_from(hash % PLACES_U64).unwrap_or(0) & !1;
        let second = first | 1;
        for at in [first, second] {
            if let Some(place) = self.places.get(at)
                && place.hash == hash
                && place.field == field
                && place.value == value.as_bytes()
            {
                return (at, hash, true);
            }
        }
        // One bit of the hash says which of the pair makes room.
        (if hash & (1 << 63) == 0 { first } else { second }, hash, false)
    }
}
