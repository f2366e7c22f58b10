//! Where the words of a record stand: whether a value stands in it is then told without searching.

use std::borrow::Cow;

use memchr::memmem;

use crate::segment::{ascii_words, hash_words, is_word_byte, quick_hash, quick_hash_at};

/// The words of one record.
#[derive(Debug, Default)]
pub(super) struct WordPlaces {
    /// The record folded, where it is not ASCII as it came.
    folded: Option<String>,
    /// Token and start of each word, for plain ASCII.
    words: Vec<(u64, usize)>,
    /// The last byte of each token: most words are told apart by it.
    last_bytes: Vec<u8>,
    is_ascii: bool,
}

impl WordPlaces {
    /// Takes down a record's words, and tells each with its token.
    pub(super) fn read(&mut self, raw: &str, mut word: impl FnMut(u64, &[u8])) {
        self.words.clear();
        self.last_bytes.clear();
        self.folded = (!raw.is_ascii()).then(|| event::fold::fold(raw));
        let text = self.folded.as_deref().unwrap_or(raw);
        self.is_ascii = text.is_ascii();
        if !self.is_ascii {
            hash_words(text, word);
            return;
        }
        let bytes = text.as_bytes();
        ascii_words(bytes, |place| {
            let token = quick_hash_at(bytes, place.clone());
            self.words.push((token, place.start));
            self.last_bytes.push(last_byte(token));
            if place.len() >= 2 {
                word(token, bytes.get(place).unwrap_or_default());
            }
        });
    }

    /// Returns whether a value stands in the record that was read between word borders, folded. `guess` is the
    /// number of the word that it may begin with, and is set to that of the word it does: in records of one kind
    /// the same field mostly stands behind as many words.
    pub(super) fn hold(&self, raw: &str, value: &str, guess: &mut usize) -> bool {
        let raw = self.folded.as_deref().unwrap_or(raw);
        let value = if value.is_ascii() { Cow::Borrowed(value) } else { fold(value) };
        let value = value.as_ref();
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
        let begins_at = |word: usize| {
            let Some((own, place)) = self.words.get(word) else { return false };
            let at = place.checked_sub(start).filter(|_| *own == token);
            let Some(at) = at else { return false };
            let end = at + value.len();
            let next = raw.as_bytes().get(end);
            raw.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(value))
                && !(ends_in_word && next.is_some_and(|byte| is_word_byte(*byte)))
        };
        if begins_at(*guess) {
            return true;
        }
        let mut words = memchr::memchr_iter(last_byte(token), &self.last_bytes);
        let Some(word) = words.find(|word| begins_at(*word)) else { return false };
        *guess = word;
        true
    }
}

fn last_byte(token: u64) -> u8 {
    token.to_le_bytes()[0]
}

/// Adds the folded value to a row's extra text, if it does not stand there yet. A value may have several lines:
/// messages of Windows come as the message and as an own field.
pub(super) fn add_extra(extra: &mut String, value: &str) {
    let folded: Cow<'_, str> = fold(value);
    if !folded.is_empty() && !has_lines(extra, &folded) {
        extra.push_str(&folded);
        extra.push('\n');
    }
}

/// Returns whether these lines stand in a text whose every line is ended. The text is a few lines mostly, for which
/// making ready to search would cost more than walking them.
fn has_lines(text: &str, lines: &str) -> bool {
    let mut rest = text;
    while rest.len() > lines.len() {
        if rest.strip_prefix(lines).is_some_and(|after| after.starts_with('\n')) {
            return true;
        }
        let Some(end) = memchr::memchr(b'\n', rest.as_bytes()) else { return false };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    false
}

/// [`event::fold::fold`] without a copy where there is nothing to fold.
fn fold(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(plain) { Cow::Borrowed(text) } else { Cow::Owned(event::fold::fold(text)) }
}

/// Returns whether a text stands in another between word borders.
fn stands_in(text: &str, part: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let border = |at: usize| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at..).and_then(|text| text.chars().next());
        !(before.is_some_and(is_word) && after.is_some_and(is_word))
    };
    memmem::find_iter(text.as_bytes(), part.as_bytes())
        .any(|start| border(start) && border(start + part.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_extra_text_once_however_many_lines_it_has() {
        let mut extra = String::new();
        for value in ["one\r\ntwo", "ONE\r\ntwo", "two", "on", "one\r", "", "o\ntwo", "one\r\ntwo"]
        {
            add_extra(&mut extra, value);
        }
        assert_eq!(extra, "one\r\ntwo\non\no\ntwo\n");
    }

    #[test]
    fn a_value_stands_in_a_record_as_a_search_would_find_it() {
        let ascii = "CEF:0|deny src=10.1.2.3 dst=10.1.2.30 path=/a/b.aspx user=ROOT x- --";
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
            "Đăng nhập",
            "dang",
            "nha",
            "日本",
            "日",
        ];
        let records = [
            ascii.to_owned(),
            format!("{ascii} Đăng nhập đỏ"),
            format!("đỏ{ascii} 日本 Đăng nhập"),
        ];
        for raw in &records {
            let mut places = WordPlaces::default();
            let (mut words, mut tokens) = (Vec::new(), Vec::new());
            places.read(raw, |token, word| words.push((token, word.to_ascii_lowercase())));
            hash_words(&fold(raw), |token, word| tokens.push((token, word.to_owned())));
            assert_eq!(words, tokens, "{raw}");
            for value in values {
                let expected = stands_in(&fold(raw), &fold(value));
                for guess in [0, 3, usize::MAX] {
                    let held = places.hold(raw, value, &mut guess.clone());
                    assert_eq!(held, expected, "{value} in {raw}, from word {guess}");
                }
            }
        }
    }
}
