//! Words with wildcards, compared with folded text.

use memchr::memmem::Finder;

use crate::fold::fold;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Exactly this, folded.
    Literal(String),
    /// `*`
    Many,
    /// `?`
    One,
}

/// Returns a pattern that matches exactly this text: wildcards lose their meaning.
pub fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Cuts a pattern into pieces. A `\` before anything but `*`, `?`, `\` stands for itself.
fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let wild = match c {
            '\\' => {
                literal.push(chars.next_if(|c| matches!(c, '*' | '?' | '\\')).unwrap_or('\\'));
                continue;
            }
            '*' => Piece::Many,
            '?' => Piece::One,
            other => {
                literal.push(other);
                continue;
            }
        };
        push_literal(&mut pieces, &mut literal);
        if !(wild == Piece::Many && pieces.last() == Some(&Piece::Many)) {
            pieces.push(wild);
        }
    }
    push_literal(&mut pieces, &mut literal);
    pieces
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &mut String) {
    let folded = fold(&std::mem::take(literal));
    if !folded.is_empty() {
        pieces.push(Piece::Literal(folded));
    }
}

/// Returns whether a folded character belongs to a word. The same rule as [`crate::fold::words`].
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Walks the pieces from a byte offset; the last `*` gives way when what follows does not fit.
fn walk(
    pieces: &[Piece],
    text: &str,
    from: usize,
    star_stops_at: fn(char) -> bool,
    end_fits: impl Fn(usize) -> bool,
) -> bool {
    let mut at = from;
    let mut next = 0;
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let step = match pieces.get(next) {
            None if end_fits(at) => return true,
            None => None,
            Some(Piece::Many) => {
                next += 1;
                retry = Some((next, at));
                continue;
            }
            Some(Piece::One) => {
                rest.chars().next().filter(|c| !star_stops_at(*c)).map(char::len_utf8)
            }
            Some(Piece::Literal(literal)) => rest.starts_with(literal).then_some(literal.len()),
        };
        if let Some(length) = step {
            at += length;
            next += 1;
            continue;
        }
        let Some((after_star, tried_at)) = retry else { return false };
        let skipped = text.get(tried_at..).and_then(|rest| rest.chars().next());
        match skipped {
            Some(c) if !star_stops_at(c) => {
                at = tried_at + c.len_utf8();
                next = after_star;
                retry = Some((after_star, at));
            }
            _ => return false,
        }
    }
}

/// A pattern that a whole value must fit.
#[derive(Debug, Clone)]
pub struct WholePattern {
    pieces: Vec<Piece>,
}

impl WholePattern {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        Self { pieces: pieces(pattern) }
    }

    /// Returns the folded text that a value must equal, if the pattern has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// Returns whether a folded value fits.
    pub fn fits_folded(&self, folded: &str) -> bool {
        match self.literal() {
            Some(literal) => folded == literal,
            None => walk(&self.pieces, folded, 0, |_| false, |end| end == folded.len()),
        }
    }

    /// Returns whether a value fits.
    pub fn fits(&self, value: &str) -> bool {
        match self.literal() {
            // The common case costs no allocation: one value among thousands is equal.
            Some(literal) if value.is_ascii() => value.eq_ignore_ascii_case(literal),
            _ => self.fits_folded(&fold(value)),
        }
    }
}

/// A word or phrase that may stand anywhere in a text, between word borders.
#[derive(Debug, Clone)]
pub struct TextPattern {
    pieces: Vec<Piece>,
    border_before: bool,
    border_after: bool,
    finder: Option<Finder<'static>>,
}

impl TextPattern {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        let mut pieces = pieces(pattern);
        let border_before = pieces.first() != Some(&Piece::Many);
        let border_after = pieces.last() != Some(&Piece::Many);
        if !border_after {
            pieces.pop();
        }
        if !border_before && !pieces.is_empty() {
            pieces.remove(0);
        }
        let finder = match pieces.first() {
            Some(Piece::Literal(literal)) => Some(Finder::new(literal.as_bytes()).into_owned()),
            _ => None,
        };
        Self { pieces, border_before, border_after, finder }
    }

    /// Returns whether the pattern is found in everything (`*`, or nothing but marks).
    pub fn finds_all(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns whether the pattern stands somewhere in a folded text.
    pub fn found_in_folded(&self, folded: &str) -> bool {
        if self.finds_all() {
            return true;
        }
        let Some(finder) = &self.finder else {
            return folded.char_indices().any(|(start, _)| self.stands_at(folded, start));
        };
        let mut from = 0;
        while let Some(rest) = folded.as_bytes().get(from..) {
            let Some(offset) = finder.find(rest) else { return false };
            if self.stands_at(folded, from + offset) {
                return true;
            }
            // The next start is a later occurrence; a byte on is enough, UTF-8 finds its own step.
            from += offset + 1;
        }
        false
    }

    fn stands_at(&self, folded: &str, start: usize) -> bool {
        if self.border_before && !border_at(folded, start) {
            return false;
        }
        let end_fits = |end| !self.border_after || border_at(folded, end);
        walk(&self.pieces, folded, start, char::is_whitespace, end_fits)
    }

    /// Returns the longest text that must stand, folded, wherever the pattern does.
    pub fn longest_literal(&self) -> Option<&str> {
        let literals = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(literal) => Some(literal.as_str()),
            Piece::Many | Piece::One => None,
        });
        literals.max_by_key(|literal| literal.len())
    }

    /// Returns the whole words that a text must hold for the pattern to stand in it: what a word
    /// index can be asked. Empty when only parts of words are known.
    pub fn whole_words(&self) -> Vec<String> {
        let last = self.pieces.len().saturating_sub(1);
        let mut words = Vec::new();
        for (place, piece) in self.pieces.iter().enumerate() {
            let Piece::Literal(literal) = piece else { continue };
            let open_before = place > 0 || !self.border_before;
            let open_after = place < last || !self.border_after;
            let mut parts: Vec<&str> = literal.split(|c| !is_word(c)).collect();
            if open_after {
                parts.pop();
            }
            if open_before && !parts.is_empty() {
                parts.remove(0);
            }
            let whole = parts.into_iter().filter(|word| word.len() >= 2);
            words.extend(whole.map(ToOwned::to_owned));
        }
        words
    }
}

/// Returns whether no word goes across this place in the text.
fn border_at(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at..).and_then(|text| text.chars().next());
    !(before.is_some_and(is_word) && after.is_some_and(is_word))
}
