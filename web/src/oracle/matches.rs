//! Each match: one step of its life. What the step is, `domain::next_step` says; here it is done, in one transaction,
//! written over the revision that was read or not at all.

use super::choose::{self, Made};
use crate::{
    actions::{
        matches::pace,
        rounds::{awaited, resolve, start, stop},
    },
    app::App,
    domain::{
        EndedHow, Excluded, Held, HostRecord, Match, MatchId, MatchState, Recheck, RoundId, RoundReason,
        Situation, Step, StoryId, Time, Unfit, Vm, VmGoal, next_step, room,
    },
    store::{StoreError, Tx, choices, hosts, matches, reservations, rosters, rounds, story, vms},
};
use vmatrix_placement as placement;
use vmatrix_wire::Goal;

/// One pass; `true` if any match took a step.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let mut tx = app.db.read().await?;
    let ids = matches::unfinished(&mut tx).await?;
    drop(tx);
    let mut changed = false;
    for id in ids {
        changed |= one(app, id).await?;
    }
    Ok(changed)
}

/// A match's present, as it was read.
struct Now {
    of: Match,
    host: Option<HostRecord>,
    vm: Option<Vm>,
    at: Time,
}

async fn one(app: &App, id: MatchId) -> Result<bool, StoreError> {
    let at = app.now();
    let mut tx = app.db.read().await?;
    let Some((now, step)) = look(&mut tx, app, id, at).await? else {
        return Ok(false);
    };
    if step == Step::Wait {
        return Ok(false);
    }
    let roster = if matches!(step, Step::Probe(_)) {
        rosters::list(&mut tx, id).await?
    } else {
        Vec::new()
    };
    drop(tx);
    let roster = resolve(app, roster).await;

    let mut tx = app.db.begin().await?;
    // What was read may have changed while names were looked up.
    let Some((now, step)) = look(&mut tx, app, id, now.at)
        .await?
        .filter(|(_, again)| *again == step)
    else {
        return Ok(true);
    };
    let Some(state) = act(&mut tx, app, &now, step, &roster).await? else {
        // A clash: somebody else was quicker. Nothing is written; the next pass thinks again.
        return Ok(true);
    };
    if !matches::write_state(&mut tx, &now.of, &state).await? {
        return Ok(true);
    }
    tx.commit().await?;
    tracing::info!(match_id = %id, from = now.of.state.name(), to = state.name(), "match");
    Ok(true)
}

/// Reads a match and says what is to be done.
async fn look(tx: &mut Tx, app: &App, id: MatchId, at: Time) -> Result<Option<(Now, Step)>, StoreError> {
    let Some(of) = matches::get(tx, id).await? else {
        return Ok(None);
    };
    let held = of.state.held().cloned();
    let (host, vm) = match &held {
        Some(held) => (hosts::get(tx, held.host).await?, vms::get(tx, held.vm).await?),
        None => (None, None),
    };
    let round_ended = match awaited(&of.state) {
        Some(round) => rounds::get(tx, round)
            .await?
            .map(|round| round.ended_at.is_some()),
        None => None,
    };
    let gone = match (&held, &host) {
        (Some(_), None) => Some("it has left the fleet".to_owned()),
        (Some(_), Some(host)) if host.is_gone(at) => Some(
            Unfit::Gone {
                seconds: host.silent_ms(at) / 1000,
            }
            .to_string(),
        ),
        _ => None,
    };
    let situation = Situation {
        of: &of,
        round_ended,
        host_gone: gone.as_deref(),
        vm: vm.as_ref(),
    };
    let step = next_step(situation, pace(app), at);
    Ok(Some((Now { of, host, vm, at }, step)))
}

type Roster = [(
    rosters::Entry,
    Result<std::net::IpAddr, crate::resolve::AddressError>,
)];

