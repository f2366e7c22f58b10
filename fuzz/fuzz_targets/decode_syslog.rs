//! Fuzzes the decoder with a syslog header in front, the program decides.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "linux_syslog"));
