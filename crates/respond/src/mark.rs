//! Text with marked parts: what matched stands out in a value and in a sentence, what was looked for
//! in the events found.
//!
//! A sentence is put together by Fluent from values, so the marks travel inside the text as two
//! characters of the private use area; a log that holds these very characters has them replaced.

use event::query::Stretch;
use serde::Serialize;
use utoipa::ToSchema;

/// Characters of a value in a sentence.
pub(crate) const VALUE_CHARS: usize = 120;

/// Characters shown before the first marked one when a value is cut.
const CONTEXT_CHARS: usize = 30;

const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// A stretch of text, marked or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what matched.
    pub marked: bool,
}

/// Returns a value with these parts marked (all of it when there is none), cut to so many characters
/// around them. Parts count in characters, first and one past the last.
pub(crate) fn marked(value: &str, parts: &[(usize, usize)], chars_max: usize) -> String {
    let inside = |at: usize| parts.iter().any(|(start, end)| (*start..*end).contains(&at));
    let first = parts.iter().map(|(start, _)| *start).min().unwrap_or(0);
    let length = value.chars().count();
    let skipped = if length > chars_max { first.saturating_sub(CONTEXT_CHARS) } else { 0 };
    let mut out = String::with_capacity(value.len());
    if skipped > 0 {
        out.push('…');
    }
    let mut open = false;
    for (at, c) in value.chars().enumerate().skip(skipped).take(chars_max) {
        let wanted = parts.is_empty() || inside(at);
        if wanted != open {
            out.push(if wanted { BEGIN } else { END });
            open = wanted;
        }
        out.push(if matches!(c, BEGIN | END) { char::REPLACEMENT_CHARACTER } else { c });
    }
    if open {
        out.push(END);
    }
    if length > skipped.saturating_add(chars_max) {
        out.push('…');
    }
    out
}

/// Returns a text as pieces, with these stretches of it marked; none where nothing is to be marked.
/// Stretches count in characters and stand in order and apart.
pub(crate) fn split(text: &str, stretches: &[Stretch]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    if stretches.is_empty() {
        return pieces;
    }
    let mut ahead = stretches.iter().peekable();
    for (at, c) in text.chars().enumerate() {
        while ahead.next_if(|(_, end)| *end <= at).is_some() {}
        let marked = ahead.peek().is_some_and(|(start, _)| *start <= at);
        match pieces.last_mut() {
            Some(last) if last.marked == marked => last.text.push(c),
            _ => pieces.push(Piece { text: c.to_string(), marked }),
        }
    }
    pieces
}

/// Returns a text from outside as it may stand beside marks.
pub(crate) fn unmarked(text: &str) -> String {
    text.replace([BEGIN, END], "\u{fffd}")
}

/// Returns a text with marks as pieces.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = false;
    for piece in text.split_inclusive([BEGIN, END]) {
        let begins = piece.ends_with(BEGIN);
        let switches = begins || piece.ends_with(END);
        let text = piece.trim_end_matches([BEGIN, END]);
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), marked: open });
        }
        if switches {
            open = begins;
        }
    }
    pieces
}

/// Returns a text without its marks.
pub(crate) fn plain(text: &str) -> String {
    text.replace([BEGIN, END], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = &'static [(usize, usize)];

    fn shown(text: &str) -> String {
        let show = |piece: Piece| {
            if piece.marked { format!("[{}]", piece.text) } else { piece.text }
        };
        pieces(text).into_iter().map(show).collect()
    }

    #[test]
    fn stretches_are_marked_and_the_text_stays_as_it_is() {
        let split = |text: &str, stretches: Parts| -> String {
            let show = |piece: Piece| {
                if piece.marked { format!("[{}]", piece.text) } else { piece.text }
            };
            split(text, stretches).into_iter().map(show).collect()
        };
        assert_eq!(split("Đà Nẵng", &[(0, 2), (3, 7)]), "[Đà] [Nẵng]");
        assert_eq!(split("a\u{e000}b", &[(0, 1)]), "[a]\u{e000}b");
        assert_eq!(split("ab", &[(1, 9)]), "a[b]");
        assert_eq!(split("ab", &[(5, 9)]), "ab");
        assert_eq!(split("ab", &[]), "", "nothing to mark, no pieces");
    }

    #[test]
    fn parts_are_marked_and_long_values_cut_around_them() {
        let cases: &[(&str, Parts, usize, &str)] = &[
            ("cmd", &[], 9, "[cmd]"),
            ("a -enc b", &[(2, 6)], 9, "a [-enc] b"),
            ("abcdef", &[(0, 2), (4, 6)], 9, "[ab]cd[ef]"),
            ("abcdef", &[(0, 3), (2, 4)], 9, "[abcd]ef"),
            ("Đà Nẵng", &[(0, 2)], 4, "[Đà] N…"),
            ("ab\u{e001}c", &[(0, 1)], 9, "[a]b\u{fffd}c"),
            ("", &[], 9, ""),
        ];
        for (value, parts, max, want) in cases {
            assert_eq!(shown(&marked(value, parts, *max)), *want, "{value}");
        }
        let long = format!("{}needle{}", "a".repeat(300), "b".repeat(300));
        let cut = marked(&long, &[(300, 306)], 60);
        assert!(plain(&cut).starts_with('…') && plain(&cut).ends_with('…'));
        assert!(shown(&cut).contains("a[needle]b"), "{}", shown(&cut));
    }
}
