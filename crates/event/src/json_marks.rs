//! Where quotes and backslashes of a JSON record stand, found in one pass over it, sixteen bytes at a time: so
//! that the end of a text is looked up, not searched for. For those who read records where they stand: the
//! screen of the rules, and the lake where it brings in whole files.

use wide::u8x16;

/// Bytes that one word tells of.
const WORD_BYTES: usize = 64;

/// Bytes that are compared at once.
const LANES: usize = 16;

/// Of 64 bytes, bit by bit: quotes that no backslash stands before, and backslashes.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    quotes: u64,
    backslashes: u64,
}

/// The marks of a record.
#[derive(Debug, Default)]
pub struct JsonMarks {
    words: Vec<Word>,
    has_controls: bool,
    has_numbers: bool,
    has_broken: bool,
}

impl JsonMarks {
    /// Reads a record, forgetting the one before.
    pub fn read(&mut self, record: &[u8]) {
        let (wholes, rest) = record.as_chunks::<WORD_BYTES>();
        self.words.clear();
        self.words.reserve(wholes.len().saturating_add(1));
        self.has_numbers = false;
        self.has_broken = false;
        let mut least = u8x16::splat(u8::MAX);
        let mut is_escaped = false;
        let mut last = [b' '; WORD_BYTES];
        for (own, byte) in last.iter_mut().zip(rest) {
            *own = *byte;
        }
        for (number, bytes) in wholes.iter().chain([&last]).enumerate() {
            let mut word = word_of(bytes, &mut least);
            if is_escaped || word.backslashes != 0 {
                let begun = begin(word.backslashes, &mut is_escaped);
                word.quotes &= !begun.escaped;
                let at = number.saturating_mul(WORD_BYTES);
                self.check(begun.backslashes, record.get(at..).unwrap_or_default());
            }
            self.words.push(word);
        }
        self.has_controls = least.to_array().iter().any(|byte| *byte < b' ');
    }

    /// Looks at what follows the backslashes that begin an escape.
    fn check(&mut self, mut backslashes: u64, bytes: &[u8]) {
        while backslashes != 0 {
            let at = usize::try_from(backslashes.trailing_zeros()).unwrap_or(WORD_BYTES);
            backslashes &= backslashes.wrapping_sub(1);
            match bytes.get(at.saturating_add(1)) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                Some(b'u') => self.has_numbers = true,
                _ => self.has_broken = true,
            }
        }
    }

    /// Returns whether some byte is a control character: between values, one hopes.
    pub const fn has_controls(&self) -> bool {
        self.has_controls
    }

    /// Returns whether some text has characters written as numbers (`\u0110`), whose digits nobody looked at.
    pub const fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// Returns whether a backslash begins no escape of JSON (RFC 8259, section 7).
    pub const fn has_broken(&self) -> bool {
        self.has_broken
    }

    /// Returns where the text ends that begins at `start`, behind its opening quote: the place of the closing
    /// one, and whether there are backslashes between. `None` if it does not end.
    #[inline]
    pub fn text_end(&self, start: usize) -> Option<(usize, bool)> {
        let mut number = start / WORD_BYTES;
        let from = u64::MAX << (start % WORD_BYTES);
        let first = self.words.get(number)?;
        let mut word = Word { quotes: first.quotes & from, backslashes: first.backslashes & from };
        let mut is_escaped = false;
        while word.quotes == 0 {
            is_escaped |= word.backslashes != 0;
            number = number.saturating_add(1);
            word = *self.words.get(number)?;
        }
        let before = (word.quotes & word.quotes.wrapping_neg()).wrapping_sub(1);
        let place = usize::try_from(word.quotes.trailing_zeros()).ok()?;
        is_escaped |= word.backslashes & before != 0;
        Some((number.saturating_mul(WORD_BYTES).saturating_add(place), is_escaped))
    }
}

#[inline]
fn word_of(bytes: &[u8; WORD_BYTES], least: &mut u8x16) -> Word {
    let (parts, _) = bytes.as_chunks::<LANES>();
    let mut word = Word::default();
    for (number, part) in parts.iter().enumerate() {
        let part = u8x16::new(*part);
        let bits = |byte: u8| u64::from(part.simd_eq(u8x16::splat(byte)).to_bitmask());
        *least = least.min(part);
        word.quotes |= bits(b'"') << (number * LANES);
        word.backslashes |= bits(b'\\') << (number * LANES);
    }
    word
}

/// Returns whether a text begins so: word by word, for keys are short and a call would cost more.
#[inline]
#[must_use]
pub fn begins(text: &[u8], start: &[u8]) -> bool {
    let Some(own) = text.get(..start.len()) else { return false };
    let (own_words, own_rest) = own.as_chunks::<8>();
    let (words, rest) = start.as_chunks::<8>();
    let word = |word: &[u8; 8]| u64::from_le_bytes(*word);
    own_words.iter().zip(words).all(|(own, other)| word(own) == word(other))
        && own_rest.iter().zip(rest).all(|(own, other)| own == other)
}

/// What the backslashes of 64 bytes do.
struct Begun {
    /// Those that begin an escape.
    backslashes: u64,
    /// The bytes behind those.
    escaped: u64,
}

/// Tells backslashes that begin an escape from those that are escaped themselves: a run of them begins
/// one at every other place. `is_escaped` says it of the first byte, and then of the first of the next 64.
///
/// The way of Langdale and Lemire, Parsing Gigabytes of JSON per Second (VLDB Journal 28, 2019), section 3.1.1.
#[inline]
fn begin(backslashes: u64, is_escaped: &mut bool) -> Begun {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let before = u64::from(*is_escaped);
    let open = backslashes & !before;
    let ends = ((open << 1) | ODD).wrapping_sub(open) ^ ODD;
    let escaped = ends ^ (backslashes | before);
    let begun = ends & backslashes;
    *is_escaped = begun >> 63 != 0;
    Begun { backslashes: begun, escaped }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Byte by byte.
    fn plainly(record: &[u8], start: usize) -> Option<(usize, bool)> {
        let mut is_escaped = false;
        let mut at = start;
        loop {
            match record.get(at)? {
                b'"' => return Some((at, is_escaped)),
                b'\\' => {
                    is_escaped = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
    }

    proptest! {
        #[test]
        fn the_end_of_a_text_is_where_one_finds_it_byte_by_byte(
            record in r#"([a ]{0,80}|(\\[\\"nu]){0,40}|"){0,12}"#,
        ) {
            let bytes = record.as_bytes();
            let mut marks = JsonMarks::default();
            marks.read(bytes);
            prop_assert!(!marks.has_broken());
            let mut at = 0;
            // From wherever no escape is cut in two.
            while at < bytes.len() {
                prop_assert_eq!(marks.text_end(at), plainly(bytes, at), "at {}", at);
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
        }
    }

    #[test]
    fn what_is_no_escape_or_a_control_is_told() {
        let mut marks = JsonMarks::default();
        for at in [0, 10, 62, 63, 64, 127, 200] {
            for (end, want) in [
                (r"\q", (true, false, false)),
                ("\\", (true, false, false)),
                (r"\u0041", (false, true, false)),
                ("\u{1f}\\\\", (false, false, true)),
                (r#"\"\\\/\b\f\n\r\t"#, (false, false, false)),
            ] {
                marks.read(format!("{}{end}", "x".repeat(at)).as_bytes());
                let told = (marks.has_broken(), marks.has_numbers(), marks.has_controls());
                assert_eq!(told, want, "{end:?} after {at}");
            }
        }
    }
}
