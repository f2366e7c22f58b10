//! Reads hostile bulk bodies.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    collect::fuzzing::bulk(body);
});
