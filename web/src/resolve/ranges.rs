//! Which addresses a player can have: after the registries of special-purpose addresses (RFC 6890 and what updates it).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks in which nobody on the internet is.
pub(super) const RESERVED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this host
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // behind a provider's NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link local
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocols
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // never given out, and broadcast
];

/// All of IPv6 that is given out to networks.
pub(super) const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks of that in which nobody is, or in which an IPv4 address hides: what is sent there goes to that one. Outside of it
/// are loopback, mapped and compatible addresses, NAT64, link local, unique local and multicast.
pub(super) const RESERVED_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // sinks of name servers
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn in_v4(ip: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (ip.to_bits() ^ network.to_bits()) >> (32 - length) == 0
}

fn in_v6(ip: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (ip.to_bits() ^ network.to_bits()) >> (128 - length) == 0
}

/// Whether an address can be a player's at all, on the internet or on a LAN: not the host itself, and not many at once.
#[must_use]
pub fn is_somebodys(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || matches!(v4.octets()[0], 0 | 224..)),
        IpAddr::V6(v6) => {
            let is_lan = v6.is_unique_local() || v6.is_unicast_link_local();
            is_lan || is_public(IpAddr::V6(v6))
        }
    }
}

/// Whether an address can be a player's on the internet.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !RESERVED_V4.iter().any(|network| in_v4(v4, *network)),
        IpAddr::V6(v6) => in_v6(v6, GLOBAL_V6) && !RESERVED_V6.iter().any(|network| in_v6(v6, *network)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nobody_is_in_a_reserved_network(which in 0..RESERVED_V4.len(), host: u32) {
            let (network, length) = RESERVED_V4[which];
            let v4 = Ipv4Addr::from_bits(network.to_bits() | host.checked_shr(length).unwrap_or(0));
            prop_assert!(!is_public(v4.into()));
            prop_assert!(!is_public(v4.to_ipv6_mapped().into()));
            // Nor where it hides in an IPv6 address: compatible, NAT64, 6to4, Teredo's server and client.
            let bits = u128::from(v4.to_bits());
            for hidden in [
                bits,
                (0x0064_ff9b_u128 << 96) | bits,
                (0x2002_u128 << 112) | (bits << 80),
                (0x2001_0000_u128 << 96) | (bits << 64),
                (0x2001_0000_u128 << 96) | (bits ^ 0xffff_ffff),
            ] {
                let hidden = IpAddr::V6(Ipv6Addr::from_bits(hidden));
                prop_assert!(!is_public(hidden) && !is_somebodys(hidden), "{hidden}");
            }
        }

        #[test]
        fn nobody_is_in_a_reserved_network_of_ipv6(which in 0..RESERVED_V6.len(), host: u128) {
            let (network, length) = RESERVED_V6[which];
            let v6 = Ipv6Addr::from_bits(network.to_bits() | host.checked_shr(length).unwrap_or(0));
            prop_assert!(!is_public(v6.into()) && !is_somebodys(v6.into()));
        }

        /// What the standard library knows of is reserved here too.
        #[test]
        fn what_is_public_is_nothing_special(
            bits: u32, known in prop_oneof![Just(0_u32), Just(10 << 24), Just(127 << 24), Just(0xa9fe_0000), Just(0xac10_0000), Just(0xc0a8_0000)],
        ) {
            for v4 in [Ipv4Addr::from_bits(bits), Ipv4Addr::from_bits(known | (bits & 0xffff))] {
                let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                    || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
                prop_assert!(!(special && is_public(v4.into())), "{v4}");
                prop_assert!(is_somebodys(v4.into()) || !is_public(v4.into()), "{v4}");
            }
        }
    }

    #[test]
    fn who_is_beside_a_reserved_network_is_somebody() {
        let reserved = |v4: Ipv4Addr| RESERVED_V4.iter().any(|network| in_v4(v4, *network));
        for (network, length) in RESERVED_V4 {
            let first = network.to_bits();
            let last = first | (u32::MAX >> length);
            for v4 in [first.checked_sub(1), last.checked_add(1)].into_iter().flatten() {
                let v4 = Ipv4Addr::from_bits(v4);
                assert_eq!(is_public(v4.into()), !reserved(v4), "{v4}");
            }
        }
        for text in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "223.255.255.255",
            "2a00::1",
            "2001:200::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn on_a_lan_only_people_are_somebody() {
        for text in [
            "10.0.0.1",
            "192.168.1.5",
            "169.254.3.4",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
        ] {
            let ip = text.parse().unwrap();
            assert!(is_somebodys(ip) && !is_public(ip), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "::10.0.0.1",
        ] {
            let ip = text.parse().unwrap();
            assert!(!is_somebodys(ip) && !is_public(ip), "{text}");
        }
    }
}
