//! Sets OCSF attributes from the source's values: addresses and numbers are checked, words put in
//! one spelling. What does not fit is left out with a note; the source's field keeps it.

use std::net::IpAddr;

use event::{Attr, AttrType, Attrs, Note, Value};

/// Returns whether a source uses this value to say "nothing".
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => matches!(text.trim(), "" | "-" | "N/A" | "n/a" | "(null)" | "?"),
        Value::List(members) => members.iter().all(is_blank),
        _ => false,
    }
}

/// Sets an attribute that is not set yet; says in a note when the value does not fit.
pub(crate) fn set_if_free(attrs: &mut Attrs, attr: Attr, value: &Value, notes: &mut Vec<Note>) {
    if attrs.get(attr).is_some() || is_blank(value) {
        return;
    }
    match fit(attr, value) {
        Some(fitting) => attrs.set(attr, fitting),
        None => match name_instead_of_address(attr, value) {
            Some(name_attr) if attrs.get(name_attr).is_none() => {
                attrs.set(name_attr, value.clone());
            }
            _ => notes.push(Note::new(
                "bad-value",
                format!("{}: `{}` does not fit", attr.alias(), brief(&value.text())),
            )),
        },
    }
}

fn fit(attr: Attr, value: &Value) -> Option<Value> {
    if let Value::List(members) = value {
        let fitting: Vec<Value> = members.iter().filter_map(|member| fit(attr, member)).collect();
        return match fitting.len() {
            0 => None,
            1 => fitting.into_iter().next(),
            _ => Some(Value::List(fitting)),
        };
    }
    match attr.kind() {
        AttrType::Ip => address_of(&value.text()).map(|ip| Value::Text(ip.to_string())),
        AttrType::Int => number(attr, value).map(Value::Int),
        AttrType::Text => Some(word(attr, value)),
    }
}

/// Reads an address as logs write it: brackets, an IPv6 zone and the IPv4-in-IPv6 form fall away.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let text = text.split_once('%').map_or(text, |(before, _)| before);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Reads an address that may have a port behind it: `203.0.113.7:4444`, `[2001:db8::1]:443`.
fn address_of(text: &str) -> Option<IpAddr> {
    address(text).or_else(|| address(without_port(text.trim())))
}

fn number(attr: Attr, value: &Value) -> Option<i64> {
    let number = value.int().or_else(|| match value {
        Value::Text(text) => {
            let digits = text.trim().strip_prefix("0x")?;
            i64::from_str_radix(digits, 16).ok()
        }
        _ => None,
    })?;
    let is_port = matches!(attr, Attr::SrcPort | Attr::DstPort);
    (!is_port || u16::try_from(number).is_ok()).then_some(number)
}

fn word(attr: Attr, value: &Value) -> Value {
    let text = value.text();
    match attr {
        Attr::Protocol => Value::Text(protocol(&text)),
        Attr::FileHash => hashes(&text),
        Attr::UrlHost => Value::Text(without_port(&text).to_owned()),
        Attr::DnsQuery => {
            let spelled = labels(&text).unwrap_or_else(|| text.into_owned());
            Value::Text(without_root(spelled))
        }
        _ => Value::Text(text.into_owned()),
    }
}

/// `www.example.vn:443` is the host `www.example.vn`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && (name.ends_with(']') || !name.contains(':')) =>
        {
            name
        }
        _ => host,
    }
}

