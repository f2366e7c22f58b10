//! RFC 5424: `1 2026-11-23T16:20:01+07:00 host app procid msgid [sd k="v"] message`.

use event::Note;

use super::Envelope;
use crate::attribute::brief;
use crate::limits::FIELDS_MAX;
use crate::scan::Scan;
use crate::time;

/// Reads what follows the priority, if it is RFC 5424.
pub(super) fn read(text: &str) -> Option<Envelope<'_>> {
    let mut scan = Scan::new(text);
    let version = scan.number(1, 2)?;
    if version == 0 || !scan.eat(" ") {
        return None;
    }
    let stamp = scan.word();
    let mut notes = Vec::new();
    let stated = if stamp == "-" { None } else { time::read(stamp) };
    if stated.is_none() && stamp != "-" {
        // A clock that makes no sense must not cost the rest of the header.
        let looks_like_a_time =
            stamp.contains('T') && stamp.starts_with(|c: char| c.is_ascii_digit());
        if !looks_like_a_time {
            return None;
        }
        notes.push(Note::new(event::CLOCK_OFF, format!("the header states `{}`", brief(stamp))));
    }
    let host = present(scan.word());
    let program = present(scan.word());
    let pid = present(scan.word());
    let message_id = present(scan.word());
    let mut data = Vec::new();
    if !scan.eat("-") && scan.rest.starts_with('[') {
        let whole = scan;
        let mut is_read = elements(&mut scan, &mut data).is_some();
        if !is_read {
            scan = whole;
            data.clear();
            is_read = bare_pairs(&mut scan, &mut data).is_some();
        }
        if !is_read {
            scan = whole;
            data.clear();
            notes.push(Note::new(
                "bad-structured-data",
                "the structured data does not end; it stands in the message",
            ));
        }
    }
    let message = scan.rest.strip_prefix(' ').unwrap_or(scan.rest);
    Some(Envelope {
        priority: None,
        stamp: present(stamp),
        time: stated,
        host,
        program,
        pid,
        message_id,
        data,
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
        behind_priority: text,
        notes,
    })
}

fn present(word: &str) -> Option<&str> {
    (!word.is_empty() && word != "-").then_some(word)
}

/// `[id k="v" k="v"][id …]`, with `\"`, `\\` and `\]` in values.
fn elements(scan: &mut Scan<'_>, data: &mut Vec<(String, String)>) -> Option<()> {
    while scan.eat("[") {
        let id = scan.take_while(|c| !matches!(c, ' ' | ']' | '=' | '"'));
        loop {
            scan.spaces();
            if scan.eat("]") {
                break;
            }
            let name = scan.take_while(|c| !matches!(c, ' ' | ']' | '=' | '"'));
            if name.is_empty() || !scan.eat("=\"") {
                return None;
            }
            let value = quoted(scan)?;
            if data.len() < FIELDS_MAX {
                data.push((format!("{id}.{name}"), value));
            }
        }
    }
    Some(())
}

/// Check Point's one element without a name: `[k:"v"; k:"v"]`.
fn bare_pairs(scan: &mut Scan<'_>, data: &mut Vec<(String, String)>) -> Option<()> {
    if !scan.eat("[") {
        return None;
    }
    loop {
        scan.spaces();
        let name = scan.take_while(|c| !matches!(c, ' ' | ']' | ':' | ';' | '"'));
        if name.is_empty() || !scan.eat(":\"") {
            return None;
        }
        let value = quoted(scan)?;
        if data.len() < FIELDS_MAX {
            data.push((name.to_owned(), value));
        }
        scan.spaces();
        scan.eat(";");
        scan.spaces();
        if scan.eat("]") {
            return Some(());
        }
    }
}

fn quoted(scan: &mut Scan<'_>) -> Option<String> {
    let mut value = String::new();
    loop {
        value.push_str(scan.take_while(|c| !matches!(c, '"' | '\\')));
        if scan.eat("\"") {
            return Some(value);
        }
        if !scan.eat("\\") {
            return None;
        }
        let escaped = scan.rest.chars().next()?;
        if !matches!(escaped, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(escaped);
        scan.take_bytes(escaped.len_utf8());
    }
}
