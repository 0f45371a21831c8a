//! What people do with matches.

use super::{ActionError, rounds};
use crate::{
    app::App,
    domain::{
        Asked, BookingError, ClanId, EndedHow, Match, MatchId, MatchState, Pace, Player, PlayerId, Refusal,
        RoundReason, Time, User, Valid, VmGoal, check_booking,
    },
    store::{Tx, clans, matches, players, rosters, snapshots, story, vms},
};
use std::{collections::BTreeMap, net::IpAddr};

pub use super::match_view::{list_matches, view_match};
pub use super::roster::set_roster;

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
    /// When.
    pub start: Start,
    /// How long: 5 to 480.
    pub length_minutes: i64,
    /// Exactly two: home, then away. A challenge has no players on the other clan's side.
    pub rosters: Vec<Roster>,
}

/// One clan's players.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The clan.
    pub clan: ClanId,
    /// Its players, each once.
    pub players: Vec<PlayerId>,
}

pub(super) type Resolved = Vec<(rosters::Entry, Result<IpAddr, crate::resolve::AddressError>)>;

/// Books a match. Staff give both rosters; a clan admin gives their own clan's, and the other clan's empty: then
/// the match is *gathering* until [`set_roster`] by the other side. With both rosters it is *probing* at once.
///
/// # Errors
/// `Invalid` with each field that is wrong; `Forbidden` if a clan admin books for others.
pub async fn book_match(app: &App, user: &User, booking: Booking) -> Result<MatchId, ActionError> {
    let others = |own: ClanId| booking.rosters.iter().all(|roster| roster.clan != own);
    if user.role.clan().is_some_and(others) {
        return Err(ActionError::Forbidden(
            "a clan admin books matches of their own clan".into(),
        ));
    }
    let now = app.now();
    let valid = check(app, user, &booking, now).await?;
    let roster = resolve_all(app, user, &valid.rosters).await?;

    let gathering = valid.rosters.iter().any(|(_, players)| players.is_empty());
    let new = Match {
        id: MatchId(app.new_id()),
        image: booking.image,
        map: valid.map,
        home: valid.rosters[0].0,
        away: valid.rosters[1].0,
        start_at: valid.start,
        length_ms: booking.length_minutes * 60_000,
        state: MatchState::Gathering,
        password: crate::secrets::password(rand::random()),
        rcon: crate::secrets::password(rand::random()),
        created_by: user.id,
        created_at: now,
        revision: 1,
    };
    let mut tx = app.db.begin().await?;
    matches::insert(&mut tx, &new).await?;
    for (clan, players) in &valid.rosters {
        let ids: Vec<PlayerId> = players.iter().map(|player| player.id).collect();
        rosters::set(&mut tx, new.id, *clan, &ids).await?;
    }
    tell(&mut tx, app, new.id, now, &format!("Booked by {}.", user.name)).await?;
    if gathering {
        tell(
            &mut tx,
            app,
            new.id,
            now,
            "Waits for the other clan to choose its players.",
        )
        .await?;
    } else {
        probe(&mut tx, app, &new, RoundReason::Booking, &roster, now).await?;
    }
    tx.commit().await?;
    tracing::info!(match_id = %new.id, gathering, "match booked");
    app.changed();
    Ok(new.id)
}

/// Reads what a booking is about and checks it.
async fn check(app: &App, user: &User, booking: &Booking, now: Time) -> Result<Valid, ActionError> {
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
        start: match booking.start {
            Start::Now => None,
            Start::At(time) => Some(time),
        },
        length_minutes: booking.length_minutes,
        rosters: asked,
        role: user.role,
    };
    check_booking(&asked, &known, now).map_err(invalid)
}

pub(super) fn invalid(errors: Vec<BookingError>) -> ActionError {
    ActionError::Invalid(errors.into_iter().map(Refusal::from).collect())
}

