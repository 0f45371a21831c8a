//! Where a match is placed: the first choice, another look at it, the next best host, another port.

use super::{
    choose::{self, Made},
    look::Now,
    matches::{host_name, tell},
    ports::{Moved, move_port},
};
use crate::{
    actions::{matches::pace, rounds::stop},
    app::App,
    domain::{
        ChoiceBody, ChoiceId, Excluded, Held, HostId, MatchState, Recheck, RoundId, Time, VmGoal, again_at,
        may_be_placed_later,
    },
    store::{StoreError, Tx, choices, story, vms},
};
use std::collections::BTreeSet;
use vmatrix_placement as placement;
use vmatrix_wire::Goal;

/// What follows a reservation: another look before the match, if there is time for one.
fn then(app: &App, now: &Now) -> Recheck {
    pace(app)
        .recheck_at(now.of.start_at, now.at)
        .map_or(Recheck::Done, |at| Recheck::Due { at })
}

pub(super) async fn choose_first(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    round: RoundId,
) -> Result<Option<MatchState>, StoreError> {
    let wake_ms = app.settings.wake_ms;
    let made = match choose::make(tx, &now.of, round, &[], None, (wake_ms, now.at)).await? {
        Ok(made) => made,
        Err(why) => return unplaced(tx, app, now, why, None).await.map(Some),
    };
    let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
    if made.body.choice.chosen.is_none() {
        return unplaced(tx, app, now, made.why_none(), Some((choice, &made)))
            .await
            .map(Some);
    }
    let Some(held) = choose::hold(
        tx,
        app,
        &now.of,
        &made,
        (choice, Goal::Fetched, Vec::new()),
        now.at,
    )
    .await?
    else {
        return Ok(None);
    };
    tell(tx, app, now, &chosen(&made)).await?;
    Ok(Some(MatchState::Reserved {
        held,
        recheck: then(app, now),
    }))
}

fn chosen(made: &Made) -> String {
    let closeness = made.body.choice.chosen().and_then(|answer| answer.closeness);
    let closeness = closeness
        .map(|value| format!(", closeness factor {value}"))
        .unwrap_or_default();
    format!(
        "{} was chosen of {} hosts{closeness}.",
        made.chosen_name(),
        made.body.choice.hosts.len() + made.body.unprobed.len()
    )
}

/// What a match is that has no host, and why for people.
pub(super) async fn unplaced(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    why: String,
    choice: Option<(ChoiceId, &Made)>,
) -> Result<MatchState, StoreError> {
    let text = format!("No host can be given: {why}.");
    // Tries that follow each other by themselves are told once.
    let told = story::list(tx, now.of.id).await?;
    if told.last().is_none_or(|last| last.text != text) {
        tell(tx, app, now, &text).await?;
    }
    // Without a choice it was not the players: there were no hosts, or no image.
    let helps = choice.is_none_or(|(_, made)| may_be_placed_later(&made.body));
    Ok(MatchState::Unplaced {
        why,
        choice: choice.map(|(id, _)| id).or(now.of.state.choice()),
        again_at: helps.then(|| again_at(now.of.start_at, now.at)),
    })
}

/// Judges a reservation by a newer round.
pub(super) async fn look_again(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    round: RoundId,
    next: Option<Time>,
) -> Result<Option<MatchState>, StoreError> {
    let recheck = next
        .filter(|at| *at > now.at)
        .map_or(Recheck::Done, |at| Recheck::Due { at });
    let span = (app.settings.wake_ms, now.at);
    let made = match choose::make(tx, &now.of, round, &held.excluded, Some(held), span).await? {
        Ok(made) => made,
        Err(why) => {
            vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
            return unplaced(tx, app, now, why, None).await.map(Some);
        }
    };
    match made.body.recheck.clone() {
        None | Some(placement::Recheck::Keep { .. }) => {
            let before = choices::get(tx, held.choice).await?;
            let replaces = before.is_none_or(|before| is_of_others(&before.body, &made.body, held.host));
            let choice = choose::write(tx, app, &now.of, &made, !replaces, now.at).await?;
            let held = match replaces {
                true => Held {
                    choice,
                    ..held.clone()
                },
                false => held.clone(),
            };
            let why = match &made.body.recheck {
                Some(placement::Recheck::Keep { why, .. }) => why.to_string(),
                _ => String::new(),
            };
            tell(tx, app, now, &format!("{} was kept: {why}.", host_name(now))).await?;
            Ok(Some(MatchState::Reserved { held, recheck }))
        }
        Some(placement::Recheck::Move { name, why, .. }) => {
            let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
            let excluded = held.excluded.clone();
            let moved =
                choose::hold(tx, app, &now.of, &made, (choice, Goal::Fetched, excluded), now.at).await?;
            let Some(moved) = moved else { return Ok(None) };
            vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
            let why = moved_because(&why);
            tell(
                tx,
                app,
                now,
                &format!("Moved from {} to {name}: {why}.", host_name(now)),
            )
            .await?;
            Ok(Some(MatchState::Reserved { held: moved, recheck }))
        }
        Some(placement::Recheck::Lost { .. }) => {
            let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
            vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
            unplaced(tx, app, now, made.why_none(), Some((choice, &made)))
                .await
                .map(Some)
        }
    }
}

