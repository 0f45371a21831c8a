//! One clan's players of a match, given anew.

use super::{
    ActionError,
    booking::{invalid, why_for},
    freezes,
    matches::{Resolved, change, load, pace, probe, tell},
    rematch, rounds, turns,
};
use crate::{
    app::App,
    domain::{
        BookingError, Clan, ClanId, Match, MatchId, MatchState, Player, PlayerId, Recheck, RoundReason, Seat,
        Time, User, check_roster,
    },
    store::{Tx, clans, players, rosters, rounds as rows},
};
use std::collections::BTreeMap;

/// Gives one clan's players, anew. A match that has not begun to wake is measured again.
///
/// # Errors
/// `Invalid`; `Forbidden` for another clan's admin; `Conflict` once the VM is being woken.
pub async fn set_roster(
    app: &App,
    user: &User,
    id: MatchId,
    clan: ClanId,
    chosen: &[(PlayerId, Seat)],
) -> Result<(), ActionError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let of = load(&mut tx, user, id).await?;
    if user.role.clan().is_some_and(|own| own != clan) {
        return Err(ActionError::Forbidden(
            "A clan admin chooses the players of their own clan.".into(),
        ));
    }
    let Some(named) = clans::get(&mut tx, clan)
        .await?
        .filter(|clan| clan.id == of.home || clan.id == of.away)
    else {
        return Err(ActionError::invalid(
            "clan",
            clan,
            "one of the two clans of the match",
        ));
    };
    let known: BTreeMap<_, _> = players::list(&mut tx, clan)
        .await?
        .into_iter()
        .map(|p| (p.id, p))
        .collect();
    let others = rosters::list(&mut tx, id)
        .await?
        .into_iter()
        .filter(|entry| entry.clan != clan)
        .collect();
    drop(tx);
    may_change(&of)?;
    let new = check_roster("players", &named, chosen, &known).map_err(invalid)?;
    let roster = gather(app, user, &named, new, others).await?;

    let mut tx = app.db.begin().await?;
    // Whoever comes by the link at this moment is in before, and then the match has changed; or comes to this roster.
    clans::lock(&mut tx, clan).await?;
    rounds::pace(&mut tx, &of, now).await?;
    rosters::set(&mut tx, id, clan, chosen).await?;
    tell(
        &mut tx,
        app,
        id,
        now,
        &format!("{} chose {} players.", named.name, chosen.len()),
    )
    .await?;
    rounds::stop(&mut tx, &of.state, now).await?;
    let can_measure = freezes::can_measure(&mut tx, &of, now).await?;
    match &of.state {
        MatchState::Gathering if !can_measure => change(&mut tx, &of, &MatchState::Gathering).await?,
        MatchState::Gathering => rematch::measure(&mut tx, app, &of, &roster, now).await?,
        MatchState::Reserved { held, recheck } => {
            let begun = turns::start(&mut tx, app, &of, RoundReason::Roster, &roster, now).await?;
            let round = begun.round();
            let recheck = Recheck::Running {
                round,
                then: later(app, &of, recheck, now),
                again: false,
            };
            change(
                &mut tx,
                &of,
                &MatchState::Reserved {
                    held: held.clone(),
                    recheck,
                },
            )
            .await?;
            let text = match of.freeze {
                true => "Those players who are not frozen are measured.",
                false => "The players are measured again.",
            };
            tell(&mut tx, app, id, now, text).await?;
        }
        _ => probe(&mut tx, app, &of, RoundReason::Roster, &roster, now).await?,
    }
    tx.commit().await?;
    app.changed();
    Ok(())
}

/// A clan's roster has changed by itself: the match is measured again when it is its turn. A round that runs goes on, and another
/// follows it: who comes again and again does not keep the others from being measured.
///
/// # Errors
/// `Conflict` once the VM is being woken, or if the match changes at this moment.
pub(super) async fn measure_in_turn(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    now: Time,
) -> Result<(), ActionError> {
    may_change(of)?;
    let can_measure = freezes::can_measure(tx, of, now).await?;
    let runs = match rounds::awaited(&of.state) {
        Some(round) => rows::get(tx, round).await?.map(|_| round),
        None => None,
    };
    // One that has not begun is of whoever is there when it begins.
    let (round, again) = match runs {
        Some(round) => (Some(round), true),
        None if can_measure => (Some(turns::wait(tx, app, of).await?), false),
        None => (None, false),
    };
    let state = match (&of.state, round) {
        (MatchState::Reserved { held, recheck }, Some(round)) => MatchState::Reserved {
            held: held.clone(),
            recheck: Recheck::Running {
                round,
                then: later(app, of, recheck, now),
                again,
            },
        },
        (MatchState::Probing { reason, .. }, Some(round)) if again => MatchState::Probing {
            round,
            reason: *reason,
            again,
        },
        (_, Some(round)) => MatchState::Probing {
            round,
            reason: RoundReason::Roster,
            again,
        },
        // What stays is written, too: whoever has read the match as it was must look again.
        (state, None) => state.clone(),
    };
    change(tx, of, &state).await
}

/// When the look before the match is due, if it has not been.
fn later(app: &App, of: &Match, recheck: &Recheck, now: Time) -> Option<Time> {
    match recheck {
        Recheck::Done => None,
        Recheck::Due { .. } | Recheck::Running { .. } => pace(app).recheck_at(of.start_at, now),
    }
}

pub(super) fn may_change(of: &Match) -> Result<(), ActionError> {
    if of.state.players_may_change() {
        return Ok(());
    }
    Err(ActionError::Conflict(format!(
        "players can be changed until the server is woken; the match is {}",
        of.state.name()
    )))
}

/// A clan's new players, who must have addresses, and the other clan's, who may have lost theirs.
async fn gather(
    app: &App,
    user: &User,
    clan: &Clan,
    new: Vec<(Player, Seat)>,
    others: Vec<rosters::Entry>,
) -> Result<Resolved, ActionError> {
    let entry = |(player, seat): (Player, Seat)| rosters::Entry {
        clan: clan.id,
        player: player.id,
        name: player.name,
        seat,
        address: Some(player.address),
        consent: player.consent,
        ipv6: player.ipv6,
    };
    let mut roster = rounds::resolve(app, new.into_iter().map(entry).collect()).await;
    let wrong = roster.iter().filter_map(|(entry, address)| {
        let why = address
            .as_ref()
            .err()
            .filter(|why| !rounds::may_come(entry, why))?;
        Some(BookingError::Address {
            field: "players".into(),
            player: entry.name.to_string(),
            why: why_for(user, clan.id, why),
        })
    });
    let wrong: Vec<_> = wrong.collect();
    if !wrong.is_empty() {
        return Err(invalid(wrong));
    }
    roster.extend(rounds::resolve(app, others).await);
    Ok(roster)
}
