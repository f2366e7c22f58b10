//! Records that come as one: JSON objects in a row, members of an array, and the lists in which cloud
//! services hand on their logs. They are taken apart before they get their ids, so that each is an event of
//! its own for ever, in the spool, after a crash and in a replay.
//!
//! Nothing is lost: where a wrapper says more than its list, each member keeps the wrapper round it, as if it had come
//! alone. Text in braces that is no JSON stays whole, and so does a wrapper that would grow too much.

use bytes::Bytes;
use event::json_spans;
use serde_json::{Map, Value};

use crate::limits::RECORDS_PER_REQUEST_MAX;
use crate::parse;

/// The lists that are taken out of the object round them.
const LISTS: &[&str] = &["Records", "records", "value"];

/// What may stand beside such a list, since it tells of the answer and not of the events in it.
const BESIDE: &[&str] =
    &["@odata.context", "@odata.count", "@odata.nextLink", "@odata.deltaLink", "count", "nextLink"];

/// How many times as long as it came a list may get where each member keeps the wrapper.
const GROWTH_MAX: usize = 4;

/// What begins each text of a JSON sequence (RFC 7464).
const SEQUENCE_MARK: u8 = 0x1e;

/// Returns the records that these bytes are made of, if they are more than one or stand in a list.
pub(crate) fn records(bytes: &Bytes) -> Option<Vec<Bytes>> {
    if !may_hold_records(bytes) {
        return None;
    }
    let Some(spans) = json_spans::objects_of_line(bytes, RECORDS_PER_REQUEST_MAX) else {
        return members(&parse::trim(bytes));
    };
    let objects: Vec<Bytes> = spans.into_iter().map(|span| bytes.slice(span)).collect();
    // With nothing but blanks round it.
    if let [only] = objects.as_slice()
        && only.len() == bytes.trim_ascii().len()
    {
        return members(only);
    }
    let are_json = objects.first().is_some_and(|first| parse::json_object(first).is_ok())
        && objects.iter().all(|object| begins_as_json(object));
    if !are_json {
        return None;
    }
    let apart = |object: Bytes| members(&object).unwrap_or_else(|| vec![object]);
    Some(objects.into_iter().flat_map(apart).collect())
}

/// Looks for what tells of several records, in little more time than a search for braces takes: nearly all
/// records are one.
fn may_hold_records(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    match text.first() {
        Some(&SEQUENCE_MARK) => true,
        Some(b'[') => text.get(1..).unwrap_or_default().trim_ascii_start().starts_with(b"{"),
        Some(b'{') => {
            let mut braces = memchr::memchr_iter(b'{', text).skip(1);
            text.trim_ascii_end().ends_with(b",")
                || braces.any(|at| is_behind_object(text.get(..at).unwrap_or_default()))
                || json_spans::inside_list(text, 0).is_some()
        }
        _ => false,
    }
}

fn is_behind_object(before: &[u8]) -> bool {
    let between =
        |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | SEQUENCE_MARK);
    before.iter().rev().find(|byte| !between(byte)) == Some(&b'}')
}

fn begins_as_json(object: &[u8]) -> bool {
    let inner = object.get(1..).unwrap_or_default().trim_ascii_start();
    matches!(inner.first(), Some(b'"' | b'}'))
}

