//! Opens hostile bytes as an encrypted file of the lake.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, Vec<u8>, bool)| {
    let (at, mut bytes, with_magic) = input;
    // Without its magic a trailer is none: half of the inputs get it, 72 bytes from the end.
    if with_magic && let Some(magic) = bytes.len().checked_sub(72).and_then(|start| bytes.get_mut(start..start + 8)) {
        magic.copy_from_slice(b"LTSEAL01");
    }
    lake::fuzzing::encrypted(&bytes, at);
});
