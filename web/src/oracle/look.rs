//! What is to be done with each match, as `domain::next_step` says, from what is stored.

use crate::{
    actions::{matches::pace, rounds::awaited},
    app::App,
    domain::{HostRecord, Match, MatchId, Situation, Step, Time, Unfit, Vm, next_step},
    store::{StoreError, Tx, hosts, matches, rounds, vms},
};
use std::collections::BTreeMap;

/// A match's present, as it was read.
pub(super) struct Now {
    pub(super) of: Match,
    pub(super) host: Option<HostRecord>,
    pub(super) vm: Option<Vm>,
    pub(super) at: Time,
}

/// Reads a match and says what is to be done.
pub(super) async fn look(
    tx: &mut Tx,
    app: &App,
    id: MatchId,
    at: Time,
) -> Result<Option<(Now, Step)>, StoreError> {
    let Some(of) = matches::get(tx, id).await? else {
        return Ok(None);
    };
    let (host, vm) = match of.state.held() {
        Some(held) => (hosts::get(tx, held.host).await?, vms::get(tx, held.vm).await?),
        None => (None, None),
    };
    let round_ended = match awaited(&of.state) {
        Some(round) => rounds::get(tx, round)
            .await?
            .map(|round| round.ended_at.is_some()),
        None => None,
    };
    let step = step(app, &of, (host.as_ref(), vm.as_ref()), round_ended, at);
    Ok(Some((Now { of, host, vm, at }, step)))
}

/// The same of all matches to which something may still happen, oldest booking first, in as many statements as for one. One that
/// cannot be read is an error among the others.
pub(super) async fn look_at_all(
    tx: &mut Tx,
    app: &App,
    at: Time,
) -> Result<Vec<Result<(Match, Step), StoreError>>, StoreError> {
    let all = matches::unfinished(tx).await?;
    let hosts: BTreeMap<_, _> = by(hosts::list(tx).await?, |record| record.host.id);
    let vms: BTreeMap<_, _> = by(vms::of_unfinished(tx).await?, |vm| vm.id);
    let rounds: BTreeMap<_, _> = by(rounds::of_unfinished(tx).await?, |round| round.id);
    let look = |of: Match| {
        let held = of.state.held();
        let host = held.and_then(|held| hosts.get(&held.host));
        let vm = held.and_then(|held| vms.get(&held.vm));
        let round = awaited(&of.state).and_then(|round| rounds.get(&round));
        let round_ended = round.map(|round| round.ended_at.is_some());
        let step = step(app, &of, (host, vm), round_ended, at);
        (of, step)
    };
    Ok(all.into_iter().map(|of| of.map(look)).collect())
}

fn by<K: Ord, T>(all: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    all.into_iter().map(|one| (key(&one), one)).collect()
}

fn step(
    app: &App,
    of: &Match,
    (host, vm): (Option<&HostRecord>, Option<&Vm>),
    round_ended: Option<bool>,
    at: Time,
) -> Step {
    let gone = host.and_then(|host| {
        let seconds = host.silent_ms(at) / 1000;
        match (host.left_at, host.is_gone(at)) {
            (Some(_), _) => Some(Unfit::Left.to_string()),
            (None, true) => Some(Unfit::Gone { seconds }.to_string()),
            (None, false) => None,
        }
    });
    let situation = Situation {
        of,
        round_ended,
        host_gone: gone.as_deref(),
        vm,
    };
    next_step(situation, pace(app), at)
}
