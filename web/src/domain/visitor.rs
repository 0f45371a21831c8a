//! Who comes by a clan's link: whether they are who they say, and what is kept of them.

use super::{ClanId, Consent, Name, Player, PlayerAddress, PlayerId, PlayerIpv6};
use std::net::{IpAddr, Ipv6Addr};

/// Who a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody of this name is in the clan.
    New,
    /// This player.
    Is(PlayerId),
    /// This name is somebody else's.
    Taken,
}

/// Whether a visitor from `from` may be the player of the clan who has the name that they say. A name is free for whoever has
/// the link until somebody has come with it by this link; from then on it is theirs who come from the same customer's line. A line
/// with IPv4 and IPv6 is known by both only when it has come by both: so each of them is somebody's from the first visit by it.
#[must_use]
pub fn claim(named: Option<&Player>, came_by_link: bool, from: IpAddr) -> Claim {
    let Some(player) = named else {
        return Claim::New;
    };
    let (known, consent) = known_at(player, from);
    let same = known.is_some_and(|ip| customer(ip) == customer(from));
    // What a captain has typed since is anybody's again.
    if came_by_link && consent != Consent::Typed && !same {
        return Claim::Taken;
    }
    Claim::Is(player.id)
}

/// The player's address of the kind that a visitor comes from, and whose word it is.
fn known_at(player: &Player, from: IpAddr) -> (Option<IpAddr>, Consent) {
    match (from.to_canonical(), &player.address, player.ipv6) {
        (IpAddr::V4(_), PlayerAddress::Ip(ip), _) => (Some((*ip).into()), player.consent),
        (IpAddr::V6(_), _, Some(ipv6)) => (Some(ipv6.ip.into()), ipv6.consent),
        (IpAddr::V4(_), ..) => (None, player.consent),
        (IpAddr::V6(_), _, None) => (None, Consent::Typed),
    }
}

/// The word there is of the address that a visitor comes from: an organiser's of that very one, their own of all that their
/// customer has, since a machine takes another of those each day.
#[must_use]
pub fn word_at(player: &Player, from: IpAddr) -> Option<Consent> {
    let (known, consent) = known_at(player, from);
    let holds = |ip: &IpAddr| {
        *ip == from.to_canonical() || (consent.is_visitors() && customer(*ip) == customer(from))
    };
    known.filter(holds).map(|_| consent)
}

/// Names of those on a roster who have not come by their link yet; each comes with whether they have.
#[must_use]
pub fn expected<'a>(roster: impl Iterator<Item = (&'a Name, bool)>) -> Vec<&'a str> {
    roster
        .filter(|(_, has_come)| !has_come)
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Whether a visitor from here may be a player of the clan whom nobody has chosen for the match, where the side gathers: one whose
/// address is a captain's word alone, or this very one.
#[must_use]
pub fn may_gather(player: &Player, from: IpAddr) -> bool {
    let (known, _) = known_at(player, from);
    let same = known.is_some_and(|ip| customer(ip) == customer(from));
    let ipv6 = player.ipv6.map(|ipv6| ipv6.consent);
    same || (player.consent == Consent::Typed && ipv6.is_none_or(|consent| consent == Consent::Typed))
}

/// The address that stands for one customer of a network: an IPv6 customer has a whole /64.
#[must_use]
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A player of whom nothing is known but the name.
#[must_use]
pub fn newcomer(id: PlayerId, clan: ClanId, name: Name) -> Player {
    Player {
        id,
        clan,
        name,
        address: PlayerAddress::Nothing,
        consent: Consent::Typed,
        ipv6: None,
    }
}

/// What is kept of a player who comes from an address. Who comes by IPv6 plays from their IPv4 address as before, and the other
/// way round: a browser takes now the one and now the other. Who declined at the address that they had, and does not agree now, is
/// pinged at the other one no more than before.
#[must_use]
pub fn come_from(player: &Player, from: IpAddr, consent: Consent) -> Player {
    let mut player = player.clone();
    let (_, dropped) = known_at(&player, from);
    let stays = matches!(dropped, Consent::Declined { .. })
        && !matches!(consent, Consent::Own { .. } | Consent::Declined { .. });
    let beside = stays.then_some(dropped);
    match from.to_canonical() {
        IpAddr::V4(ip) => {
            (player.address, player.consent) = (PlayerAddress::Ip(ip), consent);
            if let Some(ipv6) = &mut player.ipv6 {
                ipv6.consent = ipv6.consent.beside(beside);
            }
        }
        IpAddr::V6(ip) => {
            player.ipv6 = Some(PlayerIpv6 { ip, consent });
            if player.address != PlayerAddress::Nothing {
                player.consent = player.consent.beside(beside);
            }
        }
    }
    player
}

#[cfg(test)]
#[path = "visitor_tests.rs"]
mod tests;
