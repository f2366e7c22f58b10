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

/// How far the pieces fit.
enum Fit {
    /// All of them do; they end at this byte.
    Ends(usize),
    /// They do not. If a `*` was among those that fitted, what follows it was tried up to this byte.
    Fails(Option<usize>),
}

/// Walks the pieces from a byte offset; the last `*` gives way when what follows does not fit.
fn walk(
    pieces: &[Piece],
    text: &str,
    from: usize,
    star_stops_at: fn(char) -> bool,
    end_fits: impl Fn(usize) -> bool,
) -> Fit {
    let mut at = from;
    let mut next = 0;
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let step = match pieces.get(next) {
            None if end_fits(at) => return Fit::Ends(at),
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
        let Some((after_star, tried_at)) = retry else { return Fit::Fails(None) };
        let skipped = text.get(tried_at..).and_then(|rest| rest.chars().next());
        match skipped {
            Some(c) if !star_stops_at(c) => {
                at = tried_at + c.len_utf8();
                next = after_star;
                retry = Some((after_star, at));
            }
            _ => return Fit::Fails(Some(tried_at)),
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

    /// Returns whether a part of a folded text fits.
    pub fn fits_part_of(&self, folded: &str) -> bool {
        let inner = self.inner();
        inner.is_empty() || place_from(inner, folded, 0, (true, true)).is_some()
    }

    /// Returns what stands between an open beginning and an open end.
    fn inner(&self) -> &[Piece] {
        let inner = self.pieces.as_slice();
        let inner = inner.strip_prefix(&[Piece::Many]).unwrap_or(inner);
        inner.strip_suffix(&[Piece::Many]).unwrap_or(inner)
    }

    /// Returns whether a folded value fits.
    pub fn fits_folded(&self, folded: &str) -> bool {
        if let Some(literal) = self.literal() {
            return folded == literal;
        }
        let walked = walk(&self.pieces, folded, 0, |_| false, |end| end == folded.len());
        matches!(walked, Fit::Ends(_))
    }

    /// Returns the whole words that a value must hold to fit. A value begins and ends where a word does.
    pub fn whole_words(&self) -> Vec<String> {
        whole_words(&self.pieces, (false, false))
    }

    /// Returns what words of a value must begin with for it to fit, where the pattern leaves their ends open.
    pub fn word_starts(&self) -> Vec<&str> {
        word_starts(&self.pieces, (false, false))
    }

    /// Returns where a folded value that fits holds what is asked for, in bytes and at most so many
    /// times: all that stands between an open beginning and an open end.
    pub(super) fn places(&self, folded: &str, places_max: usize) -> Vec<(usize, usize)> {
        let inner = self.inner();
        let is_open = |end: Option<&Piece>| end == Some(&Piece::Many);
        let opens = is_open(self.pieces.first());
        let stays_open = is_open(self.pieces.last());
        let mut places = Vec::new();
        let mut from = 0;
        while places.len() < places_max {
            let Some(place) = place_from(inner, folded, from, (opens, stays_open)) else { break };
            from = place.1;
            places.push(place);
            if !(opens && stays_open) {
                break;
            }
        }
        places
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

/// Returns where pieces stand that begin anywhere from a byte on, or just there, and end anywhere, or
/// with the text.
fn place_from(
    pieces: &[Piece],
    folded: &str,
    from: usize,
    (opens, stays_open): (bool, bool),
) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let rest = folded.get(from..)?;
        let start = match pieces.first()? {
            Piece::Literal(literal) if opens => from + rest.find(literal.as_str())?,
            _ => from,
        };
        let end_fits = |end| stays_open || end == folded.len();
        match walk(pieces, folded, start, |_| false, end_fits) {
            Fit::Ends(end) => return Some((start, end)),
            Fit::Fails(None) if opens => {
                from = start + folded.get(start..)?.chars().next()?.len_utf8();
            }
            // What follows the `*` stands nowhere from here on.
            Fit::Fails(_) => return None,
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
    /// How many bytes may stand before the first `*`; unknown where a `*` may end within the pieces.
    head_bytes: Option<usize>,
}

/// Returns how many bytes the pieces before the first `*` may take, unless a piece holds white space,
/// at which a `*` ends.
fn head_bytes(pieces: &[Piece]) -> Option<usize> {
    let mut bytes = 0;
    let mut is_head = true;
    for piece in pieces {
        match piece {
            Piece::Literal(literal) if literal.contains(char::is_whitespace) => return None,
            Piece::Literal(literal) if is_head => bytes += literal.len(),
            Piece::One if is_head => bytes += 4,
            Piece::Many => is_head = false,
            Piece::Literal(_) | Piece::One => {}
        }
    }
    Some(bytes)
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
        let head_bytes = head_bytes(&pieces);
        Self { pieces, border_before, border_after, finder, head_bytes }
    }

    /// Returns whether the pattern is found in everything (`*`, or nothing but marks).
    pub fn finds_all(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns whether the pattern may stand in one of the folded texts that these are together; in most of
    /// those where it does not, this tells it by one look.
    pub(super) fn may_stand_in_folded(&self, folded: &str) -> bool {
        self.finder.as_ref().is_none_or(|finder| finder.find(folded.as_bytes()).is_some())
    }

    /// Returns whether the pattern stands somewhere in a folded text.
    pub fn found_in_folded(&self, folded: &str) -> bool {
        self.finds_all() || self.find_from(folded, 0).is_some()
    }

    /// Returns where the pattern stands in a folded text, in bytes and at most so many times; an end
    /// that a `*` leaves open takes in the word there.
    pub(super) fn places(&self, folded: &str, places_max: usize) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        let mut from = 0;
        while !self.finds_all() && places.len() < places_max {
            let Some((start, end)) = self.find_from(folded, from) else { break };
            let before = folded.get(..start).unwrap_or_default().chars().rev();
            let after = folded.get(end..).unwrap_or_default().chars();
            let start = if self.border_before { start } else { start - word_bytes(before) };
            let end = if self.border_after { end } else { end + word_bytes(after) };
            places.push((start, end));
            from = end;
        }
        places
    }

    /// Returns where the pattern stands first from a byte on: its first byte and one past its last.
    fn find_from(&self, folded: &str, from: usize) -> Option<(usize, usize)> {
        let mut from = from;
        loop {
            let start = match &self.finder {
                Some(finder) => from + finder.find(folded.as_bytes().get(from..)?)?,
                None => (from..folded.len()).find(|at| folded.is_char_boundary(*at))?,
            };
            // The next start is a later occurrence; a byte on is enough, UTF-8 finds its own step.
            from = match (self.stands_at(folded, start), self.head_bytes) {
                (Fit::Ends(end), _) => return Some((start, end)),
                // Every start whose `*` begins no later than this one ended fails as this one did.
                (Fit::Fails(Some(tried)), Some(head)) => {
                    (tried + 1).saturating_sub(head).max(start + 1)
                }
                (Fit::Fails(_), _) => start + 1,
            };
        }
    }

    fn stands_at(&self, folded: &str, start: usize) -> Fit {
        if self.border_before && !border_at(folded, start) {
            return Fit::Fails(None);
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
        whole_words(&self.pieces, self.open_ends())
    }

    /// Returns what words of a text must begin with for the pattern to stand in it, where it leaves
    /// their ends open: what an index of the words' starts can be asked.
    pub fn word_starts(&self) -> Vec<&str> {
        word_starts(&self.pieces, self.open_ends())
    }

    /// Returns whether a word may go on before the first piece, and after the last.
    fn open_ends(&self) -> (bool, bool) {
        (!self.border_before, !self.border_after)
    }
}

/// Returns the literals among pieces, each with whether a word may go on before it and after it.
fn literals(
    pieces: &[Piece],
    (opens, stays_open): (bool, bool),
) -> impl Iterator<Item = (&str, bool, bool)> {
    let last = pieces.len().saturating_sub(1);
    pieces.iter().enumerate().filter_map(move |(place, piece)| match piece {
        Piece::Literal(literal) => {
            Some((literal.as_str(), opens || place > 0, stays_open || place < last))
        }
        Piece::Many | Piece::One => None,
    })
}

/// Returns the whole words that stand wherever the pieces do.
fn whole_words(pieces: &[Piece], ends: (bool, bool)) -> Vec<String> {
    let mut words = Vec::new();
    for (literal, open_before, open_after) in literals(pieces, ends) {
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

/// Returns what words begin with, wherever the pieces stand, whose ends are open.
fn word_starts(pieces: &[Piece], ends: (bool, bool)) -> Vec<&str> {
    let mut starts = Vec::new();
    for (literal, open_before, open_after) in literals(pieces, ends) {
        let mut parts = literal.rsplit(|c| !is_word(c));
        let end = parts.next().filter(|end| open_after && !end.is_empty());
        let begins_a_word = !open_before || parts.next().is_some();
        starts.extend(end.filter(|_| begins_a_word));
    }
    starts
}

/// Returns how many bytes the word takes with which these characters begin.
fn word_bytes(chars: impl Iterator<Item = char>) -> usize {
    chars.take_while(|c| is_word(*c)).map(char::len_utf8).sum()
}

/// Returns whether no word goes across this place in the text.
fn border_at(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at..).and_then(|text| text.chars().next());
    !(before.is_some_and(is_word) && after.is_some_and(is_word))
}
