//! Values that were looked up before and are no indicator: logs repeat the same digests, command lines
//! and answers endlessly.
//!
//! A value is compared byte by byte, so no two can be mistaken for each other, and with what was looked for in it:
//! an address where a mail address belongs is clean there, and is none in a DNS answer. The memory is bounded,
//! and a flood of new values costs one store for each.

use ahash::RandomState;

use super::observe::Holds;

/// How many values are remembered.
const SLOTS: usize = 4096;

/// The bits of a hash that choose one of them.
const SLOTS_MASK: u64 = 4095;

/// Longest value that is remembered, in bytes: digests and command lines, not scripts.
const VALUE_BYTES_MAX: usize = 512;

/// Values known to be clean.
#[derive(Debug)]
pub(super) struct Memo {
    hasher: RandomState,
    /// Made when the first value is remembered: most threads look for no indicator.
    slots: Vec<Option<(Holds, Vec<u8>)>>,
}

impl Memo {
    /// Returns one that remembers nothing; the seed keys its places.
    pub(super) fn new(seed: u64) -> Self {
        Self { hasher: RandomState::with_seeds(seed, 1, !seed, 2), slots: Vec::new() }
    }

    /// Returns the value's place if it is not known to be clean; a value too long has none.
    pub(super) fn place(&self, holds: Holds, value: &str) -> Known {
        if value.len() > VALUE_BYTES_MAX || value.is_empty() {
            return Known::Never;
        }
        let place = usize::try_from(self.hasher.hash_one((holds, value)) & SLOTS_MASK).unwrap_or(0);
        match self.slots.get(place) {
            Some(Some((own, held))) if *own == holds && held == value.as_bytes() => Known::Clean,
            _ => Known::Place(place),
        }
    }

    /// Remembers a value as clean at its place.
    pub(super) fn keep(&mut self, place: usize, holds: Holds, value: &str) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            let (own, held) = slot.get_or_insert_with(|| (holds, Vec::new()));
            *own = holds;
            held.clear();
            held.extend_from_slice(value.as_bytes());
        }
    }
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// No indicator is in it.
    Clean,
    /// Nothing; it can be remembered here.
    Place(usize),
    /// Nothing, and it is not remembered.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_kept_is_known() {
        let mut memo = Memo::new(1);
        let text = Holds::Text;
        for number in 0..20_000 {
            let value = format!("value {number}");
            let Known::Place(place) = memo.place(text, &value) else { panic!("{value}") };
            memo.keep(place, text, &value);
            assert_eq!(memo.place(text, &value), Known::Clean);
            assert_ne!(memo.place(Holds::Emails, &value), Known::Clean);
            assert_ne!(memo.place(text, &format!("value {number} ")), Known::Clean);
        }
        assert_eq!(memo.place(text, &"x".repeat(VALUE_BYTES_MAX + 1)), Known::Never);
    }
}
