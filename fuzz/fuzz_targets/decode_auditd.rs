//! Fuzzes the decoder with Linux audit records.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| luytre_fuzz::decode(bytes, "linux_auditd"));
