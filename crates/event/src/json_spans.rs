//! Where the objects of a JSON text stand, told by brackets and quotes alone: for those who take records apart
//! before anyone reads them, the collectors and the hunt over files. Whether what stands there is JSON
//! is said by whoever reads it.

use std::ops::Range;

use memchr::memchr2;

/// The lists that cloud services and exports wrap their events in: the first name of the object, and the name
/// of the list.
const LISTS: &[(&str, &str)] = &[
    ("value", "value"),
    ("events", "events"),
    ("Events", "Events"),
    ("results", "results"),
    // Google's Logging.
    ("entries", "entries"),
    ("hits", "hits"),
    // Microsoft's programming interfaces.
    ("@odata.context", "value"),
    ("@odata.count", "value"),
    ("@odata.nextLink", "value"),
    ("count", "value"),
    ("nextLink", "value"),
    // Elasticsearch and OpenSearch.
    ("took", "hits"),
    ("_scroll_id", "hits"),
    ("pit_id", "hits"),
    // Splunk.
    ("preview", "results"),
    ("init_offset", "results"),
];

/// The lists in which services hand on whole events, so that nobody needs them together: the first name of the
/// object, and the names that lead to the list.
const WRAPPED: &[(&str, &[&str])] = &[
    ("Records", &["Records"]),
    ("records", &["records"]),
    // CloudWatch's subscriptions; the second as a program writes them that sorts names.
    ("messageType", &["logEvents"]),
    ("logEvents", &["logEvents"]),
    // Kubernetes' `EventList`, Google's reports.
    ("kind", &["items"]),
    ("apiVersion", &["items"]),
    // Sophos Central.
    ("has_more", &["items"]),
    // Okta's event hooks.
    ("eventType", &["data", "events"]),
    ("cloudEventsVersion", &["data", "events"]),
];

/// How far into an object its list may begin.
const LIST_HEAD_BYTES: usize = 16 * 1024;

/// Returns where the list of events inside the object that begins here begins, if it is such a wrapper.
pub fn inside_list(block: &[u8], start: usize) -> Option<usize> {
    if let Some(at) = wrapped_list(block, start) {
        return Some(at);
    }
    let after = |at: usize, wanted: &[u8]| after(block, at, wanted);
    let begins = |at: usize, name: &str| {
        let at = after(after(at, b"\"")?, name.as_bytes())?;
        let at = after(after(after(at, b"\"")?, b":")?, b"[")?;
        (block.get(at) == Some(&b'{')).then_some(at)
    };
    let first = after(start, b"{")?;
    let key = block.get(first + 1..string_end(block, first + 1)?)?;
    let (own, list) = LISTS.iter().find(|(own, _)| own.as_bytes() == key)?;
    if own == list && *own != "hits" {
        return begins(first, list);
    }
    let end = object_end(block, start).unwrap_or(block.len()).min(start + LIST_HEAD_BYTES);
    let name = format!("\"{list}\"");
    let places = memchr::memmem::find_iter(block.get(start..end)?, name.as_bytes());
    places.map(|place| start + place).find_map(|place| begins(place, list))
}

/// Returns where the first member of the list begins in which a service hands on whole events, if the object that
/// begins here is the wrapper round one.
pub fn wrapped_list(block: &[u8], start: usize) -> Option<usize> {
    let first = after(block, start, b"{")?;
    let key = block.get(first + 1..string_end(block, first + 1)?)?;
    let (_, path) = WRAPPED.iter().find(|(own, _)| own.as_bytes() == key)?;
    let end = start + LIST_HEAD_BYTES;
    let value = path.iter().try_fold(start, |at, name| value_of(block, at, name, end))?;
    let at = after(block, value, b"[")?;
    (block.get(at) == Some(&b'{')).then_some(at)
}

/// Returns the only member of the list of a wrapper, and where the list ends.
pub fn only_member(wrapper: &[u8]) -> Option<(Range<usize>, usize)> {
    let begin = wrapped_list(wrapper, 0)?;
    let end = object_end(wrapper, begin)?;
    let close = blanks(wrapper, end);
    (wrapper.get(close) == Some(&b']')).then_some((begin..end, close))
}

