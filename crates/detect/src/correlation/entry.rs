//! One event as a group remembers it: small and of one size, whatever the event looked like.
//!
//! Names and values are kept as 128 bits of their SHA-256: equal or not is all that is asked of them,
//! nobody can find two that collide, and what is stored over a restart tells nothing about people.

use event::EventId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::letter_case::fold;
use crate::limits::GROUP_VALUE_BYTES_MAX;

/// A moment, in microseconds since 1970.
pub(super) type Micros = i64;

/// One remembered event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub(super) struct Entry {
    /// When it happened.
    pub(super) at: Micros,
    /// When we heard of it.
    pub(super) arrived: Micros,
    pub(super) id: EventId,
    /// Which of the correlation's rules saw it; where that does not matter, which of the event's values
    /// this is.
    pub(super) input: u16,
    pub(super) measure: Measure,
}

/// What is counted of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    /// That it happened.
    Nothing,
    /// The digest of a value.
    Value(u128),
    /// A finite number.
    Number(f64),
}

/// An entry as it is stored.
type Row = (Micros, Micros, EventId, u16, Option<u128>, Option<f64>);

impl From<Row> for Entry {
    fn from((at, arrived, id, input, value, number): Row) -> Self {
        let measure = match (value, number) {
            (Some(value), _) => Measure::Value(value),
            (None, Some(number)) => Measure::Number(number),
            (None, None) => Measure::Nothing,
        };
        Self { at, arrived, id, input, measure }
    }
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        let (value, number) = match entry.measure {
            Measure::Nothing => (None, None),
            Measure::Value(value) => (Some(value), None),
            Measure::Number(number) => (None, Some(number)),
        };
        (entry.at, entry.arrived, entry.id, entry.input, value, number)
    }
}

impl Entry {
    /// Returns what orders entries, and tells whether two are the same.
    pub(super) const fn key(&self) -> (Micros, EventId, u16) {
        (self.at, self.id, self.input)
    }

    /// Returns when which of the rules saw it.
    pub(super) const fn step(&self) -> (Micros, u16) {
        (self.at, self.input)
    }

    /// Returns what counts once in a window, however often it is there: a value, or a rule.
    pub(super) const fn counted(&self) -> (u16, u128) {
        match self.measure {
            Measure::Value(value) => (0, value),
            _ => (self.input, 0),
        }
    }

    /// Returns the number that is added up.
    pub(super) const fn number(&self) -> Option<f64> {
        match self.measure {
            Measure::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// Takes in values one after the other; the digest tells them and their order apart.
#[derive(Debug, Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    /// Takes in bytes of a fixed length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes in a value, without regard to its case.
    pub(super) fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(GROUP_VALUE_BYTES_MAX);
        let folded = fold(text.get(..end).unwrap_or(text));
        // A letter and its folded form may take different room: `ſ` two bytes, `s` one.
        let len = folded.len().saturating_add(text.len().saturating_sub(end));
        self.0.update(len.to_le_bytes());
        self.0.update(folded.as_bytes());
        // No text holds this byte: what follows cannot be taken for a part of this value.
        self.0.update([0xff]);
    }

    /// Returns the digest of all that was taken in.
    pub(super) fn done(self) -> u128 {
        self.0.finalize().iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> u128 {
        let mut digest = Digest::default();
        digest.text(text);
        digest.done()
    }

    #[test]
    fn a_value_is_the_same_in_any_case() {
        for (left, right, same) in [
            ("An.Nguyen", "an.nguyen", true),
            ("ĐẶNG", "đặng", true),
            // Small and capital letter take different numbers of bytes.
            ("Straſſe", "STRASSE", true),
            ("\u{212a}elvin", "kelvin", true),
            ("GROẞ", "groß", true),
            ("ab", "a", false),
        ] {
            assert_eq!(digest(left) == digest(right), same, "{left} {right}");
        }
    }

    #[test]
    fn of_a_long_value_the_length_still_counts() {
        let long = "x".repeat(GROUP_VALUE_BYTES_MAX);
        assert_ne!(digest(&long), digest(&format!("{long}x")));
        assert_eq!(digest(&format!("{long}y")), digest(&format!("{long}z")));
    }
}
