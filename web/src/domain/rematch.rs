//! Whether a rematch goes by what was measured for the match before.

use super::{HostId, PlayerId, Round, RoundTarget, TargetId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use vmatrix_placement::Micros;
use vmatrix_wire::{RttSample, Way};

/// How old measurements may be that a rematch takes over, milliseconds: a match of an hour, with the quarter of an hour before
/// it in which its players were measured, and time to think of playing again. Addresses are kept for no longer than this.
pub const REUSE_WITHIN_MS: i64 = 90 * 60_000;

/// A round of the match before, with all that came back.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The round.
    pub round: &'a Round,
    /// Whom it measured.
    pub targets: &'a [RoundTarget],
    /// From where.
    pub hosts: &'a [HostId],
    /// What came back.
    pub samples: &'a [(HostId, RttSample)],
    /// Its sides were measured apart and frozen: the round is of those alone who were not frozen yet.
    pub frozen: bool,
}

/// Who plays now, and from where they would be measured.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Everybody who is to be measured, with the address that they have now.
    pub players: &'a [(PlayerId, Option<IpAddr>)],
    /// The hosts that would measure them.
    pub hosts: &'a [HostId],
    /// Now.
    pub now: Time,
}

/// The measurements can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// How old they are, milliseconds.
    pub age_ms: i64,
}

/// Why measurements are not taken over. Both clans read it: without names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// There is no round that has ended.
    #[error("nothing was measured for the match before")]
    NeverMeasured,
    /// It was too long ago.
    #[error("the measurements of the match before are {} minutes old, and those of the last {} are taken over", .age_ms / 60_000, REUSE_WITHIN_MS / 60_000)]
    TooOld {
        /// How old they are.
        age_ms: i64,
    },
    /// Each side was measured for itself.
    #[error("they were frozen, each side at its time, and hold for that match alone")]
    Frozen,
    /// Not the same people.
    #[error("not the same players as in the match before")]
    Players,
    /// It is not known whether somebody plays from elsewhere: hosts do not ping them, or their address was forgotten, or could not
    /// be looked up.
    #[error(
        "hosts do not ping everybody, so it is not known whether all play from where they did in the match before"
    )]
    Unknown,
    /// Somebody plays from elsewhere.
    #[error("somebody plays from another address than in the match before")]
    Address,
    /// Some hosts were not there then, or are not there now.
    #[error("not the same hosts as for the match before")]
    Hosts,
    /// Somebody did not answer some host, or the match was cancelled before they could. They may do so now.
    #[error("not everybody had answered every host for the match before")]
    Incomplete,
}

/// Whether what was measured before holds for who plays now: complete, not too old, of the same people at the same addresses,
/// from the same hosts.
///
/// # Errors
/// The first reason against it.
pub fn may_reuse(before: Option<Measured>, present: Present) -> Result<Reuse, WhyNot> {
    let before = before.ok_or(WhyNot::NeverMeasured)?;
    let ended_at = before.round.ended_at.ok_or(WhyNot::NeverMeasured)?;
    let age_ms = present.now.since(ended_at).max(0);
    if age_ms > REUSE_WITHIN_MS {
        return Err(WhyNot::TooOld { age_ms });
    }
    if before.frozen {
        return Err(WhyNot::Frozen);
    }
    let then: BTreeMap<PlayerId, Option<IpAddr>> = own(before)
        .map(|target| (target.player, target.address))
        .collect();
    let now: BTreeMap<PlayerId, Option<IpAddr>> = present.players.iter().copied().collect();
    if !then.keys().eq(now.keys()) {
        return Err(WhyNot::Players);
    }
    let elsewhere =
        |(then, now): (&Option<IpAddr>, &Option<IpAddr>)| then.is_some() && now.is_some() && then != now;
    if then.values().zip(now.values()).any(elsewhere) {
        return Err(WhyNot::Address);
    }
    // An address that is not known is no address that has stayed.
    if then.values().chain(now.values()).any(Option::is_none) {
        return Err(WhyNot::Unknown);
    }
    let hosts: BTreeSet<HostId> = before.hosts.iter().copied().collect();
    if hosts != present.hosts.iter().copied().collect() {
        return Err(WhyNot::Hosts);
    }
    if is_complete(before, &hosts) {
        Ok(Reuse { age_ms })
    } else {
        Err(WhyNot::Incomplete)
    }
}

fn is_complete(before: Measured, hosts: &BTreeSet<HostId>) -> bool {
    let known = |sample: &RttSample| sample.received > 0 && sample.median_us.is_some_and(is_rtt);
    let answered: BTreeSet<(HostId, TargetId)> = before
        .samples
        .iter()
        .filter(|(_, sample)| known(sample))
        .map(|(host, sample)| (*host, sample.target))
        .collect();
    hosts.iter().all(|host| {
        own(before)
            .map(|target| target.target)
            .all(|target| answered.contains(&(*host, target)))
    })
}

/// Players themselves; an estimate by a name server near one is not taken over.
fn own(before: Measured<'_>) -> impl Iterator<Item = &RoundTarget> {
    before.targets.iter().filter(|target| target.by == Way::Icmp)
}

fn is_rtt(us: u32) -> bool {
    Micros::new(us).is_ok()
}

#[cfg(test)]
#[path = "rematch_tests.rs"]
mod tests;
