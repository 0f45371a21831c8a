//! A round of measurements, from a roster to rows: used when a match is booked, and by the Oracle when it looks again.

use super::{ActionError, accounting, freezes, king};
use crate::{
    app::App,
    domain::{
        Consent, FEW_FROM, FEW_ROUND_MS, HostId, HostRecord, MESH_TOO_OLD_MS, MOST_ROUNDS, Match, MatchState,
        NotAsked, PlayerAddress, ROUND_MS, Recheck, Round, RoundId, RoundReason, RoundTarget, StoryId,
        TargetId, Time, measure_again_at,
    },
    resolve::{AddressError, is_public},
    store::{StoreError, Tx, declined, hosts, mesh, rosters, rounds, story},
};
use std::{collections::BTreeSet, net::IpAddr};
use vmatrix_placement::shortlist::Effort;
use vmatrix_wire::Way;

/// A roster with addresses, in roster order; name servers near these are known then, too. Looking names up takes time: done
/// before a transaction is begun.
pub(crate) async fn resolve(
    app: &App,
    roster: Vec<rosters::Entry>,
) -> Vec<(rosters::Entry, Result<IpAddr, AddressError>)> {
    let each = roster.into_iter().map(|entry| async {
        let address = address_of(app, &entry).await;
        (entry, address)
    });
    let roster: Vec<_> = futures_util::future::join_all(each).await;
    let addresses: Vec<IpAddr> = roster
        .iter()
        .filter_map(|(entry, address)| near(app, entry, address))
        .collect();
    king::learn(app, &addresses).await;
    roster
}

/// The address of somebody whose name server may be asked for: nothing is sent to themselves for that, so it needs nobody's
/// consent.
fn near(app: &App, entry: &rosters::Entry, address: &Result<IpAddr, AddressError>) -> Option<IpAddr> {
    let ip = match (address, &entry.address, entry.ipv6) {
        (Ok(ip), ..) => return Some(*ip),
        (Err(AddressError::NotAsked(_)), Some(PlayerAddress::Ip(ip)), _) => (*ip).into(),
        (Err(AddressError::NotAsked(_)), _, Some(ipv6)) => ipv6.ip.into(),
        _ => return None,
    };
    (app.settings.allow_private_addresses || is_public(ip)).then_some(ip)
}

/// Where hosts may send echo requests to somebody: by IPv4 if they may be asked there, as the game's VMs speak IPv4 and the way by
/// IPv6 may be another; else by IPv6. Who has not agreed is not looked up either.
async fn address_of(app: &App, entry: &rosters::Entry) -> Result<IpAddr, AddressError> {
    let Some(address) = &entry.address else {
        return Err(AddressError::Unknown("(removed)".into()));
    };
    let [first, second] = may_be_asked(app, entry);
    // Who declined by IPv4 is not asked by IPv6 on anybody else's word: both are one line.
    let agreed = entry
        .ipv6
        .is_some_and(|ipv6| matches!(ipv6.consent, Consent::Own { .. }));
    let why = match first {
        Ok(()) => match app.resolver.resolve(address).await {
            Ok(ip) if second.is_ok() && agreed && has_declined(app, ip).await => NotAsked::Declined.into(),
            Ok(ip) => return Ok(ip),
            Err(why) => why,
        },
        Err(why) => why,
    };
    match (second, entry.ipv6) {
        (Ok(()), Some(ipv6)) => app.resolver.check(ipv6.ip.into()),
        // Of two reasons the one that somebody can do something about.
        (Err(other), _) if why == AddressError::Forgotten => Err(other),
        _ => Err(why),
    }
}

/// Whether somebody declined at an address, whoever it is entered for: for the choice between two. What a round leaves alone is
/// decided in its own transaction.
async fn has_declined(app: &App, ip: IpAddr) -> bool {
    let asked = async { declined::has(&mut app.db.read().await?, ip).await };
    asked.await.unwrap_or(false)
}

