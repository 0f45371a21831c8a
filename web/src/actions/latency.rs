//! How far two addresses are from each other, by whatever is known: the thesis's topography.

use super::{ActionError, accounting, king, staff_only};
use crate::{
    app::App,
    domain::{
        HostId, HostRecord, Known, MESH_TOO_OLD_MS, NameServer, Time, User, king_estimate, mesh_between,
    },
    resolve::{NoTimes, QUESTIONS, time_between},
    store::{StoreError, Tx, hosts, mesh, readings, rounds},
};
use std::net::IpAddr;
use vmatrix_placement::{Micros, Note, fusion::TOO_OLD_S};

/// A round-trip time with where it comes from.
pub type Latency = (Micros, Note);

/// The round-trip time between two addresses: what was measured if one of them is a host and the other a host too, or somebody who
/// was measured within a day; else an estimate by the name servers near both. It says nothing of whose addresses they are.
///
/// # Errors
/// `Forbidden` to all but staff; `Invalid` for an address that nobody may ask about; `Conflict` if it cannot be estimated.
pub async fn between(app: &App, user: &User, from: IpAddr, to: IpAddr) -> Result<Latency, ActionError> {
    staff_only(user)?;
    let [from, to] = [from, to].map(|ip| ip.to_canonical());
    for (field, ip) in [("from", from), ("to", to)] {
        if !app.resolver.may_ask(ip) {
            return Err(ActionError::invalid(field, ip, "an address on the internet"));
        }
    }
    if from == to {
        return Err(ActionError::invalid("to", to, "another address than `from`"));
    }
    let mut tx = app.db.read().await?;
    let known = known(&mut tx, [from, to], app.now()).await?;
    drop(tx);
    match known {
        Some(known) => Ok(known),
        None => estimate(app, user, from, to).await,
    }
}

/// What was measured between both, if one of them is a host of ours.
async fn known(tx: &mut Tx, ends: [IpAddr; 2], now: Time) -> Result<Option<Latency>, StoreError> {
    let all = hosts::list(tx).await?;
    let at = |ip: IpAddr| {
        let there = |one: &&HostRecord| one.left_at.is_none() && one.host.public_address == ip;
        all.iter().find(there).map(|one| one.host.id)
    };
    match ends.map(at) {
        [Some(one), Some(other)] => {
            let ways = mesh::list(tx, now.plus(-MESH_TOO_OLD_MS)).await?;
            Ok(mesh_between(&ways, one, other, now))
        }
        [Some(host), None] => to_player(tx, host, ends[1], now).await,
        [None, Some(host)] => to_player(tx, host, ends[0], now).await,
        [None, None] => Ok(None),
    }
}

/// What is known of the way between a host and whoever was measured at an address lately.
async fn to_player(tx: &mut Tx, host: HostId, ip: IpAddr, now: Time) -> Result<Option<Latency>, StoreError> {
    let since = now.plus(-i64::from(TOO_OLD_S) * 1000);
    let Some((round, player)) = rounds::newest_at(tx, ip, since).await? else {
        return Ok(None);
    };
    let mut known = Known::default();
    let of = rounds::get(tx, round).await?;
    let mut targets = rounds::targets(tx, round).await?;
    targets.retain(|one| one.player == player);
    let samples = rounds::measurements(tx, round).await?;
    known.measured(of.as_ref(), &targets, &samples, now);
    for reading in readings::of_player(tx, player, since).await? {
        known.own(&reading, now);
    }
    let fused = known.fused(&[(host, "")], &[player], None);
    let one = |rows: &[Vec<Option<Micros>>]| rows.first()?.first().copied().flatten();
    let note = fused.notes.first().and_then(|row| row.first().copied().flatten());
    Ok(one(&fused.rows).zip(note))
}

/// By the name servers near both: whichever asks others for us.
async fn estimate(app: &App, user: &User, from: IpAddr, to: IpAddr) -> Result<Latency, ActionError> {
    king::learn(app, &[from, to]).await;
    let mut tx = app.db.read().await?;
    let near = |found: Option<NameServer>, end: &str| {
        found.ok_or_else(|| {
            ActionError::Conflict(format!(
                "nothing was measured between them, and no name server near `{end}` is known for an estimate"
            ))
        })
    };
    let one = near(king::near(&mut tx, from, app.now()).await?, "from")?;
    let other = near(king::near(&mut tx, to, app.now()).await?, "to")?;
    drop(tx);
    if one.address == other.address {
        return Err(ActionError::Conflict(
            "nothing was measured between them, and one name server is the nearest to both".into(),
        ));
    }
    let refused = |why: NoTimes| {
        ActionError::Conflict(format!(
            "nothing was measured between them, and it cannot be estimated: {why}"
        ))
    };
    accounting::ask(app, user, [&one, &other], QUESTIONS).await?;
    let times = match time_between(&one, &other).await {
        Err(NoTimes::DoesNotRecurse) => time_between(&other, &one).await,
        times => times,
    };
    let times = times.map_err(refused)?;
    king_estimate(&times.direct_us, &times.through_us).map_err(|why| ActionError::Conflict(why.to_string()))
}
