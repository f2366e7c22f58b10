//! Opens hostile bytes as an encrypted file of the lake.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Where a trailer begins, from the end.
const TRAILER_BYTES: usize = 72;

fuzz_target!(|input: (u64, Vec<u8>, bool)| {
    let (at, mut bytes, with_magic) = input;
    // Without its magic a trailer is none: half of the inputs get it.
    if with_magic && bytes.len() >= TRAILER_BYTES {
        let start = bytes.len() - TRAILER_BYTES;
        bytes[start..start + 8].copy_from_slice(b"LTSEAL01");
    }
    lake::fuzzing::encrypted(&bytes, at);
});