/// Whether hosts may ping somebody: at their IPv4 address or host name, and at their IPv6 address.
fn may_be_asked(app: &App, entry: &rosters::Entry) -> [Result<(), AddressError>; 2] {
    let has = [
        entry.address != Some(PlayerAddress::Nothing),
        entry.ipv6.is_some(),
    ];
    let ipv6 = entry.ipv6.map(|ipv6| ipv6.consent);
    let words = [
        entry.consent.beside(ipv6),
        ipv6.unwrap_or(Consent::Typed).beside(Some(entry.consent)),
    ];
    let check = |has: bool, word: Consent| match has {
        true => Ok(word.check(app.settings.trust_captains)?),
        false => Err(AddressError::Forgotten),
    };
    [check(has[0], words[0]), check(has[1], words[1])]
}

/// Why hosts do not ping somebody of a roster, as far as it is known without looking their name up.
pub(crate) fn why_not_asked(app: &App, entry: &rosters::Entry) -> Option<AddressError> {
    match may_be_asked(app, entry) {
        [Ok(()), _] | [_, Ok(())] => None,
        [Err(AddressError::Forgotten), Err(why)] | [Err(why), Err(_)] => Some(why),
    }
}

/// Whether somebody can be in a match although hosts cannot measure them: they come by the players' link, or could.
pub(crate) fn may_come(entry: &rosters::Entry, why: &AddressError) -> bool {
    let came = entry.consent.is_visitors() || entry.ipv6.is_some_and(|ipv6| ipv6.consent.is_visitors());
    came || matches!(why, AddressError::NotAsked(_) | AddressError::Forgotten)
}

/// Writes a round. It is measured from every production host whose agent is there, or step by step from few of them; who has
/// no address is not, and who is frozen neither.
pub(crate) async fn start(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    reason: RoundReason,
    roster: &[(rosters::Entry, Result<IpAddr, AddressError>)],
    now: Time,
) -> Result<RoundId, StoreError> {
    let id = vmatrix_wire::ProbeId(app.new_id());
    let clans = freezes::measured_now(tx, app, of, now).await?;
    let roster = || roster.iter().filter(|(entry, _)| clans.contains(&entry.clan));
    let mut targets: Vec<RoundTarget> = roster()
        .map(|(entry, address)| RoundTarget {
            target: TargetId(app.new_id()),
            player: entry.player,
            address: address.as_ref().ok().copied(),
            by: Way::Icmp,
        })
        .collect();
    let declined = accounting::leave_alone(tx, &mut targets).await?;
    let known = roster().filter_map(|(entry, address)| Some((entry.player, near(app, entry, address)?)));
    targets.extend(king::targets(tx, app, known, now).await?);
    let all = from_where(tx, now).await?;
    // Where nobody can be measured, nobody waits.
    let anybody = |targets: &[RoundTarget]| targets.iter().any(|target| target.address.is_some());
    // Which hosts may be fair to both sides nobody knows who knows one of them: all measure it.
    let few = !of.freeze && anybody(&targets) && are_few_enough(tx, &all, now).await?;
    let hosts = if few {
        Effort::in_rounds().budget()
    } else {
        all.len()
    };
    let left_out = accounting::leave_out(tx, of, &mut targets, hosts, now).await?;
    let from: Vec<HostId> = match (anybody(&targets), few) {
        (false, _) => Vec::new(),
        // The Oracle adds the others; the reserved one is always looked at again.
        (true, true) => of.state.held().map(|held| held.host).into_iter().collect(),
        (true, false) => all,
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
    accounting::write_down(tx, of, id, &targets, hosts, now).await?;
    let left_out = left_out.iter().map(|(why, count)| accounting::words(why, *count));
    for text in declined.into_iter().chain(left_out) {
        story::add(tx, StoryId(app.new_id()), of.id, now, &text).await?;
    }
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
