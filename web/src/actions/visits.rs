//! Players come by their clan's link: no account, no password. What they bring is checked, and they are in the match.

use super::{ActionError, freezes, matches::tell, roster};
use crate::{
    app::App,
    domain::{
        AN_OPPONENT, Brought, Claim, Clan, Consent, HostId, HostRecord, MESH_TOO_OLD_MS, Match, MatchState,
        Name, Player, PlayerAddress, PlayerId, PlayerIpv6, PlayerLink, Reading, Seat, Taken, Time, Visit,
        check_brought, claim, come_from, let_in,
        limits::{
            ANSWERS_OF_A_VISIT, LIVE_VISITS_OF_A_LINK, PLAYERS_OF_A_CLAN, PLAYERS_OF_A_LINK,
            PLAYERS_OF_A_ROSTER, TICKET_MS,
        },
        mesh_of, newcomer, offer, takes_visits,
    },
    secrets::{self, TokenKind},
    store::{
        Tx, clans, declined, hosts, matches, mesh, player_links, players, readings, rosters, rounds, visits,
    },
};
use std::{net::IpAddr, time::Duration};
use vmatrix_placement::Source;
use vmatrix_wire::RttSample;

/// What a link leads to.
#[derive(Debug)]
pub struct Invitation {
    /// Whose players it is for.
    pub clan: Clan,
    /// Name of the other clan; [`AN_OPPONENT`] while it is not to be known.
    pub against: String,
    /// To which match.
    pub of: Match,
    /// Names of the clan's roster that nobody has come with yet.
    pub names: Vec<Name>,
}

/// A visit that has begun.
#[derive(Debug)]
pub struct BegunVisit {
    /// What the result is brought with, and what hosts let pass.
    pub visit: Visit,
    /// Where to measure to.
    pub hosts: Vec<HostRecord>,
}

/// The hash of a link's token: what it is counted and found by.
///
/// # Errors
/// `NotFound` for what is no such token.
pub fn hash_of(token: &str) -> Result<String, ActionError> {
    secrets::hash_of(TokenKind::Players, token).ok_or_else(unknown)
}

/// What a link leads to: for its page.
///
/// # Errors
/// `NotFound` also if it was replaced or revoked, or the match is over.
pub async fn look_at(app: &App, token: &str) -> Result<Invitation, ActionError> {
    let mut tx = app.db.read().await?;
    let hash = hash_of(token)?;
    let (link, of) = live(&mut tx, &hash, app.now()).await?;
    let came = visits::players(&mut tx, &hash).await?;
    let names = rosters::list(&mut tx, of.id)
        .await?
        .into_iter()
        .filter(|entry| entry.clan == link.clan && entry.address.is_some() && !came.contains(&entry.player))
        .map(|entry| entry.name)
        .collect();
    let other = if link.clan == of.home { of.away } else { of.home };
    let clan = async |tx: &mut Tx, id| clans::get(tx, id).await?.ok_or_else(unknown);
    Ok(Invitation {
        clan: clan(&mut tx, link.clan).await?,
        against: match freezes::opponent_is_hidden(&mut tx, &of, link.clan).await? {
            true => AN_OPPONENT.to_owned(),
            false => clan(&mut tx, other).await?.name.to_string(),
        },
        names,
        of,
    })
}

async fn live(tx: &mut Tx, hash: &str, now: Time) -> Result<(PlayerLink, Match), ActionError> {
    let link = player_links::get(tx, hash).await?.ok_or_else(unknown)?;
    let of = matches::get(tx, link.match_id)
        .await?
        .filter(|of| takes_visits(of, now))
        .ok_or_else(unknown)?;
    Ok((link, of))
}

fn unknown() -> ActionError {
    ActionError::NotFound {
        what: "link",
        id: "for players that is still good: the match is over, the captain has a newer link, or it was not copied whole"
            .into(),
    }
}

