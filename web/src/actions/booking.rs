//! A match is booked.

use super::{
    ActionError,
    matches::{Resolved, tell},
    rematch, rounds,
};
use crate::{
    app::App,
    domain::{
        Asked, BookingError, ClanId, Match, MatchId, MatchState, Player, PlayerId, Refusal, Seat, Time, User,
        Valid, ValidRoster, check_booking, limits::OPEN_MATCHES_OF_A_CLAN,
    },
    store::{Tx, clans, matches, players, rosters, snapshots},
};
use jiff::tz::TimeZone;
use std::{collections::BTreeMap, net::IpAddr};
use vmatrix_placement::Policy;

/// When a match is to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As soon as its players are measured.
    Now,
    /// At this time.
    At(Time),
}

/// What is booked. The edge parses into this; [`book_match`] checks it against what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Name of the image, such as `openarena`.
    pub image: String,
    /// Map to start with; the image's own if absent.
    pub map: Option<String>,
    /// The rule by which its host is chosen.
    pub policy: Policy,
    /// When.
    pub start: Start,
    /// The zone in which they said it, if they said one: times are told in it.
    pub zone: Option<TimeZone>,
    /// How long: 5 to 480.
    pub length_minutes: i64,
    /// Each side is measured and frozen before it knows the other; for organisers, who may leave both rosters empty then.
    pub freeze: bool,
    /// Exactly two: home, then away. A challenge has no players on the other clan's side.
    pub rosters: Vec<Roster>,
}

/// One clan's players.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The clan.
    pub clan: ClanId,
    /// Its people, each once, and as what they are there.
    pub players: Vec<(PlayerId, Seat)>,
    /// They come by a link: nobody is chosen yet.
    pub by_link: bool,
}

/// Books a match. Staff give both rosters; a clan admin gives their own clan's, and the other clan's empty: then
/// the match is *gathering* until `set_roster` by the other side, and so it is while a side's players come by a link, until
/// [`complete_roster`](super::player_links::complete_roster). With both rosters it is *probing* at once.
///
/// # Errors
/// `Invalid` with each field that is wrong, such as a clan's own rule; `Forbidden` if a clan admin books for others; `Full`.
pub async fn book_match(app: &App, user: &User, booking: Booking) -> Result<MatchId, ActionError> {
    book(app, user, booking, None).await
}

/// As [`book_match`]; `rematch_of` is the match that is played again, if it is one that this user may know of.
pub(super) async fn book(
    app: &App,
    user: &User,
    booking: Booking,
    rematch_of: Option<MatchId>,
) -> Result<MatchId, ActionError> {
    let others = |own: ClanId| booking.rosters.iter().all(|roster| roster.clan != own);
    if user.role.clan().is_some_and(others) {
        return Err(ActionError::Forbidden(
            "A clan admin books matches of their own clan.".into(),
        ));
    }
    let now = app.now();
    let valid = check(app, user, &booking, rematch_of, now).await?;
    let roster = resolve_all(app, user, &valid.rosters).await?;

    let gathering = valid.rosters.iter().any(|(_, players)| players.is_empty());
    let new = Match {
        id: MatchId(app.new_id()),
        image: booking.image,
        map: valid.map,
        policy: booking.policy,
        home: valid.rosters[0].0,
        away: valid.rosters[1].0,
        start_at: valid.start,
        length_ms: booking.length_minutes * 60_000,
        state: MatchState::Gathering,
        password: crate::secrets::password(rand::random()),
        rcon: crate::secrets::password(rand::random()),
        created_by: user.id,
        created_at: now,
        rematch_of,
        freeze: booking.freeze,
        revision: 1,
    };
    let mut tx = app.db.begin().await?;
    check_room(&mut tx, user, &valid.rosters).await?;
    if let Some(before) = rematch_of {
        rematch::only_one(&mut tx, before).await?;
    }
    matches::insert(&mut tx, &new).await?;
    for (clan, players) in &valid.rosters {
        let seats: Vec<_> = players.iter().map(|(player, seat)| (player.id, *seat)).collect();
        rosters::set(&mut tx, new.id, *clan, &seats).await?;
    }
    let how = rematch_of.map_or("Booked", |_| "Booked again, as the match before,");
    tell(&mut tx, app, new.id, now, &format!("{how} by {}.", user.name)).await?;
    if gathering {
        let text = match (by_link(&booking.rosters).is_empty(), roster.is_empty()) {
            (false, _) => "Waits for players who come by a link.",
            (true, true) => "Waits for both clans to choose their players.",
            (true, false) => "Waits for the other clan to choose its players.",
        };
        tell(&mut tx, app, new.id, now, text).await?;
    }
    if !gathering || (new.freeze && !roster.is_empty()) {
        rematch::measure(&mut tx, app, &new, &roster, now).await?;
    }
    tx.commit().await?;
    tracing::info!(match_id = %new.id, gathering, "match booked");
    app.changed();
    Ok(new.id)
}

