//! Which addresses a world's nodes have: of IPv4, and of IPv6 beside it.

use crate::up::CONTROL;
use crate::world::{Kind, Placed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All IPv4 addresses of a world.
const NETWORK: &str = "10.77.0.0/16";
/// All IPv6 addresses of a world.
const NETWORK6: &str = "fd77::/32";

/// On the emulated internet; a node that has IPv6 only keeps its number free.
pub(crate) fn address_of(node: &Placed) -> Ipv4Addr {
    let (first, apart) = match node.kind {
        Kind::Website => (Ipv4Addr::new(10, 77, 0, 1), 1),
        Kind::Host => (Ipv4Addr::new(10, 77, 1, 1), 1),
        Kind::Directory => (Ipv4Addr::new(10, 77, 3, 1), 1),
        Kind::NameServer => (Ipv4Addr::new(10, 77, 4, 1), 1),
        // A network each, as they have different providers.
        Kind::Player => (Ipv4Addr::new(10, 77, 10, 1), 256),
    };
    Ipv4Addr::from(u32::from(first) + apart * u32::try_from(node.number).unwrap_or_default())
}

/// The IPv6 address beside it: `10.77.x.y` has `fd77:0:x::y`, so that each player has a /48 of their own, too.
pub(crate) fn address6_of(node: &Placed) -> Ipv6Addr {
    let [_, _, network, host] = address_of(node).octets();
    Ipv6Addr::new(0xfd77, 0, network.into(), 0, 0, 0, 0, host.into())
}

/// All that a node is reached by, the one that a captain would enter first.
pub(crate) fn addresses_of(node: &Placed) -> Vec<IpAddr> {
    let four = (!node.ipv6_only).then(|| address_of(node).into());
    four.into_iter().chain([address6_of(node).into()]).collect()
}

/// What `ip` is told so that a device has a node's addresses, and the ways to all others.
pub(crate) fn given_to(node: &Placed, device: &str) -> String {
    let mut commands = format!("link set {device} up\n");
    for address in addresses_of(node) {
        // An IPv6 address is there at once; nobody looks for another who has it.
        let (length, network, more) = match address {
            IpAddr::V4(_) => (32, NETWORK, ""),
            IpAddr::V6(_) => (128, NETWORK6, " nodad"),
        };
        commands += &format!(
            "addr add {address}/{length} dev {device}{more}\nroute add {network} dev {device} src {address}\n"
        );
    }
    commands
}

/// On the management bridge.
pub(crate) fn control_of(node: &Placed) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(CONTROL) + 1 + u32::try_from(node.number).unwrap_or_default())
}
