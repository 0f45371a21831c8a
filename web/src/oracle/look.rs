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

/// A match that cannot be read, or whose step cannot be done; the others go on.
pub(super) struct Stuck {
    /// Which; `None` if its own row cannot be read, which the error names.
    pub(super) of: Option<MatchId>,
    error: Box<StoreError>,
}

impl Stuck {
    pub(super) fn new(of: Option<MatchId>, error: StoreError) -> Self {
        let error = Box::new(error);
        Self { of, error }
    }

    /// Into the log.
    pub(super) fn told(self) -> StoreError {
        let Self { of, error } = self;
        tracing::error!(match_id = of.map(tracing::field::display), %error, "a match is stuck");
        *error
    }
}

/// The same of all matches to which something may still happen, oldest booking first, in as many statements as for one. One of
/// which something cannot be read is stuck among the others.
pub(super) async fn look_at_all(
    tx: &mut Tx,
    app: &App,
    at: Time,
) -> Result<Vec<Result<(Match, Step), Stuck>>, StoreError> {
    let all = matches::unfinished(tx).await?;
    let hosts = hosts::list(tx).await?.into_iter();
    let hosts: BTreeMap<_, _> = hosts.map(|record| (record.host.id, record)).collect();
    let mut vms = vms::of_unfinished(tx).await?;
    let mut rounds = rounds::of_unfinished(tx).await?;
    let mut look = |of: &Match| -> Result<Step, StoreError> {
        let held = of.state.held();
        let host = held.and_then(|held| hosts.get(&held.host));
        // Each is one match's own, so that it can be taken out, and its error with it.
        let vm = held.and_then(|held| vms.remove(&held.vm)).transpose()?;
        let round = awaited(&of.state).and_then(|round| rounds.remove(&round));
        let round_ended = round.transpose()?.map(|round| round.ended_at.is_some());
        Ok(step(app, of, (host, vm.as_ref()), round_ended, at))
    };
    let mut looked_at = |of: Result<Match, StoreError>| {
        let of = of.map_err(|error| Stuck::new(None, error))?;
        match look(&of) {
            Ok(step) => Ok((of, step)),
            Err(error) => Err(Stuck::new(Some(of.id), error)),
        }
    };
    Ok(all.into_iter().map(&mut looked_at).collect())
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
