//! What an indicator says, read from any spelling into one.

use std::net::IpAddr;

pub(super) use event::observable::refang;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::host::{self, Host};
use super::kind::IndicatorKind;
use super::url::{self, Scheme};

/// An indicator's value, in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IndicatorValue {
    /// An address or network, cut to its prefix.
    Network(IpNet),
    /// A domain, lower case.
    Domain(String),
    /// A URL, normalised, without `http://` or `https://`.
    Url {
        /// What stood before it.
        scheme: Scheme,
        /// The rest.
        rest: String,
        /// Its host, if that is a name.
        host: String,
        /// The path is `/` and there is no query: it stands for the whole host.
        is_root: bool,
    },
    /// A digest of 16, 20 or 32 bytes.
    Hash(Vec<u8>),
    /// A mail address, lower case.
    Email(String),
}

/// Why a value is no indicator.
pub(super) type Unfit = &'static str;

/// Widest networks that are taken: wider ones would match half the internet.
const PREFIX_MIN: (u8, u8) = (8, 16);

impl IndicatorValue {
    /// Reads a value whose kind is told by its look.
    pub(super) fn guess(text: &str) -> Result<Self, Unfit> {
        let text = refang(text);
        let text = text.as_ref();
        if text.contains("://") {
            return Self::url(text);
        }
        if let Ok(network) = Self::network(text) {
            return Ok(network);
        }
        if text.contains('/') {
            return match text.split_once('/') {
                Some((_, bits))
                    if bits.bytes().all(|b| b.is_ascii_digit()) && looks_numeric(text) =>
                {
                    Self::network(text)
                }
                _ => Self::url(text),
            };
        }
        if text.contains('@') {
            return Self::email(text);
        }
        if let Ok(hash) = Self::hash(text) {
            return Ok(hash);
        }
        if looks_numeric(text) {
            return Self::network(text);
        }
        Self::domain(text)
    }

    /// Reads a value of a kind that the file states.
    pub(super) fn of_kind(kind: IndicatorKind, text: &str) -> Result<Self, Unfit> {
        let text = refang(text);
        match kind {
            IndicatorKind::Ip => Self::network(&text),
            // Lists call an address a host, too.
            IndicatorKind::Domain if host::address(&text).is_some() => Self::network(&text),
            IndicatorKind::Domain => Self::domain(&text),
            IndicatorKind::Url => Self::url(&text),
            IndicatorKind::Hash => Self::hash(&text),
            IndicatorKind::Email => Self::email(&text),
        }
    }

    /// Reads an address, a network, or an address with a port (which is dropped).
    fn network(text: &str) -> Result<Self, Unfit> {
        const WRONG: Unfit = "is no address or network";
        let text = text.trim();
        if let Some(address) = host::address(text) {
            return Ok(Self::Network(IpNet::from(address)));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Self::wide_enough(canonical(network));
        }
        let (address, port) = text.rsplit_once([':', '|']).ok_or(WRONG)?;
        let is_port = port.parse::<u16>().is_ok();
        let bracketed = address.starts_with('[') || !address.contains(':');
        match host::address(address) {
            Some(address) if is_port && bracketed => Ok(Self::Network(IpNet::from(address))),
            _ => Err(WRONG),
        }
    }

    fn wide_enough(network: IpNet) -> Result<Self, Unfit> {
        let least = if network.addr().is_ipv4() { PREFIX_MIN.0 } else { PREFIX_MIN.1 };
        if network.prefix_len() < least {
            return Err("is too wide a network (wider than /8, or /16 for IPv6)");
        }
        Ok(Self::Network(network))
    }

    fn domain(text: &str) -> Result<Self, Unfit> {
        let text = text.trim();
        // Wildcards and filter lists: `*.example.com`, `.example.com`, `||example.com^`.
        let text = text.trim_start_matches("||").trim_end_matches('^');
        let text = text.trim_start_matches("*.").trim_start_matches('.');
        let text = match text.rsplit_once([':', '|']) {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            _ => text,
        };
        let mut name = Vec::new();
        if !host::name(text, &mut name) {
            return Err("is no domain name");
        }
        let name = String::from_utf8(name).map_err(|_| "is no domain name")?;
        match name.rsplit_once('.') {
            Some((_, last)) if last.bytes().all(|b| b.is_ascii_digit()) => Err("is no domain name"),
            Some(_) => Ok(Self::Domain(name)),
            None => Err("is a single word, not a domain of at least two labels"),
        }
    }

    fn url(text: &str) -> Result<Self, Unfit> {
        let (mut out, mut name) = (Vec::new(), Vec::new());
        let parts = url::read(text, &mut out, &mut name);
        let parts = parts.ok_or("is no URL with a host, or a longer one than is kept")?;
        let host = match parts.kind {
            Host::Name if name.contains(&b'.') => String::from_utf8(name).unwrap_or_default(),
            Host::Name => return Err("has a host of a single word"),
            Host::Address(_) => String::new(),
        };
        let is_root = out.len() == parts.path.saturating_add(1);
        let rest = String::from_utf8(out).map_err(|_| "is no URL")?;
        Ok(Self::Url { scheme: parts.scheme, rest, host, is_root })
    }

