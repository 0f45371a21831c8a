//! What a round has measured of sides that are not frozen yet is frozen.

use super::{
    gather::{known, names},
    look::Now,
    matches::tell,
    placing::unplaced,
};
use crate::{
    actions::{
        freezes::{Side, sides},
        rounds::awaited,
    },
    app::App,
    domain::{
        AfterRound, FrozenSide, FrozenValues, HostId, MESH_TOO_OLD_MS, MatchState, PlayerId, RoundId,
        RoundTarget, SideStands, Step, VmGoal, after_round, mesh_of,
    },
    store::{StoreError, Tx, clans, frozen_sides, hosts, mesh, rounds, vms},
};
use std::collections::BTreeSet;

/// Before a host is chosen or judged by a round that has ended: freezes what it has measured, in a match whose sides are frozen.
/// What the match is then, if a host cannot be chosen by that yet.
pub(super) async fn first(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    step: &Step,
) -> Result<Option<MatchState>, StoreError> {
    let round = awaited(&now.of.state).filter(|_| matches!(step, Step::Choose | Step::Recheck));
    let Some(round) = round.filter(|_| now.of.freeze) else {
        return Ok(None);
    };
    let (then, why) = keep(tx, app, now, round).await?;
    if let (Some(held), false) = (now.of.state.held(), then == AfterRound::Choose) {
        vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
    }
    match then {
        AfterRound::Choose => Ok(None),
        AfterRound::Gather => {
            tell(tx, app, now, "Waits for the other clan to choose its players.").await?;
            Ok(Some(MatchState::Gathering))
        }
        AfterRound::MeasureAgain => unplaced(tx, app, now, why, None).await.map(Some),
    }
}

/// Freezes what can be. Says what follows, and for people why nothing can be chosen if somebody is missing.
async fn keep(tx: &mut Tx, app: &App, now: &Now, round: RoundId) -> Result<(AfterRound, String), StoreError> {
    let targets = rounds::targets(tx, round).await?;
    let mut both = sides(tx, &now.of, now.at).await?;
    let mut missing = Vec::new();
    for side in both.iter_mut().filter(|side| side.stands == SideStands::Open) {
        let name = clans::get(tx, side.clan).await?;
        let name = name.map_or_else(|| "a clan".to_owned(), |clan| clan.name.to_string());
        let values = values(tx, now, round, &targets, side).await?;
        // Who came while it was measured was not.
        let came = side
            .seats
            .keys()
            .filter(|id| targets.iter().all(|target| target.player != **id));
        let seat = |id| side.seats.get(&id).copied().unwrap_or_default();
        let unmeasured = values.unmeasured(seat).max(came.count());
        if unmeasured > 0 {
            missing.push(format!("{unmeasured} of {name}"));
            continue;
        }
        let frozen = FrozenSide {
            clan: side.clan,
            at: now.at,
            measured: values,
        };
        frozen_sides::put(tx, now.of.id, &frozen).await?;
        tell(tx, app, now, &format!("{name} is measured and frozen.")).await?;
        side.stands = SideStands::Frozen;
    }
    let [home, away] = &both;
    let why = format!(
        "nobody is frozen before all of their side are measured, and there is no measurement yet of {}",
        missing.join(" and ")
    );
    Ok((after_round([home.stands, away.stands]), why))
}

/// What is known of a side at this moment, by whatever source.
async fn values(
    tx: &mut Tx,
    now: &Now,
    round: RoundId,
    targets: &[RoundTarget],
    side: &Side,
) -> Result<FrozenValues, StoreError> {
    let players: Vec<PlayerId> = side.seats.keys().copied().collect();
    let known = known(tx, round, targets, &players, now.at).await?;
    let all = hosts::list(tx).await?;
    let ids: Vec<HostId> = all.iter().map(|record| record.host.id).collect();
    let ways = mesh::list(tx, now.at.plus(-MESH_TOO_OLD_MS)).await?;
    let mesh = mesh_of(&ids, &ways, now.at);
    let fused = known.fused(&names(&all), &players, mesh.as_ref());
    let present = all
        .iter()
        .filter(|record| record.host.role == vmatrix_wire::Role::Production && !record.is_gone(now.at));
    let from: BTreeSet<HostId> = present.map(|record| record.host.id).collect();
    Ok(FrozenValues::of(&ids, &from, &players, &fused))
}