/// Whether a look that found the held host best again is of other players: then the reservation rests on it from now on, and
/// not on what was measured to others.
fn is_of_others(before: &ChoiceBody, now: &ChoiceBody, held: HostId) -> bool {
    let who = |body: &ChoiceBody| -> BTreeSet<String> {
        let players = body.matrix.players().iter();
        players.map(|player| player.id.clone()).collect()
    };
    let best = now.choice.chosen().map(|answer| answer.id.as_str());
    who(before) != who(now) && best == Some(held.to_string().as_str())
}

/// In a story, which both clans read: without names of players and their round trips.
fn moved_because(why: &placement::MoveReason) -> String {
    match why {
        placement::MoveReason::Invalid {
            verdict: placement::Verdict::OverCap,
            ..
        } => "it is over the cap for somebody now".into(),
        placement::MoveReason::Invalid {
            verdict: placement::Verdict::Undecided,
            ..
        } => "somebody did not answer it this time".into(),
        // By how much is a figure of everybody's round trips.
        placement::MoveReason::Invalid {
            verdict: placement::Verdict::OverLimit,
            ..
        } => "it is beyond a limit of the rule now".into(),
        other => other.to_string(),
    }
}

/// The next best host of the newest matrix, or none.
pub(super) async fn other_host(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    why: String,
) -> Result<Option<MatchState>, StoreError> {
    // Clans read the story: an agent's own words are for whoever runs the server.
    let report = now.vm.as_ref().and_then(|vm| vm.seen.report.as_ref());
    let problem = report
        .and_then(|report| report.problem.as_ref())
        .map(tracing::field::display);
    tracing::warn!(match_id = %now.of.id, host = host_name(now), why, problem, "a host is left");
    stop(tx, &now.of.state, now.at).await?;
    vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
    tell(tx, app, now, &format!("{} was left: {why}.", host_name(now))).await?;
    let mut excluded = held.excluded.clone();
    excluded.push(Excluded { host: held.host, why });
    let Some(before) = choices::get(tx, held.choice).await? else {
        return unplaced(tx, app, now, "its choice is not known any more".into(), None)
            .await
            .map(Some);
    };
    let newest = choices::kept_since(tx, now.of.id, before.made_at)
        .await?
        .unwrap_or(before);
    let span = (app.settings.wake_ms, now.at);
    let made = match choose::make(tx, &now.of, newest.round_id, &excluded, None, span).await? {
        Ok(made) => made,
        Err(why) => return unplaced(tx, app, now, why, None).await.map(Some),
    };
    let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
    if made.body.choice.chosen.is_none() {
        return unplaced(tx, app, now, made.why_none(), Some((choice, &made)))
            .await
            .map(Some);
    }
    let waking = matches!(now.of.state, MatchState::Waking { .. });
    let goal = if waking { Goal::Open } else { Goal::Fetched };
    let Some(next) = choose::hold(tx, app, &now.of, &made, (choice, goal, excluded), now.at).await? else {
        return Ok(None);
    };
    tell(tx, app, now, &chosen(&made)).await?;
    Ok(Some(match &now.of.state {
        MatchState::Reserved {
            recheck: Recheck::Running { .. },
            ..
        } => MatchState::Reserved {
            held: next,
            recheck: then(app, now),
        },
        MatchState::Reserved { recheck, .. } => MatchState::Reserved {
            held: next,
            recheck: recheck.clone(),
        },
        _ => MatchState::Waking {
            held: next,
            since: now.at,
        },
    }))
}

/// Another port of the same host, for the same VM; or another host.
pub(super) async fn other_port(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    since: Time,
) -> Result<Option<MatchState>, StoreError> {
    let (Some(record), Some(vm)) = (&now.host, &now.vm) else {
        return Ok(None);
    };
    let port = match move_port(tx, record, vm, now.at).await? {
        Moved::To(port) => port,
        Moved::Nowhere => {
            let why = format!(
                "port {} is taken by another program, and no other is free",
                held.port
            );
            return other_host(tx, app, now, held, why).await;
        }
        Moved::Clash => return Ok(None),
    };
    let text = format!(
        "Port {} of {} is taken by another program; {port} is used.",
        held.port,
        host_name(now)
    );
    tell(tx, app, now, &text).await?;
    let held = Held { port, ..held.clone() };
    Ok(Some(MatchState::Waking { held, since }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use placement::{MoveReason, Verdict};

    #[test]
    fn a_story_has_no_figures_of_round_trips() {
        for verdict in [Verdict::OverCap, Verdict::OverLimit, Verdict::Undecided] {
            let why = "over the limit of 90 ms: a spread of 97.3 ms".into();
            let said = moved_because(&MoveReason::Invalid { verdict, why });
            assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
        }
    }
}
