//! Reads hostile bytes as a leaf of a distributed question.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    lake::fuzzing::plan(bytes);
});
