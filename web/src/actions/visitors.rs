//! Who comes by a players' link: which player of the clan they are, and what becomes of them.

use super::{ActionError, roster};
use crate::{
    app::App,
    domain::{
        Claim, Consent, HostId, LinkStage, Match, Name, OfPings, Player, PlayerAddress, PlayerId, PlayerIpv6,
        PlayerLink, Reading, Seat, Time, claim, come_from, expected,
        limits::{ANSWERS_OF_A_VISIT, PLAYERS_OF_A_CLAN, PLAYERS_OF_A_LINK, PLAYERS_OF_A_ROSTER},
        may_gather, newcomer, word_at,
    },
    store::{Tx, declined, players, readings, rosters, rounds, visits},
};
use std::net::IpAddr;
use vmatrix_placement::Source;
use vmatrix_wire::RttSample;

/// Under which name somebody comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// As their clan knows them.
    pub name: Name,
    /// They join although others are expected.
    pub new: bool,
}

/// Somebody who may come by a link.
pub(super) struct Welcome {
    /// Who has their name already.
    named: Option<Player>,
    id: PlayerId,
    /// How many players the clan has.
    have: usize,
}

/// Whether a visitor from this address may come under this name, by the link with this hash.
///
/// # Errors
/// `Conflict` for a name that is somebody else's; `Unsure` for one that nobody expects; `Full`.
pub(super) async fn welcome(
    tx: &mut Tx,
    app: &App,
    (token_hash, link): (&str, &PlayerLink),
    visitor: &Visitor,
    from: IpAddr,
) -> Result<Welcome, ActionError> {
    let name = &visitor.name;
    let came = visits::players(tx, token_hash).await?;
    let all = players::list(tx, link.clan).await?;
    let named = all.iter().find(|player| player.name.key() == name.key());
    let by_link = named.is_some_and(|player| came.contains(&player.id));
    let roster: Vec<rosters::Entry> = rosters::list(tx, link.match_id)
        .await?
        .into_iter()
        .filter(|entry| entry.clan == link.clan)
        .collect();
    let is_in = |id: PlayerId| roster.iter().any(|entry| entry.player == id);
    let is_other = |player: &Player| !by_link && !is_in(player.id);
    // Also not who came before it was complete, and was left out since.
    if link.stage == LinkStage::Complete && named.is_none_or(|player| !is_in(player.id)) {
        return Err(ActionError::Conflict(format!(
            "too late: the roster is complete, and {name} is not on it. Ask your captain"
        )));
    }
    let may_gather = |player: &Player| link.stage == LinkStage::Gathering && may_gather(player, from);
    if named.is_some_and(|player| is_other(player) && !may_gather(player)) {
        return Err(ActionError::Conflict(format!(
            "{name} is a player of your clan who is not in this match: ask your captain to choose them for it, or say another name"
        )));
    }
    let awaited = expected(
        roster
            .iter()
            .filter(|entry| entry.address.is_some())
            .map(|entry| (&entry.name, came.contains(&entry.player))),
    );
    if named.is_none() && !awaited.is_empty() && !visitor.new {
        return Err(ActionError::Unsure {
            field: "new",
            question: format!(
                "{name} is not among those who are expected ({}): join as a new player?",
                awaited.join(", ")
            ),
        });
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
    Ok(Welcome {
        id,
        named: named.cloned(),
        have: all.len(),
    })
}

/// The player that a visitor is: a new one, or who has their name. Also says whether hosts would ping them otherwise than
/// before.
pub(super) async fn enter(
    tx: &mut Tx,
    app: &App,
    link: &PlayerLink,
    welcome: Welcome,
    name: Name,
    (from, said): (IpAddr, OfPings),
) -> Result<(Player, bool), ActionError> {
    let now = app.now();
    let Welcome { named, id, have } = welcome;
    let before_here = named.as_ref().and_then(|player| word_at(player, from));
    let consent = Consent::of_visitor(said, before_here, now);
    let Some(before) = named else {
        let player = come_from(&newcomer(id, link.clan, name), from, consent);
        add(tx, &player, have, now).await?;
        return Ok((player, true));
    };
    let player = come_from(&before, from, consent);
    players::come(tx, &player, from, now).await?;
    let (then, now) = (pinged(app, &before), pinged(app, &player));
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

/// Keeps whether somebody who came from an address wants it pinged: who does not is left alone at once, and so is whoever else
/// came from there. The player's other address may be somebody else's who came under their name: it is left alone for what the
/// player has said, and no longer than that. Says whether hosts may ping the one that they came from again.
pub(super) async fn note_word(
    tx: &mut Tx,
    player: PlayerId,
    from: IpAddr,
    said: OfPings,
    now: Time,
) -> Result<bool, ActionError> {
    match said {
        OfPings::Yes => Ok(declined::remove(tx, from).await?),
        OfPings::No => {
            declined::put(tx, from, now).await?;
            rounds::leave_alone(tx, player, from).await?;
            Ok(false)
        }
        OfPings::Unsaid => Ok(false),
    }
}

/// Adds a player to a clan that has so many.
async fn add(tx: &mut Tx, player: &Player, have: usize, now: Time) -> Result<(), ActionError> {
    if have >= PLAYERS_OF_A_CLAN {
        let (what, way) = ("players of a clan", "your captain can remove one");
        return Err(ActionError::full("name", have, PLAYERS_OF_A_CLAN, what, way));
    }
    Ok(players::insert(tx, player, now).await?)
}

/// Keeps what was measured, and nothing of before: that may have been another line. Says of how many hosts enough
/// came back.
pub(super) async fn keep(
    tx: &mut Tx,
    player: PlayerId,
    via: Source,
    samples: &[(HostId, RttSample)],
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
pub(super) async fn join(tx: &mut Tx, of: &Match, player: &Player) -> Result<bool, ActionError> {
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
