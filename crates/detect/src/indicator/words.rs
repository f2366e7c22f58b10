//! Where in text hosts, addresses and URLs begin and end.

use std::net::IpAddr;
use std::ops::Range;

use super::host;
use crate::limits::INDICATOR_URL_BYTES_MAX;

/// Longest IPv6 address in text, with an IPv4 address at its end, in bytes.
const SIX_BYTES_MAX: usize = 45;

/// Returns whether a byte may stand in a host that is written in ASCII.
pub(super) const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Returns a run of such bytes with the letters beyond ASCII that it stands between, if there are any: an
/// international name. (Where words are not parted by blanks the run alone may be the name.)
pub(super) fn widened(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let (before, after) = (text.get(..start)?, text.get(end..)?);
    let is_beyond = |byte: Option<u8>| byte.is_some_and(|byte| !byte.is_ascii());
    if !is_beyond(before.bytes().next_back()) && !is_beyond(after.bytes().next()) {
        return None;
    }
    let most = host::HOST_BYTES_MAX;
    let left = before.char_indices().rev().take(most).take_while(|(_, c)| is_part(*c)).last();
    let right = after.chars().take(most).take_while(|c| is_part(*c)).map(char::len_utf8);
    let wide = left.map_or(start, |(at, _)| at)..right.fold(end, usize::saturating_add);
    (wide != (start..end)).then_some(wide)
}

fn is_part(c: char) -> bool {
    // Marks of decomposed letters, as some write Vietnamese.
    let is_mark = ('\u{300}'..='\u{36f}').contains(&c);
    c.is_alphanumeric() || is_mark || u8::try_from(c).is_ok_and(is_host_byte)
}

/// Returns where IPv6 addresses may stand: hexadecimal digits with two colons or more.
pub(super) fn sixes(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let colon = memchr::memchr(b':', bytes.get(from..)?)?.saturating_add(from);
            let before =
                bytes.get(from..colon)?.iter().rev().take_while(|byte| is_six_byte(**byte));
            let start = colon.saturating_sub(before.count());
            let after = bytes.get(colon..)?.iter().take_while(|byte| is_six_byte(**byte));
            let end = colon.saturating_add(after.count());
            from = end;
            let run = bytes.get(start..end)?;
            let has_two = memchr::memchr_iter(b':', run).nth(1).is_some();
            if has_two && run.len() <= SIX_BYTES_MAX.saturating_add(2) {
                return Some(start..end);
            }
        }
    })
}

const fn is_six_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// Reads such a run; a colon or dot that ends a phrase falls away.
pub(super) fn six(run: &str) -> Option<IpAddr> {
    let run = run.trim_end_matches('.');
    let inner = run.strip_suffix(':');
    let both = inner.and_then(|inner| inner.strip_prefix(':'));
    [Some(run), inner, run.strip_prefix(':'), both].into_iter().flatten().find_map(host::address)
}

/// Returns where the scheme begins that ends with `://` here.
pub(super) fn scheme_start(before: &str) -> usize {
    let scheme = before.trim_end_matches("://");
    let word = scheme.bytes().rev().take(16).take_while(u8::is_ascii_alphabetic).count();
    scheme.len().saturating_sub(word)
}

/// Returns where a URL begins whose user and password end here: `https://name:word` before an `@`.
pub(super) fn user_start(text: &str) -> Option<usize> {
    const USER_BYTES_MAX: usize = 256;
    let from = text.ceil_char_boundary(text.len().saturating_sub(USER_BYTES_MAX));
    let is_over =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '/' | '?' | '#');
    let user = text.get(from..)?.rfind(is_over)?;
    let before = text.get(..=from.saturating_add(user))?.strip_suffix("://")?;
    let word = before.bytes().rev().take(16).take_while(u8::is_ascii_alphabetic).count();
    (word > 0).then(|| before.len().saturating_sub(word))
}

/// Returns where a URL in text ends that goes on at `from`.
pub(super) fn url_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '<' | '>' | '|' | '^' | '`' | '{' | '}' | ')' | ']' | ';' | ','
            )
    };
    let length = rest.find(ends).unwrap_or(rest.len()).min(INDICATOR_URL_BYTES_MAX);
    let length = rest.floor_char_boundary(length);
    let url = rest.get(..length).unwrap_or_default();
    from.saturating_add(url.trim_end_matches(['.', ':', '!']).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_names_are_whole() {
        for (text, run, want) in [
            ("tới bánh-mì.example.vn/x", ".example.vn", Some("bánh-mì.example.vn")),
            ("trang.việt ", "trang.vi", Some("trang.việt")),
            ("“evil.example”", "evil.example", None),
            ("evil.example của", "evil.example", None),
        ] {
            let start = text.find(run).unwrap();
            let wide = widened(text, start, start + run.len());
            assert_eq!(wide.and_then(|wide| text.get(wide)), want, "{text}");
        }
    }

    #[test]
    fn addresses_of_version_six_are_found() {
        for (text, want) in [
            ("ping 2001:db8::1.", vec!["2001:db8::1"]),
            ("to:2001:DB8::1:", vec!["2001:db8::1"]),
            ("http://[2001:db8::1]:443/ ::ffff:192.0.2.1", vec!["2001:db8::1", "192.0.2.1"]),
            ("at 10:00:00 C:\\x a:b", vec![]),
            (":".repeat(500).as_str(), vec![]),
        ] {
            let found: Vec<String> = sixes(text)
                .filter_map(|run| six(text.get(run)?))
                .map(|address| address.to_string())
                .collect();
            assert_eq!(found, want, "{text}");
        }
    }
}
