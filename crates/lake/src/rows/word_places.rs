//! Where the words of a record stand: whether a value stands in it is then told without searching.

use std::borrow::Cow;

use super::encode::{fold, stands_in};
use crate::segment::{Tokens, ascii_words, is_word_byte, quick_hash, quick_hash_at};

/// The words of one record.
#[derive(Debug, Default)]
pub(super) struct WordPlaces {
    /// Token and start of each word, for plain ASCII.
    words: Vec<(u64, usize)>,
    /// The last byte of each token: most words are told apart by it.
    last_bytes: Vec<u8>,
    is_ascii: bool,
}

impl WordPlaces {
    /// Takes down a record's words, and tells their tokens.
    pub(super) fn read(&mut self, raw: &str, tokens: &mut Tokens) {
        self.words.clear();
        self.last_bytes.clear();
        self.is_ascii = raw.is_ascii();
        if !self.is_ascii {
            tokens.add_words(raw);
            return;
        }
        let bytes = raw.as_bytes();
        ascii_words(bytes, |word| {
            let token = quick_hash_at(bytes, word.clone());
            self.words.push((token, word.start));
            self.last_bytes.push(last_byte(token));
            if word.len() >= 2 {
                tokens.add(token);
            }
        });
    }

    /// Returns whether a value stands in the record between word borders, folded.
    pub(super) fn hold(&self, raw: &str, value: &str) -> bool {
        if !self.is_ascii || !value.is_ascii() {
            return stands_in(&fold(raw), &fold(value));
        }
        let bytes = value.as_bytes();
        let Some(start) = bytes.iter().position(|byte| is_word_byte(*byte)) else {
            return stands_in(raw, value);
        };
        let rest = bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
        let token = quick_hash(rest.get(..length).unwrap_or_default());
        let ends_in_word = bytes.last().is_some_and(|byte| is_word_byte(*byte));
        // The value's first word is a whole word there: nothing of a word stands before it.
        memchr::memchr_iter(last_byte(token), &self.last_bytes).any(|word| {
            let Some((own, place)) = self.words.get(word) else { return false };
            let at = place.checked_sub(start).filter(|_| *own == token);
            let Some(at) = at else { return false };
            let end = at + value.len();
            let next = raw.as_bytes().get(end);
            raw.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(value))
                && !(ends_in_word && next.is_some_and(|byte| is_word_byte(*byte)))
        })
    }
}

fn last_byte(token: u64) -> u8 {
    token.to_le_bytes()[0]
}

/// Adds the folded value to a row's extra text, if it does not stand there yet.
pub(super) fn add_extra(extra: &mut String, value: &str) {
    let folded: Cow<'_, str> = fold(value);
    if !folded.is_empty() && !extra.split('\n').any(|line| line == folded) {
        extra.push_str(&folded);
        extra.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_in_a_record_as_a_search_would_find_it() {
        let raw = "CEF:0|deny src=10.1.2.3 dst=10.1.2.30 path=/a/b.aspx user=ROOT x- --";
        let mut places = WordPlaces::default();
        places.read(raw, &mut Tokens::default());
        let values = [
            "10.1.2.3",
            "10.1.2",
            "1.2.3",
            "0.1.2.3",
            "/a/b.aspx",
            "a/b",
            "root",
            "roo",
            "oot",
            "-",
            "x-",
            "deny src",
            "|deny",
            "10.1.2.30",
            "10.1.2.301",
            "b.asp",
            "",
            "CEF:0|",
            "đỏ",
        ];
        for value in values {
            let expected = stands_in(&fold(raw), &fold(value));
            assert_eq!(places.hold(raw, value), expected, "{value}");
        }
    }
}
