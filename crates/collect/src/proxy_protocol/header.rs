//! Reads the header of the PROXY protocol, versions 1 (text) and 2 (binary), from the first bytes of a
//! connection. Pure and bounded: the same bytes give the same answer, however they came.
//!
//! After <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>, sections 2.1 and 2.2. What follows
//! the addresses (TLV fields) is passed over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::limits;

/// What every header of version 1 begins with.
const V1_BEGIN: &[u8] = b"PROXY ";

/// The longest header of version 1, with its line end (section 2.1).
const V1_BYTES_MAX: usize = 107;

/// The shortest one: `PROXY UNKNOWN` and the line end.
const V1_BYTES_MIN: usize = 15;

/// What every header of version 2 begins with.
const V2_BEGIN: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of the part of version 2 that says how long the rest is.
const V2_BYTES_MIN: usize = 16;

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The beginning of a header: at least so many more bytes belong to it.
    More(usize),
    /// A whole header.
    Whole {
        /// The bytes that it takes.
        length: usize,
        /// Who sends; nothing where the balancer speaks for itself or cannot say.
        source: Option<SocketAddr>,
    },
}

/// Bytes that are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no valid PROXY header: {0}")]
pub(crate) struct Malformed(&'static str);

/// Reads a header from the front of these bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, Malformed> {
    if bytes.is_empty() {
        return Ok(Parsed::More(V1_BYTES_MIN));
    }
    match (begins(bytes, V1_BEGIN), begins(bytes, V2_BEGIN)) {
        (true, _) => first_version(bytes),
        (_, true) => second_version(bytes),
        _ => Err(Malformed("it begins otherwise")),
    }
}

/// Returns whether the bytes begin so, as far as they go.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(one, other)| one == other)
}

fn first_version(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let within = bytes.get(..V1_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return match V1_BYTES_MIN.saturating_sub(bytes.len()) {
            _ if bytes.len() >= V1_BYTES_MAX => Err(Malformed("its line does not end")),
            0 => Ok(Parsed::More(1)),
            missing => Ok(Parsed::More(missing)),
        };
    };
    let line = within.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").ok_or(Malformed("its line ends without CR"))?;
    let text = line.strip_prefix(V1_BEGIN).ok_or(Malformed("it begins otherwise"))?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed("its text is not ASCII"))?;
    let mut words = text.split(' ');
    let family = words.next().unwrap_or_default();
    let source = match family {
        "UNKNOWN" => None,
        "TCP4" => Some(addresses::<Ipv4Addr>(words)?),
        "TCP6" => Some(addresses::<Ipv6Addr>(words)?),
        _ => return Err(Malformed("its protocol is not TCP4, TCP6 or UNKNOWN")),
    };
    Ok(Parsed::Whole { length: end.saturating_add(1), source })
}

/// Reads `source destination source-port destination-port`; all must be right, the source is returned.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
fn addresses<'a, A: FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<SocketAddr, Malformed> {
    let mut address = || words.next().and_then(|word| word.parse::<A>().ok());
    let (source, destination) = (address(), address());
    let mut port = || words.next().and_then(port_of);
    let (source_port, destination_port) = (port(), port());
    match (source, destination, source_port, destination_port, words.next()) {
        (Some(source), Some(_), Some(port), Some(_), None) => {
            Ok(SocketAddr::new(source.into(), port))
        }
        _ => Err(Malformed("its addresses cannot be read")),
    }
}

/// Reads a port as the specification writes it: digits, without zeros in front.
fn port_of(word: &str) -> Option<u16> {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = word == "0" || !word.starts_with('0');
    (is_number && is_plain).then(|| word.parse().ok()).flatten()
}

fn second_version(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let Some((head, rest)) = bytes.split_at_checked(V2_BYTES_MIN) else {
        return Ok(Parsed::More(V2_BYTES_MIN.saturating_sub(bytes.len())));
    };
    let [.., version_and_command, family_and_protocol, high, low] = *head else {
        return Err(Malformed("it is too short"));
    };
    if version_and_command >> 4 != 2 {
        return Err(Malformed("its version is not 2"));
    }
    let body = usize::from(u16::from_be_bytes([high, low]));
    let length = V2_BYTES_MIN.saturating_add(body);
    if length > limits::PROXY_HEADER_BYTES_MAX {
        return Err(Malformed("it is too long"));
    }
    let is_local = match version_and_command & 0x0f {
        0 => true,
        1 => false,
        _ => return Err(Malformed("its command is neither LOCAL nor PROXY")),
    };
    // Family above, protocol below; none (0x00), IPv4 (0x1_), IPv6 (0x2_) and Unix (0x3_).
    let needed = match family_and_protocol {
        _ if is_local => 0,
        0x00 => 0,
        0x11 | 0x12 => 12,
        0x21 | 0x22 => 36,
        0x31 | 0x32 => 216,
        _ => return Err(Malformed("its family or protocol is unknown")),
    };
    if body < needed {
        return Err(Malformed("its addresses are cut short"));
    }
    let Some(body) = rest.get(..body) else {
        return Ok(Parsed::More(body.saturating_sub(rest.len())));
    };
    let source = match needed {
        12 => source_of::<4>(body),
        36 => source_of::<16>(body),
        _ => None,
    };
    Ok(Parsed::Whole { length, source })
}

/// Returns the source of `source destination source-port destination-port`, addresses of so many bytes.
fn source_of<const BYTES: usize>(body: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; BYTES]>,
{
    let (source, rest) = body.split_first_chunk::<BYTES>()?;
    let (_, ports) = rest.split_first_chunk::<BYTES>()?;
    let (port, _) = ports.split_first_chunk::<2>()?;
    Some(SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes(*port)))
}
