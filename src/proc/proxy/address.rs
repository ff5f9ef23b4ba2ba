//! Which addresses are nobody's business to reach by a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether this is an address of the machine itself, of a network around it, or of none: services
/// there trust whoever can reach them, such as the one at 169.254.169.254 that hands out a
/// machine's credentials.
pub(super) fn is_special(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_special_v4(address),
        IpAddr::V6(address) => is_special_v6(address),
    }
}

/// The addresses of documentation and of benchmarks are nobody's, and some resolvers give them out
/// in place of others, for a gateway to translate. So they are not among these.
fn is_special_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // This host, private networks, providers' networks and loopback.
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => true,
        // Link-local, and protocol assignments.
        [169, 254, ..] | [192, 0, 0, _] => true,
        // Multicast, reserved and broadcast.
        [first, ..] => first >= 224,
    }
}

/// Only the global unicast addresses are ordinary, and those into which an IPv4 address is
/// translated are what that one is.
fn is_special_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_special_v4(joined(high, low)),
        [0x2002, high, low, ..] => is_special_v4(joined(high, low)),
        // Protocol assignments, tunnels among them.
        [0x2001, 0..=0x1ff, ..] => true,
        [first, ..] => first & 0xe000 != 0x2000,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_special_in_every_form() {
        for near in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2001::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_special(near.parse().unwrap()), "{near}");
        }
        for far in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "203.0.113.1",
            "198.18.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2001:db8::1",
        ] {
            assert!(!is_special(far.parse().unwrap()), "{far}");
        }
    }
}
