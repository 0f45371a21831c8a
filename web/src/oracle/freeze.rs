//! What a round has measured of sides that are not frozen yet is frozen.

use super::{
    gather::{known, names},
    matches::{Now, tell},
};
use crate::{
    actions::freezes::{Side, sides},
    app::App,
    domain::{
        AfterRound, FrozenSide, FrozenValues, HostId, MESH_TOO_OLD_MS, PlayerId, RoundId, RoundTarget,
        SideStands, after_round, mesh_of,
    },
    store::{StoreError, Tx, clans, frozen_sides, hosts, mesh, rounds},
};
use std::collections::BTreeSet;

/// Freezes what can be. If a host cannot be chosen by it yet, says what follows, and why for people.
pub(super) async fn keep(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    round: RoundId,
) -> Result<(AfterRound, String), StoreError> {
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
