//! Fuzzes the decoder with key=value text.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "generic_key_value"));
