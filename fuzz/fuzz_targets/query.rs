//! The query language: whatever people type is read or refused, never a panic.

#![no_main]

use event::query::{Matcher, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(query) = parse(text) {
        let _matcher = Matcher::new(&query);
        assert_eq!(parse(text), Ok(query), "the same text reads the same");
    }
});
