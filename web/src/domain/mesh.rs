//! Which host measures which other when, and what is made of it: the mesh that predictions and cross-checks rest on. Pure.
//!
//! It costs each host a fixed number of ways an hour, however many hosts there are:
//!
//! * Sites first. One host speaks for each site, the one that joined first. It measures the speakers of the [`LANDMARKS`]
//!   oldest sites once an hour, and [`ROUND_ROBIN`] others in turn, so that each pair is measured again and again.
//! * Then hosts within a site: the others measure their speaker once an hour, and [`WITHIN`] of their neighbours in turn.
//! * Who has just joined measures the landmarks at once: from then on its ways to all others can be predicted.
//!
//! The schedule follows from who is there and the time alone, so that servers and restarts need not agree on anything.

use super::{HostId, INTERVAL_MS, SAMPLES, SiteId, TIMEOUT_MS, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use uuid::Uuid;
use vmatrix_placement::{Micros, Note, Source, error_of_median, shortlist::Mesh};
use vmatrix_wire::{ProbeId, ProbeOrder, RttSample, Target, TargetId, Way};

/// Sites that all others measure.
pub const LANDMARKS: usize = 8;
/// Other sites that a site measures in an hour.
pub const ROUND_ROBIN: usize = 16;
/// Hosts of its own site that a host measures in an hour.
pub const WITHIN: usize = 6;
/// What is ordered together is measured together, milliseconds.
pub const MESH_SLOT_MS: i64 = 2 * 60_000;
/// Slots of an hour.
const SLOTS: i64 = 30;
/// Ways between hosts change slowly, but they change: what is older counts no more, milliseconds.
pub const MESH_TOO_OLD_MS: i64 = 7 * 24 * 60 * 60_000;
/// Marks the ids of the mesh's probes: "mesh", and a version of UUID that no other id here has.
const MARK: u128 = 0x6d65_7368_0000_8000_8000_0000_0000_0000;

/// A host that can be measured by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshHost {
    /// Which.
    pub id: HostId,
    /// Where it stands.
    pub site: SiteId,
    /// Where to.
    pub address: IpAddr,
    /// Since when it is there.
    pub joined_at: Time,
}

/// What one host has measured to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshWay {
    /// Who measured.
    pub from: HostId,
    /// To where.
    pub to: HostId,
    /// When it was ordered: the start of its slot.
    pub taken_at: Time,
    /// The figures; only complete ones are kept.
    pub median: Micros,
    /// The least.
    pub min: Micros,
    /// Mean distance from the median, microseconds.
    pub deviation_us: u32,
    /// Answers.
    pub received: u16,
}

/// The slot of a moment.
#[must_use]
pub fn mesh_slot(now: Time) -> i64 {
    now.millis().div_euclid(MESH_SLOT_MS)
}

/// What a slot's measurements are called, by all hosts.
#[must_use]
pub fn mesh_probe(slot: i64) -> ProbeId {
    ProbeId(Uuid::from_u128(MARK | u128::from(slot.unsigned_abs())))
}

/// Whether a probe is one of the mesh and not of a match.
#[must_use]
pub fn is_mesh(probe: ProbeId) -> bool {
    probe.0.as_u128() >> 64 == MARK >> 64
}

/// What hosts measure of each other in a slot: worked out once for all of them.
#[derive(Debug)]
pub struct MeshPlan<'a> {
    slot: i64,
    /// Oldest first.
    known: Vec<&'a MeshHost>,
    /// The oldest of each site.
    speakers: Vec<&'a MeshHost>,
}

impl<'a> MeshPlan<'a> {
    /// `all` are the hosts that are there, in any order.
    #[must_use]
    pub fn of(all: &'a [MeshHost], slot: i64) -> Self {
        let mut known: Vec<&MeshHost> = all.iter().filter(|one| mesh_slot(one.joined_at) < slot).collect();
        known.sort_by_key(|one| (one.joined_at, one.id));
        let mut sites = BTreeSet::new();
        let speakers = known.iter().copied().filter(|one| sites.insert(one.site));
        Self {
            slot,
            speakers: speakers.collect(),
            known,
        }
    }

    /// What one host is to measure, if anything.
    #[must_use]
    pub fn order(&self, of: HostId) -> Option<ProbeOrder> {
        let target = |peer: &&MeshHost| Target {
            target: TargetId(peer.id.0),
            address: peer.address,
            by: Way::Icmp,
        };
        let targets: Vec<Target> = peers(of, self).iter().map(target).collect();
        (!targets.is_empty()).then(|| ProbeOrder {
            probe: mesh_probe(self.slot),
            samples: SAMPLES,
            interval_ms: INTERVAL_MS,
            timeout_ms: TIMEOUT_MS,
            targets,
        })
    }
}

