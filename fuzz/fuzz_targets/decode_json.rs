//! Fuzzes the decoder with JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "generic_json"));