/// Begins a visit: hosts will let its ticket pass for some minutes.
///
/// # Errors
/// `NotFound` as [`look_at`]; `Full` if too many of this link measure at this moment, `Busy` if too many altogether; `Conflict` if no host can be measured to.
pub async fn begin_visit(app: &App, token: &str) -> Result<BegunVisit, ActionError> {
    let (hash, now) = (hash_of(token)?, app.now());
    let mut tx = app.db.begin().await?;
    let (link, _) = live(&mut tx, &hash, now).await?;
    clans::lock(&mut tx, link.clan).await?;
    let have = visits::count(&mut tx, &hash, now.plus(-TICKET_MS)).await?;
    if have >= LIVE_VISITS_OF_A_LINK {
        let (what, way) = (
            "visits by one link that have brought nothing yet",
            "wait a minute",
        );
        return Err(ActionError::full("link", have, LIVE_VISITS_OF_A_LINK, what, way));
    }
    let all = hosts::list(&mut tx).await?;
    let ids: Vec<HostId> = all.iter().map(|record| record.host.id).collect();
    let mesh = mesh_of(&ids, &mesh::list(&mut tx, now.plus(-MESH_TOO_OLD_MS)).await?, now);
    let offered: Vec<HostRecord> = offer(&all, mesh.as_ref(), now).into_iter().cloned().collect();
    if offered.is_empty() {
        return Err(ActionError::Conflict(
            "no game host can be measured to at this moment: try again in a minute".into(),
        ));
    }
    let live = visits::unused(&mut tx, now.plus(-TICKET_MS)).await?;
    let wanted: Vec<_> = offered.iter().map(|record| record.host.id).collect();
    if let Err(wait) = let_in(&live, link.clan, &wanted, now) {
        return Err(ActionError::Busy {
            what: "so many players measure at this moment that there is no room for one more; try again",
            wait: Duration::from_millis(wait.unsigned_abs()),
        });
    }
    let visit = Visit {
        nonce: secrets::ticket(rand::random()).reveal().to_owned(),
        ticket: secrets::ticket(rand::random()),
        offered: wanted,
        begun_at: now,
        used: false,
    };
    visits::insert(&mut tx, &hash, &visit).await?;
    tx.commit().await?;
    // The ticket has to reach the hosts before the visitor does.
    app.nudge.notify_one();
    Ok(BegunVisit {
        visit,
        hosts: offered,
    })
}

/// What came of a visit.
#[derive(Debug, PartialEq, Eq)]
pub struct Came {
    /// Who it was.
    pub player: Name,
    /// To how many hosts there is a round trip now.
    pub measured: usize,
}

/// Takes what a visitor from this address brings: they are that player of their clan, and in the match.
///
/// # Errors
/// `NotFound` as [`look_at`]; `Invalid` with each field that is wrong; `Conflict` for a name that is somebody else's, or a
/// result that came before; `Full`.
pub async fn end_visit(
    app: &App,
    token: &str,
    from: IpAddr,
    nonce: &str,
    may_ping: bool,
    brought: &Brought,
) -> Result<Came, ActionError> {
    let (hash, now) = (hash_of(token)?, app.now());
    let mut tx = app.db.begin().await?;
    let (link, of) = live(&mut tx, &hash, now).await?;
    // Two who say one name at this moment: the second sees the first.
    clans::lock(&mut tx, link.clan).await?;
    let nothing = || {
        ActionError::invalid(
            "nonce",
            nonce,
            "the nonce of a measurement that was begun here: begin again",
        )
    };
    let visit = visits::get(&mut tx, &hash, nonce).await?.ok_or_else(nothing)?;
    let Taken { name, samples } = check_brought(&visit, brought, now).map_err(ActionError::Invalid)?;
    let came = visits::players(&mut tx, &hash).await?;
    let consent = Consent::of_visitor(may_ping, now);
    let (player, is_other) = enter(&mut tx, app, &link, &came, name, from, consent).await?;
    if !visits::use_up(&mut tx, nonce, player.id, now).await? {
        return Err(ActionError::Conflict("this result was brought already".into()));
    }
    let is_free = note_word(&mut tx, &player, from, may_ping, now).await?;
    let measured = keep(&mut tx, player.id, brought.via, &samples, now).await?;
    let is_new = join(&mut tx, &of, &player).await?;
    // A match without a host may get one by what is known now.
    // What would be measured otherwise of somebody who is frozen does not count.
    let is_otherwise = (is_other || is_free) && !of.freeze;
    let helps = is_new || is_otherwise || matches!(of.state, MatchState::Unplaced { .. });
    if helps && roster::may_change(&of).is_ok() {
        roster::measure_in_turn(&mut tx, app, &of, now).await?;
    }
    if is_new {
        let clan = clans::get(&mut tx, link.clan).await?.ok_or_else(unknown)?;
        // The other clan reads it too.
        let text = format!("A player of {} came by the players’ link.", clan.name);
        tell(&mut tx, app, of.id, now, &text).await?;
    }
    tx.commit().await?;
    tracing::info!(match_id = %of.id, player = %player.id, measured, "a player came by a link");
    app.changed();
    Ok(Came {
        player: player.name,
        measured,
    })
}

/// The player that a visitor is: a new one, or who has their name. Also says whether hosts would ping them otherwise than
/// before.
async fn enter(
    tx: &mut Tx,
    app: &App,
    link: &PlayerLink,
    came: &[PlayerId],
    name: Name,
    from: IpAddr,
    consent: Consent,
) -> Result<(Player, bool), ActionError> {
    let all = players::list(tx, link.clan).await?;
    let named = all.iter().find(|player| player.name.key() == name.key());
    let by_link = named.is_some_and(|player| came.contains(&player.id));
    if let Some(player) = named.filter(|_| !by_link)
        && !is_in(tx, link, player.id).await?
    {
        return Err(ActionError::Conflict(format!(
            "{name} is a player of your clan who is not in this match: ask your captain to choose them for it, or say another name"
        )));
    }
    let id = match claim(named, by_link, from) {
        Claim::Taken => {
            return Err(ActionError::Conflict(format!(
                "somebody has come as {name} from another address: choose another name, or ask your captain for a new link"
            )));
        }
        Claim::Is(id) => id,
        Claim::New => PlayerId(app.new_id()),
    };
    if !came.contains(&id) && came.len() >= PLAYERS_OF_A_LINK {
        let (what, way) = ("players who came by one link", "ask your captain");
        return Err(ActionError::full(
            "name",
            came.len(),
            PLAYERS_OF_A_LINK,
            what,
            way,
        ));
    }
    let now = app.now();
    let Some(before) = named else {
        let player = come_from(&newcomer(id, link.clan, name), from, consent);
        add(tx, &player, all.len(), now).await?;
        return Ok((player, true));
    };
    let player = come_from(before, from, consent);
    players::come(tx, &player, from, now).await?;
    let (then, now) = (pinged(app, before), pinged(app, &player));
    Ok((player, then != now))
}

