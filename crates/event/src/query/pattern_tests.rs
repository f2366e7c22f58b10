//! What an index may be asked for a pattern holds in every value that fits.

use proptest::prelude::*;
use proptest::sample::select;

use super::{WholePattern, escape};
use crate::fold::fold;

const PARTS: [&str; 18] = [
    "adm", "Admin", "10", "2", ".", "-", "_", " ", "/", "\\", "đ", "É", "e\u{301}", "网", "dc01",
    "\n", "x", "*",
];

/// A value, and a pattern made of it: of each character itself, `?`, `*` or nothing.
fn value_and_pattern() -> impl Strategy<Value = (String, String)> {
    let part = (select(&PARTS[..]), 0..8_u8);
    prop::collection::vec(part, 0..8).prop_map(|parts| {
        let mut pattern = String::new();
        for (part, kept) in &parts {
            match kept {
                0 => pattern.push('*'),
                1 => pattern.extend(part.chars().map(|_| '?')),
                2 => {
                    pattern.push('*');
                    pattern.push_str(&escape(part));
                }
                3 => {
                    pattern.extend(part.chars().next().filter(|c| !"*\\".contains(*c)));
                    pattern.push('*');
                }
                _ => pattern.push_str(&escape(part)),
            }
        }
        (parts.iter().map(|(part, _)| *part).collect(), pattern)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_value_that_fits_has_the_words_and_starts_of_its_pattern(
        (value, pattern) in value_and_pattern(),
    ) {
        let pattern = WholePattern::new(&pattern);
        if !pattern.fits(&value) {
            return Ok(());
        }
        let folded = fold(&value);
        let words: Vec<&str> = folded.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        for word in pattern.whole_words() {
            prop_assert!(words.contains(&word.as_str()), "{word:?} of {pattern:?} in {value:?}");
        }
        for others in ["", "x, ", "adm, 10"] {
            let joined = fold(&format!("{others}{value}{others}"));
            prop_assert!(pattern.fits_part_of(&joined), "{pattern:?} in {joined:?}");
        }
        for start in pattern.word_starts() {
            let held = words.iter().any(|word| word.starts_with(start));
            prop_assert!(held, "{start:?} of {pattern:?} in {value:?}");
        }
    }
}

#[test]
fn a_value_begins_and_ends_with_whole_words() {
    let cases: [(&str, &[&str], &[&str]); 9] = [
        ("adm*", &[], &["adm"]),
        ("*adm", &[], &[]),
        ("*-adm", &["adm"], &[]),
        ("10.2*", &["10"], &["2"]),
        ("*dc01*", &[], &[]),
        ("*wp-login*", &[], &["login"]),
        ("*/wp-login.php?x=*", &["wp", "login"], &["php"]),
        ("máy chủ*", &["may"], &["chu"]),
        ("a?b", &[], &["a"]),
    ];
    for (pattern, words, starts) in cases {
        let own = WholePattern::new(pattern);
        assert_eq!(own.whole_words(), words, "{pattern}");
        assert_eq!(own.word_starts(), starts, "{pattern}");
    }
}