/// Returns where the value of this name begins in the object that begins here, if before `end`.
fn value_of(block: &[u8], start: usize, name: &str, end: usize) -> Option<usize> {
    let mut at = after(block, start, b"{")?;
    while at < end && block.get(at) == Some(&b'"') {
        let close = string_end(block, at + 1)?;
        let value = after(block, blanks(block, close + 1), b":")?;
        if block.get(at + 1..close)? == name.as_bytes() {
            return Some(value);
        }
        let behind = match *block.get(value)? {
            b'{' | b'[' => object_end(block, value)?,
            b'"' => string_end(block, value + 1)? + 1,
            _ => value + memchr2(b',', b'}', block.get(value..)?)?,
        };
        at = after(block, blanks(block, behind), b",")?;
    }
    None
}

/// Returns where the next byte stands that is no blank.
fn blanks(block: &[u8], at: usize) -> usize {
    let rest = block.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_ascii_start().len())
}

/// Returns where something stands behind this text and the blanks that follow it.
fn after(block: &[u8], at: usize, wanted: &[u8]) -> Option<usize> {
    block.get(at..)?.starts_with(wanted).then(|| blanks(block, at + wanted.len()))
}

/// Returns the objects of a line, or of lines that came as one, that hold nothing else (but what stands between
/// members of a list), if it is not one object alone, nor more than so many.
pub fn objects_of_line(line: &[u8], most: usize) -> Option<Vec<Range<usize>>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            b'{' => {
                let end = object_end(line, at)?;
                if spans.len() == most {
                    return None;
                }
                spans.push(at..end);
                at = end;
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | 0x1e => at += 1,
            _ => return None,
        }
    }
    let is_alone = matches!(spans.as_slice(), [only] if *only == (0..line.len()));
    (!spans.is_empty() && !is_alone).then_some(spans)
}

/// Returns where the object that begins here ends; `None` if it goes on past the block.
pub fn object_end(block: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match *block.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => at = string_end(block, at + 1)?,
            _ => {}
        }
        at += 1;
    }
}

/// Returns where the closing quote of a string stands.
fn string_end(block: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', block.get(at..)?)?;
        if *block.get(at)? == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_wrapper_is_found_where_it_stands() {
        for (text, want) in [
            (r#"{"Records":[{"a":1}],"more":1}"#, Some(r#"{"a":1}],"more":1}"#)),
            (
                r#"{ "kind" : "EventList", "metadata": {"items":[{"x":1}]}, "n": 1, "items" : [ {"a":1}]}"#,
                Some(r#"{"a":1}]}"#),
            ),
            (
                r#"{"eventType":"x","b":["}"],"data":{"n":null,"events":[{"a":1}]}}"#,
                Some(r#"{"a":1}]}}"#),
            ),
            (r#"{"kind":"Event","requestObject":{"items":[{"a":1}]}}"#, None),
            (r#"{"kind":"x","items":{"a":1}}"#, None),
            (r#"{"kind":"x","items":["#, None),
            (r#"{"items":[{"a":1}],"kind":"x"}"#, None),
            (r#"{"kind""#, None),
            ("{}", None),
            ("", None),
        ] {
            let found = wrapped_list(text.as_bytes(), 0).and_then(|at| text.get(at..));
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn the_only_member_of_a_wrapper_is_found() {
        let text = r#"{"Records":[{"a":"]"} ],"more":1}"#;
        let (member, close) = only_member(text.as_bytes()).unwrap();
        assert_eq!(text.get(member), Some(r#"{"a":"]"}"#));
        assert_eq!(text.get(close..), Some(r#"],"more":1}"#));
        assert_eq!(only_member(br#"{"Records":[{"a":1},{"a":2}]}"#), None);
    }

    #[test]
    fn a_line_of_several_objects_is_taken_apart() {
        for (line, want) in [
            (r#"{"a":1}{"a":2}"#, Some(vec![0..7, 7..14])),
            (r#"{"a":"}{"} , {"a":2},"#, Some(vec![0..10, 13..20])),
            ("{\"a\":1}\n{\"a\":2}\n", Some(vec![0..7, 8..15])),
            (r#"{"a":1},"#, Some(std::iter::once(0..7).collect())),
            (r#"{"a":1}"#, None),
            (r#"{"a":1} and more"#, None),
            (r#"{"a":1}{"a":"#, None),
            ("[]", None),
        ] {
            assert_eq!(objects_of_line(line.as_bytes(), 2), want, "{line}");
        }
        assert_eq!(objects_of_line(b"{}{}{}", 2), None);
    }
}
