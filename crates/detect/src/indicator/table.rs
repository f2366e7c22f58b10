//! The compact table that all indicators stand in: a filter that answers "no" from one word of
//! memory, and entries in the order of their hash, verified byte by byte.
//!
//! For each entry: 16 bytes of facts, 4 of hash, its key once in an arena (with 3 bytes before it),
//! 2 bytes of filter and up to 2 of index. The hash is keyed: whoever writes a feed cannot fill one
//! bucket. The table is made once and never changes.

use ahash::RandomState;

/// What kind of key it is. For a network, the number says how many bits it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Space(pub(super) u8);

impl Space {
    /// Domains.
    pub(super) const DOMAIN: Self = Self(200);
    /// URLs.
    pub(super) const URL: Self = Self(201);
    /// Digests.
    pub(super) const HASH: Self = Self(202);
    /// Mail addresses.
    pub(super) const EMAIL: Self = Self(203);
    /// The first number of IPv6 networks; IPv4 networks start at 0.
    pub(super) const IPV6: u8 = 64;
}

/// Facts about an indicator. `at` is the place of its key in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: u32,
    /// Seconds since 1970; [`Entry::FOREVER`] for no end.
    pub(super) valid_until_s: u32,
    /// Where the label stands among the labels.
    pub(super) label: u32,
    /// Number of the source.
    pub(super) source: u16,
    /// 0 to 100; [`Entry::UNRATED`] when the source does not say.
    pub(super) confidence: u8,
    /// The lower four bits: TLP; above: the URL's scheme.
    pub(super) marks: u8,
}

impl Entry {
    pub(super) const FOREVER: u32 = u32::MAX;
    pub(super) const UNRATED: u8 = u8::MAX;
}

/// Keys laid one after the other: space, length, bytes.
#[derive(Debug, Default)]
pub(super) struct Arena(Vec<u8>);

impl Arena {
    /// Adds a key; returns its place, or nothing if it is too long or the arena is full (4 GiB).
    pub(super) fn push(&mut self, space: Space, key: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.0.len()).ok()?;
        let length = u16::try_from(key.len()).ok()?;
        self.0.push(space.0);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(key);
        Some(at)
    }

    /// Returns the key that stands at a place.
    pub(super) fn get(&self, at: u32) -> Option<(Space, &[u8])> {
        let rest = self.0.get(usize::try_from(at).ok()?..)?;
        let (&[space, low, high], rest) = rest.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        Some((Space(space), rest.get(..length)?))
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    hasher: RandomState,
    filter: Filter,
    /// By the upper bits of the hash: where its entries start. One more than there are buckets.
    starts: Vec<u32>,
    /// The bits of the hash that choose no bucket.
    shift: u32,
    /// The lower half of each entry's hash.
    tags: Vec<u32>,
    entries: Vec<Entry>,
    arena: Arena,
}

/// Entries on their way into a table, in any order.
#[derive(Debug)]
pub(super) struct TableBuilder {
    hasher: RandomState,
    drafts: Vec<(u64, Entry)>,
    arena: Arena,
}

/// Entries of one bucket, about.
const BUCKET: usize = 4;

impl TableBuilder {
    /// Returns an empty one; the seed keys its hash.
    pub(super) fn new(seed: u64) -> Self {
        let (a, b) = (seed.rotate_left(17), seed.rotate_left(41));
        let hasher = RandomState::with_seeds(seed, !seed, a, !b);
        Self { hasher, drafts: Vec::new(), arena: Arena::default() }
    }

    /// Adds an entry under a key; `at` is set here. Returns whether there was room.
    pub(super) fn push(&mut self, space: Space, key: &[u8], entry: Entry) -> bool {
        let Some(at) = self.arena.push(space, key) else { return false };
        self.drafts.push((hash(&self.hasher, space, key), Entry { at, ..entry }));
        true
    }

    /// Returns how many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Makes the table. Of entries with the same key from the same source the one that is valid
    /// longest stays (then the surest); returns how many others were left out.
    pub(super) fn finish(mut self) -> (Table, usize) {
        let before = self.drafts.len();
        let order = |entry: &Entry| {
            let valid = std::cmp::Reverse(entry.valid_until_s);
            (self.arena.get(entry.at), entry.source, valid, unsure(*entry), entry.label)
        };
        let drafts = &mut self.drafts;
        drafts.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| order(&a.1).cmp(&order(&b.1))));
        let same = |a: &(u64, Entry), b: &(u64, Entry)| {
            a.0 == b.0
                && a.1.source == b.1.source
                && self.arena.get(a.1.at) == self.arena.get(b.1.at)
        };
        self.drafts.dedup_by(|later, first| same(later, first));
        let left_out = before.saturating_sub(self.drafts.len());
        (self.lay_out(), left_out)
    }

    /// Lays keys and entries in the order of their hash, each key once.
    fn lay_out(self) -> Table {
        let count = self.drafts.len();
        let bits = count.div_ceil(BUCKET).next_power_of_two().trailing_zeros().clamp(1, 31);
        let shift = 64_u32.saturating_sub(bits);
        let mut filter = Filter::for_count(count);
        let mut starts =
            Vec::with_capacity(1_usize.checked_shl(bits).unwrap_or(0).saturating_add(1));
        let mut tags = Vec::with_capacity(count);
        let mut entries = Vec::with_capacity(count);
        let mut arena = Arena(Vec::with_capacity(self.arena.0.len()));
        let mut last: Option<(u32, u32)> = None;
        for (hash, mut entry) in self.drafts {
            let Some((space, key)) = self.arena.get(entry.at) else { continue };
            let at = match last {
                Some((old, new)) if self.arena.get(old) == Some((space, key)) => Some(new),
                _ => arena.push(space, key),
            };
            let Some(at) = at else { continue };
            last = Some((entry.at, at));
            entry.at = at;
            filter.insert(hash);
            let bucket = usize::try_from(hash >> shift).unwrap_or(usize::MAX);
            let here = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            while starts.len() <= bucket {
                starts.push(here);
            }
            tags.push(lower_half(hash));
            entries.push(entry);
        }
        let end = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        while starts.len() <= 1_usize.checked_shl(bits).unwrap_or(0) {
            starts.push(end);
        }
        arena.0.shrink_to_fit();
        Table { hasher: self.hasher, filter, starts, shift, tags, entries, arena }
    }
}