/// Does a step; `None` is a clash.
async fn act(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    step: Step,
    roster: &Roster,
) -> Result<Option<MatchState>, StoreError> {
    let state = &now.of.state;
    match (step, state) {
        (Step::Probe(reason), _) => probe(tx, app, now, reason, roster).await.map(Some),
        (Step::Choose, MatchState::Probing { round, .. }) => choose_first(tx, app, now, *round).await,
        (
            Step::Recheck,
            MatchState::Reserved {
                held,
                recheck: Recheck::Running { round, then },
            },
        ) => look_again(tx, app, now, held, *round, *then).await,
        (Step::Wake, MatchState::Reserved { held, .. }) => {
            vms::set_goal(tx, held.vm, VmGoal::Ordered(Goal::Open), held.port).await?;
            tell(
                tx,
                app,
                now,
                &format!("The server is being woken on {}.", host_name(now)),
            )
            .await?;
            Ok(Some(MatchState::Waking {
                held: held.clone(),
                since: now.at,
            }))
        }
        (Step::Ready, MatchState::Waking { held, .. }) => {
            tell(
                tx,
                app,
                now,
                "The game answers on its public address: players can join.",
            )
            .await?;
            Ok(Some(MatchState::Ready {
                held: held.clone(),
                since: now.at,
            }))
        }
        (Step::OtherPort, MatchState::Waking { held, since }) => other_port(tx, app, now, held, *since).await,
        (Step::OtherHost { why }, MatchState::Waking { held, .. } | MatchState::Reserved { held, .. }) => {
            other_host(tx, app, now, held, why).await
        }
        (Step::End(how), MatchState::Waking { held, .. } | MatchState::Ready { held, .. }) => {
            end(tx, app, now, held, how).await.map(Some)
        }
        (Step::Over, MatchState::Ending { held, how, .. }) => {
            rounds::forget_addresses(tx, now.of.id).await?;
            tell(tx, app, now, "The match is over; the host is free again.").await?;
            Ok(Some(MatchState::Over {
                how: *how,
                held: held.clone(),
                since: now.at,
            }))
        }
        (Step::Fail { why }, _) => fail(tx, app, now, why).await.map(Some),
        // No step fits another state than these; if one did, doing nothing is right.
        _ => Ok(None),
    }
}

async fn tell(tx: &mut Tx, app: &App, now: &Now, text: &str) -> Result<(), StoreError> {
    story::add(tx, StoryId(app.new_id()), now.of.id, now.at, text).await
}

fn host_name(now: &Now) -> &str {
    now.host
        .as_ref()
        .map_or("its host", |record| record.host.name.as_str())
}

async fn probe(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    reason: RoundReason,
    roster: &Roster,
) -> Result<MatchState, StoreError> {
    let round = start(tx, app, &now.of, reason, roster, now.at).await?;
    Ok(match &now.of.state {
        MatchState::Reserved { held, .. } => {
            tell(tx, app, now, "The players are measured again before the match.").await?;
            MatchState::Reserved {
                held: held.clone(),
                recheck: Recheck::Running { round, then: None },
            }
        }
        _ => MatchState::Probing { round, reason },
    })
}

/// What follows a reservation: another look before the match, if there is time for one.
fn then(app: &App, now: &Now) -> Recheck {
    pace(app)
        .recheck_at(now.of.start_at, now.at)
        .map_or(Recheck::Done, |at| Recheck::Due { at })
}

async fn choose_first(
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
        return unplaced(tx, app, now, made.why_none(), Some(choice))
            .await
            .map(Some);
    }
    let Some(held) = choose::hold(tx, app, &now.of, &made, choice, Goal::Fetched, Vec::new(), now.at).await?
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
        made.body.choice.hosts.len()
    )
}

async fn unplaced(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    why: String,
    choice: Option<crate::domain::ChoiceId>,
) -> Result<MatchState, StoreError> {
    tell(tx, app, now, &format!("No host can be given: {why}.")).await?;
    Ok(MatchState::Unplaced { why, choice })
}

