//! The index's tokens and the bloom filter that holds a granule's.
//!
//! A split-block bloom filter as in the Parquet format (one 32-byte block a key), twelve bits a key:
//! about one granule in two hundred is read in vain. The hash is on disk and must not change.

use std::ops::Range;

use super::first;
use super::words::ascii_words;

/// Bits per key.
const KEY_BITS: usize = 12;

/// Bytes of one block.
pub(super) const BLOCK_BYTES: usize = 32;

/// The salts of the Parquet format's split-block bloom filter.
const SALTS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// Where the hash of a word starts; any odd-looking number serves.
const START: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is multiplied by (`wyhash`'s first secret).
const FACTOR: u64 = 0xa076_1d64_78bd_642f;

/// The bit that tells an ASCII capital from its small letter, in each byte. Set in all bytes it
/// makes no two words equal that fold differently, as far as they are ASCII; where others meet, one
/// more granule is read.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// Multiplies to 128 bits and folds the halves together.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let (low, high) = a.carrying_mul(b, 0);
    low ^ high
}

/// Hashes bytes, eight at a time.
fn hash(start: u64, bytes: &[u8]) -> u64 {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut hash = start ^ length.wrapping_mul(FACTOR);
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        hash = mix(hash ^ (u64::from_le_bytes(*chunk) | SMALL), FACTOR);
    }
    if !rest.is_empty() {
        hash = mix(hash ^ (short(bytes, rest) | SMALL), FACTOR);
    }
    mix(hash, START)
}

/// Returns what is left after the last eight bytes, as a number.
fn short(bytes: &[u8], rest: &[u8]) -> u64 {
    if let Some(last) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*last);
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first))
            | (u64::from(u32::from_le_bytes(*last)) << 32);
    }
    let at = |place: usize| u64::from(rest.get(place).copied().unwrap_or(0));
    at(0) | (at(rest.len() / 2) << 8) | (at(rest.len().saturating_sub(1)) << 16)
}

/// Where the hash of a word's start starts (`wyhash`'s second secret).
const STARTS: u64 = 0xe703_7ed1_a0b4_28db;

/// Letters of a word by which its start is told.
const START_LETTERS: usize = 4;

/// What a search looks for in the index, as the files of each layout name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word or a value.
    Whole {
        hash: u64,
        /// In files of the first layout.
        first: u64,
    },
    /// The first letters of a word; older layouts do not know it.
    Start { hash: u64 },
}

impl Token {
    /// Returns the token of a folded word.
    pub(crate) fn word(word: &str) -> Self {
        Self::Whole { hash: word_hash(word), first: first::word_hash(word) }
    }

    /// Returns the token of a field's folded value.
    pub(crate) fn value(name: &str, folded: &str) -> Self {
        let first = first::value_hash(name, folded);
        Self::Whole { hash: value_hash(field_start(name), folded), first }
    }

    /// Returns the token of words that begin with this folded text; `None` where the index does not tell them.
    pub(crate) fn start(text: &str) -> Option<Self> {
        start_hash(text.as_bytes()).map(|hash| Self::Start { hash })
    }
}

/// Returns the hash of a folded word.
pub(super) fn word_hash(word: &str) -> u64 {
    hash(START, word.as_bytes())
}

/// Returns the hash of the word at a place of a text, as [`quick_hash`] does: without a branch for
/// each length where the word has at most eight bytes.
#[inline]
pub(crate) fn quick_hash_at(text: &[u8], word: Range<usize>) -> u64 {
    let length = word.len();
    let rest = text.get(word.start..).unwrap_or_default();
    let (Some(eight), 1..=8) = (rest.first_chunk::<8>(), length) else {
        return hash(START, text.get(word).unwrap_or_default());
    };
    let eight = u64::from_le_bytes(*eight);
    let byte = |place: usize| (eight >> (8 * place)) & 0xff;
    let of_few = byte(0) | (byte(length / 2) << 8) | (byte(length - 1) << 16);
    let of_many = (eight & 0xffff_ffff) | ((eight >> (8 * (length.max(4) - 4))) << 32);
    let short = if length < 4 { of_few } else { of_many };
    let start = START ^ (length as u64).wrapping_mul(FACTOR);
    mix(mix(start ^ (short | SMALL), FACTOR), START)
}

/// Returns the hash of a word's first letters, capitals and small letters the same; `None` where it begins with fewer
/// than four of ASCII: most words that begin with digits are met once, and their starts would be as many.
pub(super) fn start_hash(word: &[u8]) -> Option<u64> {
    let letters = word.first_chunk::<START_LETTERS>()?;
    letters.iter().all(u8::is_ascii_alphabetic).then(|| hash(STARTS, letters))
}

