//! `key=value key="two words"`: FortiGate, netfilter, and most of what writes logs by itself; Check Point's
//! `key:"value"` too. Where tabs part the pairs (Zscaler), values hold blanks without quotes.

use std::borrow::Cow;

use event::{Fields, Note, Value};

use crate::limits::FIELDS_MAX;

/// A piece of a key-value text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// `key=value`, unquoted and unescaped.
    Pair {
        /// As written.
        key: &'a str,
        /// Without its quotes.
        value: Cow<'a, str>,
        /// Whether it had quotes.
        is_quoted: bool,
    },
    /// A word that is no pair.
    Word(&'a str),
}

/// Walks over the pieces of a text.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    rest: &'a str,
    /// Whether tabs part the pairs.
    is_tabbed: bool,
}

/// Returns a walk over the pieces of a text.
pub(crate) fn pieces(text: &str) -> Pieces<'_> {
    Pieces { rest: text, is_tabbed: false }
}

/// Returns the same of a whole text, whose pairs tabs may part.
fn pieces_of_line(text: &str) -> Pieces<'_> {
    Pieces { rest: text, is_tabbed: is_tabbed(text) }
}

/// Whether all that stands behind the first tabs is a pair.
fn is_tabbed(text: &str) -> bool {
    /// Enough of them to tell.
    const PAIRS: usize = 3;
    let parts = text.split('\t').skip(1).take(PAIRS);
    parts.filter(|part| begins_as_pair(part)).count() == PAIRS
}

fn begins_as_pair(text: &str) -> bool {
    let key_end = text.find(|c: char| !is_key(c)).unwrap_or(0);
    key_end > 0 && text.get(key_end..).is_some_and(|rest| rest.starts_with('='))
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        self.rest =
            self.rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
        if self.rest.is_empty() {
            return None;
        }
        let key_end = self.rest.find(|c: char| !is_key(c)).unwrap_or(self.rest.len());
        if key_end > 0
            && let Some((key, after)) = self.rest.split_at_checked(key_end)
            && let Some(after) = after.strip_prefix('=').or_else(|| quoted_after_colon(after))
        {
            let (value, is_quoted, rest) = value(after, self.is_tabbed);
            self.rest = rest;
            // Check Point puts all pairs into one bracket.
            let key = key.strip_prefix('[').filter(|key| !key.is_empty()).unwrap_or(key);
            return Some(Piece::Pair { key, value, is_quoted });
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(Piece::Word(word))
    }
}

/// `key:"value"` is a pair too; without its quotes it may be anything.
fn quoted_after_colon(text: &str) -> Option<&str> {
    text.strip_prefix(':').filter(|value| value.starts_with('"'))
}

fn is_key(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | '[' | ']')
}

/// Returns the value, whether it was quoted, and what follows.
fn value(text: &str, is_tabbed: bool) -> (Cow<'_, str>, bool, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote)
            && let Some((value, rest)) = quoted(inside, quote)
        {
            return (value, true, rest);
        }
    }
    if is_tabbed {
        let (value, rest) = text.split_once('\t').unwrap_or((text, ""));
        return (Cow::Borrowed(value.trim()), false, rest);
    }
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        let is_break = c.is_whitespace() || (matches!(c, ',' | ';') && next_is_pair(text, at));
        if is_break {
            end = at;
            break;
        }
    }
    let (value, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (Cow::Borrowed(value.trim_end_matches([',', ';'])), false, rest)
}

/// Whether a pair follows the separator that stands at this byte: `a=1,b=2`, but not `a=1,2`.
fn next_is_pair(text: &str, separator_at: usize) -> bool {
    let Some(after) = text.get(separator_at.saturating_add(1)..) else { return false };
    begins_as_pair(after.trim_start())
}

/// Reads up to the closing quote; `\"` and `\\` are unescaped. `None` if the quote never closes.
fn quoted(text: &str, quote: char) -> Option<(Cow<'_, str>, &str)> {
    let mut unescaped: Option<String> = None;
    let mut rest = text;
    loop {
        let stop = rest.find([quote, '\\'])?;
        let (before, at) = rest.split_at_checked(stop)?;
        if let Some(after) = at.strip_prefix(quote) {
            return Some(match unescaped {
                None => (Cow::Borrowed(before), after),
                Some(mut value) => {
                    value.push_str(before);
                    (Cow::Owned(value), after)
                }
            });
        }
        let value = unescaped.get_or_insert_default();
        value.push_str(before);
        let mut following = at.strip_prefix('\\')?.chars();
        match following.next()? {
            escaped if escaped == quote || escaped == '\\' => value.push(escaped),
            other => value.extend(['\\', other]),
        }
        rest = following.as_str();
    }
}

