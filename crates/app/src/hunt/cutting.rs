//! Cuts a stream of evidence into pieces that can be judged apart: blocks of whole lines, or of whole JSON
//! objects (EVTX chunks: see `chunks`). Memory is bounded whatever the stream holds; what was read before a
//! stream breaks is handed on.

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};

use bytes::Bytes;
use event::json_spans::{inside_list, object_end};
use memchr::{memchr, memchr_iter, memrchr};

/// How much is read at a time: enough to be worth a thread's turn, little enough to stay near the core.
const BLOCK_BYTES: u64 = 256 * 1024;

/// The longest line or JSON object that is read; the same as the collectors' limit.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// What a piece holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Whole lines and the number of the first, from 1.
    Lines { first: u64, bytes: Bytes },
    /// JSON objects, where each stands, and the number of the first, from 1.
    Objects { first: u64, bytes: Bytes, spans: Vec<Range<usize>> },
    /// An EVTX file of its own, made of some chunks of the one that is read.
    Evtx(Vec<u8>),
    /// So many records were too long, or broke off.
    Lost(u64),
    /// Nothing (more) of it could be read, for this reason.
    Refused(String),
}

/// Where pieces go; `Break` when no more are wanted.
pub(crate) type Emit<'a> = &'a mut dyn FnMut(Content) -> ControlFlow<()>;

/// Cuts a stream of lines.
pub(crate) fn lines(reader: &mut dyn Read, emit: Emit<'_>) -> io::Result<()> {
    let mut open = Vec::new();
    let mut first = 1;
    let mut inside_lost_line = false;
    loop {
        let mut block = std::mem::take(&mut open);
        let (more, outcome) = fill(reader, &mut block);
        if inside_lost_line {
            let end = memchr(b'\n', &block);
            inside_lost_line = end.is_none();
            first += u64::from(end.is_some());
            block.drain(..end.map_or(block.len(), |end| end + 1));
        }
        let end = if more { memrchr(b'\n', &block).map_or(0, |end| end + 1) } else { block.len() };
        open = block.split_off(end);
        if !block.is_empty() {
            let count = memchr_iter(b'\n', &block).count();
            if emit(Content::Lines { first, bytes: Bytes::from(block) }).is_break() {
                return Ok(());
            }
            first += u64::try_from(count).unwrap_or(0);
        }
        if open.len() > RECORD_BYTES_MAX {
            open = Vec::new();
            inside_lost_line = true;
            if emit(Content::Lost(1)).is_break() {
                return Ok(());
            }
        }
        if !more {
            return outcome;
        }
    }
}

/// Cuts a stream of JSON objects: one array of them, also inside an object of a cloud service or an export
/// ([`inside_list`]), or one after the other, over any number of lines. What stands between them is passed over.
pub(crate) fn objects(reader: &mut dyn Read, emit: Emit<'_>) -> io::Result<()> {
    let mut block = Vec::new();
    let mut first = 1;
    loop {
        let (more, outcome) = fill(reader, &mut block);
        let found = find_objects(&block, more);
        let open = block.split_off(found.rest);
        let count = u64::try_from(found.spans.len()).unwrap_or(0);
        if count > 0 {
            let content = Content::Objects { first, bytes: Bytes::from(block), spans: found.spans };
            if emit(content).is_break() {
                return Ok(());
            }
        }
        first += count;
        if found.is_lost && emit(Content::Lost(1)).is_break() {
            return Ok(());
        }
        block = open;
        if !more {
            return outcome;
        }
    }
}

/// Reads the next block; returns whether there may be more, and how reading went.
fn fill(reader: &mut dyn Read, block: &mut Vec<u8>) -> (bool, io::Result<()>) {
    let outcome = Read::take(&mut *reader, BLOCK_BYTES).read_to_end(block);
    let more = outcome.as_ref().is_ok_and(|read| *read > 0);
    (more, outcome.map(|_| ()))
}

struct Found {
    spans: Vec<Range<usize>>,
    /// Where the block is not used up: an object that goes on in the next one.
    rest: usize,
    /// The last object is too long, or never ends.
    is_lost: bool,
}

