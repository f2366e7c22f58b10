//! Where the words of plain ASCII text are, sixty-four bytes at a time: few branches, none of them for a
//! byte alone.

use std::ops::Range;

use wide::u8x16;

/// Calls `found` with the place of each word, in their order.
pub(crate) fn ascii_words(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    let mut open: Option<usize> = None;
    let (blocks, rest) = text.as_chunks::<64>();
    let mut last = [0; 64];
    if let Some(part) = last.get_mut(..rest.len()) {
        part.copy_from_slice(rest);
    }
    for (number, block) in blocks.iter().chain(std::iter::once(&last)).enumerate() {
        let mut edges = edges(word_bits(block), open.is_some());
        while edges != 0 {
            let place = number * 64 + usize::try_from(edges.trailing_zeros()).unwrap_or(0);
            match open.take() {
                Some(start) => found(start..place),
                None => open = Some(place),
            }
            edges &= edges - 1;
        }
    }
    if let Some(start) = open {
        found(start..text.len());
    }
}

/// Returns a bit for each byte that differs from the one before it in belonging to a word.
fn edges(bits: u64, open: bool) -> u64 {
    bits ^ ((bits << 1) | u64::from(open))
}

/// Returns a bit for each byte that belongs to a word.
#[inline]
fn word_bits(block: &[u8; 64]) -> u64 {
    let (parts, _) = block.as_chunks::<LANES>();
    parts.iter().rev().fold(0, |bits, part| (bits << LANES) | u64::from(of_some(*part)))
}

/// Bytes that are looked at at once.
const LANES: usize = 16;

/// Returns a bit for each of some bytes, all of them ASCII, that belongs to a word.
#[inline]
fn of_some(bytes: [u8; LANES]) -> u32 {
    let bytes = u8x16::new(bytes);
    let each = u8x16::splat;
    // What lies below the first of a range wraps around to above its last.
    let within = |above_first: u8x16, last: u8| above_first.min(each(last)).simd_eq(above_first);
    let letters = within((bytes | each(0x20)) - each(b'a'), b'z' - b'a');
    let digits = within(bytes - each(b'0'), 9);
    (letters | digits | bytes.simd_eq(each(b'_'))).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::is_word_byte;

    fn plainly(text: &[u8]) -> Vec<Range<usize>> {
        let mut start = 0;
        let mut words = Vec::new();
        for word in text.split(|byte| !is_word_byte(*byte)) {
            if !word.is_empty() {
                words.push(start..start + word.len());
            }
            start += word.len() + 1;
        }
        words
    }

    #[test]
    fn words_are_where_a_plain_walk_finds_them() {
        let every: Vec<u8> = (0..128).collect();
        let long = [b'x'; 200];
        let mut texts = vec![every, long.to_vec(), Vec::new()];
        for length in 0..200_u64 {
            let mut number = length;
            let text = (0..length).map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (number >> 57) as u8
            });
            texts.push(text.collect());
        }
        for text in texts {
            let mut words = Vec::new();
            ascii_words(&text, |word| words.push(word));
            assert_eq!(words, plainly(&text), "{text:?}");
        }
    }
}