/// Returns a hash of a word, the same for capitals and small letters of ASCII.
pub(crate) fn quick_hash(word: &[u8]) -> u64 {
    hash(START, word)
}

/// Returns what the hashes of a field's values start from.
pub(crate) fn field_start(name: &str) -> u64 {
    hash(FACTOR, name.as_bytes())
}

/// Returns the hash of a field's value, which is folded or plain ASCII.
pub(super) fn value_hash(field_start: u64, value: &str) -> u64 {
    hash(field_start, value.as_bytes())
}

/// Returns whether a byte of ASCII text belongs to a word.
pub(crate) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Calls `found` with the hash of each word of a text that is folded or plain ASCII, and with the word: they are
/// those of [`event::fold::words`].
pub(crate) fn hash_words(text: &str, mut found: impl FnMut(u64, &[u8])) {
    if !text.is_ascii() {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words
            .filter(|word| word.len() >= 2)
            .for_each(|word| found(word_hash(word), word.as_bytes()));
        return;
    }
    let bytes = text.as_bytes();
    ascii_words(bytes, |word| {
        if word.len() >= 2 {
            let token = quick_hash_at(bytes, word.clone());
            found(token, bytes.get(word).unwrap_or_default());
        }
    });
}

/// Returns which block of a filter a token is in.
pub(super) fn block_of(token: u64, blocks: u32) -> u32 {
    // High half times count: an even share without a division; always below `blocks`.
    u32::try_from(((token >> 32) * u64::from(blocks)) >> 32).unwrap_or(0)
}

fn mask(token: u64) -> [u32; 8] {
    let low = u32::try_from(token & 0xffff_ffff).unwrap_or(0);
    SALTS.map(|salt| 1 << (low.wrapping_mul(salt) >> 27))
}

/// Returns how many blocks a filter of so many keys wants.
pub(super) fn blocks_for(keys: usize) -> usize {
    (keys * KEY_BITS).div_ceil(BLOCK_BYTES * 8).max(1)
}

/// Sets a token's bits in its block.
pub(super) fn set(block: &mut [u32; 8], token: u64) {
    for (word, bit) in block.iter_mut().zip(mask(token)) {
        *word |= bit;
    }
}

/// Returns whether a block in memory may hold a token.
pub(super) fn may_be_in(block: &[u32; 8], token: u64) -> bool {
    block.iter().zip(mask(token)).all(|(word, bit)| word & bit != 0)
}

/// Returns whether a block may hold a token.
pub(super) fn block_may_hold(block: [u8; BLOCK_BYTES], token: u64) -> bool {
    let (words, _) = block.as_chunks::<4>();
    words.iter().zip(mask(token)).all(|(word, bit)| u32::from_le_bytes(*word) & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hash_as_they_fold() {
        for text in [
            "GET /a.aspx?x=1 từ 10.20.0.7",
            "User_Name=Admin aBcDeFgHiJ 12345678 123456789abcdef01",
            "",
            "Đăng nhập",
            "a b cc",
        ] {
            let mut hashed = Vec::new();
            let folded = event::fold::fold(text);
            let text_or_folded = if text.is_ascii() { text } else { &folded };
            hash_words(text_or_folded, |token, _word| hashed.push(token));
            let expected: Vec<u64> =
                event::fold::words(text).iter().map(|word| word_hash(word)).collect();
            assert_eq!(hashed, expected, "{text}");
        }
    }

    #[test]
    fn a_word_hashes_the_same_in_its_text() {
        let text = b"ab Cde fghi jKlmn opqrst uvwxyz0 12345678 123456789 123456789abcdef01 x";
        let mut start = 0;
        for word in text.split(|byte| *byte == b' ') {
            let end = start + word.len();
            assert_eq!(quick_hash_at(text, start..end), quick_hash(word), "{word:?}");
            start = end + 1;
        }
    }

    #[test]
    fn a_filter_holds_what_was_put_in_and_little_else() {
        let tokens: Vec<u64> = (0..5000).map(|n| word_hash(&format!("in{n}"))).collect();
        let blocks = blocks_for(tokens.len());
        let count = u32::try_from(blocks).unwrap();
        let mut filter = vec![[0; 8]; blocks];
        for token in &tokens {
            set(&mut filter[block_of(*token, count) as usize], *token);
        }
        let may_hold = |token: u64| {
            let block = filter[block_of(token, count) as usize];
            let bytes: Vec<u8> = block.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
            block_may_hold(*bytes.first_chunk().unwrap(), token)
        };
        assert!(tokens.iter().all(|token| may_hold(*token)));
        let false_hits = (0..10_000).filter(|n| may_hold(word_hash(&format!("out{n}")))).count();
        assert!(false_hits < 150, "{false_hits} of 10,000");
    }
}
