//! Values that were looked through before, with what was found: logs repeat themselves.
//!
//! Bounded and safe against made-up values: what is kept stands in one ring of bytes, where the oldest
//! make room; the hash is keyed by what nobody outside knows, and a hit compares every byte.

use ahash::RandomState;

/// Places in the table, in pairs: a value may stand in either of its two.
const PLACES: usize = 32 * 1024;
const PLACES_U64: u64 = 32 * 1024;

/// The ring of one thread.
const RING_BYTES: usize = 4 * 1024 * 1024;
const RING_BYTES_U64: u64 = 4 * 1024 * 1024;

/// Longer values are looked through each time: they hardly repeat, and would push out of the ring what does.
const VALUE_BYTES_MAX: usize = 1_024;

/// A value in which more is found is looked through each time.
const LEAVES_MAX: usize = 1_024;

/// Where and for whom a value was looked through.
pub(super) type Key = u64;

/// Values with the leaves they answer with yes.
#[derive(Debug)]
pub(super) struct Memo {
    table: Vec<Way>,
    ring: Vec<u8>,
    /// Bytes written into the ring so far, over all its rounds; from 1, so that 0 is nowhere.
    written: u64,
    keys: RandomState,
    found: Vec<usize>,
    /// The leaves of `found`, each once, as the ring holds them.
    unkept: Vec<u8>,
    /// By leaf: the number of the last look that found it.
    seen: Vec<u64>,
    looks: u64,
}

/// Where a value of this hash stands in the ring, by the bytes written before it.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    hash: u64,
    at: u64,
}

/// Key, length of the value, bytes of the leaves.
const HEAD_BYTES: usize = 8 + 4 + 4;
const LEAF_BYTES: usize = 4;

impl Default for Memo {
    fn default() -> Self {
        Self {
            table: Vec::new(),
            ring: Vec::new(),
            written: 1,
            keys: RandomState::new(),
            found: Vec::new(),
            unkept: Vec::new(),
            seen: Vec::new(),
            looks: 0,
        }
    }
}

impl Memo {
    /// Returns the leaves that a value answers with yes, from memory or else from `scan`.
    pub(super) fn leaves_of(
        &mut self,
        key: Key,
        value: &[u8],
        scan: impl FnOnce(&mut Vec<usize>),
    ) -> impl Iterator<Item = usize> {
        let leaves = if value.len() > VALUE_BYTES_MAX {
            self.look_through(scan);
            self.unkept.as_slice()
        } else {
            self.remembered(key, value, scan)
        };
        let number = |bytes: &[u8; LEAF_BYTES]| u32::from_le_bytes(*bytes);
        let (leaves, _) = leaves.as_chunks::<LEAF_BYTES>();
        leaves.iter().map(move |bytes| usize::try_from(number(bytes)).unwrap_or(usize::MAX))
    }

    fn remembered(&mut self, key: Key, value: &[u8], scan: impl FnOnce(&mut Vec<usize>)) -> &[u8] {
        if self.table.is_empty() {
            self.table.resize(PLACES, Way::default());
        }
        let hash = self.keys.hash_one((key, value));
        let first = usize::try_from(hash % PLACES_U64).unwrap_or(0) & !1;
        let ways = self.table.get(first..).and_then(<[Way]>::first_chunk::<2>).copied();
        let ways = ways.unwrap_or_default();
        let known = ways.iter().filter(|way| way.hash == hash);
        let at = known.map(|way| way.at).find(|at| self.value_at(*at, key) == Some(value));
        if let Some(at) = at {
            return self.leaves_at(at);
        }
        self.look_through(scan);
        if self.unkept.len() > LEAVES_MAX.saturating_mul(LEAF_BYTES) {
            return &self.unkept;
        }
        // The older of the pair makes room.
        let [one, other] = ways;
        let place = if one.at <= other.at { first } else { first | 1 };
        let at = self.keep(key, value);
        if let Some(way) = self.table.get_mut(place) {
            *way = Way { hash, at };
        }
        self.leaves_at(at)
    }

    /// Finds the leaves anew, each once.
    fn look_through(&mut self, scan: impl FnOnce(&mut Vec<usize>)) {
        self.found.clear();
        scan(&mut self.found);
        self.unkept.clear();
        self.looks = self.looks.saturating_add(1);
        for leaf in &self.found {
            if self.seen.len() <= *leaf {
                self.seen.resize(leaf.saturating_add(1), 0);
            }
            let last = self.seen.get_mut(*leaf);
            if let Some(last) = last.filter(|last| **last != self.looks) {
                *last = self.looks;
                let leaf = u32::try_from(*leaf).unwrap_or(u32::MAX);
                self.unkept.extend_from_slice(&leaf.to_le_bytes());
            }
        }
    }

