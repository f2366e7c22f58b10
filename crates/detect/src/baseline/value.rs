//! What of a field counts as the same: `IpAddress|net/24`, `Image|name`, `query|domain`,
//! `ServiceName|shape`. Values compare without regard to case.

use std::net::IpAddr;

use event::Event;
use ipnet::IpNet;

use crate::letter_case::fold;
use crate::limits::BASELINE_VALUE_BYTES_MAX;
use crate::taxonomy;

/// A field, and how much of it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) field: String,
    view: View,
}

/// How much of a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// All of it.
    Whole,
    /// The last part of a path.
    Name,
    /// A host name's registered part: `cdn.example.gov.vn` is `example.gov.vn`.
    Domain,
    /// Numbers stand as `#`: versions, counters and random names are alike.
    Shape,
    /// The network of this prefix length (IPv6: twice the length).
    Net(u8),
}

/// Separates the parts of a combined value. No log writes it.
const JOINT: char = '\u{1f}';

impl Part {
    /// The words after `|`.
    pub(super) const WORDS: [&'static str; 4] = ["name", "domain", "shape", "net/24"];

    /// Reads `field` or `field|view`; `Err` holds the unknown view.
    pub(super) fn read(text: &str) -> Result<Self, &str> {
        let (field, view) = match text.split_once('|') {
            None => (text, View::Whole),
            Some((field, "name")) => (field, View::Name),
            Some((field, "domain")) => (field, View::Domain),
            Some((field, "shape")) => (field, View::Shape),
            Some((field, view)) => {
                let length = view.strip_prefix("net/").and_then(|length| length.parse().ok());
                let length = length.filter(|length| (1..=32).contains(length)).ok_or(view)?;
                (field, View::Net(length))
            }
        };
        Ok(Self { field: field.to_owned(), view })
    }

    /// Returns the value as people see it: as the event wrote it, if all of it counts.
    pub(super) fn shown(&self, event: &Event) -> Option<String> {
        match self.view {
            View::Whole => Some(cut(taxonomy::field(event, &self.field)?.text().trim()).to_owned()),
            _ => self.of(event),
        }
    }

    /// Returns the value as it counts; `None` if the event does not have it.
    fn of(&self, event: &Event) -> Option<String> {
        let text = taxonomy::field(event, &self.field)?.text();
        let text = text.trim();
        if matches!(text, "" | "-") {
            return None;
        }
        let text = fold(cut(text));
        Some(match self.view {
            View::Whole => text,
            View::Name => text.rsplit(['\\', '/']).next().unwrap_or(&text).to_owned(),
            View::Domain => domain(&text).to_owned(),
            View::Shape => shape(&text),
            View::Net(length) => network(&text, length).unwrap_or(text),
        })
    }
}

/// Returns the parts' values as one key; `None` if the event lacks one of them.
pub(super) fn key(parts: &[Part], event: &Event) -> Option<String> {
    let mut key = String::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            key.push(JOINT);
        }
        key.push_str(&part.of(event)?);
    }
    Some(key)
}

/// Returns the parts of a key as people read them.
pub(super) fn shown(key: &str) -> String {
    key.replace(JOINT, " · ")
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BASELINE_VALUE_BYTES_MAX)).unwrap_or(text)
}

fn network(text: &str, length: u8) -> Option<String> {
    let address: IpAddr = text.parse::<IpAddr>().ok()?.to_canonical();
    let length = if address.is_ipv4() { length } else { length.saturating_mul(2) };
    Some(IpNet::new(address, length).ok()?.trunc().to_string())
}

/// Returns the part of a name under which it was registered. A second level of up to three letters
/// under a country (`gov.vn`, `com.vn`, `co.uk`) counts as the registry's.
fn domain(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    if name.parse::<IpAddr>().is_ok() {
        return name;
    }
    let mut labels = name.rsplit('.');
    let (Some(top), Some(second)) = (labels.next(), labels.next()) else { return name };
    let registry = top.len() == 2 && second.len() <= 3;
    let kept = if registry { 3 } else { 2 };
    let length: usize =
        name.rsplit('.').take(kept).map(|label| label.len().saturating_add(1)).sum();
    let start = name.len().saturating_sub(length.saturating_sub(1));
    name.get(start..).unwrap_or(name)
}

/// Hexadecimal runs from this length on count as a number: `3af21` of a per-user service.
const HEX_RUN: usize = 4;

fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let own = rest.get(..run).unwrap_or_default();
        let taken = if run >= HEX_RUN && own.bytes().any(|byte| byte.is_ascii_digit()) {
            run
        } else {
            digits
        };
        if taken > 0 {
            out.push('#');
            rest = rest.get(taken..).unwrap_or_default();
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_the_same() {
        for (text, want) in [
            ("a.b.example.gov.vn", "example.gov.vn"),
            ("cdn.example.com", "example.com"),
            ("example.vn.", "example.vn"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(domain(text), want, "{text}");
        }
        for (text, want) in [
            ("firefox/132.0", "firefox/#.#"),
            ("cdpusersvc_3af21", "cdpusersvc_#"),
            ("{0a1b2c3d-1111}", "{#-#}"),
            ("face", "face"),
            ("tệp9", "tệp#"),
        ] {
            assert_eq!(shape(text), want, "{text}");
        }
        assert_eq!(network("203.0.113.9", 24).as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2::5", 24).as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(network("::ffff:10.1.2.3", 16).as_deref(), Some("10.1.0.0/16"));
        assert_eq!(Part::read("a|net/0"), Err("net/0"));
        assert_eq!(Part::read("a|nam"), Err("nam"));
    }
}
