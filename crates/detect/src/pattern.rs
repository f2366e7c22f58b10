//! Text with wildcards: how Sigma writes it, what shape it has, whether it matches.
//!
//! `*` stands for any run of characters (also none, also line ends), `?` for exactly one character.
//! A backslash makes the next `*`, `?` or backslash plain; before anything else, and at the end, it is
//! itself. Source: Sigma specification 2.1, "Escaping"; pySigma reads values the same way.

use crate::letter_case::{fold, fold_char};

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    /// These characters.
    Text(String),
    /// Any run of characters.
    Any,
    /// Exactly one character.
    One,
    /// One of [`DASHES`]: where writing out every combination of them would be too much.
    Dash,
}

/// The characters that Windows programs take for the dash of a parameter: hyphen, slash, en dash,
/// em dash, horizontal bar.
pub(crate) const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text with wildcards. Unless `cased`, its text is folded already.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    cased: bool,
}

/// What a pattern comes down to: decides how it is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Shape<'a> {
    /// The whole value is this.
    Exact(&'a str),
    /// The value begins so.
    Starts(&'a str),
    /// The value ends so.
    Ends(&'a str),
    /// The value has this somewhere.
    Contains(&'a str),
    /// Any text at all.
    Anything,
    /// Wildcards inside; the longest piece of plain text, empty if there is none.
    Mixed(&'a str),
}

/// Splits a value as written in a rule into text and wildcards.
pub(crate) fn tokens(written: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut text = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => text.push(escaped),
                None => text.push('\\'),
            },
            '*' | '?' => {
                if !text.is_empty() {
                    tokens.push(Token::Text(std::mem::take(&mut text)));
                }
                tokens.push(if c == '*' { Token::Any } else { Token::One });
            }
            _ => text.push(c),
        }
    }
    if !text.is_empty() {
        tokens.push(Token::Text(text));
    }
    tokens
}

impl Pattern {
    /// Returns the pattern of these pieces; neighbours of the same kind are joined.
    pub(crate) fn new(tokens: Vec<Token>, cased: bool) -> Self {
        let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens {
            match (joined.last_mut(), token) {
                (Some(Token::Any), Token::Any) => {}
                (Some(Token::Text(text)), Token::Text(more)) => text.push_str(&more),
                (_, other) => joined.push(other),
            }
        }
        if !cased {
            for token in &mut joined {
                if let Token::Text(text) = token {
                    *text = fold(text);
                }
            }
        }
        Self { tokens: joined, cased }
    }

    /// Returns the pattern that only this very text matches (case apart).
    pub(crate) fn exact(text: &str) -> Self {
        Self::new(vec![Token::Text(text.to_owned())], false)
    }

    /// Returns its pieces; text is folded unless case matters.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Returns whether case matters.
    pub(crate) const fn cased(&self) -> bool {
        self.cased
    }

    /// Returns what the pattern comes down to.
    pub(crate) fn shape(&self) -> Shape<'_> {
        match self.tokens.as_slice() {
            [] => Shape::Exact(""),
            [Token::Any] => Shape::Anything,
            [Token::Text(text)] => Shape::Exact(text),
            [Token::Text(text), Token::Any] => Shape::Starts(text),
            [Token::Any, Token::Text(text)] => Shape::Ends(text),
            [Token::Any, Token::Text(text), Token::Any] => Shape::Contains(text),
            mixed => Shape::Mixed(
                mixed
                    .iter()
                    .filter_map(|token| match token {
                        Token::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .max_by_key(|text| text.len())
                    .unwrap_or(""),
            ),
        }
    }

    /// Returns whether the value matches: the plain way, character by character, as the yardstick
    /// for the fast one. A star tries the shortest run first and steps back to the last star only,
    /// which is enough because what lies before it matched already.
    pub(crate) fn matches_plainly(&self, value: &str) -> bool {
        let value: Vec<char> = value.chars().map(|c| self.see(c)).collect();
        let pattern: Vec<Step> = self.steps();
        let (mut v, mut p) = (0_usize, 0_usize);
        let mut back: Option<(usize, usize)> = None;
        while let Some(have) = value.get(v) {
            match pattern.get(p) {
                Some(Step::Any) => {
                    p = p.saturating_add(1);
                    back = Some((p, v));
                }
                Some(step) if step.holds(*have) => {
                    (v, p) = (v.saturating_add(1), p.saturating_add(1));
                }
                _ => {
                    let Some((after_star, from)) = back else { return false };
                    (p, v) = (after_star, from.saturating_add(1));
                    back = Some((p, v));
                }
            }
        }
        pattern.iter().skip(p).all(|step| matches!(step, Step::Any))
    }

    fn see(&self, c: char) -> char {
        if self.cased { c } else { fold_char(c) }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for token in &self.tokens {
            match token {
                Token::Any => steps.push(Step::Any),
                Token::One => steps.push(Step::One),
                Token::Dash => steps.push(Step::Dash),
                Token::Text(text) => steps.extend(text.chars().map(Step::Char)),
            }
        }
        steps
    }

    /// Returns whether a value matches that was folded already (unless the pattern is cased).
    ///
    /// Works piece by piece between the stars, each piece at its first place: time grows with the
    /// value's length, not with its square, unless the piece holds `?`.
    pub(crate) fn matches_folded(&self, value: &str) -> bool {
        let mut pieces = self.tokens.split(|token| *token == Token::Any);
        let Some(first) = pieces.next() else { return value.is_empty() };
        let Some(mut rest) = strip(first, value) else { return false };
        let mut pending: Option<&[Token]> = None;
        for piece in pieces {
            if let Some(middle) = pending {
                match find(middle, rest) {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            pending = Some(piece);
        }
        match pending {
            None => rest.is_empty(),
            Some(last) => strip_end(last, rest).is_some(),
        }
    }
}

enum Step {
    Any,
    One,
    Dash,
    Char(char),
}

impl Step {
    /// Returns whether the step is for this one character.
    fn holds(&self, have: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Dash => DASHES.contains(&have),
            Self::Char(want) => *want == have,
        }
    }
}

/// Returns what follows if the value begins with this star-free piece.
fn strip<'v>(piece: &[Token], value: &'v str) -> Option<&'v str> {
    let mut rest = value;
    for token in piece {
        rest = if let Token::Text(text) = token {
            rest.strip_prefix(text.as_str())?
        } else {
            let mut chars = rest.chars();
            chars.next().filter(|c| *token != Token::Dash || DASHES.contains(c))?;
            chars.as_str()
        };
    }
    Some(rest)
}

/// Returns what follows the first place where this star-free piece stands.
fn find<'v>(piece: &[Token], value: &'v str) -> Option<&'v str> {
    if let [Token::Text(text)] = piece {
        let at = memchr::memmem::find(value.as_bytes(), text.as_bytes())?;
        return value.get(at.saturating_add(text.len())..);
    }
    let mut from = value.chars();
    loop {
        if let Some(rest) = strip(piece, from.as_str()) {
            return Some(rest);
        }
        from.next()?;
    }
}

