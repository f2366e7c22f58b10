//! Host names in one spelling: lower case, no trailing dot, international names as `xn--`.

use std::net::IpAddr;

/// Longest host name, in bytes. Source: RFC 1035, section 2.3.4.
pub(super) const HOST_BYTES_MAX: usize = 253;

/// What a piece of text is, where a host belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// An address; an IPv4 address in IPv6 form counts as IPv4.
    Address(IpAddr),
    /// A name; the buffer holds it.
    Name,
}

/// Reads a host as logs and lists write it. A name is written to the (emptied) buffer in its one
/// spelling. Returns nothing for text that can be neither.
pub(super) fn read(text: &str, out: &mut Vec<u8>) -> Option<Host> {
    let text = text.trim();
    if could_be_address(text)
        && let Some(address) = address(text)
    {
        return Some(Host::Address(address));
    }
    name(text, out).then_some(Host::Name)
}

/// Returns what stands before a port: `evil.example:8443`, `[2001:db8::1]:443`.
pub(super) fn without_port(text: &str) -> Option<&str> {
    let (host, port) = text.trim().rsplit_once(':')?;
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    (is_port && (host.ends_with(']') || !host.contains(':'))).then_some(host)
}

/// Reads an address; brackets and an IPv6 zone fall away.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let text = text.split_once('%').map_or(text, |(before, _)| before);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Returns whether it is worth trying to read an address: most hosts are names.
fn could_be_address(text: &str) -> bool {
    let last = text.bytes().next_back();
    last.is_some_and(|b| b.is_ascii_digit() || b == b']') || text.contains(':')
}

/// Writes a name in its one spelling; returns whether it is one.
pub(super) fn name(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    let text = text.strip_suffix('.').unwrap_or(text);
    if !text.is_ascii() {
        return international(text, out);
    }
    if text.is_empty() || text.len() > HOST_BYTES_MAX {
        return false;
    }
    let mut before = b'.';
    for byte in text.bytes() {
        let is_part = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(is_part || (byte == b'.' && before != b'.')) {
            return false;
        }
        before = byte;
    }
    out.extend_from_slice(text.as_bytes());
    out.make_ascii_lowercase();
    true
}

/// A name with letters beyond ASCII, as the DNS carries it. Rare: it may allocate.
fn international(text: &str, out: &mut Vec<u8>) -> bool {
    if text.len() > HOST_BYTES_MAX {
        return false;
    }
    let Ok(ascii) = idna::domain_to_ascii(text) else { return false };
    ascii.is_ascii() && name(&ascii, out)
}

/// Returns the name itself and every name above it that has at least two labels, the shortest first:
/// `example.vn`, `www.example.vn`. At most so many labels.
pub(super) fn upward(name: &[u8], labels_max: usize) -> impl Iterator<Item = &[u8]> {
    let dots = memchr::memrchr_iter(b'.', name).skip(1);
    let inner = dots.filter_map(|dot| name.get(dot.checked_add(1)?..));
    // A name without any dot is its own only suffix.
    inner.chain(std::iter::once(name)).take(labels_max.saturating_sub(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_in_one_spelling() {
        let check = |text: &str, expected: Option<&str>| {
            let mut out = Vec::new();
            let found = read(text, &mut out).map(|host| match host {
                Host::Address(address) => address.to_string(),
                Host::Name => String::from_utf8(out).unwrap(),
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("WWW.Example.VN.", Some("www.example.vn"));
        check("_dmarc.example.vn", Some("_dmarc.example.vn"));
        check("bánh-mì.example.vn", Some("xn--bnh-m-xqa5f.example.vn"));
        check("::ffff:198.51.100.7", Some("198.51.100.7"));
        check("[2001:DB8::1]", Some("2001:db8::1"));
        check("fe80::1%eth0", Some("fe80::1"));
        check("a..b", None);
        check(".a", None);
        check("", None);
        check("a b", None);
        check(&"a".repeat(254), None);
    }

    #[test]
    fn a_name_is_looked_for_with_all_above_it() {
        let names = |text: &'static str, most| {
            upward(text.as_bytes(), most)
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("a.b.example.vn", 9), ["example.vn", "b.example.vn", "a.b.example.vn"]);
        assert_eq!(names("a.b.example.vn", 3), ["example.vn", "b.example.vn"]);
        assert_eq!(names("example.vn", 9), ["example.vn"]);
        assert_eq!(names("localhost", 9), ["localhost"]);
    }
}
