//! Players come by their clan's link: no account, no password. What they bring is checked, and they are in the match.

pub use super::visitors::Visitor;

use super::{
    ActionError, freezes,
    matches::change,
    roster,
    visitors::{enter, join, keep, note_word, welcome},
};
use crate::{
    app::App,
    domain::{
        A_PLAYER, AN_OPPONENT, Brought, Clan, HostId, HostRecord, LinkStage, MESH_TOO_OLD_MS, Match,
        MatchState, Name, NoVisits, OfPings, PlayerLink, StoryId, Taken, Time, Visit, check_brought, let_in,
        limits::{LIVE_VISITS_OF_A_LINK, TICKET_MS},
        mesh_of, offer, takes_visits,
    },
    secrets::{self, TokenKind},
    store::{Tx, clans, hosts, matches, mesh, player_links, rosters, story, visits},
};
use std::{net::IpAddr, time::Duration};

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
/// `NotFound` also if it was replaced or revoked, or the match is over; `Conflict` if it has its machine.
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
    let of = matches::get(tx, link.match_id).await?.ok_or_else(unknown)?;
    match takes_visits(&of, now) {
        Ok(()) => Ok((link, of)),
        Err(NoVisits::Over) => Err(unknown()),
        Err(why @ (NoVisits::Chosen | NoVisits::Failed)) => Err(ActionError::Conflict(why.to_string())),
    }
}

/// As [`live`], with the clan to itself: of two who say one name at this moment the second sees the first, and both see whether the
/// captain has said meanwhile that the roster is complete, or has taken the link back.
async fn live_alone(tx: &mut Tx, hash: &str, now: Time) -> Result<(PlayerLink, Match), ActionError> {
    let link = player_links::get(tx, hash).await?.ok_or_else(unknown)?;
    clans::lock(tx, link.clan).await?;
    live(tx, hash, now).await
}

fn unknown() -> ActionError {
    ActionError::NotFound {
        what: "link",
        id: "for players that is still good: the match is over, the captain has a newer link, or it was not copied whole"
            .into(),
    }
}

/// Begins a visit: hosts will let its ticket pass for some minutes. Who says under which name they come is told at once whether
/// they can.
///
/// # Errors
/// `NotFound` and `Conflict` as [`look_at`]; as [`end_visit`] for the visitor's name; `Full` if too many of this link measure at
/// this moment, `Busy` if too many altogether; `Conflict` if no host can be measured to.
pub async fn begin_visit(
    app: &App,
    token: &str,
    from: IpAddr,
    who: Option<&Visitor>,
) -> Result<BegunVisit, ActionError> {
    let (hash, now) = (hash_of(token)?, app.now());
    let mut tx = app.db.begin().await?;
    let (link, _) = live_alone(&mut tx, &hash, now).await?;
    if let Some(visitor) = who {
        // Nobody measures for nothing.
        welcome(&mut tx, app, (&hash, &link), visitor, from).await?;
    }
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
/// `NotFound` and `Conflict` as [`look_at`]; `Invalid` with each field that is wrong; `Conflict` for a name that is somebody
/// else's, or a result that came before; `Unsure` for a name that nobody expects; `Full`.
pub async fn end_visit(
    app: &App,
    token: &str,
    from: IpAddr,
    nonce: &str,
    said: OfPings,
    brought: &Brought,
) -> Result<Came, ActionError> {
    let (hash, now) = (hash_of(token)?, app.now());
    let mut tx = app.db.begin().await?;
    let (link, of) = live_alone(&mut tx, &hash, now).await?;
    let nothing = || {
        ActionError::invalid(
            "nonce",
            nonce,
            "the nonce of a measurement that was begun here: begin again",
        )
    };
    let visit = visits::get(&mut tx, &hash, nonce).await?.ok_or_else(nothing)?;
    let new = brought.new;
    let Taken { name, samples } = check_brought(&visit, brought, now).map_err(ActionError::Invalid)?;
    let visitor = Visitor { name, new };
    let welcome = welcome(&mut tx, app, (&hash, &link), &visitor, from).await?;
    let (player, is_other) = enter(&mut tx, app, &link, welcome, visitor.name, (from, said)).await?;
    if !visits::use_up(&mut tx, nonce, player.id, now).await? {
        return Err(ActionError::Conflict("this result was brought already".into()));
    }
    let is_free = note_word(&mut tx, player.id, from, said, now).await?;
    let measured = keep(&mut tx, player.id, brought.via, &samples, now).await?;
    let is_new = join(&mut tx, &of, &player).await?;
    // A match without a host may get one by what is known now.
    // What would be measured otherwise of somebody who is frozen does not count.
    let is_otherwise = (is_other || is_free) && !of.freeze;
    let waits = link.stage == LinkStage::Gathering;
    let helps = is_new || is_otherwise || matches!(of.state, MatchState::Unplaced { .. });
    if waits && is_new {
        // What stays is written, too: a captain who chooses the players at this moment must look again.
        change(&mut tx, &of, &of.state).await?;
    } else if helps && !waits && roster::may_change(&of).is_ok() {
        roster::measure_in_turn(&mut tx, app, &of, now).await?;
    }
    if is_new {
        let clan = clans::get(&mut tx, link.clan).await?.ok_or_else(unknown)?;
        let text = format!("{A_PLAYER} of {} came by the players’ link.", clan.name);
        story::add_of(&mut tx, StoryId(app.new_id()), of.id, now, &text, player.id).await?;
    }
    tx.commit().await?;
    tracing::info!(match_id = %of.id, player = %player.id, measured, "a player came by a link");
    app.changed();
    Ok(Came {
        player: player.name,
        measured,
    })
}
