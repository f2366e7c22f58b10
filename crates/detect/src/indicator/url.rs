//! URLs in one spelling: so that a list's and a proxy's way of writing the same address meet.
//!
//! The host in lower case, without user, password, default port and fragment; percent signs only
//! where they are needed, with capital digits. `http` and `https` fall away: the same host and path
//! under either is the same thing. Any other scheme stays.
//! Source: RFC 3986, section 6.2 (syntax-based normalisation; dot segments are left as they are).

use std::net::IpAddr;
use std::ops::Range;

use super::host::{self, Host};
use crate::limits::INDICATOR_URL_BYTES_MAX;

/// The scheme that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// None, or one that stands in the text itself.
    Written,
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// Returns what stands before the host.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Written => "",
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }
}

/// A URL that was read into a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// The scheme that was written.
    pub(super) scheme: Scheme,
    /// Where in the buffer the host stands.
    pub(super) host: Range<usize>,
    /// Where the path starts (at its `/`).
    pub(super) path: usize,
    /// What the host is.
    pub(super) kind: Host,
}

/// Writes a URL in its one spelling into the (emptied) buffer. Returns nothing for text that is no URL
/// with a host, or one longer than [`INDICATOR_URL_BYTES_MAX`]. `name` is a spare buffer.
pub(super) fn read(text: &str, out: &mut Vec<u8>, name: &mut Vec<u8>) -> Option<Parts> {
    out.clear();
    let text = text.trim();
    if text.len() > INDICATOR_URL_BYTES_MAX {
        return None;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        _ => ("", text.strip_prefix("//").unwrap_or(text)),
    };
    let written = match scheme {
        "" => Scheme::Written,
        http if http.eq_ignore_ascii_case("http") => Scheme::Http,
        https if https.eq_ignore_ascii_case("https") => Scheme::Https,
        other => {
            out.extend(other.bytes().map(|b| b.to_ascii_lowercase()));
            out.extend_from_slice(b"://");
            Scheme::Written
        }
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(authority);
    let start = out.len();
    let kind = host::read(host, name)?;
    match kind {
        Host::Name => out.extend_from_slice(name),
        Host::Address(IpAddr::V4(four)) => out.extend_from_slice(four.to_string().as_bytes()),
        Host::Address(IpAddr::V6(six)) => out.extend_from_slice(format!("[{six}]").as_bytes()),
    }
    let host = start..out.len();
    let is_default = match (written, scheme) {
        (Scheme::Http, _) => port == "80",
        (Scheme::Https, _) => port == "443",
        (Scheme::Written, "") => port == "80" || port == "443",
        (Scheme::Written, _) => false,
    };
    if !port.is_empty() && !is_default {
        out.push(b':');
        out.extend_from_slice(port.as_bytes());
    }
    let path = out.len();
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    if !rest.starts_with(['/', '\\']) {
        out.push(b'/');
    }
    percent(rest.as_bytes(), out);
    Some(Parts { scheme: written, host, path, kind })
}

fn is_scheme(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    text.len() <= 16
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(is_part)
}

/// `www.example.vn:8080` → name and port; an IPv6 address without brackets has no port.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && (host.ends_with(']') || !host.contains(':')) =>
        {
            (host, port)
        }
        _ => (authority, ""),
    }
}

/// Writes a path and query with every percent sign in its one form.
fn percent(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let (byte, was_encoded) =
            match (byte, ahead.next().and_then(digit), ahead.next().and_then(digit)) {
                (b'%', Some(high), Some(low)) => {
                    bytes = ahead;
                    (high << 4 | low, true)
                }
                (b'\\', ..) => (b'/', false),
                _ => (byte, false),
            };
        let is_free = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let must_encode = byte <= b' ' || byte >= 0x7f;
        if (was_encoded && !is_free) || must_encode {
            out.push(b'%');
            out.extend(hex_digit(byte >> 4));
            out.extend(hex_digit(byte & 0xf));
        } else {
            out.push(byte);
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn hex_digit(number: u8) -> Option<u8> {
    b"0123456789ABCDEF".get(usize::from(number)).copied()
}

/// Returns what a URL in its one spelling is looked up as: itself, itself without its query, and each
/// folder above it (ending in `/`) up to the host's root; at most so many folders.
pub(super) fn forms(url: &[u8], path: usize, folders_max: usize) -> impl Iterator<Item = &[u8]> {
    let query = memchr::memchr(b'?', url);
    let bare = query.and_then(|at| url.get(..at));
    let whole = bare.unwrap_or(url);
    let folders = memchr::memchr_iter(b'/', whole)
        .filter(move |at| *at >= path)
        .filter_map(move |at| whole.get(..=at))
        .filter(move |folder| folder.len() < whole.len())
        .take(folders_max);
    std::iter::once(url).chain(bare).chain(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_in_one_spelling() {
        let check = |text: &str, expected: Option<&str>| {
            let (mut out, mut name) = (Vec::new(), Vec::new());
            let parts = read(text, &mut out, &mut name);
            let found = parts.map(|_| String::from_utf8(out).unwrap());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("HTTP://Evil.Example:80/A%2db%2Fc?q=%7e#top", Some("evil.example/A-b%2Fc?q=~"));
        check("https://evil.example:443", Some("evil.example/"));
        check("https://evil.example:8443?x", Some("evil.example:8443/?x"));
        check("evil.example:443/x", Some("evil.example/x"));
        check("//evil.example/x", Some("evil.example/x"));
        check("http://user:pass@evil.example/", Some("evil.example/"));
        check("http://[2001:DB8::1]:8080/x", Some("[2001:db8::1]:8080/x"));
        check("ftp://Evil.example/Má", Some("ftp://evil.example/M%C3%A1"));
        check("http://evil.example/100%", Some("evil.example/100%"));
        check("http://evil.example\\x", Some("evil.example/x"));
        check("/only/a/path", None);
        check("http://", None);
        check("no host here", None);
        check(&format!("http://a.example/{}", "x".repeat(3000)), None);
    }

    #[test]
    fn a_url_is_looked_up_with_its_folders() {
        let url = "evil.example/a/b?q=/x";
        let found: Vec<String> = forms(url.as_bytes(), 12, 9)
            .map(|form| String::from_utf8_lossy(form).into_owned())
            .collect();
        assert_eq!(found, [url, "evil.example/a/b", "evil.example/", "evil.example/a/"]);
    }
}