/// What is wrong with a booking, of which something else could not even be read: so that all is said at once.
///
/// # Errors
/// Only the store's.
pub async fn wrong_with(app: &App, user: &User, booking: &Booking) -> Result<Vec<Refusal>, ActionError> {
    match check(app, user, booking, None, app.now()).await {
        Ok(_) => Ok(Vec::new()),
        Err(ActionError::Invalid(refusals)) => Ok(refusals),
        Err(other) => Err(other),
    }
}

/// A clan's admins book so many matches at a time and no more; organisers book a whole season.
async fn check_room(tx: &mut Tx, user: &User, sides: &[ValidRoster; 2]) -> Result<(), ActionError> {
    let Some(clan) = user.role.clan() else {
        return Ok(());
    };
    // Of two that book at this moment, the second counts what the first has booked.
    clans::lock(tx, clan).await?;
    let have = matches::open_of(tx, clan).await?;
    if have < OPEN_MATCHES_OF_A_CLAN {
        return Ok(());
    }
    let field = format!("rosters[{}].clan", usize::from(sides[0].0 != clan));
    let what = "open matches that a clan has booked";
    let way = "cancel one, or wait until one is over";
    Err(ActionError::full(field, have, OPEN_MATCHES_OF_A_CLAN, what, way))
}

/// Reads what a booking is about and checks it.
async fn check(
    app: &App,
    user: &User,
    booking: &Booking,
    rematch_of: Option<MatchId>,
    now: Time,
) -> Result<Valid, ActionError> {
    let mut tx = app.db.read().await?;
    let snapshot = snapshots::newest(&mut tx, &booking.image).await?;
    let mut games: Vec<String> = snapshots::list(&mut tx)
        .await?
        .into_iter()
        .filter(|snapshot| snapshot.facts.contract.game.is_some())
        .map(|snapshot| snapshot.facts.contract.name)
        .collect();
    games.dedup();
    let mut known = BTreeMap::new();
    let mut asked = Vec::new();
    for roster in &booking.rosters {
        let clan = clans::get(&mut tx, roster.clan).await?;
        known.extend(
            players::list(&mut tx, roster.clan)
                .await?
                .into_iter()
                .map(|player| (player.id, player)),
        );
        asked.push((roster.clan, clan, roster.players.as_slice()));
    }
    let asked = Asked {
        image: &booking.image,
        snapshot: snapshot.as_ref(),
        games,
        map: booking.map.as_deref(),
        rule: rematch_of.is_none().then_some(&booking.policy),
        start: match booking.start {
            Start::Now => None,
            Start::At(time) => Some(time),
        },
        zone: booking.zone.as_ref(),
        length_minutes: booking.length_minutes,
        freeze: booking.freeze,
        by_link: by_link(&booking.rosters),
        rosters: asked,
        role: user.role,
    };
    check_booking(&asked, &known, now).map_err(invalid)
}

pub(super) fn invalid(errors: Vec<BookingError>) -> ActionError {
    ActionError::Invalid(errors.into_iter().map(Refusal::from).collect())
}

/// Clans whose players come by a link.
fn by_link(rosters: &[Roster]) -> Vec<ClanId> {
    let by_link = rosters.iter().filter(|roster| roster.by_link);
    by_link.map(|roster| roster.clan).collect()
}

/// Everybody's address, or who has none.
async fn resolve_all(app: &App, user: &User, sides: &[ValidRoster; 2]) -> Result<Resolved, ActionError> {
    let entry = |(player, seat): &(Player, Seat)| rosters::Entry {
        clan: player.clan,
        player: player.id,
        name: player.name.clone(),
        seat: *seat,
        address: Some(player.address.clone()),
        consent: player.consent,
        ipv6: player.ipv6,
    };
    let all = sides.iter().flat_map(|(_, players)| players).map(entry).collect();
    let resolved = rounds::resolve(app, all).await;
    let wrong = |(entry, address): &(rosters::Entry, Result<IpAddr, crate::resolve::AddressError>)| {
        let index = usize::from(entry.clan != sides[0].0);
        let why = address
            .as_ref()
            .err()
            .filter(|why| !rounds::may_come(entry, why))?;
        Some(BookingError::Address {
            field: format!("rosters[{index}].players"),
            player: entry.name.to_string(),
            why: why_for(user, entry.clan, why),
        })
    };
    let wrong: Vec<_> = resolved.iter().filter_map(wrong).collect();
    if wrong.is_empty() {
        Ok(resolved)
    } else {
        Err(invalid(wrong))
    }
}

/// Why an address cannot be measured: with the address in it for the player's own clan only.
pub(super) fn why_for(user: &User, clan: ClanId, why: &crate::resolve::AddressError) -> String {
    if user.role.clan() == Some(clan) {
        why.to_string()
    } else {
        "there is no address that can be measured; the clan's own admins see which".to_owned()
    }
}
