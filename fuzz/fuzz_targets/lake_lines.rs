//! Reads hostile lines that are brought into the lake.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| {
    lake::fuzzing::lines(lines);
});