/// Returns the members of the list in an object that is a wrapper round it.
fn members(object: &Bytes) -> Option<Vec<Bytes>> {
    let begin = json_spans::inside_list(object, 0)?;
    let mut members = Vec::new();
    let mut at = begin;
    loop {
        match *object.get(at)? {
            b'{' if members.len() < RECORDS_PER_REQUEST_MAX => {
                let end = json_spans::object_end(object, at)?;
                members.push(object.slice(at..end));
                at = end;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' => at = at.saturating_add(1),
            b']' => break,
            _ => return None,
        }
    }
    let (before, after) = (object.get(..begin)?, object.get(at..)?);
    if is_wrapper(&[before, after].concat()) {
        return Some(members);
    }
    let is_of_events = json_spans::wrapped_list(object, 0) == Some(begin);
    (is_of_events && members.len() > 1).then(|| wrapped(before, &members, after)).flatten()
}

/// Returns each member with the wrapper round it.
fn wrapped(before: &[u8], members: &[Bytes], after: &[u8]) -> Option<Vec<Bytes>> {
    let wrapper_bytes = before.len().checked_add(after.len())?;
    let own_bytes = members.iter().fold(wrapper_bytes, |sum, one| sum.saturating_add(one.len()));
    let added_bytes = wrapper_bytes.checked_mul(members.len())?;
    let is_json = parse::json_object(&[before, after].concat()).is_ok();
    (is_json && added_bytes <= own_bytes.saturating_mul(GROWTH_MAX)).then(|| {
        members.iter().map(|member| Bytes::from([before, member, after].concat())).collect()
    })
}

/// Returns whether an object whose list was emptied says nothing more of its events.
fn is_wrapper(object: &[u8]) -> bool {
    // Another object inside, or a second list of the same name, would be lost.
    if memchr::memchr(b'{', object.get(1..).unwrap_or_default()).is_some() {
        return false;
    }
    let fields = serde_json::from_slice::<Map<String, Value>>(object).unwrap_or_default();
    let is_list = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    !fields.is_empty()
        && fields.iter().all(|(name, value)| {
            BESIDE.contains(&name.as_str()) || (LISTS.contains(&name.as_str()) && is_list(value))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Option<Vec<String>> {
        let records = records(&Bytes::copy_from_slice(text.as_bytes()))?;
        Some(records.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect())
    }

    #[test]
    fn records_that_come_as_one_are_taken_apart() {
        let two = Some(vec![r#"{"a":1}"#.to_owned(), r#"{"a":{"b":2}}"#.to_owned()]);
        for text in [
            r#"{"a":1}{"a":{"b":2}}"#,
            r#"{"a":1} , {"a":{"b":2}},"#,
            "\u{1e}{\"a\":1} \u{1e}{\"a\":{\"b\":2}}",
            r#"[{"a":1},{"a":{"b":2}}]"#,
            r#"{"Records":[{"a":1},{"a":{"b":2}}]}"#,
            r#"{"Records":[{"a":1}]}{"records":[{"a":{"b":2}}]}"#,
            " {\"Records\":[{\"a\":1},{\"a\":{\"b\":2}}]}\t\r",
            "\n{\"Records\": [{\"a\":1},\n{\"a\":{\"b\":2}}]} \n",
            "{\"Records\":[{\"a\":1}]}\n{\"records\":[{\"a\":{\"b\":2}}]}\n",
            "{\"a\":1}\n{\"a\":{\"b\":2}}",
            "{\n  \"Records\": [\n    {\"a\":1},\n    {\"a\":{\"b\":2}}\n  ]\n}",
            r#"{"@odata.context":"x","value":[{"a":1},{"a":{"b":2}}],"@odata.nextLink":"y"}"#,
            r#"{"count":2,"value":[{"a":1},{"a":{"b":2}}]}"#,
        ] {
            assert_eq!(cut(text), two, "{text}");
        }
        assert_eq!(cut(r#"{"a":1},"#), Some(vec![r#"{"a":1}"#.to_owned()]));
        let broken = vec![r#"{"a":1}"#.to_owned(), r#"{"a":x}"#.to_owned()];
        assert_eq!(
            cut(r#"{"a":1}{"a":x}"#),
            Some(broken),
            "the second is a dead letter of its own"
        );
    }

    #[test]
    fn a_wrapper_that_says_more_stays_round_each_member() {
        for (text, want) in [
            (
                r#"{"Records":[{"a":1}, {"a":{"b":2}}],"more":1}"#,
                [r#"{"Records":[{"a":1}],"more":1}"#, r#"{"Records":[{"a":{"b":2}}],"more":1}"#],
            ),
            (
                r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"message":"m"},{"message":"n"}]}"#,
                [
                    r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"message":"m"}]}"#,
                    r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"message":"n"}]}"#,
                ],
            ),
            (
                "  {\"Records\":[{\"a\":1},{\"a\":2}],\"more\":1} \t",
                [r#"{"Records":[{"a":1}],"more":1}"#, r#"{"Records":[{"a":2}],"more":1}"#],
            ),
            (
                r#"{"kind":"EventList","metadata":{},"items":[{"a":1},{"a":2}]}"#,
                [
                    r#"{"kind":"EventList","metadata":{},"items":[{"a":1}]}"#,
                    r#"{"kind":"EventList","metadata":{},"items":[{"a":2}]}"#,
                ],
            ),
        ] {
            assert_eq!(cut(text), Some(want.map(str::to_owned).to_vec()), "{text}");
        }
        let (members, more) = (r#",{"a":3}"#.repeat(20), "x".repeat(500));
        let much = format!(r#"{{"Records":[{{"a":1}},{{"a":2}}{members}],"more":"{more}"}}"#);
        assert_eq!(cut(&much), None, "the wrapper is too long to be kept with each");
        let broken = r#"{"Records":[{"a":1},{"a":2}],"more":x}"#;
        assert_eq!(cut(broken), None);
    }

    #[test]
    fn what_is_one_record_or_none_stays_whole() {
        for text in [
            r#"{"a":1}"#,
            r#"{"a":[{"b":1},{"b":2}]}"#,
            r#"{"a":"} {"}"#,
            r#" {"a":1} "#,
            "\n{\"a\":1} \n",
            r#" {"Records":[{"a":1}],"owner":"x"} "#,
            r#"{"a":1} and {"b":2}"#,
            r#"{"a":1}{"a":"#,
            "{main} {thread 1} {INFO}",
            r#"{x}{"a":1}"#,
            "[Sun Nov 22 10:00:00] {a}",
            "<13>{\"a\":1}{\"a\":2}",
            "[]",
            "{}",
            "",
            r#"{"Records":[]}"#,
            r#"{"Records":[{"a":1}],"owner":"x"}"#,
            r#"{"Records":[{"a":1}],"Records":[{"a":2}],"Records":[]}"#,
            r#"{"Records":[{"a":1},2]}"#,
            r#"{"value":[{"a":1}"#,
            r#"{"value":7,"unit":"m"}"#,
            r#"{"took":1,"hits":[{"a":1}]}"#,
            r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"message":"m"}]}"#,
        ] {
            assert_eq!(cut(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_what_stands_between_is_lost(
            objects in prop::collection::vec("\\{\"[a-z{}]{1,6}\":(1|\"[{},\\]]{0,5}\"|\\[\\{\\},\\{\\}\\])\\}", 2..6),
            between in "[ ,\t\n]{0,3}",
        ) {
            prop_assert_eq!(cut(&objects.join(&between)), Some(objects));
        }

        #[test]
        fn any_text_is_borne(text in "[\\[\\]{}\", \\x1e:a]{0,60}") {
            for record in cut(&text).unwrap_or_default() {
                prop_assert!(text.contains(&record));
            }
        }
    }
}
