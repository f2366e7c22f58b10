//! Cuts a stream of evidence into pieces that can be judged apart: blocks of whole lines, or of whole JSON
//! objects or XML elements (EVTX chunks: see `chunks`). Memory is bounded whatever the stream holds; what was read before a
//! stream breaks is handed on.

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};

use bytes::Bytes;
use event::json_spans::{inside_list, object_end};
use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::zeros;

/// How much is read at a time: enough to be worth a thread's turn, little enough to stay near the core.
const BLOCK_BYTES: u64 = 256 * 1024;

/// The longest line or JSON object that is read; the same as the collectors' limit.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// What a piece holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Whole lines and the number of the first, from 1.
    Lines { first: u64, bytes: Bytes },
    /// JSON objects or XML elements, where each stands, and the number of the first, from 1.
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
            let end = zeros::end_of_last(&open).filter(|end| open.len() - end <= RECORD_BYTES_MAX);
            inside_lost_line = end.is_none();
            let lost: Vec<u8> = open.drain(..end.unwrap_or(open.len())).collect();
            if !zeros::trimmed(&lost).is_empty() && emit(Content::Lost(1)).is_break() {
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
    spans(reader, emit, find_objects)
}

/// Cuts a stream of Windows events written as XML, on one line or over several, one after the other or inside of
/// `<Events>`. What stands between them is passed over.
pub(crate) fn xml_events(reader: &mut dyn Read, emit: Emit<'_>) -> io::Result<()> {
    spans(reader, emit, find_xml_events)
}

fn spans(reader: &mut dyn Read, emit: Emit<'_>, find: fn(&[u8], bool) -> Found) -> io::Result<()> {
    let mut block = Vec::new();
    let mut first = 1;
    loop {
        let (more, outcome) = fill(reader, &mut block);
        let found = find(&block, more);
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
    /// Where the block is not used up: a record that goes on in the next one.
    rest: usize,
    /// The last record is too long, or never ends.
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

/// What begins an event in XML, but for the character behind the name, and what ends it. In the values of an event
/// these are written `&lt;`.
const XML_EVENT: &[u8] = b"<Event";
const XML_EVENT_END: &[u8] = b"</Event>";

/// The name space of Windows events.
const XML_NAMESPACE: &[u8] = b"http://schemas.microsoft.com/win/2004/08/events/event";

/// Returns whether a text is an export of Windows events as XML, by what it begins with. One event a line is a log like
/// any other.
pub(crate) fn holds_xml_events(text: &[u8]) -> bool {
    // The last is how a converter of EVTX numbers them.
    let begins = [&b"<?xml"[..], b"<Events", XML_EVENT, b"Record "];
    if !begins.iter().any(|own| text.starts_with(own))
        || memmem::find(text, XML_NAMESPACE).is_none()
    {
        return false;
    }
    let line = memchr(b'\n', text).and_then(|end| text.get(..end)).unwrap_or(text).trim_ascii_end();
    let is_one = xml_event(line, 0) == Some(0)
        && memmem::find(line, XML_EVENT_END) == line.len().checked_sub(XML_EVENT_END.len());
    !is_one
}

/// Returns where the next event begins.
fn xml_event(block: &[u8], from: usize) -> Option<usize> {
    let rest = block.get(from..)?;
    let is_whole = |at: &usize| {
        let behind = rest.get(at + XML_EVENT.len());
        behind.is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>')
    };
    memmem::find_iter(rest, XML_EVENT).find(is_whole).map(|at| from + at)
}

fn find_xml_events(block: &[u8], more: bool) -> Found {
    let mut found = Found { spans: Vec::new(), rest: block.len(), is_lost: false };
    let mut at = 0;
    while let Some(start) = xml_event(block, at) {
        let end = block.get(start..).and_then(|rest| memmem::find(rest, XML_EVENT_END));
        let Some(end) = end.map(|end| start + end + XML_EVENT_END.len()) else {
            found.is_lost = !more || block.len() - start > RECORD_BYTES_MAX;
            if !found.is_lost {
                found.rest = start;
            }
            return found;
        };
        found.spans.push(start..end);
        at = end;
    }
    if more {
        // The beginning of one may stand at the end.
        found.rest = block.len().saturating_sub(XML_EVENT.len()).max(at);
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
    fn a_line_behind_megabytes_of_zeros_is_read() {
        let zeros = vec![0; 5 * RECORD_BYTES_MAX];
        for (broken, lost) in [(&b""[..], 0), (b"half a li", 1)] {
            let text = [&b"one\n"[..], broken, &zeros, b"two\n"].concat();
            let (mut read, mut told) = (Vec::new(), 0);
            for piece in cut(lines, &text) {
                match piece {
                    Content::Lines { bytes, .. } => read.extend_from_slice(&bytes),
                    Content::Lost(count) => told += count,
                    other => panic!("{other:?}"),
                }
            }
            read.retain(|byte| *byte != 0);
            assert_eq!((read.as_slice(), told), (&b"one\ntwo\n"[..], lost));
        }
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

    fn xml(number: usize, pad: usize) -> String {
        let text = "x".repeat(pad);
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\r\n  <System>\
             <EventID>{number}</EventID></System><EventData>{text}</EventData></Event>"
        )
    }

    #[test]
    fn windows_events_are_found_in_xml_however_it_is_laid_out() {
        let all: String = (0..3_000).map(|number| xml(number, 100)).collect();
        let wrapped = format!("<?xml version=\"1.0\"?><Events>{all}</Events>");
        let long = format!("<Events>{}{}{}", xml(0, 10), xml(1, 2 * RECORD_BYTES_MAX), xml(2, 10));
        let numbered = format!("Record 1\n<?xml version=\"1.0\"?>\n{}\n", xml(7, 0));
        let broken = format!("<Events>{}<Event >", xml(3, 1));
        for (text, want, lost) in [
            (&wrapped, 3_000, 0),
            (&all, 3_000, 0),
            (&long, 2, 1),
            (&numbered, 1, 0),
            (&broken, 1, 1),
        ] {
            assert!(holds_xml_events(text.as_bytes()));
            let (mut found, mut broken) = (0, 0);
            for piece in cut(xml_events, text.as_bytes()) {
                match piece {
                    Content::Objects { first, bytes, spans } => {
                        assert_eq!(first, found + 1);
                        for span in &spans {
                            assert!(bytes[span.clone()].starts_with(b"<Event xmlns"));
                            assert!(bytes[span.clone()].ends_with(b"</Event>"));
                        }
                        found += u64::try_from(spans.len()).unwrap();
                    }
                    Content::Lost(count) => broken += count,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((found, broken), (want, lost));
        }
        let line = xml(1, 1).replace("\r\n", "");
        let lines = format!("{line}\r\n{line}\n");
        for other in [line.as_str(), lines.as_str(), "<?xml version='1.0'?><a/>", "<13>x"] {
            assert!(!holds_xml_events(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            for how in [lines, objects, xml_events] {
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
