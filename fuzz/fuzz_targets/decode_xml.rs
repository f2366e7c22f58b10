//! Fuzzes the decoder with Windows events, XML or JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "microsoft_windows"));
