//! Texts that a value must begin or end with, all of them found by one binary search.
//!
//! Read from the edge inwards, the texts that a value begins with are prefixes of it: in rising order
//! they stand at or before the value, and the last text before the value leads to all of them.

use std::cmp::Ordering;
use std::sync::Arc;

/// Which edge of the value the texts stand at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Side {
    #[default]
    Start,
    End,
}

/// The texts of one edge.
#[derive(Debug, Default)]
pub(super) struct Edges {
    side: Side,
    /// Rising, read from the edge inwards.
    texts: Box<[Edge]>,
    /// A bit for each byte that some text has at the very edge, in either case of ASCII letters.
    edge_bytes: [u64; 4],
}

/// One text.
#[derive(Debug)]
struct Edge {
    /// See [`Side::key`].
    key: u64,
    text: Arc<str>,
    leaf: usize,
    /// The longest other text that this one begins (or ends) with.
    within: Option<usize>,
}

impl Edges {
    /// Returns the texts, none of them empty, made ready; each with the leaf it is.
    pub(super) fn new(side: Side, mut texts: Vec<(Arc<str>, usize)>) -> Self {
        texts.sort_unstable_by(|(one, _), (other, _)| {
            side.compare(one.as_bytes(), other.as_bytes())
        });
        let mut edges: Vec<Edge> = Vec::with_capacity(texts.len());
        let mut edge_bytes = [0; 4];
        // The texts that the last one begins with, the longest last.
        let mut open: Vec<usize> = Vec::new();
        for (text, leaf) in texts {
            if let Some(byte) = side.edge(text.as_bytes()) {
                set_bit(&mut edge_bytes, byte);
                set_bit(&mut edge_bytes, byte.to_ascii_uppercase());
            }
            while let Some(last) = open.last().and_then(|last| edges.get(*last)) {
                if side.stands(last.text.as_bytes(), text.as_bytes()) {
                    break;
                }
                open.pop();
            }
            let within = open.last().copied();
            open.push(edges.len());
            edges.push(Edge { key: side.key(text.as_bytes()), text, leaf, within });
        }
        Self { side, texts: edges.into(), edge_bytes }
    }

    /// Returns how many texts there are.
    pub(super) const fn len(&self) -> usize {
        self.texts.len()
    }

    /// Returns whether any text may stand at the value's edge, whatever the case of its ASCII letters.
    #[inline]
    pub(super) fn may_stand(&self, value: &[u8]) -> bool {
        self.side.edge(value).is_some_and(|byte| has_bit(&self.edge_bytes, byte))
    }

    /// Calls `hit` with the leaf of every text that the value begins (or ends) with.
    pub(super) fn scan(&self, value: &[u8], hit: &mut impl FnMut(usize)) {
        let key = self.side.key(value);
        let stands_before = |edge: &Edge| match edge.key.cmp(&key) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => self.side.compare(edge.text.as_bytes(), value) != Ordering::Greater,
        };
        let mut next = self.texts.partition_point(stands_before).checked_sub(1);
        while let Some(edge) = next.and_then(|at| self.texts.get(at)) {
            if self.side.stands(edge.text.as_bytes(), value) {
                hit(edge.leaf);
            }
            next = edge.within;
        }
    }
}

impl Side {
    fn edge(self, text: &[u8]) -> Option<u8> {
        match self {
            Self::Start => text.first().copied(),
            Self::End => text.last().copied(),
        }
    }

    /// Returns the eight bytes at the edge, fewer filled up with zeros, as a number that rises as the
    /// texts do: most texts are told apart by it.
    fn key(self, text: &[u8]) -> u64 {
        match self {
            Self::Start => match text.first_chunk::<8>() {
                Some(bytes) => u64::from_be_bytes(*bytes),
                None => filled_up(text.iter().copied()),
            },
            Self::End => match text.last_chunk::<8>() {
                Some(bytes) => u64::from_le_bytes(*bytes),
                None => filled_up(text.iter().rev().copied()),
            },
        }
    }

    fn compare(self, one: &[u8], other: &[u8]) -> Ordering {
        match self {
            Self::Start => one.cmp(other),
            Self::End => one.iter().rev().cmp(other.iter().rev()),
        }
    }

    fn stands(self, text: &[u8], value: &[u8]) -> bool {
        match self {
            Self::Start => value.starts_with(text),
            Self::End => value.ends_with(text),
        }
    }
}

/// Returns fewer than eight bytes, in this order, as the upper ones of a number.
fn filled_up(bytes: impl ExactSizeIterator<Item = u8>) -> u64 {
    let missing = 8_usize.saturating_sub(bytes.len());
    let number = bytes.fold(0_u64, |number, byte| number << 8 | u64::from(byte));
    let shift = u32::try_from(missing.saturating_mul(8)).unwrap_or(0);
    number.checked_shl(shift).unwrap_or(0)
}

/// Sets the bit of a byte.
pub(super) fn set_bit(bits: &mut [u64; 4], byte: u8) {
    if let Some(word) = bits.get_mut(usize::from(byte >> 6)) {
        *word |= 1 << (byte & 63);
    }
}

/// Returns whether the bit of a byte is set.
pub(super) fn has_bit(bits: &[u64; 4], byte: u8) -> bool {
    bits.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_search_finds_what_looking_at_each_text_finds(
            texts in proptest::collection::btree_set("[ab.đ\0]{1,5}|[ab\0]{7,11}", 0..12),
            value in "[ab.đ\0]{0,12}",
        ) {
            let texts: Vec<(Arc<str>, usize)> =
                texts.iter().map(|text| Arc::from(text.as_str())).zip(0..).collect();
            for side in [Side::Start, Side::End] {
                let mut found = Vec::new();
                let edges = Edges::new(side, texts.clone());
                if edges.may_stand(value.to_ascii_uppercase().as_bytes()) {
                    edges.scan(value.as_bytes(), &mut |leaf| found.push(leaf));
                }
                found.sort_unstable();
                let stands = |text: &str| match side {
                    Side::Start => value.starts_with(text),
                    Side::End => value.ends_with(text),
                };
                let want: Vec<usize> =
                    texts.iter().filter(|(text, _)| stands(text)).map(|(_, leaf)| *leaf).collect();
                prop_assert_eq!(found, want);
            }
        }
    }
}