/// Reads a text as key-value pairs: `prefix` is what stands before the first pair, `words` what
/// stands between them. Returns how many pairs were found.
pub(crate) fn read(text: &str, fields: &mut Fields, notes: &mut Vec<Note>) -> usize {
    let mut pair_count = 0_usize;
    let mut words: Vec<Value> = Vec::new();
    let mut prefix_end = None;
    let mut walk = pieces_of_line(text);
    loop {
        let before = walk.rest.len();
        let Some(piece) = walk.next() else { break };
        match piece {
            Piece::Pair { key, value, .. } => {
                prefix_end.get_or_insert(text.len().saturating_sub(before));
                pair_count = pair_count.saturating_add(1);
                if pair_count > FIELDS_MAX {
                    notes.push(Note::new(
                        "extra-fields",
                        format!("only {FIELDS_MAX} pairs are kept"),
                    ));
                    break;
                }
                fields.push(key.to_owned(), value.into_owned());
            }
            Piece::Word(word)
                if prefix_end.is_some() && words.len() < FIELDS_MAX && word != "]" =>
            {
                words.push(Value::from(word));
            }
            Piece::Word(_) => {}
        }
    }
    if pair_count > 0 {
        let prefix = prefix_end.and_then(|end| text.get(..end)).unwrap_or_default().trim();
        if !prefix.is_empty() {
            fields.push("prefix", prefix);
        }
        if !words.is_empty() {
            fields.push("words", Value::List(words));
        }
    }
    pair_count
}

/// Returns whether a text is mostly pairs: three or more, and no more loose words than pairs.
pub(crate) fn looks_like(text: &str) -> bool {
    /// Enough of the text to tell.
    const PIECES: usize = 24;
    let (mut pair_count, mut word_count) = (0_usize, 0_usize);
    for piece in pieces_of_line(text).take(PIECES) {
        match piece {
            Piece::Pair { .. } => pair_count = pair_count.saturating_add(1),
            Piece::Word(_) => word_count = word_count.saturating_add(1),
        }
    }
    pair_count >= 3 && word_count <= pair_count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_they_are_written() {
        let cases = [
            (r"a=1 b=2", r#"{"a":"1","b":"2"}"#),
            (r#"a="x y" b='z w' c="#, r#"{"a":"x y","b":"z w","c":""}"#),
            (r#"a="q\"q\\" b=1"#, r#"{"a":"q\"q\\","b":"1"}"#),
            (r"a=1,b=2;c=3", r#"{"a":"1","b":"2","c":"3"}"#),
            (r"a=1,2,3 b=4", r#"{"a":"1,2,3","b":"4"}"#),
            (r"a=1, b=2, c=x", r#"{"a":"1","b":"2","c":"x"}"#),
            (r"a=1 a=2", r#"{"a":["1","2"]}"#),
            (r#"a="never closed b=1"#, r#"{"a":"\"never","b":"1","words":["closed"]}"#),
            (
                r"[7.1] [UFW BLOCK] IN=eth0 OUT= DF SYN",
                r#"{"IN":"eth0","OUT":"","prefix":"[7.1] [UFW BLOCK]","words":["DF","SYN"]}"#,
            ),
            (r"url=http://x/?a=1&b=2 c=3", r#"{"url":"http://x/?a=1&b=2","c":"3"}"#),
            (r#"[a:"x y"; b:"q\"q"; c:"1"]"#, r#"{"a":"x y","b":"q\"q","c":"1"}"#),
            (r"time:12 a=1", r#"{"a":"1","prefix":"time:12"}"#),
            (r"tên=Nguyễn b=2", r#"{"tên":"Nguyễn","b":"2"}"#),
            (r"nothing here", r"{}"),
            (
                "2026-11-23 09:20:01\ta=Not allowed, so b=1\tc=\tuser=x y\td=\"q\tq\" e\tf",
                r#"{"a":"Not allowed, so b=1","c":"","user":"x y","d":"q\tq","prefix":"2026-11-23 09:20:01","words":["e","f"]}"#,
            ),
            ("a=1\tb=2 c=3\tloose\td=4", r#"{"a":"1","b":"2","c":"3","d":"4","words":["loose"]}"#),
        ];
        for (text, expected) in cases {
            let mut fields = Fields::new();
            read(text, &mut fields, &mut Vec::new());
            assert_eq!(serde_json::to_string(&fields).unwrap(), expected, "{text}");
        }
    }
}