    fn hash(text: &str) -> Result<Self, Unfit> {
        // MISP's `filename|sha256`.
        let text = text.rsplit_once('|').map_or(text, |(_, digest)| digest).trim();
        digest(text).map(Self::Hash).ok_or("is no MD5, SHA-1 or SHA-256 digest")
    }

    fn email(text: &str) -> Result<Self, Unfit> {
        const WRONG: Unfit = "is no mail address";
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        let mut name = Vec::new();
        let is_local = |c: char| !c.is_whitespace() && !c.is_control() && c != '<' && c != '@';
        if local.is_empty() || local.len() > 64 || !local.chars().all(is_local) {
            return Err(WRONG);
        }
        if !host::name(domain, &mut name) {
            return Err(WRONG);
        }
        let domain = String::from_utf8(name).map_err(|_| WRONG)?;
        Ok(Self::Email(format!("{}@{domain}", local.to_lowercase())))
    }
}

/// Cuts a network to its prefix; IPv4 in IPv6 form becomes IPv4.
fn canonical(network: IpNet) -> IpNet {
    match network.trunc() {
        IpNet::V6(six) => match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
            (Some(four), Some(bits)) => {
                Ipv4Net::new(four, bits).map_or(IpNet::V6(six), |net| IpNet::V4(net.trunc()))
            }
            _ => IpNet::V6(six),
        },
        four @ IpNet::V4(_) => four,
    }
}

/// Returns the network of an address with so many bits.
pub(super) fn prefix(address: IpAddr, bits: u8) -> Option<IpNet> {
    match address {
        IpAddr::V4(four) => Ipv4Net::new(four, bits).ok().map(|net| IpNet::V4(net.trunc())),
        IpAddr::V6(six) => Ipv6Net::new(six, bits).ok().map(|net| IpNet::V6(net.trunc())),
    }
}

/// Returns the bytes of a digest of 32, 40 or 64 hexadecimal digits.
pub(super) fn digest(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(32);
    digest_into(text, &mut bytes).then_some(bytes)
}

/// Writes the bytes of a digest into the (emptied) buffer; returns whether it is one.
pub(super) fn digest_into(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    if !matches!(text.len(), 32 | 40 | 64) {
        return false;
    }
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    out.extend(pairs.iter().map(|[high, low]| hex(*high) << 4 | (hex(*low) & 0xf)));
    text.bytes().fold(0, |all, digit| all | hex(digit)) <= 0xf
}

/// Returns the value of a hexadecimal digit; 255 for another byte.
const fn hex(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte.wrapping_sub(b'0'),
        b'a'..=b'f' => byte.wrapping_sub(b'a' - 10),
        b'A'..=b'F' => byte.wrapping_sub(b'A' - 10),
        _ => u8::MAX,
    }
}

fn looks_numeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Result<IndicatorValue, Unfit>) -> String {
        match value {
            Ok(IndicatorValue::Network(network)) => format!("ip {network}"),
            Ok(IndicatorValue::Domain(name)) => format!("domain {name}"),
            Ok(IndicatorValue::Url { rest, .. }) => format!("url {rest}"),
            Ok(IndicatorValue::Hash(bytes)) => format!("hash {}", bytes.len()),
            Ok(IndicatorValue::Email(address)) => format!("email {address}"),
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn the_look_tells_the_kind() {
        let cases = [
            ("203.0.113.7", "ip 203.0.113.7/32"),
            ("203[.]0[.]113[.]7", "ip 203.0.113.7/32"),
            ("203.0.113.7:443", "ip 203.0.113.7/32"),
            ("203.0.113.77/24", "ip 203.0.113.0/24"),
            ("2001:db8::1", "ip 2001:db8::1/128"),
            ("[2001:db8::1]:443", "ip 2001:db8::1/128"),
            ("::ffff:203.0.113.0/120", "ip 203.0.113.0/24"),
            ("0.0.0.0/0", "is too wide a network (wider than /8, or /16 for IPv6)"),
            ("203.0.113.777", "is no address or network"),
            ("Evil[.]Example", "domain evil.example"),
            ("*.evil.example", "domain evil.example"),
            ("||evil.example^", "domain evil.example"),
            ("evil.example:8080", "domain evil.example"),
            ("localhost", "is a single word, not a domain of at least two labels"),
            ("evil example", "is no domain name"),
            ("hxxps://evil[.]example/a", "url evil.example/a"),
            ("evil.example/a", "url evil.example/a"),
            ("d41d8cd98f00b204e9800998ecf8427e", "hash 16"),
            ("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "hash 20"),
            ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash 32"),
            ("Boss[@]evil[.]example", "email boss@evil.example"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(IndicatorValue::guess(text)), expected, "{text}");
        }
    }
}
