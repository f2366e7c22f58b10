//! Reads hostile PROXY headers: one that is whole is asked for to its last byte and not beyond, however it was cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| collect::fuzzing::proxy_header(bytes));
