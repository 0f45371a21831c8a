//! Players' host names to addresses, and which addresses may be measured at all.

use crate::domain::PlayerAddress;
use std::{net::IpAddr, time::Duration};

/// Resolves host names by the system's name servers.
#[derive(Clone)]
pub struct Resolver {
    names: Option<hickory_resolver::TokioResolver>,
    allow_private: bool,
}

/// An address that cannot be measured. Shown to the player's own clan and to staff only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no such name.
    #[error("the host name {0} has no address")]
    Unknown(String),
    /// The name servers do not answer.
    #[error("the host name {0} could not be looked up: the name servers do not answer")]
    NoAnswer(String),
    /// An address that is not a player's on the internet.
    #[error("{0} is not an address on the internet")]
    NotPublic(IpAddr),
    /// Hosts and guests speak IPv4 only: what was measured by IPv6 would be another way than the one that is played on.
    #[error("{0} is an IPv6 address: players are measured and play by IPv4")]
    Ipv6(IpAddr),
}

impl Resolver {
    /// By the system's configuration. Without one (no `resolv.conf`) only addresses work.
    #[must_use]
    pub fn system(allow_private: bool) -> Self {
        let names = hickory_resolver::TokioResolver::builder_tokio()
            .and_then(|mut builder| {
                set_options(builder.options_mut());
                builder.build()
            })
            .inspect_err(|error| tracing::warn!(%error, "host names cannot be resolved"))
            .ok();
        Self { names, allow_private }
    }

    /// The address to measure.
    ///
    /// # Errors
    /// If the name has no address, or the address is private and that was not allowed.
    pub async fn resolve(&self, address: &PlayerAddress) -> Result<IpAddr, AddressError> {
        let ip = match address {
            PlayerAddress::Ip(ip) => *ip,
            PlayerAddress::HostName(name) => self.look_up(name).await?,
        };
        if ip.is_ipv6() && is_somebodys(ip) {
            return Err(AddressError::Ipv6(ip));
        }
        if is_public(ip) || (self.allow_private && is_somebodys(ip)) {
            Ok(ip)
        } else {
            Err(AddressError::NotPublic(ip))
        }
    }

    async fn look_up(&self, name: &str) -> Result<IpAddr, AddressError> {
        let Some(names) = &self.names else {
            return Err(AddressError::NoAnswer(name.to_owned()));
        };
        // The final dot keeps the system's search domains out of it.
        match names.lookup_ip(format!("{name}.")).await {
            Ok(found) => found
                .iter()
                .next()
                .ok_or_else(|| AddressError::Unknown(name.to_owned())),
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
                Err(AddressError::Unknown(name.to_owned()))
            }
            Err(_) => Err(AddressError::NoAnswer(name.to_owned())),
        }
    }
}

fn set_options(options: &mut hickory_resolver::config::ResolverOpts) {
    options.timeout = Duration::from_secs(2);
    options.attempts = 1;
    options.ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4Only;
}

/// Whether an address can be a player's at all, on the internet or on a LAN: not the host itself, and not many at
/// once.
#[must_use]
pub fn is_somebodys(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let many = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || many)
}

/// Whether an address can be a player's on the internet.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                v6.segments()[0] & 0xe000 == 0x2000
                    && !(v6.segments()[0] == 0x2001 && v6.segments()[1] == 0xdb8)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for text in ["9.9.9.9", "2620:fe::fe"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn a_private_address_is_refused_unless_allowed() {
        let address: PlayerAddress = "10.77.0.1".parse().unwrap();
        let ip: IpAddr = "10.77.0.1".parse().unwrap();
        assert_eq!(
            Resolver::system(false).resolve(&address).await,
            Err(AddressError::NotPublic(ip))
        );
        assert_eq!(Resolver::system(true).resolve(&address).await, Ok(ip));
    }

    #[tokio::test]
    async fn the_host_itself_and_many_at_once_are_never_allowed() {
        for text in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "::ffff:127.0.0.1",
        ] {
            let address: PlayerAddress = text.parse().unwrap();
            let refused = Resolver::system(true).resolve(&address).await;
            assert!(
                matches!(refused, Err(AddressError::NotPublic(_))),
                "{text}: {refused:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_ipv6_address_is_refused_as_nobody_plays_by_it_yet() {
        let address: PlayerAddress = "2620:fe::fe".parse().unwrap();
        let refused = Resolver::system(false).resolve(&address).await;
        assert!(matches!(refused, Err(AddressError::Ipv6(_))), "{refused:?}");
    }

    /// Answers A questions about `known.example.org` with 10.9.0.1 and AAAA ones with an IPv6 address; no other name exists.
    async fn name_server() -> std::net::SocketAddr {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let asked = &packet[..length];
                let name_end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
                let question = &asked[12..name_end + 4];
                let is_known = question
                    .to_ascii_lowercase()
                    .starts_with(b"\x05known\x07example\x03org\0");
                let is_a = asked[name_end..name_end + 2] == [0, 1];
                let mut answer = asked[..2].to_vec();
                answer.extend([0x81, if is_known { 0x80 } else { 0x83 }, 0, 1]);
                answer.extend([0, u8::from(is_known), 0, 0, 0, 0]);
                answer.extend(question);
                if is_known && is_a {
                    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 0, 1]);
                } else if is_known {
                    answer.extend([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x26, 0x20, 0, 0xfe]);
                    answer.extend([0; 11]);
                    answer.push(0xfe);
                }
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    fn asking(server: std::net::SocketAddr, allow_private: bool) -> Resolver {
        use hickory_resolver::{config, net::runtime::TokioRuntimeProvider};
        let mut one = config::NameServerConfig::udp(server.ip());
        one.connections[0].port = server.port();
        let config = config::ResolverConfig::from_name_servers(vec![one]);
        let mut names =
            hickory_resolver::TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(names.options_mut());
        Resolver {
            names: Some(names.build().unwrap()),
            allow_private,
        }
    }

    #[tokio::test]
    async fn an_unknown_host_name_is_told_by_its_name() {
        let server = name_server().await;
        let unknown: PlayerAddress = "nobody.example.org".parse().unwrap();
        let answer = asking(server, true).resolve(&unknown).await;
        assert_eq!(answer, Err(AddressError::Unknown("nobody.example.org".into())));
        let known: PlayerAddress = "known.example.org".parse().unwrap();
        let ip = IpAddr::from([10, 9, 0, 1]);
        assert_eq!(asking(server, true).resolve(&known).await, Ok(ip));
        // A name that leads to a private address is no way around the rule.
        assert_eq!(
            asking(server, false).resolve(&known).await,
            Err(AddressError::NotPublic(ip))
        );
    }
}
