//! Each match: one step of its life. What the step is, `domain::next_step` says; here it is done, in one transaction,
//! written over the revision that was read or not at all.

use super::{
    freeze,
    look::{Now, Stuck, look, look_at_all},
    placing::{choose_first, look_again, other_host, other_port},
    truth,
};
use crate::{
    actions::{rounds::stop, turns::wait},
    app::App,
    domain::{EndedHow, Held, MatchId, MatchState, Recheck, RoundReason, Step, StoryId, Time, VmGoal},
    store::{StoreError, Tx, matches, story, vms},
};
use vmatrix_wire::Goal;

/// One pass; `true` if any match took a step.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let at = app.now();
    let mut tx = app.db.read().await?;
    let all = look_at_all(&mut tx, app, at).await?;
    drop(tx);
    let mut changed = false;
    let mut wrong = None;
    for each in all {
        let stepped = match each {
            // Rounds are begun apart: see `measure`.
            Ok((_, Step::Wait | Step::Probe(_))) => continue,
            Ok((of, step)) => {
                let done = one(app, of.id, step, at).await;
                done.map_err(|error| Stuck::new(Some(of.id), error))
            }
            Err(stuck) => Err(stuck),
        };
        match stepped {
            Ok(stepped) => changed |= stepped,
            // The others go on.
            Err(stuck) => wrong = Some(stuck.told()),
        }
    }
    super::note(app, "one match", wrong.map_or(Ok(false), Err));
    Ok(changed)
}

async fn one(app: &App, id: MatchId, step: Step, at: Time) -> Result<bool, StoreError> {
    let mut tx = app.db.begin().await?;
    // What was read may have changed since.
    let Some((now, step)) = look(&mut tx, app, id, at)
        .await?
        .filter(|(_, again)| *again == step)
    else {
        return Ok(true);
    };
    let state = match freeze::first(&mut tx, app, &now, &step).await? {
        Some(state) => Some(state),
        None => act(&mut tx, app, &now, step).await?,
    };
    let Some(state) = state else {
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

/// Does a step; `None` is a clash.
async fn act(tx: &mut Tx, app: &App, now: &Now, step: Step) -> Result<Option<MatchState>, StoreError> {
    let state = &now.of.state;
    match (step, state) {
        (Step::Choose, MatchState::Probing { round, again, .. }) => {
            let state = choose_first(tx, app, now, *round).await?;
            followed(tx, app, now, state, *again).await
        }
        (
            Step::Recheck,
            MatchState::Reserved {
                held,
                recheck: Recheck::Running { round, then, again },
            },
        ) => {
            let state = look_again(tx, app, now, held, *round, *then).await?;
            followed(tx, app, now, state, *again).await
        }
        (Step::Wake, MatchState::Reserved { held, .. }) => {
            stop(tx, state, now.at).await?;
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
        // A rematch asks whether everybody still plays from where they did: see `observe` for when that is forgotten.
        (Step::Over, MatchState::Ending { held, how, .. }) => {
            truth::learn(tx, now, held).await?;
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

/// What follows a round: another, if somebody has come since it began.
async fn followed(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    state: Option<MatchState>,
    again: bool,
) -> Result<Option<MatchState>, StoreError> {
    Ok(match state {
        Some(MatchState::Reserved { held, recheck }) if again => {
            let then = match recheck {
                Recheck::Due { at } => Some(at),
                Recheck::Running { .. } | Recheck::Done => None,
            };
            let round = wait(tx, app, &now.of).await?;
            let again = false;
            let recheck = Recheck::Running { round, then, again };
            Some(MatchState::Reserved { held, recheck })
        }
        Some(MatchState::Unplaced { .. }) if again => Some(MatchState::Probing {
            round: wait(tx, app, &now.of).await?,
            reason: RoundReason::Roster,
            again: false,
        }),
        state => state,
    })
}

pub(super) async fn tell(tx: &mut Tx, app: &App, now: &Now, text: &str) -> Result<(), StoreError> {
    story::add(tx, StoryId(app.new_id()), now.of.id, now.at, text).await
}

pub(super) fn host_name(now: &Now) -> &str {
    now.host
        .as_ref()
        .map_or("its host", |record| record.host.name.as_str())
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
    tell(tx, app, now, &format!("The match did not take place: {why}.")).await?;
    Ok(MatchState::Failed {
        why,
        choice: now.of.state.choice(),
    })
}
