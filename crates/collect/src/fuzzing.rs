//! Doors for the fuzz targets: the parts that read hostile bytes, callable from outside.

use bytes::Bytes;

use crate::framing::Framer;
use crate::proxy_protocol::{Parsed, parse};

/// Cuts a stream into records, whole and in pieces of `chunk` bytes.
///
/// # Panics
///
/// Panics when the two ways differ: that is what the fuzzer looks for.
pub fn framing(stream: &[u8], chunk: usize) {
    let cut = |chunk: usize| {
        let mut framer = Framer::new();
        let mut pieces = Vec::new();
        for chunk in stream.chunks(chunk.max(1)) {
            framer.push(chunk, &mut pieces);
        }
        framer.finish(&mut pieces);
        pieces
    };
    assert_eq!(cut(chunk), cut(stream.len()), "the cutting changed the records");
}

/// Reads a bulk body and returns how many items it has.
pub fn bulk(body: &[u8]) -> usize {
    crate::http::parse_bulk(&Bytes::copy_from_slice(body)).map_or(0, |items| items.len())
}

/// Reads the PROXY header of a connection, and again of each beginning of it.
///
/// # Panics
///
/// Panics when a part of the header does not ask for the rest of it, or asks for more: that is what the fuzzer
/// looks for.
pub fn proxy_header(bytes: &[u8]) {
    let Ok(Parsed::Whole { length, .. }) = parse(bytes) else { return };
    assert!(length <= bytes.len(), "the header is longer than what was read");
    for cut in 0..length {
        let missing = match parse(bytes.get(..cut).unwrap_or_default()) {
            Ok(Parsed::More(missing)) => missing,
            _ => 0,
        };
        assert!(missing > 0 && cut.saturating_add(missing) <= length, "{missing} at {cut}");
    }
}
