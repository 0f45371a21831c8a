//! Lists of servers, as masters answer them.

use super::packet::{Malformed, PREFIX};
use super::text::word;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest packet that a master sends, as dpmaster does: it passes every network in one piece.
const LONGEST: usize = 1_400;
/// Ends a list. Has the length of an IPv4 entry, and would be one with port 0.
const END: &[u8; 7] = b"\\EOT\0\0\0";

/// Which servers somebody asks a master for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServersQuery {
    /// `getserversExt`: the answer may hold IPv6 addresses.
    pub extended: bool,
    /// Which game; may be empty unless `extended`.
    pub gamename: String,
    /// Game protocol.
    pub protocol: u32,
    /// Empty servers too.
    pub empty: bool,
    /// Full servers too.
    pub full: bool,
    /// IPv4 servers; always true unless `extended`.
    pub ipv4: bool,
    /// IPv6 servers; always false unless `extended`.
    pub ipv6: bool,
}

impl ServersQuery {
    /// `getserversExt` for all servers of a game, empty and full ones too.
    #[must_use]
    pub fn all(gamename: &str, protocol: u32) -> Self {
        let gamename = word(gamename);
        Self {
            extended: true,
            gamename,
            protocol,
            empty: true,
            full: true,
            ipv4: true,
            ipv6: true,
        }
    }

    /// Reads what stands after `getservers` or `getserversExt`.
    pub(super) fn parse(extended: bool, line: &str) -> Result<Self, Malformed> {
        let mut words = line.split_ascii_whitespace();
        let mut first = words.next().unwrap_or_default();
        let mut gamename = String::new();
        if extended || !first.starts_with(|c: char| c.is_ascii_digit()) {
            gamename = word(first);
            first = words.next().unwrap_or_default();
        }
        let protocol = first.parse().map_err(|_| Malformed::BadValue {
            key: "protocol",
            value: first.to_owned(),
        })?;
        let has: Vec<&str> = words.take(16).collect();
        let any_family = !has.contains(&"ipv4") && !has.contains(&"ipv6");
        Ok(Self {
            extended,
            gamename,
            protocol,
            empty: has.contains(&"empty"),
            full: has.contains(&"full"),
            ipv4: !extended || any_family || has.contains(&"ipv4"),
            ipv6: extended && (any_family || has.contains(&"ipv6")),
        })
    }

    pub(super) fn line(&self) -> String {
        let mut line = String::from(if self.extended {
            "getserversExt"
        } else {
            "getservers"
        });
        if self.extended || !self.gamename.is_empty() {
            line += &format!(" {}", word(&self.gamename));
        }
        line += &format!(" {}", self.protocol);
        let families = self.extended && self.ipv4 != self.ipv6;
        for (wanted, name) in [
            (self.empty, " empty"),
            (self.full, " full"),
            (families && self.ipv4, " ipv4"),
            (families && self.ipv6, " ipv6"),
        ] {
            if wanted {
                line += name;
            }
        }
        line
    }
}

/// One packet of a list of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerList {
    /// `getserversExtResponse`.
    pub extended: bool,
    /// Where the servers are.
    pub servers: Vec<SocketAddr>,
    /// Whether nothing more comes after this packet.
    pub last: bool,
}

impl ServerList {
    /// Cuts a list into packets. IPv6 addresses are left out unless `extended`.
    #[must_use]
    pub fn packets(extended: bool, servers: &[SocketAddr]) -> Vec<Vec<u8>> {
        let head = if extended {
            "getserversExtResponse"
        } else {
            "getserversResponse"
        };
        let start = [PREFIX.as_slice(), head.as_bytes()].concat();
        let mut packets = Vec::new();
        let mut packet = start.clone();
        for server in servers {
            let mut entry = Vec::with_capacity(19);
            match server.ip() {
                IpAddr::V4(ip) => {
                    entry.push(b'\\');
                    entry.extend_from_slice(&ip.octets());
                }
                IpAddr::V6(_) if !extended => continue,
                IpAddr::V6(ip) => {
                    entry.push(b'/');
                    entry.extend_from_slice(&ip.octets());
                }
            }
            entry.extend_from_slice(&server.port().to_be_bytes());
            if packet.len() + entry.len() + END.len() > LONGEST {
                packets.push(std::mem::replace(&mut packet, start.clone()));
            }
            packet.extend_from_slice(&entry);
        }
        packet.extend_from_slice(END);
        packets.push(packet);
        packets
    }

    /// Reads what stands after the head. Entries with port 0 are dropped; what is cut off in the middle too.
    pub(super) fn parse(extended: bool, mut body: &[u8]) -> Self {
        let mut list = Self {
            extended,
            servers: Vec::new(),
            last: false,
        };
        loop {
            if body.starts_with(END) {
                list.last = true;
                return list;
            }
            let entry = match body.split_first() {
                Some((b'\\', rest)) => rest
                    .split_first_chunk::<4>()
                    .map(|(ip, rest)| (IpAddr::V4(Ipv4Addr::from(*ip)), rest)),
                Some((b'/', rest)) if extended => rest
                    .split_first_chunk::<16>()
                    .map(|(ip, rest)| (IpAddr::V6(Ipv6Addr::from(*ip)), rest)),
                _ => None,
            };
            let Some((ip, rest)) = entry else { return list };
            let Some((port, rest)) = rest.split_first_chunk::<2>() else {
                return list;
            };
            let port = u16::from_be_bytes(*port);
            if port != 0 {
                list.servers.push(SocketAddr::new(ip, port));
            }
            body = rest;
        }
    }
}