/// Judges a reservation by a newer round.
async fn look_again(
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
            return unplaced(tx, app, now, why, Some(held.choice)).await.map(Some);
        }
    };
    match made.body.recheck.clone() {
        None | Some(placement::Recheck::Keep { .. }) => {
            choose::write(tx, app, &now.of, &made, true, now.at).await?;
            let why = match &made.body.recheck {
                Some(placement::Recheck::Keep { why, .. }) => why.to_string(),
                _ => String::new(),
            };
            tell(tx, app, now, &format!("{} was kept: {why}.", host_name(now))).await?;
            Ok(Some(MatchState::Reserved {
                held: held.clone(),
                recheck,
            }))
        }
        Some(placement::Recheck::Move { name, why, .. }) => {
            let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
            let excluded = held.excluded.clone();
            let moved =
                choose::hold(tx, app, &now.of, &made, choice, Goal::Fetched, excluded, now.at).await?;
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
            unplaced(tx, app, now, made.why_none(), Some(choice))
                .await
                .map(Some)
        }
    }
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
        other => other.to_string(),
    }
}

/// The next best host of the newest matrix, or none.
async fn other_host(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    why: String,
) -> Result<Option<MatchState>, StoreError> {
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
        Err(why) => return unplaced(tx, app, now, why, Some(held.choice)).await.map(Some),
    };
    let choice = choose::write(tx, app, &now.of, &made, false, now.at).await?;
    if made.body.choice.chosen.is_none() {
        return unplaced(tx, app, now, made.why_none(), Some(choice))
            .await
            .map(Some);
    }
    let waking = matches!(now.of.state, MatchState::Waking { .. });
    let goal = if waking { Goal::Open } else { Goal::Fetched };
    let Some(next) = choose::hold(tx, app, &now.of, &made, choice, goal, excluded, now.at).await? else {
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
async fn other_port(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    since: Time,
) -> Result<Option<MatchState>, StoreError> {
    let Some(record) = &now.host else { return Ok(None) };
    let mut next = held.clone();
    next.ports_tried.push(held.port);
    let taken = reservations::held(tx).await?;
    let ours = taken.iter().find(|one| one.id == held.reservation);
    let span = ours.map_or((now.at, now.of.end_at()), |one| (one.from_at, one.until_at));
    let Ok(port) = room(
        &record.host,
        &taken,
        Some(held.reservation),
        &next.ports_tried,
        span,
        now.at,
    ) else {
        let why = format!(
            "port {} is taken by another program, and no other is free",
            held.port
        );
        return other_host(tx, app, now, held, why).await;
    };
    if !hosts::hold(tx, held.host, record.holds).await? {
        return Ok(None);
    }
    reservations::set_port(tx, held.reservation, port).await?;
    vms::set_goal(tx, held.vm, VmGoal::Ordered(Goal::Open), port).await?;
    next.port = port;
    let text = format!(
        "Port {} of {} is taken by another program; {port} is used.",
        held.port,
        host_name(now)
    );
    tell(tx, app, now, &text).await?;
    Ok(Some(MatchState::Waking { held: next, since }))
}

async fn end(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    held: &Held,
    how: EndedHow,
) -> Result<MatchState, StoreError> {
    vms::set_goal(tx, held.vm, VmGoal::Gone, held.port).await?;
    tell(
        tx,
        app,
        now,
        "The time is up: the players are told, and the server is taken away.",
    )
    .await?;
    Ok(MatchState::Ending {
        held: held.clone(),
        how,
        since: now.at,
    })
}

async fn fail(tx: &mut Tx, app: &App, now: &Now, why: String) -> Result<MatchState, StoreError> {
    stop(tx, &now.of.state, now.at).await?;
    if let Some(vm) = &now.vm {
        vms::set_goal(tx, vm.id, VmGoal::Gone, vm.port).await?;
    }
    rounds::forget_addresses(tx, now.of.id).await?;
    tell(tx, app, now, &format!("The match did not take place: {why}.")).await?;
    Ok(MatchState::Failed {
        why,
        choice: now.of.state.choice(),
    })
}
