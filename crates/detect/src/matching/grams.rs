//! Texts that may stand anywhere in a value: of each text some rare bytes are looked for, and only where
//! these stand, the text itself.
//!
//! Of a text with seven bytes or more, four neighbouring grams of four bytes each are known; one of them
//! stands at a fourth place of the value wherever the text does, so only every fourth place is looked at.
//! A bit of a small table says of most places that nothing can stand there. Unlike in an automaton, the
//! next step does not wait for the last one, and the tables are some bytes for each text, not some hundred.
//!
//! Grams are told apart without regard to the case of ASCII letters, so that a value need not be folded
//! before something may stand in it.

use std::sync::Arc;

/// How texts of at least so many bytes are looked for: by grams of so many bytes, at every so manieth
/// place. A text must hold as many grams as places are passed over.
const WAYS: [Way; 5] = [
    Way { text_bytes: 7, gram_bytes: 4, step: 4 },
    Way { text_bytes: 4, gram_bytes: 3, step: 2 },
    Way { text_bytes: 3, gram_bytes: 2, step: 2 },
    Way { text_bytes: 2, gram_bytes: 2, step: 1 },
    Way { text_bytes: 1, gram_bytes: 1, step: 1 },
];

#[derive(Debug, Clone, Copy)]
struct Way {
    text_bytes: usize,
    gram_bytes: usize,
    step: usize,
}

/// Bytes of a gram whose rarity is known.
const GRAM_BYTES: usize = 4;

/// Bits of the table for each gram: the more, the rarer a look in vain.
const BITS_PER_GRAM: usize = 16;

/// Least and most bits of a table, as powers of two.
const TABLE_BITS: (u32, u32) = (8, 20);

/// Places that grams are counted in, as a power of two.
const COUNT_BITS: u32 = 16;

/// How often each gram stands in the texts of all rules: what many rules write is common in events too.
#[derive(Debug, Default)]
pub(super) struct Rarity(Vec<u16>);

/// The texts, by how they are looked for.
#[derive(Debug, Default)]
pub(super) struct Grams {
    tables: Vec<Table>,
}

/// The texts that are looked for in one way.
#[derive(Debug)]
struct Table {
    way: Way,
    /// A bit for each hash of a gram that is looked for.
    bits: Box<[u64]>,
    bits_shift: u32,
    /// Where the entries of a hash begin; those of the next hash end them.
    heads: Box<[u32]>,
    heads_shift: u32,
    entries: Box<[Entry]>,
}

/// One of the grams of a text that are looked for.
#[derive(Debug)]
struct Entry {
    gram: u32,
    /// Bytes of the text before its gram.
    before: u32,
    /// The text's place among all.
    text: u32,
}

/// Texts, each with the leaf it is.
pub(super) type Texts = [(Arc<str>, usize)];

impl Rarity {
    /// Takes note of a text.
    pub(super) fn count(&mut self, text: &str) {
        self.0.resize(1 << COUNT_BITS, 0);
        for window in text.as_bytes().array_windows::<GRAM_BYTES>() {
            if let Some(count) = self.0.get_mut(Self::place(gram(window))) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn place(gram: u32) -> usize {
        place(hash(gram), u32::BITS.saturating_sub(COUNT_BITS))
    }

    /// Returns where the rarest run of neighbouring grams of a text begins; of equals, the one with the
    /// most that is no letter.
    fn rarest(&self, text: &[u8], way: Way) -> usize {
        let cost = |window: &[u8; GRAM_BYTES]| {
            let letters = window.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
            (self.0.get(Self::place(gram(window))).copied().unwrap_or_default(), letters)
        };
        let bytes = way.gram_bytes.saturating_add(way.step).saturating_sub(1);
        let runs = text.windows(bytes).enumerate();
        let dearest = |run: &[u8]| run.array_windows().map(cost).max().unwrap_or_default();
        runs.min_by_key(|(_, run)| dearest(run)).map_or(0, |(at, _)| at)
    }
}

impl Grams {
    /// Returns the texts, none of them empty, made ready; each with the leaf it is.
    pub(super) fn new(texts: &Texts, rarity: &Rarity) -> Self {
        let way_of = |text: &str| WAYS.iter().position(|way| text.len() >= way.text_bytes);
        let table = |(number, way): (usize, &Way)| {
            let own = (0..).zip(texts).filter(|(_, (text, _))| way_of(text) == Some(number));
            let entries: Vec<Entry> = own
                .flat_map(|(place, (text, _))| Entry::of(text.as_bytes(), place, *way, rarity))
                .collect();
            (!entries.is_empty()).then(|| Table::new(*way, entries))
        };
        Self { tables: WAYS.iter().enumerate().filter_map(table).collect() }
    }

    /// Calls `hit` with the leaf of every text that stands in the value, once for each place. The texts
    /// are those that it was made of. `folded` is asked for the value as the texts are written, of the
    /// same length, if there is any need.
    pub(super) fn scan<'v>(
        &self,
        value: &[u8],
        texts: &Texts,
        mut folded: impl FnMut() -> &'v [u8],
        hit: &mut impl FnMut(usize),
    ) {
        let mut look = |table: &Table, gram, at| table.look(gram, at, folded(), texts, hit);
        for table in &self.tables {
            match (table.way.gram_bytes, table.way.step) {
                (4, _) => table.scan_by_four(value, &mut look),
                (3, _) => table.scan::<3, 2>(value, &mut look),
                (2, 2) => table.scan::<2, 2>(value, &mut look),
                (2, _) => table.scan::<2, 1>(value, &mut look),
                _ => table.scan::<1, 1>(value, &mut look),
            }
        }
    }
}

impl Entry {
    /// Returns the grams of a text that are looked for.
    fn of(text: &[u8], place: u32, way: Way, rarity: &Rarity) -> impl Iterator<Item = Self> {
        let first = rarity.rarest(text, way);
        let grams = text.windows(way.gram_bytes).enumerate().skip(first).take(way.step);
        grams.map(move |(before, window)| Self {
            gram: uncased(window.iter().copied().fold(0, push_byte)),
            before: u32::try_from(before).unwrap_or(u32::MAX),
            text: place,
        })
    }
}

impl Table {
    fn new(way: Way, mut entries: Vec<Entry>) -> Self {
        let (least, most) = TABLE_BITS;
        let power = |count: usize| count.next_power_of_two().trailing_zeros().clamp(least, most);
        let bits = power(entries.len().saturating_mul(BITS_PER_GRAM));
        let heads = power(entries.len());
        let [bits_shift, heads_shift] = [bits, heads].map(|bits| u32::BITS.saturating_sub(bits));
        let mut table = vec![0_u64; 1 << bits.saturating_sub(6)];
        entries.sort_by_key(|entry| hash(entry.gram));
        let mut begins = vec![0_u32; (1_usize << heads).saturating_add(1)];
        for entry in &entries {
            let (word, bit) = bit_of(hash(entry.gram), bits_shift);
            if let Some(word) = table.get_mut(word) {
                *word |= 1 << bit;
            }
            let next = place(hash(entry.gram), heads_shift).saturating_add(1);
            if let Some(count) = begins.get_mut(next) {
                *count = count.saturating_add(1);
            }
        }
        let mut sum = 0_u32;
        for begin in &mut begins {
            sum = sum.saturating_add(*begin);
            *begin = sum;
        }
        Self {
            way,
            bits: table.into(),
            bits_shift,
            heads: begins.into(),
            heads_shift,
            entries: entries.into(),
        }
    }