/// At which addresses of a player hosts may ping them.
fn pinged(app: &App, player: &Player) -> (Option<PlayerAddress>, Option<PlayerIpv6>) {
    let may = |consent: Consent| consent.check(app.settings.trust_captains).is_ok();
    let ipv6 = player.ipv6.map(|ipv6| ipv6.consent);
    let address = may(player.consent.beside(ipv6)).then(|| player.address.clone());
    let is_pinged = |ipv6: &PlayerIpv6| may(ipv6.consent.beside(Some(player.consent)));
    (address, player.ipv6.filter(is_pinged))
}

/// Keeps whether somebody who came from an address wants it pinged: who does not is left alone at once, also at their other
/// address, under whatever name if they came from there, too. Says whether hosts may ping the one that they came from again.
async fn note_word(
    tx: &mut Tx,
    player: &Player,
    from: IpAddr,
    may_ping: bool,
    now: Time,
) -> Result<bool, ActionError> {
    if may_ping {
        return Ok(declined::remove(tx, from).await?);
    }
    let four = match player.address {
        PlayerAddress::Ip(ip) if player.consent.is_visitors() => Some(IpAddr::V4(ip)),
        _ => None,
    };
    let six = player.ipv6.filter(|ipv6| ipv6.consent.is_visitors());
    for ip in four.into_iter().chain(six.map(|ipv6| ipv6.ip.into())) {
        declined::put(tx, ip, now).await?;
        rounds::leave_alone(tx, player.id, ip).await?;
    }
    Ok(false)
}

/// Adds a player to a clan that has so many.
async fn add(tx: &mut Tx, player: &Player, have: usize, now: Time) -> Result<(), ActionError> {
    if have >= PLAYERS_OF_A_CLAN {
        let (what, way) = ("players of a clan", "your captain can remove one");
        return Err(ActionError::full("name", have, PLAYERS_OF_A_CLAN, what, way));
    }
    Ok(players::insert(tx, player, now).await?)
}

/// Whether somebody is on the roster that a link is for.
async fn is_in(tx: &mut Tx, link: &PlayerLink, player: PlayerId) -> Result<bool, ActionError> {
    let all = rosters::list(tx, link.match_id).await?;
    Ok(all
        .iter()
        .any(|entry| entry.clan == link.clan && entry.player == player))
}

/// Keeps what was measured, and nothing of before: that may have been another line. Says of how many hosts enough
/// came back.
async fn keep(
    tx: &mut Tx,
    player: PlayerId,
    via: Source,
    samples: &[(crate::domain::HostId, RttSample)],
    now: Time,
) -> Result<usize, ActionError> {
    readings::delete_of(tx, player).await?;
    for (host, sample) in samples {
        let reading = Reading {
            player,
            host: *host,
            source: via,
            taken_at: now,
            sample: RttSample {
                target: vmatrix_wire::TargetId(player.0),
                ..sample.clone()
            },
        };
        readings::put(tx, &reading).await?;
    }
    let is_enough = |sample: &RttSample| sample.received >= ANSWERS_OF_A_VISIT;
    Ok(samples.iter().filter(|(_, sample)| is_enough(sample)).count())
}

/// Puts a player on their clan's roster if they are not and the match may still change. Says whether they came in.
async fn join(tx: &mut Tx, of: &Match, player: &Player) -> Result<bool, ActionError> {
    let entries = rosters::list(tx, of.id).await?;
    let own = entries.into_iter().filter(|entry| entry.clan == player.clan);
    let mut seats: Vec<(PlayerId, Seat)> = own.map(|entry| (entry.player, entry.seat)).collect();
    if seats.iter().any(|(id, _)| *id == player.id) || roster::may_change(of).is_err() {
        return Ok(false);
    }
    if seats.len() >= PLAYERS_OF_A_ROSTER {
        let (what, way) = (
            "players of one clan in a match",
            "your captain can change the roster",
        );
        return Err(ActionError::full(
            "name",
            seats.len(),
            PLAYERS_OF_A_ROSTER,
            what,
            way,
        ));
    }
    seats.push((player.id, Seat::default()));
    rosters::set(tx, of.id, player.clan, &seats).await?;
    Ok(true)
}
