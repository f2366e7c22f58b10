//! Which addresses lie in the open network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Returns whether an address is public, or named as reachable nonetheless.
pub(super) fn may_be_reached(address: IpAddr, named: &[IpNet]) -> bool {
    let address = address.to_canonical();
    named.iter().any(|network| network.contains(&address)) || is_public(address)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Source: IANA IPv4 Special-Purpose Address Registry (RFC 6890 and updates).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

/// Source: IANA IPv6 Special-Purpose Address Registry; addresses that carry an IPv4 one are judged by it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., seventh, eighth] = address.segments();
    let [a, b] = seventh.to_be_bytes();
    let [c, d] = eighth.to_be_bytes();
    let embedded = Ipv4Addr::new(a, b, c, d);
    match (first, second) {
        // NAT64 (RFC 6052).
        (0x64, 0xff9b) => is_public_v4(embedded),
        // 6to4 (RFC 3056): the network after it.
        (0x2002, _) => {
            let [_, high, low, ..] = address.segments();
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        (0x2001, 0..=0x1ff | 0xdb8) => false,
        // Only 2000::/3 is global unicast.
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_dress() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.7",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
        ];
        for address in private {
            assert!(!may_be_reached(address.parse().unwrap(), &[]), "{address}");
        }
        for address in
            ["8.8.8.8", "203.162.4.190", "2001:ee0::1", "2400:cb00::1", "64:ff9b::808:808"]
        {
            assert!(may_be_reached(address.parse().unwrap(), &[]), "{address}");
        }
        let named = ["10.0.0.0/8".parse().unwrap()];
        assert!(may_be_reached("10.1.2.3".parse().unwrap(), &named));
        assert!(may_be_reached("::ffff:10.1.2.3".parse().unwrap(), &named));
        assert!(!may_be_reached("192.168.0.1".parse().unwrap(), &named));
    }
}
