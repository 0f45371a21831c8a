//! What people do with matches.

use super::{
    ActionError, rounds,
    turns::{self, Begun},
};
use crate::{
    app::App,
    domain::{
        EndedHow, Match, MatchId, MatchState, MeasuredHow, Pace, RoundId, RoundReason, Time, User, VmGoal,
        limits::READINGS_MS,
    },
    store::{Tx, matches, readings, rosters, rounds as rows, story, vms},
};
use std::net::IpAddr;
use vmatrix_wire::Way;

pub use super::booking::{Booking, Roster, Start, book_match, wrong_with};
pub use super::match_view::{list_matches, view_match};
pub use super::rematch::{Again, rematch};
pub use super::roster::set_roster;

pub(super) type Resolved = Vec<(rosters::Entry, Result<IpAddr, crate::resolve::AddressError>)>;

/// Starts a round for a match that has no host yet.
pub(super) async fn probe(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    reason: RoundReason,
    roster: &Resolved,
    now: Time,
) -> Result<(), ActionError> {
    let begun = turns::start(tx, app, of, reason, roster, now).await?;
    let round = begun.round();
    let again = false;
    change(tx, of, &MatchState::Probing { round, reason, again }).await?;
    let text = match begun {
        Begun::Now(round) => measured_how(tx, round, now).await?.words(of.freeze),
        Begun::Later(_) => "The players are measured when it is this match's turn.".to_owned(),
    };
    tell(tx, app, of.id, now, &text).await
}

/// Whom a round that begins measures, and whose own programs have measured before.
async fn measured_how(tx: &mut Tx, round: RoundId, now: Time) -> Result<MeasuredHow, ActionError> {
    let mut how = MeasuredHow::default();
    let targets = rows::targets(tx, round).await?;
    for target in targets.iter().filter(|target| target.by == Way::Icmp) {
        how.players += 1;
        if target.address.is_some() {
            how.pinged += 1;
            continue;
        }
        let own = readings::of_player(tx, target.player, now.plus(-READINGS_MS)).await?;
        if let Some(oldest) = own.iter().map(|reading| reading.taken_at).min() {
            how.own += 1;
            how.oldest_ms = how.oldest_ms.max(now.since(oldest));
        }
    }
    Ok(how)
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
        _ if !of.may_be_ended_by(user) => {
            let text = "A running match is ended by whoever booked it, or by an organiser.";
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
    if both || (of.freeze && !roster.is_empty()) {
        probe(&mut tx, app, &of, RoundReason::Retry, &roster, now).await?;
    } else {
        change(&mut tx, &of, &MatchState::Gathering).await?;
    }
    tx.commit().await?;
    app.changed();
    Ok(())
}
