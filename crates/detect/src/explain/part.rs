//! How a value meets a matcher, and which of its characters do: what screens mark.

use event::{Match, MatchKind};

use crate::ast::Matcher;
use crate::letter_case::fold_char;
use crate::pattern::{Pattern, Shape, Token};

/// The characters from one place up to another, of one value.
pub(super) type Part = (usize, usize);

/// Characters kept before the matched part when a long value is cut to it.
const CONTEXT_CHARS: usize = 64;

/// Returns how a value meets this matcher when it does.
pub(super) fn kind(matcher: &Matcher) -> MatchKind {
    match matcher {
        Matcher::Text(pattern) => match pattern.shape() {
            Shape::Exact(_) => MatchKind::Is,
            Shape::Starts(_) => MatchKind::Starts,
            Shape::Ends(_) => MatchKind::Ends,
            Shape::Contains(_) => MatchKind::Contains,
            Shape::Anything => MatchKind::Present,
            Shape::Mixed(_) => MatchKind::Like,
        },
        Matcher::Null | Matcher::Exists(false) => MatchKind::Absent,
        Matcher::Exists(true) => MatchKind::Present,
        Matcher::Regex(_) => MatchKind::Regex,
        Matcher::Cidr(_) => MatchKind::Network,
        Matcher::Field { .. } => MatchKind::Field,
        Matcher::Compare(..) => MatchKind::Number,
        Matcher::TimePart(..) => MatchKind::Time,
    }
}

/// Returns the characters of a value that meet this matcher; `None` for all of them.
pub(super) fn of(matcher: &Matcher, value: &str) -> Option<Part> {
    let (start, end) = match matcher {
        Matcher::Text(pattern) => span(pattern, value)?,
        Matcher::Regex(regex) => {
            let found = regex.regex()?.find(value)?;
            let chars = |end: usize| value.get(..end).map_or(0, |before| before.chars().count());
            (chars(found.start()), chars(found.end()))
        }
        _ => return None,
    };
    let is_whole = start == 0 && value.chars().count() == end;
    (start < end && !is_whole).then_some((start, end))
}

/// Returns a value cut to what a finding keeps, around the matched part, and the part within it.
pub(super) fn cut(text: &str, part: Option<Part>) -> (String, Option<Part>) {
    let max = Match::VALUE_CHARS_MAX;
    let (start, end) = part.unwrap_or_default();
    let before = end.saturating_sub(max);
    let skipped = if before == 0 { 0 } else { before.max(start.saturating_sub(CONTEXT_CHARS)) };
    let skipped = skipped.min(start);
    let kept: String = text.chars().skip(skipped).take(max).collect();
    let shift = |place: usize| place.saturating_sub(skipped).min(max);
    (kept, part.map(|(start, end)| (shift(start), shift(end))))
}

/// Returns where the text of a matching pattern stands: from its first piece to its last.
fn span(pattern: &Pattern, value: &str) -> Option<Part> {
    let see = |c: char| if pattern.cased() { c } else { fold_char(c) };
    let value: Vec<char> = value.chars().map(see).collect();
    let tokens = pattern.tokens();
    let pieces: Vec<&[Token]> =
        tokens.split(|token| *token == Token::Any).filter(|piece| !piece.is_empty()).collect();
    let at_start = tokens.first() != Some(&Token::Any);
    let at_end = tokens.last() != Some(&Token::Any);
    let mut start = None;
    let mut after = 0_usize;
    for (number, piece) in pieces.iter().enumerate() {
        let length = length(piece);
        let is_last = number.saturating_add(1) == pieces.len();
        let at = if number == 0 && at_start {
            0
        } else if is_last && at_end {
            value.len().checked_sub(length)?
        } else {
            let wanted = chars(piece);
            let stands = |window: &[char]| {
                let mut pairs = wanted.iter().zip(window);
                pairs.all(|(wanted, have)| wanted.is_none_or(|wanted| wanted == *have))
            };
            let found = value.get(after..)?.windows(length.max(1)).position(stands)?;
            after.saturating_add(found)
        };
        start.get_or_insert(at);
        after = at.saturating_add(length);
    }
    Some((start?, after))
}

fn length(piece: &[Token]) -> usize {
    let one = |token: &Token| match token {
        Token::Text(text) => text.chars().count(),
        Token::Any | Token::One | Token::Dash => 1,
    };
    piece.iter().map(one).fold(0, usize::saturating_add)
}

/// Returns the characters of a piece without stars; nothing for one that may be any.
fn chars(piece: &[Token]) -> Vec<Option<char>> {
    let mut chars = Vec::new();
    for token in piece {
        match token {
            Token::Text(text) => chars.extend(text.chars().map(Some)),
            Token::Any | Token::One | Token::Dash => chars.push(None),
        }
    }
    chars
}

#[cfg(test)]
mod tests {
    use event::{LazyRegex, RegexFlags};
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::tokens;

    fn text(written: &str) -> Matcher {
        Matcher::Text(Pattern::new(tokens(written), false))
    }

    #[test]
    fn the_part_that_met_the_pattern_is_told() {
        for (matcher, value, kind_of, want) in [
            (text("cmd"), "CMD", MatchKind::Is, None),
            (text(r"*\\cmd.exe"), r"C:\Windows\CMD.exe", MatchKind::Ends, Some((10, 18))),
            (text("* -enc*"), "powershell -ENC abc", MatchKind::Contains, Some((10, 15))),
            (text("đà*"), "Đà Nẵng", MatchKind::Starts, Some((0, 2))),
            (text("*a*c*"), "xxa__c__", MatchKind::Like, Some((2, 6))),
            (text("a*?c"), "a--c", MatchKind::Like, None),
            (text("*ab?"), "xxabc", MatchKind::Like, Some((2, 5))),
            (text("*"), "x", MatchKind::Present, None),
            (
                Matcher::Regex(LazyRegex::new("n+", RegexFlags::default(), 1 << 20).unwrap()),
                "Hà nn",
                MatchKind::Regex,
                Some((3, 5)),
            ),
            (Matcher::Cidr("10.0.0.0/8".parse().unwrap()), "10.1.1.1", MatchKind::Network, None),
        ] {
            assert_eq!((kind(&matcher), of(&matcher, value)), (kind_of, want), "{value}");
        }
    }

    #[test]
    fn a_long_value_is_cut_around_what_matched() {
        let long = format!("{}needle{}", "a".repeat(5_000), "b".repeat(5_000));
        let (kept, part) = cut(&long, of(&text("*needle*"), &long));
        let (start, end) = part.unwrap();
        assert_eq!(kept.chars().count(), Match::VALUE_CHARS_MAX);
        assert_eq!(kept.get(start..end), Some("needle"));
        assert_eq!(cut("short", None), ("short".to_owned(), None));
        let (kept, part) = cut(&long, Some((0, 9_000)));
        assert_eq!((kept.len(), part), (512, Some((0, 512))));
    }

    proptest! {
        #[test]
        fn what_is_marked_meets_the_pattern_without_its_outer_stars(
            written in r"\*?[ab?Đ]{1,3}(\*[ab]{1,2})?\*?",
            value in "[abđĐ]{0,10}",
        ) {
            let pattern = Pattern::new(tokens(&written), false);
            if let Some((start, end)) = span(&pattern, &value).filter(|_| pattern.matches_plainly(&value)) {
                let marked: String = value.chars().skip(start).take(end - start).collect();
                let inner = Pattern::new(tokens(written.trim_matches('*')), false);
                prop_assert!(inner.matches_plainly(&marked), "{} in {}: {}", written, value, marked);
            }
        }
    }
}
