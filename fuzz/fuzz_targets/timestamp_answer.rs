//! Fuzzes the reader of a time-stamping authority's answer.

#![no_main]

#[path = "../../crates/respond/src/evidence/stamp/token.rs"]
#[allow(dead_code)]
mod token;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = token::read(bytes, [7; 32], [1, 2, 3, 4, 5, 6, 7, 8]) {
        assert!(read.serial.len() <= 64 && read.authority.chars().count() <= 200);
    }
});
