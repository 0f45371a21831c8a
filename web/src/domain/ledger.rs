//! How much hosts may send to whom, and on whose behalf: nobody makes a fleet a weapon, and who books much does not either.

use super::{
    MatchId, customer,
    limits::{PACKETS_OF_A_CAPTAIN, PACKETS_OF_STAFF, PACKETS_TO_A_NETWORK, PACKETS_TO_AN_ADDRESS, Packets},
};
use std::{collections::BTreeMap, fmt, net::IpAddr};

/// What was sent lately: within ten minutes, and within a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Packets in the last ten minutes.
    pub ten_minutes: u64,
    /// Packets in the last day, those included.
    pub day: u64,
}

/// The network that an address is of: a /24, or a /48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(IpAddr);

impl Prefix {
    /// Of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & !0xff).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 80 << 80).into()),
        })
    }
}

impl Prefix {
    /// Whether it is a LAN, where the operator allows those: all players of an evening are in one.
    fn is_lan(self) -> bool {
        match self.0 {
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = if self.0.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{length}", self.0)
    }
}

/// Who is pinged, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopTarget {
    /// The network of the address, as text.
    pub prefix: String,
    /// Packets in the last hour.
    pub hour: u64,
    /// Packets in the last day.
    pub day: u64,
    /// Name of who booked the matches, or asked.
    pub caused_by: String,
    /// One of the matches; absent if it was asked for by itself.
    pub match_id: Option<MatchId>,
}

/// Why somebody is not pinged now. Words for both clans: it names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum OverLimit {
    /// That very address.
    #[error("an address is pinged only so much {0}")]
    Address(Span),
    /// Its network.
    #[error("all addresses of one network together are pinged only so much {0}")]
    Network(Span),
    /// Who booked the match.
    #[error("the matches of one account have players pinged only so much {0}")]
    Account(Span),
}

/// Within which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Ten minutes.
    TenMinutes,
    /// A day.
    Day,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TenMinutes => "in ten minutes",
            Self::Day => "in a day",
        })
    }
}

/// What was sent on behalf of one account, and to the targets of one round.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Whether the account is an organiser's or operator's.
    pub is_staff: bool,
    /// On behalf of the account.
    pub account: Sent,
    /// To each address, an IPv6 customer's whole /64; absent if nothing.
    pub addresses: BTreeMap<IpAddr, Sent>,
    /// To each network; absent if nothing.
    pub networks: BTreeMap<Prefix, Sent>,
}

impl Ledger {
    /// Writes down that so many packets go to an address, or says why they may not: then nothing is written.
    ///
    /// # Errors
    /// Whose limit it would go over.
    pub fn enter(&mut self, address: IpAddr, packets: u64) -> Result<(), OverLimit> {
        let address = customer(address);
        let prefix = Prefix::of(address);
        let to_it = self.addresses.get(&address).copied().unwrap_or_default();
        let there = self.networks.get(&prefix).copied().unwrap_or_default();
        let most = if self.is_staff {
            PACKETS_OF_STAFF
        } else {
            PACKETS_OF_A_CAPTAIN
        };
        let to_it = plus(to_it, packets, PACKETS_TO_AN_ADDRESS).map_err(OverLimit::Address)?;
        let there = match plus(there, packets, PACKETS_TO_A_NETWORK) {
            Err(span) if !prefix.is_lan() => return Err(OverLimit::Network(span)),
            entered => entered.unwrap_or(there),
        };
        self.account = plus(self.account, packets, most).map_err(OverLimit::Account)?;
        self.addresses.insert(address, to_it);
        self.networks.insert(prefix, there);
        Ok(())
    }
}