/// Whom, of the hosts that are known.
fn peers<'a>(of: HostId, plan: &MeshPlan<'a>) -> Vec<&'a MeshHost> {
    let MeshPlan {
        slot,
        known,
        speakers,
    } = plan;
    let slot = *slot;
    let Some(me) = known.iter().find(|one| one.id == of) else {
        return Vec::new();
    };
    let landmarks = speakers
        .iter()
        .copied()
        .take(LANDMARKS)
        .filter(|one| one.id != of);
    if mesh_slot(me.joined_at) + 1 == slot {
        return landmarks.collect();
    }
    let hour = slot.div_euclid(SLOTS);
    let mut turn: Vec<&MeshHost> = if speakers.iter().any(|one| one.id == of) {
        let others = in_turn(of, speakers, hour, ROUND_ROBIN);
        landmarks.chain(others).collect()
    } else {
        let site: Vec<&MeshHost> = known.iter().copied().filter(|one| one.site == me.site).collect();
        let speaker = site.first().copied().into_iter();
        speaker.chain(in_turn(of, &site, hour, WITHIN)).collect()
    };
    let mut seen = Vec::new();
    turn.retain(|one| {
        let first = !seen.contains(&one.id);
        seen.push(one.id);
        first
    });
    // Not all at once, and not all hosts to the same one.
    let at = known.iter().position(|one| one.id == of).unwrap_or_default();
    let now = |number: usize| {
        let slot_of = (number * usize::try_from(SLOTS).unwrap_or(1)) / turn.len().max(1) + at;
        i64::try_from(slot_of).unwrap_or_default().rem_euclid(SLOTS) == slot.rem_euclid(SLOTS)
    };
    let mine = turn.iter().enumerate().filter(|(number, _)| now(*number));
    mine.map(|(_, one)| *one).collect()
}

/// So many of the others, beginning further on each hour, so that all have their turn.
fn in_turn<'a>(of: HostId, all: &[&'a MeshHost], hour: i64, count: usize) -> Vec<&'a MeshHost> {
    let at = all.iter().position(|one| one.id == of).unwrap_or_default();
    let others = all.iter().cycle().skip(at + 1).take(all.len().saturating_sub(1));
    let others: Vec<&MeshHost> = others.copied().collect();
    let begin = i64::try_from(others.len()).ok().filter(|all| *all > 0);
    let begin = begin.map_or(0, |all| {
        (hour * i64::try_from(count).unwrap_or(1)).rem_euclid(all)
    });
    let begin = usize::try_from(begin).unwrap_or_default();
    let turn = others.iter().cycle().skip(begin).take(count.min(others.len()));
    turn.copied().collect()
}

/// What a host reports of a way, if it is complete.
#[must_use]
pub fn mesh_way(from: HostId, slot: i64, sample: &RttSample) -> Option<MeshWay> {
    let to = HostId(sample.target.0);
    let micros = |us: Option<u32>| Micros::new(us?).ok();
    (sample.received > 0 && to != from).then_some(())?;
    Some(MeshWay {
        from,
        to,
        taken_at: Time::from_millis(slot * MESH_SLOT_MS),
        median: micros(sample.median_us)?,
        min: micros(sample.min_us)?,
        deviation_us: sample.deviation_us.unwrap_or_default(),
        received: sample.received,
    })
}

/// What is known of the way between two hosts, in either direction: the newest.
#[must_use]
pub fn mesh_between(ways: &[MeshWay], one: HostId, other: HostId, now: Time) -> Option<(Micros, Note)> {
    let is_it = |way: &&MeshWay| (way.from, way.to) == (one, other) || (way.from, way.to) == (other, one);
    let fresh = |way: &&MeshWay| now.since(way.taken_at) <= MESH_TOO_OLD_MS;
    let way = ways
        .iter()
        .filter(is_it)
        .filter(fresh)
        .max_by_key(|way| way.taken_at)?;
    let note = Note {
        source: Source::Icmp,
        age_s: u32::try_from(now.since(way.taken_at).max(0) / 1000).unwrap_or(u32::MAX),
        error_us: error_of_median(way.deviation_us, way.received),
    };
    Some((way.median, note))
}

/// The mesh of some hosts, in their order; `None` if nothing is known of any of them.
#[must_use]
pub fn mesh_of(hosts: &[HostId], ways: &[MeshWay], now: Time) -> Option<Mesh> {
    let at: BTreeMap<HostId, usize> = hosts.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut rows = vec![vec![None; hosts.len()]; hosts.len()];
    let mut any = false;
    for way in ways
        .iter()
        .filter(|way| now.since(way.taken_at) <= MESH_TOO_OLD_MS)
    {
        let (Some(from), Some(to)) = (at.get(&way.from), at.get(&way.to)) else {
            continue;
        };
        if let Some(cell) = rows.get_mut(*from).and_then(|row: &mut Vec<_>| row.get_mut(*to)) {
            *cell = Some(way.median);
            any = true;
        }
    }
    any.then(|| Mesh::new(&rows).ok()).flatten()
}

#[cfg(test)]
#[path = "mesh_tests.rs"]
mod tests;
