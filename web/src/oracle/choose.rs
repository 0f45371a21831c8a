//! From a round that has ended to a choice; and holding what was chosen in the same transaction.

use super::gather::{Gathered, Offer, gather};
use crate::{
    app::App,
    domain::{
        ChoiceBody, ChoiceId, ChoiceRecord, Excluded, Held, HostId, HostRecord, Match, Purpose, Reservation,
        ReservationId, RoundId, Time, Unprobed, Vm, VmGoal, VmId, VmSeen, was_there,
    },
    store::{StoreError, Tx, hosts, reservations, rounds, vms},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};
use vmatrix_placement::{HostState, Matrix, Policy, Recheck, Standing, choose, recheck};
use vmatrix_wire::Goal;

/// A choice that was made but not written, with what is needed to hold it.
pub(super) struct Made {
    pub(super) body: ChoiceBody,
    round: RoundId,
    hosts: Vec<HostRecord>,
    offers: BTreeMap<HostId, Offer>,
    span: (Time, Time),
}

/// Chooses from a round. With `held` the reservation there is judged by it instead.
///
/// # Errors
/// Inside: why nothing can be chosen at all, for people.
pub(super) async fn make(
    tx: &mut Tx,
    of: &Match,
    round: RoundId,
    excluded: &[Excluded],
    held: Option<&Held>,
    when: (i64, Time),
) -> Result<Result<Made, String>, StoreError> {
    let mut all = match gather(tx, of, round, excluded, held, when).await? {
        Ok(all) => all,
        Err(why) => return Ok(Err(why)),
    };
    let unprobed = leave_out(tx, round, held.map(|held| held.host), &mut all).await?;
    let heads = all.heads();
    let fused = std::mem::take(&mut all.fused);
    let matrix = Matrix::new(all.players, heads, fused.rows);
    let matrix = match matrix.and_then(|matrix| matrix.with_notes(fused.notes)) {
        Ok(matrix) => matrix,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let body = decide(&of.policy, matrix, &all.states, held.map(|held| held.host));
    let sites = all
        .hosts
        .iter()
        .map(|record| record.host.site.name.clone())
        .collect();
    Ok(body.map(|body| Made {
        body: ChoiceBody {
            sites,
            smells: fused.smells,
            unasked: all.unasked,
            unprobed,
            ..body
        },
        round,
        offers: all.offers,
        span: all.span,
        hosts: all.hosts,
    }))
}

/// Takes hosts that could be had and were not probed out of the choice: where few were, and such as came when the players were
/// frozen already.
async fn leave_out(
    tx: &mut Tx,
    round: RoundId,
    held: Option<HostId>,
    all: &mut Gathered,
) -> Result<Vec<Unprobed>, StoreError> {
    let late = all.frozen.is_some();
    let mut probed: BTreeSet<HostId> = match &all.frozen {
        Some(sides) => {
            let ids = all.hosts.iter().map(|record| record.host.id);
            ids.filter(|id| was_there(sides, *id)).collect()
        }
        None if !rounds::is_few(tx, round).await? => return Ok(Vec::new()),
        None => {
            let probed = rounds::hosts(tx, round).await?;
            probed.into_iter().map(|(host, _)| host).collect()
        }
    };
    if late {
        probed.extend(held);
    }
    let mut unprobed = Vec::new();
    all.keep(|record, state| {
        let kept = probed.contains(&record.host.id) || state.standing != Standing::Free;
        if !kept {
            unprobed.push(Unprobed {
                host: record.host.name.clone(),
                site: record.host.site.name.clone(),
                late,
            });
        }
        kept
    });
    Ok(unprobed)
}

fn decide(
    policy: &Policy,
    matrix: Matrix,
    states: &[HostState],
    held: Option<HostId>,
) -> Result<ChoiceBody, String> {
    let begun = Instant::now();
    let (choice, verdict): (_, Option<Recheck>) = match held {
        None => (
            choose(policy, &matrix, states).map_err(|why| why.to_string())?,
            None,
        ),
        Some(host) => {
            let (choice, verdict) =
                recheck(policy, &matrix, states, &host.to_string()).map_err(|why| why.to_string())?;
            (choice, Some(verdict))
        }
    };
    let choose_ms = begun.elapsed().as_secs_f64() * 1000.0;
    Ok(ChoiceBody {
        choose_ms,
        ..ChoiceBody::new(matrix, states.to_vec(), choice, verdict)
    })
}

/// Writes the choice.
pub(super) async fn write(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    made: &Made,
    kept: bool,
    now: Time,
) -> Result<ChoiceId, StoreError> {
    let record = ChoiceRecord {
        id: ChoiceId(app.new_id()),
        match_id: of.id,
        round_id: made.round,
        made_at: now,
        kept,
        body: made.body.clone(),
    };
    crate::store::choices::insert(tx, &record).await?;
    Ok(record.id)
}

/// Holds a slot and a port of the chosen host, with a VM that is to be so far. `None` if there is no chosen host, or
/// if somebody else changed its reservations since they were read: then everything is to be thought over again.
pub(super) async fn hold(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    made: &Made,
    (choice, goal, excluded): (ChoiceId, Goal, Vec<Excluded>),
    now: Time,
) -> Result<Option<Held>, StoreError> {
    let Some(record) = made.body.choice.chosen.and_then(|index| made.hosts.get(index)) else {
        return Ok(None);
    };
    let Some(offer) = made.offers.get(&record.host.id) else {
        return Ok(None);
    };
    let port = offer.port;
    if !hosts::hold(tx, record.host.id, record.holds).await? {
        return Ok(None);
    }
    let held = Held {
        reservation: ReservationId(app.new_id()),
        host: record.host.id,
        port,
        vm: VmId(app.new_id()),
        choice,
        excluded,
    };
    let purpose = Purpose::Match(of.id);
    let (from_at, until_at) = made.span;
    let reservation = Reservation {
        id: held.reservation,
        host: held.host,
        purpose,
        port,
        ports_tried: Vec::new(),
        memory_mb: offer.memory_mb,
        from_at,
        until_at,
    };
    reservations::insert(tx, &reservation).await?;
    let vm = Vm {
        id: held.vm,
        reservation: held.reservation,
        host: held.host,
        purpose,
        snapshot: offer.snapshot,
        goal: VmGoal::Ordered(goal),
        port,
        created_at: now,
        seen: VmSeen::default(),
    };
    vms::insert(tx, &vm).await?;
    Ok(Some(held))
}

impl Made {
    /// Name of the chosen host.
    pub(super) fn chosen_name(&self) -> &str {
        self.body
            .choice
            .chosen()
            .map_or("", |answer| answer.name.as_str())
    }

    /// Why no host was chosen, without names of players.
    pub(super) fn why_none(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for answer in &self.body.choice.hosts {
            *counts.entry(answer.verdict().name()).or_default() += 1;
        }
        let words = [
            ("over_cap", "over the cap for somebody"),
            ("over_limit", "over a limit"),
            ("undecided", "without an answer from everybody"),
            ("no_capacity", "without room at that time"),
            ("unfit", "not able to run it"),
        ];
        let part =
            |(verdict, words): &(&str, &str)| counts.get(verdict).map(|count| format!("{count} {words}"));
        let unprobed = self.body.unprobed.len();
        let late = self.body.unprobed.iter().filter(|one| one.late).count();
        let mut parts: Vec<String> = words.iter().filter_map(part).collect();
        for (count, why) in [
            (unprobed - late, "not probed, by prediction no better"),
            (late, "not there when the players were frozen"),
        ] {
            parts.extend((count > 0).then(|| format!("{count} {why}")));
        }
        let total = self.body.choice.hosts.len() + unprobed;
        format!(
            "of {total} {}, {}",
            if total == 1 { "host" } else { "hosts" },
            parts.join(", ")
        )
    }
}
