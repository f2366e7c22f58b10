//! Fuzzes the decoder with web access logs.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "generic_access_log"));
