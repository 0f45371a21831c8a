//! Where there are many hosts, which of them measure the players next: `vmatrix_placement::shortlist`, set up anew at each
//! pass from what is stored. The same answers lead to the same plan, so nothing is kept in memory, and a restart changes nothing.

use super::gather::{Gathered, gather};
use crate::{
    app::App,
    domain::{HostId, HostRecord, Round},
    store::{StoreError, Tx, matches, rounds},
};
use std::{cmp::Reverse, collections::BTreeMap};
use vmatrix_placement::{
    Note, Source,
    shortlist::{Effort, Shortlist},
};

/// Whose turn it is in a round; nobody while answers are waited for, or when no more are needed.
pub(super) async fn next(tx: &mut Tx, app: &App, round: &Round) -> Result<Vec<HostId>, StoreError> {
    let now = app.now();
    let Some(of) = matches::get(tx, round.match_id).await? else {
        return Ok(Vec::new());
    };
    let held = of.state.held();
    let excluded = held.map_or(&[][..], |held| &held.excluded);
    let when = (app.settings.wake_ms, now);
    let Ok(all) = gather(tx, &of, round.id, excluded, held, when).await? else {
        return Ok(Vec::new());
    };
    let asked: BTreeMap<HostId, bool> = rounds::hosts(tx, round.id).await?.into_iter().collect();
    let is_gone = |id: HostId| {
        all.hosts
            .iter()
            .any(|record| record.host.id == id && record.is_gone(now))
    };
    let has_answered = |id: HostId| asked.get(&id).map(|done| *done || is_gone(id));
    let Some(mut plan) = plan(&all, &of.policy) else {
        return Ok(Vec::new());
    };
    let mut next: Vec<HostId> = follow(&mut plan, &all, has_answered);
    next.retain(|id| !asked.contains_key(id));
    // The mesh goes on while a round is measured, and other predictions may ask for others: never more than were counted.
    next.truncate(Effort::in_rounds().budget().saturating_sub(asked.len()));
    Ok(next)
}

fn plan(all: &Gathered, policy: &vmatrix_placement::Policy) -> Option<Shortlist> {
    let (players, states) = (all.players.clone(), all.states.clone());
    Shortlist::new(
        all.mesh.as_ref()?,
        players,
        all.heads(),
        states,
        policy.clone(),
        Effort::in_rounds(),
    )
    .ok()
    .map(|plan| plan.beginning_with(&measured_by_themselves(all)))
}

/// The hosts that somebody has measured themselves whom no host can measure: elsewhere nothing will be known of them, and nothing
/// could be chosen. Those of most such players first.
fn measured_by_themselves(all: &Gathered) -> Vec<usize> {
    let is_own =
        |note: &Option<Note>| note.is_some_and(|note| matches!(note.source, Source::Browser | Source::Udp));
    let of = |notes: &Vec<Option<Note>>| {
        let notes = all.unasked.iter().filter_map(|column| notes.get(*column));
        notes.filter(|note| is_own(note)).count()
    };
    let mut known: Vec<(Reverse<usize>, usize)> = (0..)
        .zip(&all.fused.notes)
        .map(|(host, notes)| (Reverse(of(notes)), host))
        .filter(|(count, _)| count.0 > 0)
        .collect();
    known.sort_unstable();
    known.into_iter().map(|(_, host)| host).collect()
}

/// Tells the plan what came so far; returns whom it waits for. `has_answered` is `None` for hosts that were not asked.
fn follow(
    plan: &mut Shortlist,
    all: &Gathered,
    has_answered: impl Fn(HostId) -> Option<bool>,
) -> Vec<HostId> {
    let id = |host: usize| all.hosts.get(host).map(|record: &HostRecord| record.host.id);
    loop {
        let step = plan.next_probes().to_vec();
        let mut heard = false;
        for host in &step {
            let answered = id(*host).and_then(&has_answered) == Some(true);
            let row = all.fused.rows.get(*host).filter(|_| answered);
            heard |= row.is_some_and(|row| plan.observe(*host, row).is_ok());
        }
        if !heard {
            return step.into_iter().filter_map(id).collect();
        }
    }
}