fn find_objects(block: &[u8], more: bool) -> Found {
    let mut found = Found { spans: Vec::new(), rest: block.len(), is_lost: false };
    let mut at = 0;
    while let Some(start) = block.get(at..).and_then(|rest| memchr(b'{', rest)) {
        let start = at + start;
        if let Some(inside) = inside_list(block, start) {
            at = inside;
            continue;
        }
        if let Some(end) = object_end(block, start) {
            found.spans.push(start..end);
            at = end;
            continue;
        }
        found.is_lost = !more || block.len() - start > RECORD_BYTES_MAX;
        if !found.is_lost {
            found.rest = start;
        }
        break;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(how: fn(&mut dyn Read, Emit<'_>) -> io::Result<()>, mut bytes: &[u8]) -> Vec<Content> {
        let mut pieces = Vec::new();
        how(&mut bytes, &mut |piece| {
            pieces.push(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
        pieces
    }

    #[test]
    fn lines_keep_their_numbers_over_blocks_and_too_long_ones() {
        let mut lines_in: Vec<String> =
            (1..=40_000).map(|number| format!("line {number} {}", "x".repeat(90))).collect();
        lines_in.push("y".repeat(RECORD_BYTES_MAX * 3));
        lines_in.extend(["line 40002 ".to_owned(), "line 40003 ".to_owned()]);
        let text = lines_in.join("\n");
        let mut seen = 0;
        let mut lost = 0;
        for piece in cut(lines, text.as_bytes()) {
            match piece {
                Content::Lines { first, bytes } => {
                    let own = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                    for (line, number) in own.zip(first..) {
                        let want = format!("line {number} ");
                        assert!(line.starts_with(want.as_bytes()), "{number}");
                        seen += 1;
                    }
                }
                Content::Lost(count) => lost += count,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((seen, lost), (40_002, 1));
    }

    #[test]
    fn objects_are_found_in_arrays_in_rows_and_over_lines() {
        for (text, want, lost) in [
            (r#"[{"a":1},{"a":2}]"#, vec![r#"{"a":1}"#, r#"{"a":2}"#], 0),
            ("{\n \"a\": {\"b\": [1, 2]}\n}\n{}", vec!["{\n \"a\": {\"b\": [1, 2]}\n}", "{}"], 0),
            (r#"[{"a":"}]{\"\\"},{"a":"#, vec![r#"{"a":"}]{\"\\"}"#], 1),
            ("[1, 2, null]", vec![], 0),
            ("}}]{{", vec![], 1),
            (
                r#"{"Records": [{"a":1}]}{"Records":[{"a":2},{"a":3}]}"#,
                vec![r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#],
                0,
            ),
            (
                r#"{"took":1,"hits":{"total":{"value":1},"hits":[{"_source":{"a":1}}]}}"#,
                vec![r#"{"_source":{"a":1}}"#],
                0,
            ),
            (r#"{"value":[1,2]} {"count":1}"#, vec![r#"{"value":[1,2]}"#, r#"{"count":1}"#], 0),
        ] {
            let mut found = Vec::new();
            let mut broken = 0;
            for piece in cut(objects, text.as_bytes()) {
                match piece {
                    Content::Objects { bytes, spans, .. } => {
                        for span in spans {
                            found.push(String::from_utf8(bytes[span].to_vec()).unwrap());
                        }
                    }
                    Content::Lost(count) => broken += count,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((found, broken), (want.iter().map(|w| (*w).to_owned()).collect(), lost));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            for how in [lines, objects] {
                cut(how, &bytes);
            }
        }

        #[test]
        fn no_line_is_lost(lines_in in prop::collection::vec("[a-z{}\\[\\]\"]{0,20}", 0..20)) {
            let text = lines_in.join("\n");
            let mut out = Vec::new();
            for piece in cut(lines, text.as_bytes()) {
                if let Content::Lines { bytes, .. } = piece {
                    out.extend_from_slice(&bytes);
                }
            }
            prop_assert_eq!(out, text.into_bytes());
        }
    }
}
