//! The firewall as text. Pure: the same wiring gives the same text, and each text is one atomic `nft -f -` batch that
//! may be applied twice.
//!
//! Each slot has one table in the host's namespace, so that setting up, changing and removing a slot touches no other slot.
//! Connections of one opening live in a conntrack *zone* of their own: what the kernel still remembers of
//! players of an earlier match on the same port can then not lead them to the earlier slot.

use super::Transport;
use super::names::Names;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

/// The guest's side, the same for every slot, as on QEMU's user network.
pub(crate) const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub(crate) const GUEST_MAC: &str = "52:54:00:12:34:56";
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub(crate) const GATEWAY_MAC: &str = "52:55:0a:00:02:02";

/// How a slot is wired; kept on disk, so that a restarted agent sets the very same rules for a VM that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wiring {
    pub guest_port: u16,
    pub transport: Transport,
    pub masters: Vec<SocketAddr>,
    /// Public port, while open.
    pub opened: Option<u16>,
    /// Conntrack zone; another one at each opening.
    pub zone: u16,
    /// Where the user network has the guest's port on the loopback.
    pub inside_port: u16,
}

/// The rules of one slot in the host's namespace. `outside` is the host's address that VMs speak from.
pub(crate) fn slot_table(names: &Names, outside: Ipv4Addr, wiring: Option<&Wiring>) -> String {
    let table = names.table();
    let open = wiring.and_then(|wiring| Some((wiring, wiring.opened?)));
    let chains = [
        (
            "zones { type filter hook prerouting priority raw;",
            open.map(|o| zones(names, o)),
        ),
        (
            "arriving { type nat hook prerouting priority dstnat;",
            open.map(|o| arriving(names, o)),
        ),
        (
            "leaving { type nat hook postrouting priority srcnat;",
            open.map(|o| leaving(names, outside, o)),
        ),
        ("from_slot {", Some(from_slot(open))),
        ("to_slot {", Some(to_slot(open))),
        (
            "between { type filter hook forward priority filter;",
            Some(between(names)),
        ),
        (
            "to_host { type filter hook input priority filter;",
            Some(to_host(names)),
        ),
    ];
    // Flushing removes rules and keeps the counter, so that counting goes on over changes.
    let mut text = format!("add table ip {table}\nadd counter ip {table} players\nflush table ip {table}\n");
    let _ = writeln!(text, "table ip {table} {{");
    for (head, rules) in chains {
        let _ = writeln!(text, "  chain {head}");
        for rule in rules.unwrap_or_default() {
            let _ = writeln!(text, "    {rule}");
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

type Open<'a> = (&'a Wiring, u16);

fn zones(names: &Names, (wiring, port): Open<'_>) -> Vec<String> {
    let (link, zone, transport) = (names.link(), wiring.zone, wiring.transport.name());
    vec![
        // Not what goes back to the agent itself, which knows nothing of zones.
        format!("iifname \"{link}\" ip daddr != 169.254.0.0/16 ct zone set {zone}"),
        format!("iifname != \"{link}\" fib daddr type local {transport} dport {port} ct zone set {zone}"),
    ]
}

fn arriving(names: &Names, (wiring, port): Open<'_>) -> Vec<String> {
    let (link, transport) = (names.link(), wiring.transport.name());
    let (slot, guest) = (names.slot_address(), wiring.guest_port);
    vec![format!(
        "iifname != \"{link}\" fib daddr type local {transport} dport {port} dnat to {slot}:{guest}"
    )]
}

fn leaving(names: &Names, outside: Ipv4Addr, (wiring, port): Open<'_>) -> Vec<String> {
    let (link, transport) = (names.link(), wiring.transport.name());
    let (slot, guest) = (names.slot_address(), wiring.guest_port);
    // A directory lists where a heartbeat comes from: that must be where players can go.
    vec![format!(
        "oifname != \"{link}\" ip saddr {slot} {transport} sport {guest} snat to {outside}:{port}"
    )]
}

fn from_slot(open: Option<Open<'_>>) -> Vec<String> {
    let mut rules = Vec::new();
    if let Some((wiring, _)) = open {
        let (transport, guest) = (wiring.transport.name(), wiring.guest_port);
        rules.push("ct state related accept".to_owned());
        rules.push(format!("ct direction reply {transport} sport {guest} accept"));
        if let Some(masters) = masters(wiring) {
            rules.push(format!("udp sport {guest} ip daddr . udp dport {masters} accept"));
        }
    }
    rules.push("drop".to_owned());
    rules
}

fn to_slot(open: Option<Open<'_>>) -> Vec<String> {
    let mut rules = Vec::new();
    if let Some((wiring, _)) = open {
        let (transport, guest) = (wiring.transport.name(), wiring.guest_port);
        rules.push("ct state related accept".to_owned());
        // Not "established": what was let in before a closing must not stay in.
        let player = format!("ct direction original ct status dnat {transport} dport {guest}");
        match wiring.transport {
            // Witnesses, directories and the curious ask without a connection, by packets that begin with four bytes
            // of ones; whoever plays has one.
            Transport::Udp => {
                rules.push(format!(
                    "{player} @th,64,32 != 0xffffffff counter name players accept"
                ));
                rules.push(format!("{player} accept"));
            }
            Transport::Tcp => rules.push(format!("{player} counter name players accept")),
        }
        if let Some(masters) = masters(wiring) {
            rules.push(format!(
                "ct direction reply udp dport {guest} ip saddr . udp sport {masters} accept"
            ));
        }
    }
    rules.push("drop".to_owned());
    rules
}

fn between(names: &Names) -> Vec<String> {
    let link = names.link();
    vec![
        format!("iifname \"{link}\" jump from_slot"),
        format!("oifname \"{link}\" jump to_slot"),
    ]
}

fn to_host(names: &Names) -> Vec<String> {
    let link = names.link();
    vec![
        format!("iifname \"{link}\" ct direction reply accept"),
        format!("iifname \"{link}\" drop"),
    ]
}

/// The masters as an nft set, each once; guests speak IPv4 only.
fn masters(wiring: &Wiring) -> Option<String> {
    let mut list: Vec<String> = wiring
        .masters
        .iter()
        .filter_map(|master| match master {
            SocketAddr::V4(master) => Some(format!("{} . {}", master.ip(), master.port())),
            SocketAddr::V6(_) => None,
        })
        .collect();
    list.sort();
    list.dedup();
    (!list.is_empty()).then(|| format!("{{ {} }}", list.join(", ")))
}

/// The rules inside a slot's own namespace: everything that the host lets through is the guest's.
pub(crate) fn inner_table(slot: Ipv4Addr) -> String {
    format!(
        "add table ip slot\nflush table ip slot\ntable ip slot {{
  chain arriving {{ type nat hook prerouting priority dstnat;
    iifname \"up0\" meta l4proto {{ tcp, udp }} dnat to {GUEST}
  }}
  chain leaving {{ type nat hook postrouting priority srcnat;
    oifname \"up0\" ip saddr {GUEST} snat to {slot}
  }}
  chain between {{ type filter hook forward priority filter;
    iifname \"tap0\" ip saddr != {GUEST} drop
  }}
  chain here {{ type filter hook input priority filter;
    iifname != \"lo\" drop
  }}
}}
"
    )
}

