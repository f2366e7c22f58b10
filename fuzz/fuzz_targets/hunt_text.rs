//! Fuzzes what makes lines of other evidence: UTF-16, logs and tables with a header, whose lines stay
//! where they are.

#![no_main]

use std::io::Read as _;

#[path = "../../crates/app/src/hunt/headed.rs"]
mod headed;
#[path = "../../crates/app/src/hunt/rewritten.rs"]
mod rewritten;
#[path = "../../crates/app/src/hunt/table/mod.rs"]
mod table;
#[path = "../../crates/app/src/hunt/utf16.rs"]
mod utf16;

/// What the readers take of `cutting`.
mod cutting {
    pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;
}

use rewritten::{Rewrite, Rewritten};

fn read(bytes: &[u8], rewrite: impl Rewrite) -> Vec<u8> {
    let mut text = Vec::new();
    Rewritten::new(bytes, rewrite).read_to_end(&mut text).expect("memory is read without errors");
    text
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(order) = utf16::ByteOrder::told_by(bytes) {
        read(bytes.get(2..).unwrap_or_default(), order);
    }
    if let Some(log) = headed::HeadedLog::told_by(bytes) {
        assert_eq!(lines(&read(bytes, headed::Header::of(log))), lines(bytes));
    }
    if let Some(table) = table::Table::told_by(bytes) {
        assert_eq!(lines(&read(bytes, table)), lines(bytes));
    }
});