/// Returns what stands before if the value ends with this star-free piece.
fn strip_end<'v>(piece: &[Token], value: &'v str) -> Option<&'v str> {
    let mut rest = value;
    for token in piece.iter().rev() {
        rest = if let Token::Text(text) = token {
            rest.strip_suffix(text.as_str())?
        } else {
            let mut chars = rest.chars();
            chars.next_back().filter(|c| *token != Token::Dash || DASHES.contains(c))?;
            chars.as_str()
        };
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Token {
        Token::Text(text.to_owned())
    }

    #[test]
    fn escapes_are_read_as_the_specification_says() {
        use Token::{Any, One};
        for (written, want) in [
            (r"C:\Windows\cmd.exe", vec![text(r"C:\Windows\cmd.exe")]),
            (r"\\server\share", vec![text(r"\server\share")]),
            (r"\\\\server", vec![text(r"\\server")]),
            (r"a\*b", vec![text("a*b")]),
            (r"a\\*b", vec![text(r"a\"), Any, text("b")]),
            (r"a\\\*b", vec![text(r"a\*b")]),
            (r"a\?b?", vec![text("a?b"), One]),
            (r"dir\", vec![text(r"dir\")]),
            (r"dir\\", vec![text(r"dir\")]),
            ("**", vec![Any, Any]),
            ("", vec![]),
        ] {
            assert_eq!(tokens(written), want, "{written}");
        }
    }

    #[test]
    fn wildcards_match_as_the_specification_says() {
        for (written, value, want) in [
            ("*\\cmd.exe", "C:\\Windows\\CMD.EXE", true),
            ("a*c", "a\r\nb\nc", true),
            ("a?c", "aốc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("?*", "", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("a*?b", "ab", false),
            ("đ*", "Đống", true),
        ] {
            let pattern = Pattern::new(tokens(written), false);
            assert_eq!(pattern.matches_plainly(value), want, "{written} {value}");
            assert_eq!(pattern.matches_folded(&fold(value)), want, "{written} {value}");
        }
    }

    #[test]
    fn a_dash_is_any_of_them_and_nothing_else() {
        let tokens = vec![Token::Any, text("a "), Token::Dash, text("B"), Token::Any, Token::Dash];
        let pattern = Pattern::new(tokens, false);
        for (value, want) in [
            ("xA -b-", true),
            ("a \u{2015}bx/", true),
            ("a /b\u{2013}", true),
            ("a ba -B\u{2014}", true),
            ("a xb-", false),
            ("a -bx", false),
            ("a -b", false),
        ] {
            assert_eq!(pattern.matches_plainly(value), want, "{value}");
            assert_eq!(pattern.matches_folded(&fold(value)), want, "{value}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_matcher_agrees_with_the_plain_one(
            written in "[ab*?Đ\\\\]{0,8}",
            value in "[abđĐ\n\\\\]{0,10}",
            cased: bool,
        ) {
            let pattern = Pattern::new(tokens(&written), cased);
            let seen = if cased { value.clone() } else { fold(&value) };
            prop_assert_eq!(pattern.matches_plainly(&value), pattern.matches_folded(&seen));
        }
    }
}