/// Protocol numbers by the IANA registry; names in lower case.
fn protocol(text: &str) -> String {
    match text.trim() {
        "1" => "icmp".to_owned(),
        "2" => "igmp".to_owned(),
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "47" => "gre".to_owned(),
        "50" => "esp".to_owned(),
        "51" => "ah".to_owned(),
        "58" | "icmpv6" | "ICMPv6" | "ICMP6" | "icmp6" => "ipv6-icmp".to_owned(),
        "89" => "ospf".to_owned(),
        "132" => "sctp".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// `www.example.vn.`, as zones and resolvers write a whole name, is the name `www.example.vn`.
fn without_root(mut name: String) -> String {
    if name.len() > 1 && name.ends_with('.') {
        name.pop();
    }
    name
}

/// `(3)www(7)example(2)vn(0)` becomes `www.example.vn`: Windows' DNS server writes each label's length before it.
/// `None` if the lengths are not those of the labels.
fn labels(text: &str) -> Option<String> {
    let mut rest = text;
    let mut name = String::new();
    loop {
        let (length, after) = rest.strip_prefix('(')?.split_once(')')?;
        let length: usize = length.parse().ok()?;
        if length == 0 {
            return after.is_empty().then_some(name);
        }
        let (label, next) = after.split_at_checked(length)?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(label);
        rest = next;
    }
}

/// `SHA1=AB,MD5=CD` becomes a list of lower-case digests.
fn hashes(text: &str) -> Value {
    let digests: Vec<Value> = text
        .split(',')
        .map(|part| part.split_once('=').map_or(part, |(_, digest)| digest).trim())
        .filter(|digest| !digest.is_empty())
        .map(|digest| Value::Text(digest.to_ascii_lowercase()))
        .collect();
    match <[Value; 1]>::try_from(digests) {
        Ok([one]) => one,
        Err(several) => Value::List(several),
    }
}

/// Logs that resolve names put a host name where an address belongs.
fn name_instead_of_address(attr: Attr, value: &Value) -> Option<Attr> {
    let name_attr = match attr {
        Attr::SrcIp => Attr::SrcHost,
        Attr::DstIp => Attr::DstHost,
        Attr::HostIp => Attr::Host,
        _ => return None,
    };
    let Value::Text(text) = value else { return None };
    let is_name = text.len() <= 253
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    is_name.then_some(name_attr)
}

/// Shortens hostile text for a note.
pub(crate) fn brief(text: &str) -> String {
    /// Enough to recognise a value, too little to flood a page.
    const CHARS: usize = 60;
    let mut short: String = text.chars().take(CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_or_are_left_out_with_a_note() {
        let cases = [
            (Attr::SrcIp, "10.20.0.7", Some("10.20.0.7"), 0),
            (Attr::SrcIp, "2001:0db8:0:0::1", Some("2001:db8::1"), 0),
            (Attr::SrcIp, "::ffff:198.51.100.7", Some("198.51.100.7"), 0),
            (Attr::SrcIp, "[fe80::1%eth0]", Some("fe80::1"), 0),
            (Attr::SrcIp, "10.20.0.7:4444", Some("10.20.0.7"), 0),
            (Attr::SrcIp, "[2001:db8::1]:443", Some("2001:db8::1"), 0),
            (Attr::SrcIp, "10.20.0.7:ssh", None, 1),
            (Attr::SrcIp, "10.20.0.777; DROP", None, 1),
            (Attr::SrcIp, "-", None, 0),
            (Attr::SrcPort, "443", Some("443"), 0),
            (Attr::SrcPort, "70000", None, 1),
            (Attr::SrcPort, "-1", None, 1),
            (Attr::Pid, "0x1a4", Some("420"), 0),
            (Attr::Pid, "abc", None, 1),
            (Attr::Protocol, "6", Some("tcp"), 0),
            (Attr::Protocol, "UDP", Some("udp"), 0),
            (Attr::FileHash, "SHA1=AB,MD5=CD", Some("ab, cd"), 0),
            (Attr::DnsQuery, "www.example.vn", Some("www.example.vn"), 0),
            (Attr::DnsQuery, "www.example.vn.", Some("www.example.vn"), 0),
            (Attr::DnsQuery, ".", Some("."), 0),
            (Attr::DnsQuery, "(3)www(7)example(2)vn(0)", Some("www.example.vn"), 0),
            (Attr::DnsQuery, "(4)a(0)(0)", Some("a(0)"), 0),
            (Attr::DnsQuery, "(9)www(0)", Some("(9)www(0)"), 0),
            (Attr::DnsQuery, "(3)www(0)x", Some("(3)www(0)x"), 0),
            (Attr::DnsQuery, "(2)é(0)", Some("é"), 0),
            (Attr::DnsQuery, "(1)é(0)", Some("(1)é(0)"), 0),
        ];
        for (attr, text, expected, note_count) in cases {
            let (mut attrs, mut notes) = (Attrs::default(), Vec::new());
            set_if_free(&mut attrs, attr, &text.into(), &mut notes);
            let found = attrs.get(attr).map(|value| value.text().into_owned());
            assert_eq!(found.as_deref(), expected, "{attr:?} {text}");
            assert_eq!(notes.len(), note_count, "{attr:?} {text}");
        }
    }

    #[test]
    fn a_name_in_the_place_of_an_address_is_kept_as_a_name() {
        let (mut attrs, mut notes) = (Attrs::default(), Vec::new());
        set_if_free(&mut attrs, Attr::SrcIp, &"may-tram-01.example.vn".into(), &mut notes);
        assert_eq!(attrs.get(Attr::SrcHost).unwrap().text(), "may-tram-01.example.vn");
        assert_eq!(attrs.get(Attr::SrcIp), None);
        assert!(notes.is_empty());
    }
}
