//! `QRadar` Log Event Extended Format, 1.0 and 2.0.
//!
//! `LEEF:1.0|vendor|product|version|event id|` and tab-separated pairs; 2.0 adds a field with the
//! separator, as a character or as `x5E`, `0x5E`.
//!
//! Source: IBM, "Log Event Extended Format (LEEF)", version 2.

use event::{DeadReason, Fields, Note};

use super::cef;
use crate::limits::FIELDS_MAX;

const HEADER: [&str; 4] = ["DeviceVendor", "DeviceProduct", "DeviceVersion", "EventID"];

/// Reads a text that starts with `LEEF:`.
pub(crate) fn read(
    text: &str,
    fields: &mut Fields,
    notes: &mut Vec<Note>,
) -> Result<(), DeadReason> {
    let mut rest = text;
    let version = cef::header_field(&mut rest).unwrap_or_default();
    let version = version.trim_start_matches("LEEF:").trim().to_owned();
    fields.push("LEEFVersion", version.as_str());
    for (position, name) in (1..).zip(HEADER) {
        let Some(value) = cef::header_field(&mut rest) else {
            let column = text.len().saturating_sub(rest.len()).saturating_add(1);
            let detail =
                format!("column {column}: the header ends before field {position} ({name})");
            return Err(DeadReason::new("bad-leef", detail));
        };
        fields.push(name, value);
    }
    let mut separator = '\t';
    if version.starts_with('2')
        && let Some((stated, after)) = rest.split_once('|')
        && let Some(stated) = stated_separator(stated)
    {
        separator = stated;
        rest = after;
    }
    if separator == '\t' && !rest.contains('\t') {
        // Senders that put spaces where the standard wants tabs.
        cef::extension(rest, fields, notes);
        return Ok(());
    }
    for (count, pair) in rest.split(separator).enumerate() {
        if count >= FIELDS_MAX {
            notes.push(Note::new("extra-fields", format!("only {FIELDS_MAX} pairs are kept")));
            break;
        }
        match pair.split_once('=') {
            Some((key, value)) => fields.push(key.trim().to_owned(), value.trim()),
            None if pair.trim().is_empty() => {}
            None => fields.push("loose", pair.trim()),
        }
    }
    Ok(())
}

/// `^`, `x5E`, `0x5E`, or nothing for the tab; `None` if the text is no separator at all.
fn stated_separator(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Some('\t'),
        (Some(one), None) => Some(one),
        _ => {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix('x'))?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_and_their_separators_are_read() {
        let cases = [
            "LEEF:1.0|Tre|AV|5|Virus|src=10.1.2.3\tmsg=a b=c",
            "LEEF:2.0|Tre|AV|5|Virus|^|src=10.1.2.3^msg=a b=c",
            "LEEF:2.0|Tre|AV|5|Virus|0x7C|src=10.1.2.3|msg=a b=c",
            "LEEF:2.0|Tre|AV|5|Virus||src=10.1.2.3\tmsg=a b=c",
        ];
        for text in cases {
            let mut fields = Fields::new();
            read(text, &mut fields, &mut Vec::new()).unwrap();
            let found = |name| fields.get(name).map(|value| value.text().into_owned());
            assert_eq!(found("src").as_deref(), Some("10.1.2.3"), "{text}");
            assert_eq!(found("msg").as_deref(), Some("a b=c"), "{text}");
            assert_eq!(found("EventID").as_deref(), Some("Virus"), "{text}");
        }
        let reason = read("LEEF:1.0|a", &mut Fields::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(reason.code, "bad-leef");
    }
}