/// Keeps a host that was no router from becoming one for anything but slots, of this agent and of others beside it.
pub(crate) fn no_router_table(agent: &str) -> String {
    let table = super::names::no_router(agent);
    let links = super::names::ALL_LINKS;
    format!(
        "add table ip {table}\nflush table ip {table}\ntable ip {table} {{
  chain between {{ type filter hook forward priority filter - 10;
    iifname \"{links}\" accept
    oifname \"{links}\" accept
    drop
  }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wired(opened: Option<u16>) -> Wiring {
        Wiring {
            guest_port: 27960,
            transport: Transport::Udp,
            masters: [
                "10.77.9.9:27950",
                "[2001:db8::1]:27950",
                "10.77.9.8:27950",
                "10.77.9.9:27950",
            ]
            .map(|master| master.parse().unwrap())
            .to_vec(),
            opened,
            zone: 5,
            inside_port: 0,
        }
    }

    fn table(wiring: Option<&Wiring>) -> String {
        slot_table(&Names::new("a1b2c3d4", 1), Ipv4Addr::new(10, 77, 0, 1), wiring)
    }

    #[test]
    fn an_opened_game_has_exactly_these_rules() {
        insta::assert_snapshot!(table(Some(&wired(Some(27961)))));
    }

    #[test]
    fn an_opened_service_has_exactly_these_rules() {
        let service = Wiring {
            guest_port: 80,
            transport: Transport::Tcp,
            masters: Vec::new(),
            ..wired(Some(28000))
        };
        insta::assert_snapshot!(table(Some(&service)));
    }

    #[test]
    fn what_is_only_wired_is_as_closed_as_what_is_not() {
        assert_eq!(table(Some(&wired(None))), table(None));
        insta::assert_snapshot!(table(None));
    }

    #[test]
    fn the_inner_rules_are_exactly_these() {
        insta::assert_snapshot!(inner_table(Ipv4Addr::new(169, 254, 40, 11)));
    }

    #[test]
    fn a_host_that_was_no_router_gets_exactly_these_rules() {
        insta::assert_snapshot!(no_router_table("a1b2c3d4"));
    }
}
