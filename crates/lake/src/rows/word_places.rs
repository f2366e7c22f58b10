//! Where the words of a record stand: whether a value stands in it is then told without searching.

use std::borrow::Cow;

use super::encode::{fold, stands_in};
use crate::segment::{is_word_byte, quick_hash};

/// The words of one record.
#[derive(Debug, Default)]
pub(super) struct WordPlaces {
    /// Token and start of each word, for plain ASCII.
    words: Vec<(u64, usize)>,
    is_ascii: bool,
}

impl WordPlaces {
    /// Takes down a record's words.
    pub(super) fn read(&mut self, raw: &str) {
        self.words.clear();
        self.is_ascii = raw.is_ascii();
        if !self.is_ascii {
            return;
        }
        let mut start = 0;
        for word in raw.as_bytes().split(|byte| !is_word_byte(*byte)) {
            if !word.is_empty() {
                self.words.push((quick_hash(word), start));
            }
            start += word.len() + 1;
        }
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
        self.words.iter().filter(|(own, _)| *own == token).any(|(_, place)| {
            let Some(at) = place.checked_sub(start) else { return false };
            let end = at + value.len();
            let next = raw.as_bytes().get(end);
            raw.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(value))
                && !(ends_in_word && next.is_some_and(|byte| is_word_byte(*byte)))
        })
    }
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
        places.read(raw);
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
