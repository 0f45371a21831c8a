//! The name server nearest to an address: for estimates of how far somebody is who cannot be measured (King).

use super::{
    Resolver,
    timing::{PORT, serves},
};
use crate::domain::NameServer;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// How long a search may take in all: people wait for it, and without an estimate they are measured as before.
const WITHIN: Duration = Duration::from_secs(1);

/// So many of a zone's servers are asked whether they serve it: what a zone names may be strangers.
const MOST_ASKED: usize = 3;
/// How long one of them may take to say so, so that there is time for another: whoever is further away is near to nobody.
const ASKED_WITHIN: Duration = Duration::from_millis(300);

/// The reverse zones that may hold an address, the smallest first: of IPv4 of 24 and 16 bits, of IPv6 of 48 to 32. Larger ones are
/// those of a continent's registry, near to nobody.
fn zones(ip: IpAddr) -> Vec<String> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            vec![
                format!("{c}.{b}.{a}.in-addr.arpa."),
                format!("{b}.{a}.in-addr.arpa."),
            ]
        }
        IpAddr::V6(v6) => {
            let zone = |nibbles: usize| {
                let [a, b, c, ..] = v6.segments();
                let digits = format!("{a:04x}{b:04x}{c:04x}");
                let reversed = digits.chars().take(nibbles).collect::<Vec<_>>().into_iter().rev();
                let labels = reversed.fold(String::new(), |mut zone, digit| {
                    let _ = write!(zone, "{digit}.");
                    zone
                });
                format!("{labels}ip6.arpa.")
            };
            (8..=12).rev().map(zone).collect()
        }
    }
}

impl Resolver {
    /// The nearest name server, within a second. `Ok(None)`: there is none that may be asked.
    ///
    /// # Errors
    /// Nobody knows now: name servers do not answer in time.
    pub async fn name_server_near(&self, ip: IpAddr) -> Result<Option<NameServer>, NoAnswer> {
        tokio::time::timeout(WITHIN, self.search(ip, |address| SocketAddr::new(address, PORT)))
            .await
            .unwrap_or(Err(NoAnswer))
    }

    /// Whoever holds a reverse zone may name any address as its server, and all hosts would send questions there. So one counts
    /// only if it says itself, asked once, that it serves the zone.
    async fn search(
        &self,
        ip: IpAddr,
        listens_at: impl Fn(IpAddr) -> SocketAddr,
    ) -> Result<Option<NameServer>, NoAnswer> {
        for zone in zones(ip) {
            let servers = self.servers_of(&zone).await?;
            if servers.is_empty() {
                continue;
            }
            for server in servers.iter().take(MOST_ASKED) {
                let Some(address) = self.address_of(server).await? else {
                    continue;
                };
                let asked = tokio::time::timeout(ASKED_WITHIN, serves(listens_at(address), &zone));
                if asked.await == Ok(true) {
                    return Ok(Some(NameServer { address, zone }));
                }
            }
            // Its name servers may not be asked, and those of a larger zone are not near.
            return Ok(None);
        }
        Ok(None)
    }

    /// The names of a zone's servers in a fixed order; none if it is no zone.
    async fn servers_of(&self, zone: &str) -> Result<Vec<String>, NoAnswer> {
        let names = self.names.as_ref().ok_or(NoAnswer)?;
        let found = match names.lookup(zone, RecordType::NS).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
            Err(_) => return Err(NoAnswer),
        };
        let server = |data: &RData| match data {
            RData::NS(server) => Some(server.0.to_string()),
            _ => None,
        };
        let mut servers: Vec<String> = found
            .answers()
            .iter()
            .filter_map(|record| server(&record.data))
            .collect();
        servers.sort();
        Ok(servers)
    }

    /// An address that may be asked: hosts send packets there.
    async fn address_of(&self, server: &str) -> Result<Option<IpAddr>, NoAnswer> {
        let names = self.names.as_ref().ok_or(NoAnswer)?;
        match names.lookup_ip(server).await {
            Ok(found) => Ok(found.iter().find(|ip| self.may_ask(*ip))),
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(None),
            Err(_) => Err(NoAnswer),
        }
    }
}

/// Name servers do not answer, or there are none to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name servers do not answer")]
pub struct NoAnswer;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Prefix;
    use crate::resolve::testing::{Mood, NameServer as Known};

    #[test]
    fn the_smallest_zone_is_asked_first() {
        assert_eq!(
            zones([192, 0, 2, 77].into()),
            ["2.0.192.in-addr.arpa.", "0.192.in-addr.arpa."]
        );
        let six: IpAddr = "2620:fe:12::9".parse().unwrap();
        let zones = zones(six);
        assert_eq!(zones[0], "2.1.0.0.e.f.0.0.0.2.6.2.ip6.arpa.");
        assert_eq!(zones[4], "e.f.0.0.0.2.6.2.ip6.arpa.");
        assert_eq!(
            (Prefix::of(six).to_string(), zones.len()),
            ("2620:fe:12::/48".into(), 5)
        );
        assert_eq!(Prefix::of([192, 0, 2, 77].into()).to_string(), "192.0.2.0/24");
        let mapped: IpAddr = "::ffff:192.0.2.77".parse().unwrap();
        assert_eq!(Prefix::of(mapped).to_string(), "192.0.2.0/24");
    }

    /// What is found with `known` in the place of the name servers near people.
    async fn found(known: &Known, allow_private: bool, ip: [u8; 4]) -> Result<Option<NameServer>, NoAnswer> {
        let listens_at = |address: IpAddr| {
            assert_eq!(address, IpAddr::from([10, 9, 0, 1]));
            known.address()
        };
        known.resolver(allow_private).search(ip.into(), listens_at).await
    }

    #[tokio::test]
    async fn the_name_server_of_the_reverse_zone_is_found() {
        let known = Known::start().await;
        // The zone of 10.9.0.0/24 is served by known.example.org, which is 10.9.0.1.
        let server = NameServer {
            address: [10, 9, 0, 1].into(),
            zone: "0.9.10.in-addr.arpa.".into(),
        };
        assert_eq!(found(&known, true, [10, 9, 0, 7]).await, Ok(Some(server)));
        let other = found(&known, true, [10, 8, 0, 7]).await;
        assert_eq!(other, Ok(None), "nobody serves that zone");
        let private = found(&known, false, [10, 9, 0, 7]).await;
        assert_eq!(
            private,
            Ok(None),
            "a name server at a private address is not asked"
        );
        known.set(Mood::Silent);
        assert_eq!(found(&known, true, [10, 9, 0, 7]).await, Err(NoAnswer));
    }

    #[tokio::test]
    async fn a_stranger_whom_a_zone_names_as_its_server_is_not_asked_by_hosts() {
        let known = Known::start().await;
        // It answers that it knows the zone from others, as a public resolver does.
        known.set(Mood::HearsSay);
        assert_eq!(found(&known, true, [10, 9, 0, 7]).await, Ok(None));
        known.set(Mood::Knows);
        // It serves another zone than it was named for.
        assert!(serves(known.address(), "0.9.10.in-addr.arpa.").await);
        assert!(!serves(known.address(), "known.example.org.").await);
        let mute = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = |_| mute.local_addr().unwrap();
        let found = known.resolver(true).search([10, 9, 0, 7].into(), silent).await;
        assert_eq!(
            found,
            Ok(None),
            "it was asked, and waited for no longer than is for it"
        );
    }
}
