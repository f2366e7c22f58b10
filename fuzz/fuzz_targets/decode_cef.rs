//! Fuzzes the decoder with CEF.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "generic_cef"));
