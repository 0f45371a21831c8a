//! Each match whose players are to be measured: a new round, when it is its turn. Apart from all other steps, because players'
//! names are looked up for it, and nobody else waits for that.

use super::{
    look::{Now, Stuck, look, look_at_all},
    matches::tell,
};
use crate::{
    actions::{
        rounds::{resolve, start},
        turns::wait,
    },
    app::App,
    domain::{
        MatchId, MatchState, Recheck, Round, RoundId, RoundReason, Step, is_time_again,
        limits::ROUNDS_AT_ONCE, whose_turn,
    },
    store::{StoreError, matches, rosters, rounds, turns},
};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};

/// So many matches have their players' names looked up at once; each has 64 at most.
const AT_ONCE: usize = 8;

/// One pass over all matches.
pub(super) async fn step(app: &App) -> Result<(), StoreError> {
    let (turn, wrong) = whose(app).await?;
    let each = stream::iter(turn).map(|id| async move {
        one(app, id)
            .await
            .map_err(|error| Stuck::new(Some(id), error).told())
    });
    let done: Vec<_> = each.buffer_unordered(AT_ONCE).collect().await;
    // The others went on.
    done.into_iter().chain(wrong.map(Err)).collect()
}

/// The matches that are measured now, and what kept one from being looked at. All others that should be wait from now on.
async fn whose(app: &App) -> Result<(Vec<MatchId>, Option<StoreError>), StoreError> {
    let mut tx = app.db.read().await?;
    let mut due = Vec::new();
    let mut wrong = None;
    for each in look_at_all(&mut tx, app, app.now()).await? {
        match each {
            Ok((of, Step::Probe(reason))) => due.push((of, reason)),
            Ok(_) => {}
            Err(stuck) => wrong = Some(stuck.told()),
        }
    }
    let before = turns::list(&mut tx).await?;
    drop(tx);
    if due.is_empty() && before.is_empty() {
        return Ok((Vec::new(), wrong));
    }
    let mut tx = app.db.begin().await?;
    let wanted: BTreeSet<MatchId> = due.iter().map(|(of, _)| of.id).collect();
    for (_, id) in before.iter().filter(|(_, id)| !wanted.contains(id)) {
        turns::remove(&mut tx, *id).await?;
    }
    let mut before_now: BTreeMap<MatchId, Vec<Round>> = BTreeMap::new();
    if due.iter().any(|(_, reason)| *reason == RoundReason::Roster) {
        for round in rounds::of_unfinished(&mut tx).await?.into_values() {
            match round {
                Ok(round) => before_now.entry(round.match_id).or_default().push(round),
                // Nobody awaits it, or its match were stuck: it only counts for how soon the next may begin.
                Err(error) => wrong = Some(error),
            }
        }
    }
    let mut not_yet = BTreeSet::new();
    for (of, reason) in &due {
        let waits = before.iter().any(|(_, id)| *id == of.id);
        if !waits {
            wait(&mut tx, app, of).await?;
        }
        // What has its own time is not kept waiting: only what changes again and again.
        let again = *reason == RoundReason::Roster;
        let rounds = before_now.get(&of.id).map_or(&[][..], Vec::as_slice);
        if again && !is_time_again(rounds, app.now()) {
            not_yet.insert(of.id);
        }
    }
    let waiting: Vec<MatchId> = turns::list(&mut tx)
        .await?
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    let running = rounds::open(&mut tx).await?.len();
    tx.commit().await?;
    let may_begin = |id: &MatchId| !not_yet.contains(id);
    Ok((whose_turn(&waiting, may_begin, running, ROUNDS_AT_ONCE), wrong))
}

async fn one(app: &App, id: MatchId) -> Result<(), StoreError> {
    let mut tx = app.db.read().await?;
    let due = look(&mut tx, app, id, app.now()).await?;
    let Some((_, Step::Probe(reason))) = due else {
        return Ok(());
    };
    let roster = rosters::list(&mut tx, id).await?;
    drop(tx);
    let resolved = resolve(app, roster.clone()).await;

    let mut tx = app.db.begin().await?;
    // What was read may have changed while names were looked up: then the next pass looks again.
    let again = look(&mut tx, app, id, app.now()).await?;
    let Some((now, _)) = again.filter(|(_, step)| *step == Step::Probe(reason)) else {
        return Ok(());
    };
    if rosters::list(&mut tx, id).await? != roster {
        return Ok(());
    }
    let round = start(&mut tx, app, &now.of, reason, &resolved, now.at).await?;
    let (state, first) = measured_by(&now, round, reason);
    if first {
        let text = match now.of.freeze {
            true => "The machines are looked at again before the match.",
            false => "The players are measured again before the match.",
        };
        tell(&mut tx, app, &now, text).await?;
    }
    turns::remove(&mut tx, id).await?;
    if matches::write_state(&mut tx, &now.of, &state).await? {
        tx.commit().await?;
        tracing::info!(match_id = %id, from = now.of.state.name(), to = state.name(), "match");
        app.changed();
    }
    Ok(())
}

/// The state of a match that is measured, and whether this is the look before it.
fn measured_by(now: &Now, round: RoundId, reason: RoundReason) -> (MatchState, bool) {
    match &now.of.state {
        MatchState::Reserved { held, recheck } => {
            // Who changed a roster since was told so, and the look before the match may be still to come.
            let (then, first) = match recheck {
                Recheck::Running { then, .. } => (*then, false),
                Recheck::Due { .. } | Recheck::Done => (None, true),
            };
            let again = false;
            let recheck = Recheck::Running { round, then, again };
            let held = held.clone();
            (MatchState::Reserved { held, recheck }, first)
        }
        _ => {
            let again = false;
            (MatchState::Probing { round, reason, again }, false)
        }
    }
}
