//! A round of measurements, from a roster to rows: used when a match is booked, and by the Oracle when it looks again.

use super::{ActionError, king};
use crate::{
    app::App,
    domain::{
        FEW_FROM, FEW_ROUND_MS, HostId, HostRecord, MESH_TOO_OLD_MS, MOST_ROUNDS, Match, MatchState,
        ROUND_MS, Recheck, Round, RoundId, RoundReason, RoundTarget, TargetId, Time, measure_again_at,
    },
    resolve::AddressError,
    store::{StoreError, Tx, hosts, mesh, rosters, rounds},
};
use std::{collections::BTreeSet, net::IpAddr};
use vmatrix_wire::Way;

/// A roster with addresses, in roster order; name servers near these are known then, too. Looking names up takes time: done
/// before a transaction is begun.
pub(crate) async fn resolve(
    app: &App,
    roster: Vec<rosters::Entry>,
) -> Vec<(rosters::Entry, Result<IpAddr, AddressError>)> {
    let each = roster.into_iter().map(|entry| async {
        let address = match &entry.address {
            Some(address) => app.resolver.resolve(address).await,
            None => Err(AddressError::Unknown("(removed)".into())),
        };
        (entry, address)
    });
    let roster: Vec<_> = futures_util::future::join_all(each).await;
    let addresses: Vec<IpAddr> = roster
        .iter()
        .filter_map(|(_, address)| address.as_ref().ok().copied())
        .collect();
    king::learn(app, &addresses).await;
    roster
}

/// Writes a round. It is measured from every production host whose agent is there, or step by step from few of them; who has
/// no address is not.
pub(crate) async fn start(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    reason: RoundReason,
    roster: &[(rosters::Entry, Result<IpAddr, AddressError>)],
    now: Time,
) -> Result<RoundId, StoreError> {
    let id = vmatrix_wire::ProbeId(app.new_id());
    let mut targets: Vec<RoundTarget> = roster
        .iter()
        .map(|(entry, address)| RoundTarget {
            target: TargetId(app.new_id()),
            player: entry.player,
            address: address.as_ref().ok().copied(),
            by: Way::Icmp,
        })
        .collect();
    let known = roster
        .iter()
        .filter_map(|(entry, address)| Some((entry.player, *address.as_ref().ok()?)));
    targets.extend(king::targets(tx, app, known, now).await?);
    let all = from_where(tx, now).await?;
    // Where nobody can be measured, nobody waits.
    let anybody = targets.iter().any(|target| target.address.is_some());
    let few = anybody && are_few_enough(tx, &all, now).await?;
    let from: Vec<HostId> = if few {
        // The Oracle adds the others; the reserved one is always looked at again.
        of.state.held().map(|held| held.host).into_iter().collect()
    } else {
        all.into_iter().filter(|_| anybody).collect()
    };
    let round = Round {
        id,
        match_id: of.id,
        reason,
        started_at: now,
        until_at: now.plus(if few { FEW_ROUND_MS } else { ROUND_MS }),
        ended_at: None,
        taken_from: None,
    };
    rounds::insert(tx, &round, &targets, &from).await?;
    if few {
        rounds::set_few(tx, id).await?;
    }
    Ok(id)
}

/// Whether few of these hosts say enough: there are many, and nearly all know where they are among the others.
async fn are_few_enough(tx: &mut Tx, hosts: &[HostId], now: Time) -> Result<bool, StoreError> {
    if hosts.len() <= FEW_FROM {
        return Ok(false);
    }
    let ways = mesh::list(tx, now.plus(-MESH_TOO_OLD_MS)).await?;
    let known: BTreeSet<HostId> = ways.iter().flat_map(|way| [way.from, way.to]).collect();
    let known = hosts.iter().filter(|host| known.contains(host)).count();
    Ok(known * 10 >= hosts.len() * 9)
}

/// The hosts that measure players now.
pub(crate) async fn from_where(tx: &mut Tx, now: Time) -> Result<Vec<HostId>, StoreError> {
    let hosts = hosts::list(tx).await?;
    Ok(hosts
        .iter()
        .filter(|host| measures(host, now))
        .map(|record| record.host.id)
        .collect())
}

fn measures(host: &HostRecord, now: Time) -> bool {
    host.host.role == vmatrix_wire::Role::Production && !host.is_gone(now)
}

/// Refuses to have a match measured by hand too often.
pub(crate) async fn pace(tx: &mut Tx, of: &Match, now: Time) -> Result<(), ActionError> {
    let Some(again_at) = measure_again_at(&rounds::of_match(tx, of.id).await?, now) else {
        return Ok(());
    };
    let seconds = again_at.since(now).div_euclid(1000) + 1;
    Err(ActionError::Conflict(format!(
        "its players were measured {MOST_ROUNDS} times in ten minutes: wait {seconds} seconds"
    )))
}

/// Ends the round that a state waits for, because that state is left.
pub(crate) async fn stop(tx: &mut Tx, state: &MatchState, now: Time) -> Result<(), StoreError> {
    if let Some(round) = awaited(state) {
        rounds::end(tx, round, now).await?;
    }
    Ok(())
}

/// The round that a state waits for.
pub(crate) fn awaited(state: &MatchState) -> Option<RoundId> {
    match state {
        MatchState::Probing { round, .. }
        | MatchState::Reserved {
            recheck: Recheck::Running { round, .. },
            ..
        } => Some(*round),
        _ => None,
    }
}