/// Orders entries by how sure their source is, the surest first.
const fn unsure(entry: Entry) -> std::cmp::Reverse<u8> {
    std::cmp::Reverse(if entry.confidence == Entry::UNRATED { 0 } else { entry.confidence })
}

impl Table {
    /// Returns the entries under a key: one for each source, usually none.
    #[inline]
    pub(super) fn find(&self, space: Space, key: &[u8]) -> &[Entry] {
        let hash = hash(&self.hasher, space, key);
        if self.filter.may_hold(hash) { self.search(hash, space, key) } else { &[] }
    }

    #[inline(never)]
    fn search(&self, hash: u64, space: Space, key: &[u8]) -> &[Entry] {
        self.run(hash, space, key).unwrap_or_default()
    }

    fn run(&self, hash: u64, space: Space, key: &[u8]) -> Option<&[Entry]> {
        let bucket = usize::try_from(hash >> self.shift).ok()?;
        let start = usize::try_from(*self.starts.get(bucket)?).ok()?;
        let end = usize::try_from(*self.starts.get(bucket.checked_add(1)?)?).ok()?;
        let (tags, entries) = (self.tags.get(start..end)?, self.entries.get(start..end)?);
        let wanted = lower_half(hash);
        let is_it = |(tag, entry): (&u32, &Entry)| {
            *tag == wanted && self.arena.get(entry.at) == Some((space, key))
        };
        let mut pairs = tags.iter().zip(entries);
        let first = pairs.position(is_it)?;
        let rest = entries.get(first..)?;
        let at = rest.first()?.at;
        // A key stands once in the arena, and its entries one after the other.
        let length = rest.iter().take_while(|entry| entry.at == at).count();
        rest.get(..length)
    }

    /// Returns an entry's key.
    pub(super) fn key(&self, entry: &Entry) -> Option<(Space, &[u8])> {
        self.arena.get(entry.at)
    }

    /// Returns all entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the memory that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let parts = [
            self.entries.capacity().saturating_mul(size_of::<Entry>()),
            self.tags.capacity().saturating_mul(size_of::<u32>()),
            self.starts.capacity().saturating_mul(size_of::<u32>()),
            self.filter.0.capacity().saturating_mul(size_of::<u64>()),
            self.arena.0.capacity(),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }
}

fn hash(hasher: &RandomState, space: Space, key: &[u8]) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut state = hasher.build_hasher();
    state.write(key);
    state.write_u8(space.0);
    state.finish()
}

/// Returns the lower 32 bits.
fn lower_half(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
}

/// A Bloom filter whose bits for one key lie in one word of 64 bits: one access to memory answers.
/// With 16 bits for each key about one absent key in a hundred gets past it.
///
/// Source: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007).
#[derive(Debug)]
struct Filter(Vec<u64>);

impl Filter {
    fn for_count(count: usize) -> Self {
        Self(vec![0; count.div_ceil(4).max(1)])
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let words = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        let word = (hash >> 32).wrapping_mul(words) >> 32;
        let bit = |shift: u32| 1_u64 << ((hash >> shift) & 63);
        (usize::try_from(word).unwrap_or(usize::MAX), bit(0) | bit(6) | bit(12) | bit(18))
    }

    fn insert(&mut self, hash: u64) {
        let (word, bits) = self.place(hash);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bits;
        }
    }

    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        self.0.get(word).is_some_and(|word| word & bits == bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: u16, valid_until_s: u32) -> Entry {
        Entry { at: 0, valid_until_s, label: 0, source, confidence: 50, marks: 0 }
    }

    #[test]
    fn every_key_is_found_and_no_other() {
        for count in [0_u32, 1, 2, 3, 5, 1000, 40_000] {
            let mut builder = TableBuilder::new(7);
            for number in 0..count {
                assert!(builder.push(Space::DOMAIN, &number.to_le_bytes(), entry(0, number)));
            }
            let (table, left_out) = builder.finish();
            assert_eq!((table.entries().len(), left_out), (usize::try_from(count).unwrap(), 0));
            for number in 0..count {
                let found = table.find(Space::DOMAIN, &number.to_le_bytes());
                assert_eq!(found.len(), 1, "{number} of {count}");
                assert_eq!(found[0].valid_until_s, number);
                assert!(table.find(Space::URL, &number.to_le_bytes()).is_empty());
            }
            for number in count..count + 10_000 {
                assert!(table.find(Space::DOMAIN, &number.to_le_bytes()).is_empty());
            }
        }
    }

    #[test]
    fn a_key_from_several_sources_has_an_entry_of_each() {
        let mut builder = TableBuilder::new(7);
        for (source, valid) in [(1, 10), (0, 5), (1, 20), (2, 1), (0, 5)] {
            builder.push(Space::HASH, b"same", entry(source, valid));
        }
        let (table, left_out) = builder.finish();
        let found: Vec<(u16, u32)> = table
            .find(Space::HASH, b"same")
            .iter()
            .map(|entry| (entry.source, entry.valid_until_s))
            .collect();
        assert_eq!(found, [(0, 5), (1, 20), (2, 1)]);
        assert_eq!(left_out, 2);
    }
}
