//! Fuzzes the reader of observables: what it takes is shown dead, and reads back as itself.

#![no_main]

use event::observable::{Observable, read_all};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (found, other) = read_all(text, 200);
    assert!(found.len() + other.len() <= 200);
    for one in found {
        assert_eq!(Observable::read(&one.defanged()).as_ref(), Some(&one));
    }
});