    /// Looks at every fourth place: grams that do not overlap.
    fn scan_by_four(&self, value: &[u8], look: &mut impl FnMut(&Self, u32, usize)) {
        let (grams, _) = value.as_chunks::<GRAM_BYTES>();
        for (number, window) in grams.iter().enumerate() {
            let gram = uncased(gram(window));
            if self.may_hold(gram) {
                look(self, gram, number.saturating_mul(GRAM_BYTES));
            }
        }
    }

    fn scan<const N: usize, const STEP: usize>(
        &self,
        value: &[u8],
        look: &mut impl FnMut(&Self, u32, usize),
    ) {
        for (at, window) in value.array_windows::<N>().enumerate().step_by(STEP) {
            let gram = uncased(gram(window));
            if self.may_hold(gram) {
                look(self, gram, at);
            }
        }
    }

    #[inline]
    fn may_hold(&self, gram: u32) -> bool {
        let (word, bit) = bit_of(hash(gram), self.bits_shift);
        self.bits.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    /// Looks for the texts of a gram that stands here.
    #[inline(never)]
    fn look(&self, gram: u32, at: usize, value: &[u8], texts: &Texts, hit: &mut impl FnMut(usize)) {
        let head = place(hash(gram), self.heads_shift);
        let Some([begin, end]) = self.heads.get(head..).and_then(<[u32]>::first_chunk) else {
            return;
        };
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let entries = self.entries.get(number(*begin)..number(*end)).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.gram == gram) {
            let from = at.checked_sub(number(entry.before)).and_then(|from| value.get(from..));
            let (Some(from), Some((text, leaf))) = (from, texts.get(number(entry.text))) else {
                continue;
            };
            if from.starts_with(text.as_bytes()) {
                hit(*leaf);
            }
        }
    }
}

/// Up to four bytes as a number.
#[inline]
fn gram<const N: usize>(window: &[u8; N]) -> u32 {
    window.iter().copied().fold(0, push_byte)
}

#[inline]
const fn push_byte(number: u32, byte: u8) -> u32 {
    number << 8 | u32::from_le_bytes([byte, 0, 0, 0])
}

/// Leaves out what tells upper case from lower; what is no letter may become another.
#[inline]
const fn uncased(gram: u32) -> u32 {
    gram | u32::from_le_bytes([b' '; GRAM_BYTES])
}

/// Spreads a gram over all bits; the upper ones are the best (multiplicative hashing, Knuth 6.4).
#[inline]
const fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

#[inline]
fn place(hash: u32, shift: u32) -> usize {
    usize::try_from(hash >> shift).unwrap_or(0)
}

#[inline]
fn bit_of(hash: u32, shift: u32) -> (usize, u32) {
    let bit = hash >> shift;
    (usize::try_from(bit >> 6).unwrap_or(0), bit & 63)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pass_finds_what_looking_for_each_text_finds(
            texts in proptest::collection::btree_set("[ab.đ]{1,9}", 0..40),
            value in "[ab.đ]{0,30}",
        ) {
            let texts: Vec<(Arc<str>, usize)> =
                texts.iter().map(|text| Arc::from(text.as_str())).zip(0..).collect();
            let mut rarity = Rarity::default();
            for (text, _) in &texts {
                rarity.count(text);
            }
            let mut found = Vec::new();
            let grams = Grams::new(&texts, &rarity);
            let upper = value.to_ascii_uppercase();
            let folded = || value.as_bytes();
            grams.scan(upper.as_bytes(), &texts, folded, &mut |leaf| found.push(leaf));
            found.sort_unstable();
            found.dedup();
            let stands = texts.iter().filter(|(text, _)| value.contains(&**text));
            prop_assert_eq!(found, stands.map(|(_, leaf)| *leaf).collect::<Vec<_>>());
        }
    }
}
