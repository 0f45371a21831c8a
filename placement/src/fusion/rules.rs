//! What smells, rule by rule.

use super::{Reading, Smell};
use crate::{Micros, Source, shortlist::Mesh};
use std::cmp::Reverse;

/// Below a measurement by this is not noise, microseconds.
const FAR_US: u32 = 10_000;
/// Above by amounts that differ by this is not the last mile, microseconds.
const UNEVEN_US: u32 = 30_000;
/// The name server that an estimate is of may stand so far from the player, and more at some hosts than at others, microseconds.
const ASIDE_US: u32 = 60_000;
/// So many hosts must say so, where one alone may have had a bad minute.
const SEVERAL: usize = 2;
/// Nearer to each other than this, two hosts count as one place, microseconds.
const PLACE_US: u32 = 20_000;
/// To so many places alike is not by chance: of points strewn over a plane about one in a million is so far from six others.
const PLACES: usize = 6;
/// Alike: within this part of the way between the furthest two.
const ALIKE: u32 = 20;
/// Routes are not straight: the way by the player may be shorter than the direct one by so much, per cent.
const DETOUR: u32 = 40;

/// All that is known of one player.
pub(super) struct Player<'a> {
    readings: &'a [Vec<Reading>],
    names: &'a [String],
}

impl<'a> Player<'a> {
    pub(super) fn new(readings: &'a [Vec<Reading>], names: &'a [String]) -> Self {
        Self { readings, names }
    }

    fn name(&self, host: usize) -> String {
        self.names.get(host).cloned().unwrap_or_default()
    }

