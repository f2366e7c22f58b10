//! Case folding for matching: Sigma compares without regard to case, for every script.
//!
//! The relation is Unicode *simple* case folding (as `(?i)` in regular expressions): one character
//! folds to exactly one, so `?` keeps meaning one character. `K` (Kelvin sign) equals `k`, `ſ` equals
//! `s`, final `ς` equals `σ`; `ß` does not equal `ss`, dotted `İ` and dotless `ı` equal only themselves.

/// Returns the folded form of a character.
pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match c {
        'ı' => return c,
        // Letters without a capital of their own that are written in two ways.
        '\u{1fd3}' => return '\u{390}',
        '\u{1fe3}' => return '\u{3b0}',
        '\u{fb05}' => return '\u{fb06}',
        _ => {}
    }
    single(single(c, char::to_uppercase), char::to_lowercase)
}

fn single<I: Iterator<Item = char>>(c: char, map: impl Fn(char) -> I) -> char {
    let mut mapped = map(c);
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Writes the folded form of a text into `out`, replacing what stood there.
pub(crate) fn fold_into(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.extend(text.chars().map(fold_char));
    }
}

/// Returns the folded form of a text.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_is_simple_case_folding() {
        for (left, right, equal) in [
            ("CMD.exe", "cmd.EXE", true),
            ("ĐẶNG", "đặng", true),
            ("\u{212a}", "k", true),
            ("ſ", "S", true),
            ("ΌΣΟΣ", "όσος", true),
            ("ẞ", "ß", true),
            ("ß", "ss", false),
            ("İ", "i", false),
            ("ı", "I", false),
            ("\u{1fd3}", "\u{390}", true),
            ("\u{1fe3}", "\u{3b0}", true),
            ("\u{fb05}", "\u{fb06}", true),
            ("\u{fb01}", "fi", false),
        ] {
            assert_eq!(fold(left) == fold(right), equal, "{left} {right}");
        }
    }

    #[test]
    fn one_character_folds_to_one_and_folding_twice_changes_nothing() {
        for c in '\0'..=char::MAX {
            assert_eq!(fold_char(fold_char(c)), fold_char(c), "{c:?}");
        }
    }

    #[test]
    fn folding_agrees_with_the_regex_crate() {
        for c in ['k', 's', 'å', 'ω', 'μ', 'ß', 'i', 'đ', 'σ', 'ø', 'ж', 'ა', 'ᏸ'] {
            let folded_equal = regex::RegexBuilder::new(&regex::escape(&c.to_string()))
                .case_insensitive(true)
                .build()
                .unwrap();
            for other in '\u{80}'..'\u{3000}' {
                assert_eq!(
                    folded_equal.is_match(&other.to_string()),
                    fold_char(other) == fold_char(c),
                    "{c:?} {other:?}"
                );
            }
        }
    }
}
