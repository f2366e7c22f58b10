//! The query language: whatever people type is read or refused, never a panic; a line that is
//! offered instead of a wrong one can be read.

#![no_main]

use event::query::{Matcher, hints, mended, parse, parse_question};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(query) = parse(text) {
        let _matcher = Matcher::new(&query);
        assert_eq!(parse(text), Ok(query), "the same text reads the same");
    }
    match parse_question(text) {
        Ok(question) => {
            let filter: String = text.chars().take(question.filter_length).collect();
            assert_eq!(parse(&filter), Ok(question.query.clone()), "the filter stands alone");
            for hint in hints(text, &question, |_| false) {
                assert!(parse_question(&hint.line).is_ok(), "{}", hint.line);
            }
        }
        Err(error) => {
            if let Some(better) = mended(text, &error) {
                assert!(parse(&better).is_ok() || parse_question(&better).is_ok(), "{better}");
            }
        }
    }
});
