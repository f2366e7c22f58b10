//! Fuzzes the decoder with any bytes, the format guessed.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "auto"));
