//! All that a choice is made from: the hosts and how they stand, the players, and what is known of the round trips between
//! them.

use crate::{
    domain::{
        Excluded, FrozenSide, Fused, Held, HostId, HostRecord, Known, MESH_TOO_OLD_MS, Match, Named,
        PlayerId, RoundId, RoundTarget, SnapshotId, Time, as_frozen, mesh_of, snapshot_for, standing,
        unlike_names,
    },
    store::{
        StoreError, Tx, clans, frozen_sides, hosts, mesh, readings, reservations, rosters, rounds, snapshots,
        truth, vms,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_placement::{Host, HostState, Player, Side, fusion::TOO_OLD_S, shortlist::Mesh};
use vmatrix_wire::{Role, Way};

/// How long a VM may take to go away after its match, milliseconds.
const CLEAR_MS: i64 = 60_000;

/// See the module. Hosts, states and rows are in one order.
pub(super) struct Gathered {
    pub(super) hosts: Vec<HostRecord>,
    pub(super) states: Vec<HostState>,
    pub(super) offers: BTreeMap<HostId, Offer>,
    pub(super) span: (Time, Time),
    pub(super) players: Vec<Player>,
    /// Columns of players whom no host was asked to measure.
    pub(super) unasked: Vec<usize>,
    pub(super) fused: Fused,
    pub(super) mesh: Option<Mesh>,
    /// Of a match whose sides are frozen: what is.
    pub(super) frozen: Option<Vec<FrozenSide>>,
}

/// What the match would get on a host.
pub(super) struct Offer {
    pub(super) port: u16,
    pub(super) snapshot: SnapshotId,
    pub(super) memory_mb: u64,
}

/// Reads it all.
///
/// # Errors
/// Inside: why nothing can be chosen at all, for people.
pub(super) async fn gather(
    tx: &mut Tx,
    of: &Match,
    round: RoundId,
    excluded: &[Excluded],
    held: Option<&Held>,
    (wake_ms, now): (i64, Time),
) -> Result<Result<Gathered, String>, StoreError> {
    let mut hosts = hosts::list(tx).await?;
    // A loading chamber is no candidate: it is not weighed, not waited for, and not named.
    hosts.retain(|record| record.host.role == Role::Production);
    if hosts.is_empty() {
        return Ok(Err("no host for matches has joined yet".into()));
    }
    let span = (of.start_at.plus(-wake_ms).max(now), of.end_at().plus(CLEAR_MS));
    let stand = match stand(tx, of, &hosts, excluded, held, (span, now)).await? {
        Ok(stand) => stand,
        Err(why) => return Ok(Err(why)),
    };
    let (states, offers) = stand;
    let targets = rounds::targets(tx, round).await?;
    let frozen = match of.freeze {
        true => Some(frozen_sides::of_match(tx, of.id).await?),
        false => None,
    };
    let players = players(tx, of, &known_players(&targets, frozen.as_deref())).await?;
    let ids: Vec<PlayerId> = players.iter().map(|(id, _)| *id).collect();
    let host_ids: Vec<HostId> = hosts.iter().map(|record| record.host.id).collect();
    let ways = mesh::list(tx, now.plus(-MESH_TOO_OLD_MS)).await?;
    let mesh = mesh_of(&host_ids, &ways, now);
    let fused = match &frozen {
        Some(sides) => as_frozen(sides, &host_ids, &ids, now),
        None => {
            let known = known(tx, round, &targets, &ids, now).await?;
            known.fused(&names(&hosts), &ids, mesh.as_ref())
        }
    };
    let asked = asked(&targets);
    // Who is frozen has a value, and nobody who has was asked by this round.
    let is_unasked = |id: &PlayerId| frozen.is_none() && !asked.contains(id);
    let unasked = (0..).zip(&ids).filter(|(_, id)| is_unasked(id));
    Ok(Ok(Gathered {
        states,
        offers,
        span,
        unasked: unasked.map(|(column, _)| column).collect(),
        players: players.into_iter().map(|(_, player)| player).collect(),
        fused,
        mesh,
        frozen,
        hosts,
    }))
}

impl Gathered {
    /// The rows' heads.
    pub(super) fn heads(&self) -> Vec<Host> {
        let head = |record: &HostRecord| Host {
            id: record.host.id.to_string(),
            name: record.host.name.clone(),
        };
        self.hosts.iter().map(head).collect()
    }

    /// These hosts alone, in this order; for the mesh it is too late.
    pub(super) fn keep(&mut self, mut is_kept: impl FnMut(&HostRecord, &HostState) -> bool) {
        let keeps: Vec<bool> = self
            .hosts
            .iter()
            .zip(&self.states)
            .map(|(host, state)| is_kept(host, state))
            .collect();
        only(&mut self.hosts, &keeps);
        only(&mut self.states, &keeps);
        only(&mut self.fused.rows, &keeps);
        only(&mut self.fused.notes, &keeps);
        self.mesh = None;
    }
}

/// Hosts by id and name.
pub(super) fn names(hosts: &[HostRecord]) -> Vec<(HostId, &str)> {
    hosts
        .iter()
        .map(|record| (record.host.id, record.host.name.as_str()))
        .collect()
}

/// Of whom the choice can know something.
fn known_players(targets: &[RoundTarget], frozen: Option<&[FrozenSide]>) -> BTreeSet<PlayerId> {
    match frozen {
        None => targets.iter().map(|target| target.player).collect(),
        Some(sides) => {
            let players = sides.iter().flat_map(|side| &side.measured.players);
            players.map(|one| one.player).collect()
        }
    }
}

/// Whom hosts were told to ping. A name server near somebody who is silent says nothing of their own router.
fn asked(targets: &[RoundTarget]) -> BTreeSet<PlayerId> {
    let pinged = |target: &&RoundTarget| target.by == Way::Icmp && target.address.is_some();
    targets
        .iter()
        .filter(pinged)
        .map(|target| target.player)
        .collect()
}

fn only<T>(all: &mut Vec<T>, keeps: &[bool]) {
    let mut keeps = keeps.iter();
    all.retain(|_| keeps.next().is_some_and(|kept| *kept));
}

type Stand = (Vec<HostState>, BTreeMap<HostId, Offer>);

/// Whether each host can be had, and what the match would get there.
async fn stand(
    tx: &mut Tx,
    of: &Match,
    hosts: &[HostRecord],
    excluded: &[Excluded],
    held: Option<&Held>,
    (span, now): ((Time, Time), Time),
) -> Result<Result<Stand, String>, StoreError> {
    let all = snapshots::of_image(tx, &of.image).await?;
    // A newer snapshot says nothing about the VM that is held.
    let own = match held {
        Some(held) => vms::get(tx, held.vm).await?,
        None => None,
    };
    let taken = reservations::held(tx).await?;
    let mut states = Vec::new();
    let mut offers = BTreeMap::new();
    for record in hosts {
        let own = own.as_ref().filter(|vm| vm.host == record.host.id);
        let own = own.and_then(|vm| all.iter().find(|one| one.id == vm.snapshot));
        let Some(snapshot) = own.or_else(|| snapshot_for(record, &all)) else {
            return Ok(Err(format!("the image {} is not in the nest", of.image)));
        };
        let (state, port) = standing(
            record,
            snapshot,
            &taken,
            excluded,
            held.map(|held| held.reservation),
            span,
            now,
        );
        let offer = |port| Offer {
            port,
            snapshot: snapshot.id,
            memory_mb: snapshot.facts.contract.needs.memory_mb,
        };
        offers.extend(port.map(|port| (record.host.id, offer(port))));
        states.push(state);
    }
    Ok(Ok((states, offers)))
}

/// What hosts have measured in the round, and what the players' own programs have sent in.
pub(super) async fn known(
    tx: &mut Tx,
    round: RoundId,
    targets: &[RoundTarget],
    players: &[PlayerId],
    now: Time,
) -> Result<Known, StoreError> {
    let mut known = Known::after(truth::learned(tx).await?);
    let samples = rounds::measurements(tx, round).await?;
    let of_round = rounds::get(tx, round).await?;
    known.measured(of_round.as_ref(), targets, &samples, now);
    for player in players {
        let since = now.plus(-i64::from(TOO_OLD_S) * 1000);
        for reading in readings::of_player(tx, *player, since).await? {
            known.own(&reading, now);
        }
    }
    Ok(known)
}

/// The columns: everybody who is in the roster and of whom something can be known, in roster order, under unlike names.
async fn players(
    tx: &mut Tx,
    of: &Match,
    known: &BTreeSet<PlayerId>,
) -> Result<Vec<(PlayerId, Player)>, StoreError> {
    let mut clan_names = BTreeMap::new();
    for id in [of.home, of.away] {
        clan_names.extend(clans::get(tx, id).await?.map(|clan| (id, clan.name.to_string())));
    }
    let entries = rosters::list(tx, of.id).await?;
    let seats: BTreeMap<_, _> = entries.iter().map(|entry| (entry.player, entry.seat)).collect();
    let mut roster: Vec<Named> = entries
        .into_iter()
        .map(|entry| Named {
            player: entry.player,
            clan: entry.clan,
            name: entry.name.to_string(),
        })
        .collect();
    roster.sort_by_key(|named| named.clan != of.home);
    let names = unlike_names(&roster, |clan| clan_names.get(&clan).cloned().unwrap_or_default());
    let column = |named: &Named| {
        let side = if named.clan == of.home { Side::A } else { Side::B };
        let seat = seats.get(&named.player)?;
        let player = Player::new(named.player.to_string(), names.get(&named.player)?, side);
        let player = Player {
            cap: seat.cap,
            ..player.with_role(seat.role)
        };
        known.contains(&named.player).then_some((named.player, player))
    };
    Ok(roster.iter().filter_map(column).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetId;
    use uuid::Uuid;

    #[test]
    fn who_is_only_estimated_was_not_asked() {
        let target = |player: u128, address: Option<[u8; 4]>, by| RoundTarget {
            target: TargetId(Uuid::now_v7()),
            player: PlayerId(Uuid::from_u128(player)),
            address: address.map(Into::into),
            by,
        };
        let dns = || Way::Dns {
            zone: "2.0.192.in-addr.arpa.".into(),
        };
        let targets = [
            target(1, Some([192, 0, 2, 1]), Way::Icmp),
            target(1, Some([192, 0, 2, 53]), dns()),
            target(2, None, Way::Icmp),
            target(2, Some([192, 0, 2, 53]), dns()),
        ];
        assert_eq!(asked(&targets), BTreeSet::from([PlayerId(Uuid::from_u128(1))]));
    }
}
