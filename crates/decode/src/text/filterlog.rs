//! pfSense and `OPNsense` `filterlog`: CSV whose columns depend on address family and protocol.
//!
//! Source: Netgate documentation, "Raw Filter Log Format".

use event::{Fields, Value};

const COMMON: [&str; 9] = [
    "rule",
    "subrule",
    "anchor",
    "tracker",
    "interface",
    "reason",
    "action",
    "direction",
    "ip_version",
];
const IPV4: [&str; 11] = [
    "tos",
    "ecn",
    "ttl",
    "id",
    "offset",
    "flags",
    "protocol_id",
    "protocol",
    "length",
    "src_ip",
    "dst_ip",
];
const IPV6: [&str; 8] =
    ["class", "flow_label", "hop_limit", "protocol", "protocol_id", "length", "src_ip", "dst_ip"];
const TCP: [&str; 9] = [
    "src_port",
    "dst_port",
    "data_length",
    "tcp_flags",
    "sequence",
    "ack",
    "window",
    "urg",
    "options",
];
const UDP: [&str; 3] = ["src_port", "dst_port", "data_length"];
const ICMP: [&str; 3] = ["icmp_type", "icmp_id", "icmp_sequence"];
const CARP: [&str; 6] = ["carp_type", "carp_ttl", "vhid", "carp_version", "advskew", "advbase"];

/// Reads a line; returns whether it is one of filterlog's.
pub(crate) fn read(text: &str, fields: &mut Fields) -> bool {
    let mut values = text.trim().split(',');
    let common: Vec<&str> = values.by_ref().take(COMMON.len()).collect();
    let (Some(version), Some(rule)) = (common.last(), common.first()) else { return false };
    let address_names: &[&'static str] = match *version {
        "4" => &IPV4,
        "6" => &IPV6,
        _ => return false,
    };
    if common.len() < COMMON.len() || !rule.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let addresses: Vec<&str> = values.by_ref().take(address_names.len()).collect();
    if addresses.len() < address_names.len() {
        return false;
    }
    add(fields, &COMMON, common);
    add(fields, address_names, addresses);
    let protocol =
        fields.get("protocol").map(|value| value.text().to_ascii_lowercase()).unwrap_or_default();
    let names: &[&'static str] = match protocol.as_str() {
        "tcp" => &TCP,
        "udp" => &UDP,
        "icmp" | "icmpv6" | "ipv6-icmp" => &ICMP,
        "carp" => &CARP,
        _ => &[],
    };
    let own: Vec<&str> = values.by_ref().take(names.len()).collect();
    add(fields, names, own);
    let rest: Vec<Value> = values.take(16).map(Value::from).collect();
    if !rest.is_empty() {
        fields.push("extra", Value::List(rest));
    }
    true
}

fn add(fields: &mut Fields, names: &[&'static str], values: Vec<&str>) {
    for (name, value) in names.iter().zip(values) {
        if !value.is_empty() {
            fields.push(*name, value);
        }
    }
}