    /// Of each host the smallest own and the smallest hosts' own measurement.
    fn least(&self, own: bool) -> impl Iterator<Item = (usize, Reading)> + Clone + '_ {
        self.smallest(move |one| one.is_direct() && one.is_own() == own)
    }

    fn smallest<'b>(
        &'b self,
        counts: impl Fn(&Reading) -> bool + Clone + 'b,
    ) -> impl Iterator<Item = (usize, Reading)> + Clone + 'b {
        let of = move |all: &Vec<Reading>| {
            let those = all.iter().copied().filter(|one| counts(one));
            those.min_by_key(|one| (one.value, one.rank()))
        };
        self.readings
            .iter()
            .enumerate()
            .filter_map(move |(host, all)| Some((host, of(all)?)))
    }

    /// Host, own and host's measurement where there are both.
    fn both(&self) -> Vec<(usize, Reading, Reading)> {
        self.own_and(self.least(false))
    }

    fn own_and(
        &self,
        theirs: impl Iterator<Item = (usize, Reading)> + Clone,
    ) -> Vec<(usize, Reading, Reading)> {
        let with = |(host, own)| {
            let (_, seen) = theirs.clone().find(|(at, _)| *at == host)?;
            Some((host, own, seen))
        };
        self.least(true).filter_map(with).collect()
    }

    pub(super) fn far_below(&self) -> Option<Smell> {
        let short = |own: &Reading, seen: &Reading| {
            let sure = own.value.us().saturating_add(errors(own, seen) + FAR_US);
            seen.least.us().saturating_sub(sure)
        };
        let mut below = self.both();
        below.retain(|(_, own, seen)| short(own, seen) > 0);
        let (host, own, seen) = below
            .iter()
            .max_by_key(|(host, own, seen)| (short(own, seen), *host))?;
        (below.len() >= SEVERAL).then(|| Smell::FarBelow {
            hosts: below.len(),
            host: self.name(*host),
            own_us: own.value.us(),
            least_us: seen.least.us(),
        })
    }

    pub(super) fn uneven(&self) -> Option<Smell> {
        let both = self.both();
        let above = |own: &Reading, seen: &Reading| i64::from(own.value.us()) - i64::from(seen.value.us());
        let key = |(host, own, seen): &&(usize, Reading, Reading)| (above(own, seen), *host);
        let (most, least) = (both.iter().max_by_key(key)?, both.iter().min_by_key(key)?);
        let by = (above(&most.1, &most.2), above(&least.1, &least.2));
        let margin = errors(&most.1, &most.2) + errors(&least.1, &least.2) + UNEVEN_US;
        // Upwards: downwards is `FarBelow`.
        (by.0 > i64::from(UNEVEN_US) && by.0 - by.1 > i64::from(margin)).then(|| Smell::Uneven {
            host: self.name(most.0),
            most_us: by.0,
            other: self.name(least.0),
            least_us: by.1,
        })
    }

    /// As [`Self::uneven`] for who is not pinged, by what name servers near them say: it sees no last mile, so that only unlike
    /// amounts count.
    pub(super) fn unlike_king(&self) -> Option<Smell> {
        let king = self.smallest(|one| one.source == Source::King);
        let both = self.own_and(king);
        let above = |own: &Reading, king: &Reading| i64::from(own.value.us()) - i64::from(king.value.us());
        // With their errors, so that a far host, of which an estimate is less sure, is not the worst for that.
        let surely = |(host, own, king): &&(usize, Reading, Reading)| {
            (above(own, king) - i64::from(errors(own, king)), *host)
        };
        let at_most = |(host, own, king): &&(usize, Reading, Reading)| {
            (above(own, king) + i64::from(errors(own, king)), *host)
        };
        let (most, least) = (both.iter().max_by_key(surely)?, both.iter().min_by_key(at_most)?);
        (surely(&most).0 - at_most(&least).0 > i64::from(ASIDE_US)).then(|| Smell::UnlikeKing {
            host: self.name(most.0),
            most_us: above(&most.1, &most.2),
            other: self.name(least.0),
            least_us: above(&least.1, &least.2),
        })
    }

    /// There is nothing else than what the player's own program has sent in.
    pub(super) fn unchecked(&self) -> Option<Smell> {
        let all = || self.readings.iter().flatten();
        let is_alone = all().all(Reading::is_own) && all().next().is_some();
        is_alone.then_some(Smell::Unchecked)
    }

    /// The worst of what two measurements of one host contradict each other by.
    pub(super) fn contradiction(&self) -> Option<Smell> {
        let of_host = |(host, all): (usize, &Vec<Reading>)| {
            let direct: Vec<Reading> = all.iter().copied().filter(Reading::is_direct).collect();
            let pairs = direct
                .iter()
                .flat_map(|one| direct.iter().map(move |other| (one.excess(other), *one, *other)));
            let worst = pairs.filter(|(by, one, other)| *by > 0 && one.value > other.value);
            worst
                .max_by_key(|(by, one, other)| (*by, one.rank(), other.rank()))
                .map(|(by, one, other)| (by, host, one, other))
        };
        let all = self.readings.iter().enumerate().filter_map(of_host);
        let (by_us, host, one, other) = all.max_by_key(|(by, host, ..)| (*by, Reverse(*host)))?;
        Some(Smell::Contradiction {
            host: self.name(host),
            source: one.source,
            us: one.value.us(),
            other: other.source,
            other_us: other.value.us(),
            by_us,
        })
    }

    /// Of what the hosts have measured, else of what the player's program has.
    pub(super) fn same_everywhere(&self, mesh: &Mesh) -> Option<Smell> {
        self.alike(mesh, false).or_else(|| self.alike(mesh, true))
    }

    fn alike(&self, mesh: &Mesh, own: bool) -> Option<Smell> {
        let mut places: Vec<(usize, Reading)> = Vec::new();
        for (host, reading) in self.least(own) {
            let is_apart =
                |at: &(usize, Reading)| mesh.between(at.0, host).is_some_and(|way| way.us() >= PLACE_US);
            if places.iter().all(is_apart) {
                places.push((host, reading));
            }
        }
        let ways = places.iter().flat_map(|one| {
            let to = |other: &(usize, Reading)| mesh.between(one.0, other.0);
            places.iter().filter_map(to)
        });
        let apart_us = ways.map(Micros::us).max()?;
        let values = || places.iter().map(|(_, reading)| reading.value.us());
        let spread_us = values().max()? - values().min()?;
        (places.len() >= PLACES && spread_us < apart_us / ALIKE).then_some(Smell::SameEverywhere {
            hosts: places.len(),
            spread_us,
            apart_us,
            by_hosts: !own,
        })
    }

    /// The pair of hosts that is furthest apart for how near both are: by what the hosts have measured, else by all.
    pub(super) fn too_near(&self, mesh: &Mesh) -> Option<Smell> {
        let hosts: Vec<(usize, Reading)> = self.least(false).collect();
        let all: Vec<(usize, Reading)> = self.least(true).chain(hosts.clone()).collect();
        self.nearest(mesh, &hosts, true)
            .or_else(|| self.nearest(mesh, &all, false))
    }

    fn nearest(&self, mesh: &Mesh, all: &[(usize, Reading)], by_hosts: bool) -> Option<Smell> {
        let pairs = all
            .iter()
            .enumerate()
            .flat_map(|(at, one)| all.iter().skip(at + 1).map(move |other| (one, other)));
        let short = |one: &(usize, Reading), other: &(usize, Reading)| {
            let way = mesh.between(one.0, other.0)?;
            let sum = one.1.value.us().saturating_add(other.1.value.us());
            let straight = u64::from(way.us()) * u64::from(100 - DETOUR) / 100;
            let sure = u64::from(sum) + u64::from(errors(&one.1, &other.1));
            let by = straight.checked_sub(sure).filter(|by| *by > 0)?;
            Some((by, one.0.min(other.0), one.0.max(other.0), sum, way))
        };
        let worst = pairs.filter_map(|(one, other)| short(one, other)).max()?;
        Some(Smell::TooNear {
            host: self.name(worst.1),
            other: self.name(worst.2),
            sum_us: worst.3,
            mesh_us: worst.4.us(),
            by_hosts,
        })
    }

    /// Where no host has measured itself: by the nearest that has.
    pub(super) fn below_possible(&self, mesh: &Mesh) -> Option<Smell> {
        let seen: Vec<(usize, Reading)> = self.least(false).collect();
        let alone = self
            .least(true)
            .filter(|(host, _)| seen.iter().all(|(at, _)| at != host));
        let worst = alone.filter_map(|(host, own)| {
            let permits = |(near, reading): &(usize, Reading)| {
                let way = mesh.between(host, *near)?;
                let sure = way
                    .us()
                    .saturating_add(errors(&own, reading))
                    .saturating_add(FAR_US);
                Some((reading.least.us().saturating_sub(sure), *near))
            };
            let (least_us, near) = seen.iter().filter_map(permits).max()?;
            let by = least_us.checked_sub(own.value.us()).filter(|by| *by > 0)?;
            Some((by, host, own.value.us(), near, least_us))
        });
        let (_, host, own_us, near, least_us) = worst.max()?;
        Some(Smell::BelowPossible {
            host: self.name(host),
            own_us,
            near: self.name(near),
            least_us,
        })
    }
}

fn errors(one: &Reading, other: &Reading) -> u32 {
    // Bounded, so that sums of a few stay far within 32 bits.
    one.aged_error_us()
        .saturating_add(other.aged_error_us())
        .min(Micros::MAX_US)
}