fn plus(sent: Sent, packets: u64, most: Packets) -> Result<Sent, Span> {
    let more = Sent {
        ten_minutes: sent.ten_minutes.saturating_add(packets),
        day: sent.day.saturating_add(packets),
    };
    if more.ten_minutes > most.ten_minutes {
        return Err(Span::TenMinutes);
    }
    if more.day > most.day {
        return Err(Span::Day);
    }
    Ok(more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One entry: minute, account, address, packets.
    type Row = (i64, usize, IpAddr, u64);

    /// What the rows say that was sent lately where `counts`.
    fn sum(rows: &[Row], now: i64, counts: impl Fn(&Row) -> bool) -> Sent {
        let within = |minutes: i64| {
            rows.iter()
                .filter(|row| now - row.0 < minutes && counts(row))
                .map(|row| row.3)
                .sum()
        };
        Sent {
            ten_minutes: within(10),
            day: within(24 * 60),
        }
    }

    proptest! {
        /// Whoever books whatever, in whatever order: in no ten minutes and on no day is more sent than the limits say.
        #[test]
        fn nothing_goes_over_a_limit(
            asks in proptest::collection::vec((0_i64..30, 0_usize..3, 0_u8..3, 0_u8..6, 1_u64..12_000), 1..120),
        ) {
            let (mut now, mut rows) = (0, Vec::<Row>::new());
            for (later, account, network, host, packets) in asks {
                now += later;
                let address = IpAddr::from([198, 51, network, host]);
                let mut ledger = Ledger {
                    is_staff: account == 0,
                    account: sum(&rows, now, |row| row.1 == account),
                    addresses: [(address, sum(&rows, now, |row| row.2 == address))].into(),
                    networks: [(Prefix::of(address), sum(&rows, now, |row| Prefix::of(row.2) == Prefix::of(address)))].into(),
                };
                let before = ledger.clone();
                let entered = ledger.enter(address, packets);
                if entered.is_ok() {
                    rows.push((now, account, address, packets));
                } else {
                    prop_assert_eq!(ledger.account, before.account);
                    prop_assert_eq!(&ledger.addresses, &before.addresses);
                }
                let within = |sent: Sent, most: Packets| sent.ten_minutes <= most.ten_minutes && sent.day <= most.day;
                prop_assert!(within(sum(&rows, now, |row| row.2 == address), PACKETS_TO_AN_ADDRESS));
                prop_assert!(within(sum(&rows, now, |row| Prefix::of(row.2) == Prefix::of(address)), PACKETS_TO_A_NETWORK));
                let most = if account == 0 { PACKETS_OF_STAFF } else { PACKETS_OF_A_CAPTAIN };
                prop_assert!(within(sum(&rows, now, |row| row.1 == account), most));
            }
        }
    }

    #[test]
    fn the_limits_leave_room_for_what_people_do() {
        // Ten hosts, and a match of two full rosters that is measured as often as it may be.
        let round = u64::from(crate::domain::SAMPLES) * 10;
        let mut ledger = Ledger::default();
        for _ in 0..crate::domain::MOST_ROUNDS {
            for player in 0..64_u8 {
                let address = IpAddr::from([198, 51, player, 7]);
                assert_eq!(ledger.enter(address, round), Ok(()));
            }
        }
        // Two hundred hosts, all asked, and a match that is measured at its booking and again.
        let round = u64::from(crate::domain::SAMPLES) * 200;
        let mut ledger = Ledger::default();
        for _ in 0..2 {
            for player in 0..10_u8 {
                assert_eq!(ledger.enter(IpAddr::from([198, 51, 100, player]), round), Ok(()));
            }
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_address_and_48_bits_are_a_network() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(
            ledger.enter(ip("2620:fe:1:2::7"), PACKETS_TO_AN_ADDRESS.ten_minutes),
            Ok(())
        );
        let full = Err(OverLimit::Address(Span::TenMinutes));
        assert_eq!(
            ledger.enter(ip("2620:fe:1:2:ffff::9"), 1),
            full,
            "of the same /64"
        );
        for customer in 3..12_u16 {
            let other = ip(&format!("2620:fe:1:{customer:x}::7"));
            assert_eq!(ledger.enter(other, PACKETS_TO_AN_ADDRESS.ten_minutes), Ok(()));
        }
        let full = Err(OverLimit::Network(Span::TenMinutes));
        assert_eq!(ledger.enter(ip("2620:fe:1:99::7"), 1), full);
        assert_eq!(ledger.enter(ip("2620:fe:2:99::7"), 1), Ok(()));
        // The same packet to a mapped address is one to IPv4.
        assert_eq!(
            ledger.enter(ip("::ffff:198.51.100.7"), PACKETS_TO_AN_ADDRESS.ten_minutes),
            Ok(())
        );
        let full = Err(OverLimit::Address(Span::TenMinutes));
        assert_eq!(ledger.enter(ip("198.51.100.7"), 1), full);
    }

    #[test]
    fn who_is_in_the_way_is_named() {
        let address = IpAddr::from([198, 51, 100, 7]);
        let full = |most: Packets| Sent {
            ten_minutes: 0,
            day: most.day,
        };
        let mut ledger = Ledger {
            addresses: [(address, full(PACKETS_TO_AN_ADDRESS))].into(),
            ..Ledger::default()
        };
        assert_eq!(ledger.enter(address, 1), Err(OverLimit::Address(Span::Day)));
        let neighbour = IpAddr::from([198, 51, 100, 8]);
        assert_eq!(ledger.enter(neighbour, 1), Ok(()));
        ledger.networks = [(Prefix::of(address), full(PACKETS_TO_A_NETWORK))].into();
        assert_eq!(ledger.enter(neighbour, 1), Err(OverLimit::Network(Span::Day)));
        ledger.account = full(PACKETS_OF_A_CAPTAIN);
        let elsewhere = IpAddr::from([203, 0, 113, 1]);
        assert_eq!(ledger.enter(elsewhere, 1), Err(OverLimit::Account(Span::Day)));
        let on_a_lan = IpAddr::from([192, 168, 1, 7]);
        ledger
            .networks
            .insert(Prefix::of(on_a_lan), full(PACKETS_TO_A_NETWORK));
        ledger.is_staff = true;
        assert_eq!(ledger.enter(on_a_lan, 1), Ok(()), "a LAN is the operator's own");
        assert_eq!(ledger.enter(elsewhere, 1), Ok(()));
        let much = PACKETS_TO_AN_ADDRESS.ten_minutes + 1;
        let said = ledger.enter(IpAddr::from([192, 0, 2, 1]), much).unwrap_err();
        assert_eq!(
            said.to_string(),
            "an address is pinged only so much in ten minutes"
        );
    }

    #[test]
    fn a_network_is_a_24_or_a_48() {
        let of = |text: &str| Prefix::of(text.parse().unwrap()).to_string();
        assert_eq!(of("198.51.100.7"), "198.51.100.0/24");
        assert_eq!(of("::ffff:198.51.100.7"), "198.51.100.0/24");
        assert_eq!(of("2001:db8:1:2::3"), "2001:db8:1::/48");
    }
}