/// Everybody's address, or who has none.
async fn resolve_all(
    app: &App,
    user: &User,
    sides: &[(ClanId, Vec<Player>); 2],
) -> Result<Resolved, ActionError> {
    let entry = |player: &Player| rosters::Entry {
        clan: player.clan,
        player: player.id,
        name: player.name.clone(),
        address: Some(player.address.clone()),
    };
    let all = sides.iter().flat_map(|(_, players)| players).map(entry).collect();
    let resolved = rounds::resolve(app, all).await;
    let wrong = |(entry, address): &(rosters::Entry, Result<IpAddr, crate::resolve::AddressError>)| {
        let index = usize::from(entry.clan != sides[0].0);
        address.as_ref().err().map(|why| BookingError::Address {
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

/// Starts a round for a match that has no host yet.
pub(super) async fn probe(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    reason: RoundReason,
    roster: &Resolved,
    now: Time,
) -> Result<(), ActionError> {
    let round = rounds::start(tx, app, of, reason, roster, now).await?;
    change(tx, of, &MatchState::Probing { round, reason }).await?;
    let text = format!("All hosts measure the {} players.", roster.len());
    tell(tx, app, of.id, now, &text).await
}

/// Writes a state over the one that was read, or says that somebody else was quicker.
pub(super) async fn change(tx: &mut Tx, of: &Match, state: &MatchState) -> Result<(), ActionError> {
    if matches::write_state(tx, of, state).await? {
        return Ok(());
    }
    Err(ActionError::Conflict(
        "the match changed at this very moment: look again".into(),
    ))
}

pub(super) async fn tell(
    tx: &mut Tx,
    app: &App,
    of: MatchId,
    at: Time,
    text: &str,
) -> Result<(), ActionError> {
    Ok(story::add(tx, crate::domain::StoryId(app.new_id()), of, at, text).await?)
}

/// A match that this user may know of.
pub(super) async fn load(tx: &mut Tx, user: &User, id: MatchId) -> Result<Match, ActionError> {
    let of = matches::get(tx, id)
        .await?
        .ok_or_else(|| ActionError::not_found("match", id))?;
    match user.role.clan() {
        Some(clan) if clan != of.home && clan != of.away => Err(ActionError::not_found("match", id)),
        _ => Ok(of),
    }
}

/// The operator's pace.
pub(crate) fn pace(app: &App) -> Pace {
    Pace {
        recheck_ms: app.settings.recheck_ms,
        wake_ms: app.settings.wake_ms,
    }
}

/// Ends a running match, or cancels one that has not begun. Twice is once. Before it is ready either side may
/// withdraw; then only staff, and whoever booked it.
///
/// # Errors
/// `NotFound`; `Forbidden`.
pub async fn end_match(app: &App, user: &User, id: MatchId) -> Result<(), ActionError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let of = load(&mut tx, user, id).await?;
    let state = match &of.state {
        state if state.is_final() => return Ok(()),
        MatchState::Ending { .. } => return Ok(()),
        MatchState::Ready { .. } if !user.role.is_staff() && of.created_by != user.id => {
            let text = "a running match is ended by whoever booked it, or by an organiser";
            return Err(ActionError::Forbidden(text.into()));
        }
        MatchState::Ready { held, .. } => MatchState::Ending {
            held: held.clone(),
            how: EndedHow::ByHand,
            since: now,
        },
        _ => MatchState::Cancelled,
    };
    rounds::stop(&mut tx, &of.state, now).await?;
    if let Some(held) = of.state.held() {
        vms::set_goal(&mut tx, held.vm, VmGoal::Gone, held.port).await?;
    }
    if state == MatchState::Cancelled {
        crate::store::rounds::forget_addresses(&mut tx, id).await?;
    }
    let done = if state == MatchState::Cancelled {
        "Cancelled"
    } else {
        "Ended"
    };
    change(&mut tx, &of, &state).await?;
    tell(&mut tx, app, id, now, &format!("{done} by {}.", user.name)).await?;
    tx.commit().await?;
    app.changed();
    Ok(())
}

/// Measures and chooses again: for a match that is *unplaced* or *failed* and whose time is not over.
///
/// # Errors
/// `NotFound`; `Forbidden`; `Conflict` in any other state, or if it is too late.
pub async fn retry_match(app: &App, user: &User, id: MatchId) -> Result<(), ActionError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let of = load(&mut tx, user, id).await?;
    let roster = rosters::list(&mut tx, id).await?;
    drop(tx);
    match &of.state {
        MatchState::Unplaced { .. } | MatchState::Failed { .. } if now < of.end_at() => {}
        MatchState::Unplaced { .. } | MatchState::Failed { .. } => {
            return Err(ActionError::Conflict(
                "its time is over: book another match".into(),
            ));
        }
        state => {
            let text = format!(
                "only a match without a host can be tried again; this one is {}",
                state.name()
            );
            return Err(ActionError::Conflict(text));
        }
    }
    let both = [of.home, of.away]
        .iter()
        .all(|side| roster.iter().any(|entry| entry.clan == *side));
    let roster = rounds::resolve(app, roster).await;
    let mut tx = app.db.begin().await?;
    rounds::pace(&mut tx, &of, now).await?;
    tell(&mut tx, app, id, now, &format!("Tried again by {}.", user.name)).await?;
    if both {
        probe(&mut tx, app, &of, RoundReason::Retry, &roster, now).await?;
    } else {
        change(&mut tx, &of, &MatchState::Gathering).await?;
    }
    tx.commit().await?;
    app.changed();
    Ok(())
}
