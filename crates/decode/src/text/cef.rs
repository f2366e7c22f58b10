//! `ArcSight` Common Event Format:
//! `CEF:0|vendor|product|version|id|name|severity|key=value with spaces key2=…`.
//!
//! Source: "`ArcSight` Common Event Format Implementation Standard", version 26.

use event::{DeadReason, Fields, Note, Value};

use crate::limits::FIELDS_MAX;

/// The names of the header's fields, as `ArcSight` calls them.
pub(crate) const HEADER: [&str; 6] =
    ["DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity"];

/// Reads a text that starts with `CEF:`.
pub(crate) fn read(
    text: &str,
    fields: &mut Fields,
    notes: &mut Vec<Note>,
) -> Result<(), DeadReason> {
    let mut rest = text;
    let version = header_field(&mut rest);
    fields.push("CEFVersion", version.unwrap_or_default().trim_start_matches("CEF:").trim());
    for (position, name) in (1..).zip(HEADER) {
        match header_field(&mut rest) {
            Some(value) => fields.push(name, value),
            // The last field may lack its bar when there is no extension.
            None if name == "Severity" && !rest.is_empty() => {
                fields.push(name, rest);
                rest = "";
            }
            None => {
                let column = text.len().saturating_sub(rest.len()).saturating_add(1);
                let detail =
                    format!("column {column}: the header ends before field {position} ({name})");
                return Err(DeadReason::new("bad-cef", detail));
            }
        }
    }
    extension(rest, fields, notes);
    label_custom_fields(fields);
    Ok(())
}

/// Takes a header field up to its bar; `\|` and `\\` are unescaped.
pub(super) fn header_field(rest: &mut &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '|' => {
                *rest = rest.get(at.saturating_add(1)..)?;
                return Some(value);
            }
            '\\' => match chars.next() {
                Some((_, escaped @ ('|' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    None
}

/// Reads `key=value` pairs whose values may hold spaces: a value ends where the next key begins.
pub(super) fn extension(text: &str, fields: &mut Fields, notes: &mut Vec<Note>) {
    let mut rest = text.trim();
    let mut pair_count = 0_usize;
    while let Some((key, after)) = rest.split_once('=') {
        pair_count = pair_count.saturating_add(1);
        if pair_count > FIELDS_MAX {
            notes.push(Note::new("extra-fields", format!("only {FIELDS_MAX} pairs are kept")));
            return;
        }
        let end = value_end(after);
        let (value, next) = after.split_at_checked(end).unwrap_or((after, ""));
        fields.push(key.trim().to_owned(), unescaped(value.trim_end()));
        rest = next.trim_start();
    }
    if !rest.is_empty() {
        notes.push(Note::new("loose-text", format!("{} bytes before the first key", rest.len())));
        fields.push("loose", rest);
    }
}

/// Returns where the value ends: at the space before the last word that stands before the next
/// unescaped `=`, or at the end.
fn value_end(text: &str) -> usize {
    let mut word_start = None;
    let mut is_key = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                is_key = false;
            }
            '\\' => {
                escaped = true;
            }
            ' ' | '\t' => {
                word_start = Some(at);
                is_key = true;
            }
            '=' if is_key && word_start.is_some_and(|start| at > start.saturating_add(1)) => {
                return word_start.unwrap_or(text.len());
            }
            _ => is_key &= c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']'),
        }
    }
    text.len()
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(escaped @ ('=' | '\\' | '|')) => out.push(escaped),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// `cs1Label=Rule cs1=12` says that `Rule` is `12`: the value is kept under that name as well.
fn label_custom_fields(fields: &mut Fields) {
    let mut named: Vec<(String, Value)> = Vec::new();
    for (name, label) in fields.iter() {
        let Some(custom) = name.strip_suffix("Label") else { continue };
        let (Value::Text(label), Some(value)) = (label, fields.get(custom)) else { continue };
        if !label.is_empty() && fields.get(label).is_none() {
            named.push((label.clone(), value.clone()));
        }
    }
    for (label, value) in named {
        fields.push(label, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_values_may_hold_spaces_and_escapes() {
        let mut fields = Fields::new();
        let text = r"CEF:0|Tre|Gate \| 2|1.0|100|Chặn truy cập|7|src=10.1.2.3 msg=a b\=c d act=deny request=http://x/?q\=1 cs1Label=Rule cs1=Chặn web\n2 path=C:\\x";
        read(text, &mut fields, &mut Vec::new()).unwrap();
        assert_eq!(
            serde_json::to_string(&fields).unwrap(),
            r#"{"CEFVersion":"0","DeviceVendor":"Tre","DeviceProduct":"Gate | 2","DeviceVersion":"1.0","DeviceEventClassID":"100","Name":"Chặn truy cập","Severity":"7","src":"10.1.2.3","msg":"a b=c d","act":"deny","request":"http://x/?q=1","cs1Label":"Rule","cs1":"Chặn web\n2","path":"C:\\x","Rule":"Chặn web\n2"}"#
        );
    }

    #[test]
    fn a_broken_header_says_where() {
        let cases = [
            ("CEF:0|a|b", "column 9: the header ends before field 2 (DeviceProduct)"),
            ("CEF:", "column 1: the header ends before field 1 (DeviceVendor)"),
        ];
        for (text, expected) in cases {
            let reason = read(text, &mut Fields::new(), &mut Vec::new()).unwrap_err();
            assert_eq!((reason.code.as_str(), reason.detail.as_str()), ("bad-cef", expected));
        }
        read("CEF:0|a|b|c|d|e|5", &mut Fields::new(), &mut Vec::new()).unwrap();
    }
}