    /// Writes a value with what was found in it; returns where.
    fn keep(&mut self, key: Key, value: &[u8]) -> u64 {
        let length = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
        let bytes = HEAD_BYTES.saturating_add(value.len()).saturating_add(self.unkept.len());
        let mut place = usize::try_from(self.written % RING_BYTES_U64).unwrap_or(0);
        if place.saturating_add(bytes) > RING_BYTES {
            // What does not fit before the end of the ring begins its next round.
            let rest = RING_BYTES.saturating_sub(place);
            self.written = self.written.saturating_add(u64::try_from(rest).unwrap_or(0));
            place = 0;
        }
        let end = place.saturating_add(bytes);
        if self.ring.capacity() == 0 {
            // All at once: what is not written to costs nothing, and nothing is left behind by growing.
            self.ring.reserve_exact(RING_BYTES);
        }
        if self.ring.len() < end {
            self.ring.resize(end, 0);
        }
        let at = self.written;
        let (key, value_bytes, leaves) =
            (key.to_le_bytes(), length(value.len()), length(self.unkept.len()));
        let parts = [&key, value_bytes.as_slice(), &leaves, value, &self.unkept];
        if let Some(mut room) = self.ring.get_mut(place..end) {
            for part in parts {
                let Some((own, rest)) = room.split_at_mut_checked(part.len()) else { break };
                own.copy_from_slice(part);
                room = rest;
            }
        }
        self.written = at.saturating_add(u64::try_from(bytes).unwrap_or(0));
        at
    }

    /// Returns key, value and leaves of what was written here, unless it was written over.
    fn entry(&self, at: u64) -> Option<(Key, &[u8], &[u8])> {
        if at == 0 || self.written.saturating_sub(at) > RING_BYTES_U64 {
            return None;
        }
        let place = usize::try_from(at % RING_BYTES_U64).ok()?;
        let (head, rest) = self.ring.get(place..)?.split_at_checked(HEAD_BYTES)?;
        let (key, lengths) = head.split_first_chunk::<8>()?;
        let (value, leaves) = lengths.split_first_chunk::<4>()?;
        let length = |bytes: [u8; 4]| usize::try_from(u32::from_le_bytes(bytes)).ok();
        let (value, rest) = rest.split_at_checked(length(*value)?)?;
        let leaves = length(*leaves.first_chunk::<4>()?)?;
        Some((u64::from_le_bytes(*key), value, rest.get(..leaves)?))
    }

    fn value_at(&self, at: u64, key: Key) -> Option<&[u8]> {
        self.entry(at).filter(|(own, ..)| *own == key).map(|(_, value, _)| value)
    }

    fn leaves_at(&self, at: u64) -> &[u8] {
        self.entry(at).map(|(.., leaves)| leaves).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(memo: &mut Memo, key: Key, value: &[u8], scanned: &mut usize) -> Vec<usize> {
        let found = memo.leaves_of(key, value, |out| {
            *scanned += 1;
            out.extend([value.len(), usize::try_from(key).unwrap(), value.len()]);
        });
        let mut found: Vec<usize> = found.collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn a_value_is_looked_through_once_for_each_key() {
        let (mut memo, mut scanned) = (Memo::default(), 0);
        for _ in 0..3 {
            assert_eq!(leaves(&mut memo, 7, b"abcdefgh", &mut scanned), [7, 8]);
            assert_eq!(leaves(&mut memo, 9, b"abcdefgh", &mut scanned), [8, 9]);
            assert_eq!(leaves(&mut memo, 7, b"", &mut scanned), [0, 7]);
        }
        assert_eq!(scanned, 3);
    }

    #[test]
    fn a_flood_of_values_stays_bounded_and_never_answers_for_another() {
        let (mut memo, mut scanned) = (Memo::default(), 0);
        for number in 0..60_000_u64 {
            let mut value = vec![b'x'; usize::try_from(number % 9_000).unwrap()];
            value.extend(number.to_le_bytes());
            let key = number % 5;
            let mut want = vec![value.len(), usize::try_from(key).unwrap()];
            want.sort_unstable();
            assert_eq!(leaves(&mut memo, key, &value, &mut scanned), want, "{number}");
        }
        assert_eq!(scanned, 60_000);
        assert!(memo.ring.len() <= RING_BYTES && memo.table.len() == PLACES);
    }
}
