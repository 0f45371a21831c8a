//! What people see of matches: rows gathered, then shown by `domain`.

use super::{
    ActionError, freezes,
    matches::load,
    rounds::{awaited, why_not_asked},
};
use crate::{
    app::App,
    domain::{
        Clan, ClanId, HostId, Match, MatchId, MatchState, Named, PlayerId, RoundId, Time, User, UserId,
        Whole,
        limits::READINGS_MS,
        show_as_known,
        view::{FrozenView, MatchLine, MatchView, RosterClan},
    },
    store::{
        Tx, choices, clans, hosts, matches, player_links, readings, rosters, rounds, snapshots, story, truth,
        turns, users, vms,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// A match as this user may see it.
///
/// # Errors
/// `NotFound` also for clans that do not play in it.
pub async fn view_match(app: &App, user: &User, id: MatchId) -> Result<MatchView, ActionError> {
    let mut tx = app.db.read().await?;
    let of = load(&mut tx, user, id).await?;
    let whole = gather(&mut tx, app, of).await?;
    Ok(show_as_known(whole, user, app.now()))
}

async fn gather(tx: &mut Tx, app: &App, of: Match) -> Result<Whole, ActionError> {
    let held = of.state.held().cloned();
    let choice = match of.state.choice() {
        Some(id) => choices::get(tx, id).await?,
        None => None,
    };
    let kept = match &choice {
        Some(choice) => choices::kept_since(tx, of.id, choice.made_at).await?,
        None => None,
    };
    let host = match &held {
        Some(held) => hosts::get(tx, held.host).await?,
        None => None,
    };
    let vm = match &held {
        Some(held) => vms::get(tx, held.vm).await?,
        None => None,
    };
    let snapshot = match &vm {
        Some(vm) => snapshots::get(tx, vm.snapshot).await?,
        None => snapshots::newest(tx, &of.image).await?,
    };
    let entries = rosters::list(tx, of.id).await?;
    let seats = entries.iter().map(|entry| (entry.player, entry.seat)).collect();
    let not_asked = not_asked(tx, app, &entries).await?;
    let roster = entries
        .into_iter()
        .map(|e| Named {
            player: e.player,
            clan: e.clan,
            name: e.name.to_string(),
        })
        .collect();
    let awaited = awaited(&of.state);
    let before_it = match awaited {
        Some(round) => turns::before(tx, round).await?,
        None => None,
    };
    let (sent, answers) = match awaited.filter(|_| before_it.is_none()) {
        Some(round) => progress(tx, round).await?,
        None => (None, Vec::new()),
    };
    let links = player_links::of_match(tx, of.id)
        .await?
        .into_iter()
        .map(|link| (link.clan, link))
        .collect();
    Ok(Whole {
        home: clan(tx, of.home).await?,
        away: clan(tx, of.away).await?,
        roster,
        seats,
        not_asked,
        links,
        frozen: frozen(tx, &of, app.now()).await?,
        before_it,
        choice,
        kept,
        host,
        vm,
        boot_ms: snapshot.map(|snapshot| snapshot.facts.boot_ms),
        rounds: rounds::of_match(tx, of.id).await?,
        sent,
        answers,
        pings: truth::pings(tx, of.id).await?,
        elsewhere: match of.state.is_final() {
            true => Vec::new(),
            false => rosters::elsewhere(tx, &of).await?,
        },
        story: story::list(tx, of.id).await?,
        of,
    })
}

/// Whom hosts do not ping, and why: unless their own program has measured lately.
async fn not_asked(
    tx: &mut Tx,
    app: &App,
    entries: &[rosters::Entry],
) -> Result<BTreeMap<PlayerId, String>, ActionError> {
    let since = app.now().plus(-READINGS_MS);
    let mut all = BTreeMap::new();
    for entry in entries {
        if let Some(why) = why_not_asked(app, entry)
            && readings::of_player(tx, entry.player, since).await?.is_empty()
        {
            all.insert(entry.player, format!("not measured: {why}"));
        }
    }
    Ok(all)
}

/// Which sides were frozen when, and why one is measured anew.
async fn frozen(tx: &mut Tx, of: &Match, now: Time) -> Result<BTreeMap<ClanId, FrozenView>, ActionError> {
    let mut all = BTreeMap::new();
    if !of.freeze {
        return Ok(all);
    }
    for side in freezes::sides(tx, of, now).await? {
        let Some(frozen) = &side.frozen else { continue };
        let lasts = of.state.held().is_none() || matches!(of.state, MatchState::Reserved { .. });
        let why = frozen.check(&side.players(), now).err().filter(|_| lasts);
        let view = FrozenView {
            at: frozen.at,
            again_because: why.map(|why| why.to_string()),
        };
        all.insert(side.clan, view);
    }
    Ok(all)
}

type Progress = (Option<(u64, u64, u64)>, Vec<(String, u64)>);

/// Requests sent, players and hosts of a round; and how many players have answered each host.
async fn progress(tx: &mut Tx, round: RoundId) -> Result<Progress, ActionError> {
    let measured = rounds::measurements(tx, round).await?;
    let sent = measured.iter().map(|(_, sample)| u64::from(sample.sent)).sum();
    let targets = rounds::targets(tx, round).await?;
    let targets = targets.iter().filter(|target| target.address.is_some()).count() as u64;
    let from = rounds::hosts(tx, round).await?;
    let mut answers = Vec::new();
    for record in hosts::list(tx).await? {
        let id = record.host.id;
        if from.iter().any(|(host, _)| *host == id) {
            let heard = measured
                .iter()
                .filter(|(host, sample)| *host == id && sample.received > 0);
            answers.push((record.host.name, heard.count() as u64));
        }
    }
    answers.sort();
    Ok((Some((sent, targets, from.len() as u64)), answers))
}

async fn clan(tx: &mut Tx, id: ClanId) -> Result<Clan, ActionError> {
    clans::get(tx, id)
        .await?
        .ok_or_else(|| ActionError::not_found("clan", id))
}

/// The matches that this user may see, newest start first, at most 200.
///
/// # Errors
/// Only the store's.
pub async fn list_matches(app: &App, user: &User) -> Result<Vec<MatchLine>, ActionError> {
    let mut tx = app.db.read().await?;
    let clans: BTreeMap<ClanId, String> = clans::list(&mut tx)
        .await?
        .into_iter()
        .map(|clan| (clan.id, clan.name.to_string()))
        .collect();
    let hosts: BTreeMap<HostId, String> = hosts::list(&mut tx)
        .await?
        .into_iter()
        .map(|record| (record.host.id, record.host.name))
        .collect();
    let clan = |id: ClanId| RosterClan {
        id,
        name: clans.get(&id).cloned().unwrap_or_default(),
    };
    let staff: BTreeSet<UserId> = users::list(&mut tx)
        .await?
        .into_iter()
        .filter(|user| user.role.is_staff())
        .map(|user| user.id)
        .collect();
    let viewer = user.role.clan();
    let mut lines = Vec::new();
    for of in matches::list(&mut tx, viewer).await? {
        let hidden = match viewer {
            Some(own) => freezes::opponent_is_hidden(&mut tx, &of, own).await?,
            None => false,
        };
        let side = |id: ClanId| match hidden && viewer != Some(id) {
            true => RosterClan::an_opponent(),
            false => clan(id),
        };
        lines.push(MatchLine {
            id: of.id,
            state: of.state.name(),
            home: side(of.home),
            away: side(of.away),
            by_league: staff.contains(&of.created_by),
            start: of.start_at,
            length_minutes: of.length_ms / 60_000,
            host: of.state.held().and_then(|held| hosts.get(&held.host).cloned()),
            image: of.image,
        });
    }
    Ok(lines)
}
