//! What a correlation could not judge, in words: counts that the engine writes down with a name each.

use event::Match;
use web::{Lang, Phrase};

use crate::field_name::human;
use crate::mark::{VALUE_CHARS, marked, unmarked};

/// The names, as `detect` writes them.
const COUNTS: [&str; 5] = [
    "events judged without their fellows",
    "minutes this one came late",
    "groups given up",
    "events given up with them",
    "windows judged without their oldest events",
];

/// Returns the counts in words; nothing for other findings.
pub(super) fn reason(matched: &[Match], lang: Lang) -> Option<String> {
    if matched.is_empty() || !matched.iter().all(|one| COUNTS.contains(&one.field.as_str())) {
        return None;
    }
    let told = |one: &Match| {
        Phrase::key("alert-loss")
            .arg("field", unmarked(&human(&one.field, lang)))
            .arg("value", marked(&one.value, &[], VALUE_CHARS))
            .text(lang)
    };
    Some(matched.iter().map(told).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_words_in_both_languages() {
        for name in COUNTS {
            let one = Match { field: name.to_owned(), value: "7".to_owned(), ..Match::default() };
            let told = |lang| reason(std::slice::from_ref(&one), lang).unwrap();
            assert!(told(Lang::En).contains('7') && told(Lang::Vi).contains('7'), "{name}");
            assert_ne!(told(Lang::En), told(Lang::Vi), "{name}");
            assert!(!told(Lang::Vi).contains(name), "{}", told(Lang::Vi));
        }
        let other = Match { field: "CommandLine".to_owned(), ..Match::default() };
        assert_eq!(reason(&[other], Lang::En), None);
        assert_eq!(reason(&[], Lang::En), None);
    }
}
