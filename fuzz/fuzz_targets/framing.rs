//! Cuts hostile streams into syslog records: however the stream was cut, the records are the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, stream) = input;
    collect::fuzzing::framing(stream, usize::from(chunk));
});
