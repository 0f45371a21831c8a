//! From a round that has ended to a choice; and holding what was chosen in the same transaction.

use crate::{
    app::App,
    domain::{
        ChoiceBody, ChoiceId, ChoiceRecord, Excluded, Held, HostId, HostRecord, Match, Named, PlayerId,
        Purpose, Reservation, ReservationId, RoundId, SnapshotId, Time, Vm, VmGoal, VmId, VmSeen,
        snapshot_for, standing, unlike_names,
    },
    store::{StoreError, Tx, clans, hosts, reservations, rosters, rounds, snapshots, vms},
};
use std::{collections::BTreeMap, time::Instant};
use vmatrix_placement::{
    HostState, Matrix, Micros, Note, Player, Policy, Recheck, Side, Source, choose, error_of_median, recheck,
};
use vmatrix_wire::{Goal, Role, RttSample, TargetId};

/// How long a VM may take to go away after its match, milliseconds.
const CLEAR_MS: i64 = 60_000;

/// A choice that was made but not written, with what is needed to hold it.
pub(super) struct Made {
    pub(super) body: ChoiceBody,
    round: RoundId,
    hosts: Vec<HostRecord>,
    offers: BTreeMap<HostId, Offer>,
    span: (Time, Time),
}

/// What the match would get on a host.
struct Offer {
    port: u16,
    snapshot: SnapshotId,
    memory_mb: u64,
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
    (wake_ms, now): (i64, Time),
) -> Result<Result<Made, String>, StoreError> {
    let all = snapshots::of_image(tx, &of.image).await?;
    // A newer snapshot says nothing about the VM that is held.
    let own = match held {
        Some(held) => vms::get(tx, held.vm).await?,
        None => None,
    };
    let mut hosts = hosts::list(tx).await?;
    // A loading chamber is no candidate: it is not weighed, not waited for, and not named.
    hosts.retain(|record| record.host.role == Role::Production);
    if hosts.is_empty() {
        return Ok(Err("no host for matches has joined yet".into()));
    }
    let span = (of.start_at.plus(-wake_ms).max(now), of.end_at().plus(CLEAR_MS));
    let taken = reservations::held(tx).await?;
    let mut states = Vec::new();
    let mut offers = BTreeMap::new();
    for record in &hosts {
        let own = own.as_ref().filter(|vm| vm.host == record.host.id);
        let own = own.and_then(|vm| all.iter().find(|one| one.id == vm.snapshot));
        let Some(snapshot) = own.or_else(|| snapshot_for(record, &all)) else {
            return Ok(Err(format!("the image {} is not in the nest", of.image)));
        };
        let (state, port) = standing(
            record,
            snapshot,
            &taken,
            excluded,
            held.map(|held| held.reservation),
            span,
            now,
        );
        let offer = |port| Offer {
            port,
            snapshot: snapshot.id,
            memory_mb: snapshot.facts.contract.needs.memory_mb,
        };
        offers.extend(port.map(|port| (record.host.id, offer(port))));
        states.push(state);
    }
    let players = players(tx, of, round).await?;
    let measured = rounds::measurements(tx, round).await?;
    let of_round = rounds::get(tx, round).await?;
    let age_s = of_round
        .and_then(|round| round.ended_at)
        .map_or(0, |at| seconds(now.since(at)));
    let (rows, notes) = rows(&hosts, &players, &measured, age_s);
    let heads = hosts.iter().map(|record| vmatrix_placement::Host {
        id: record.host.id.to_string(),
        name: record.host.name.clone(),
    });
    let columns = players.into_iter().map(|(_, player)| player).collect();
    let matrix = match Matrix::new(columns, heads.collect(), rows).and_then(|matrix| matrix.with_notes(notes))
    {
        Ok(matrix) => matrix,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let body = decide(&of.policy, matrix, &states, held.map(|held| held.host));
    let body = body.map(|mut body| {
        body.sites = hosts.iter().map(|record| record.host.site.name.clone()).collect();
        body
    });
    Ok(body.map(|body| Made {
        body,
        round,
        hosts,
        offers,
        span,
    }))
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

/// The columns: everybody who is in the roster and was measured, in roster order, under unlike names.
async fn players(tx: &mut Tx, of: &Match, round: RoundId) -> Result<Vec<(TargetId, Player)>, StoreError> {
    let targets: BTreeMap<PlayerId, TargetId> = rounds::targets(tx, round)
        .await?
        .into_iter()
        .map(|target| (target.player, target.target))
        .collect();
    let mut clan_names = BTreeMap::new();
    for id in [of.home, of.away] {
        clan_names.extend(clans::get(tx, id).await?.map(|clan| (id, clan.name.to_string())));
    }
    let entries = rosters::list(tx, of.id).await?;
    let seats: BTreeMap<_, _> = entries.iter().map(|entry| (entry.player, entry.seat)).collect();
    let mut roster: Vec<Named> = entries
        .into_iter()
        .map(|entry| Named {
            player: entry.player,
            clan: entry.clan,
            name: entry.name.to_string(),
        })
        .collect();
    roster.sort_by_key(|named| named.clan != of.home);
    let names = unlike_names(&roster, |clan| clan_names.get(&clan).cloned().unwrap_or_default());
    let column = |named: &Named| {
        let side = if named.clan == of.home { Side::A } else { Side::B };
        let seat = seats.get(&named.player)?;
        let player = Player::new(named.player.to_string(), names.get(&named.player)?, side);
        let player = Player {
            cap: seat.cap,
            ..player.with_role(seat.role)
        };
        Some((*targets.get(&named.player)?, player))
    };
    Ok(roster.iter().filter_map(column).collect())
}

/// Medians as rows.
type Rows = Vec<Vec<Option<Micros>>>;
/// How each of them was measured, and how wrong it can be.
type Notes = Vec<Vec<Option<Note>>>;

fn rows(
    hosts: &[HostRecord],
    players: &[(TargetId, Player)],
    measured: &[(HostId, RttSample)],
    age_s: u32,
) -> (Rows, Notes) {
    let by: BTreeMap<(HostId, TargetId), &RttSample> = measured
        .iter()
        .map(|(host, sample)| ((*host, sample.target), sample))
        .collect();
    let row = |record: &HostRecord| {
        let samples: Vec<_> = players
            .iter()
            .map(|(target, _)| by.get(&(record.host.id, *target)).copied())
            .collect();
        let medians = samples.iter().map(|sample| median((*sample)?)).collect();
        let notes = samples.iter().map(|sample| note((*sample)?, age_s)).collect();
        (medians, notes)
    };
    hosts.iter().map(row).unzip()
}

/// What is out of all reason is unknown, and so is zero.
fn median(sample: &RttSample) -> Option<Micros> {
    if sample.received == 0 {
        None
    } else {
        Micros::new(sample.median_us?).ok()
    }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.max(0) / 1000).unwrap_or(u32::MAX)
}

fn note(sample: &RttSample, age_s: u32) -> Option<Note> {
    median(sample)?;
    Some(Note {
        source: Source::Icmp,
        age_s,
        error_us: error_of_median(sample.deviation_us?, sample.received),
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
        let parts: Vec<String> = words.iter().filter_map(part).collect();
        let total = self.body.choice.hosts.len();
        format!(
            "of {total} {}, {}",
            if total == 1 { "host" } else { "hosts" },
            parts.join(", ")
        )
    }
}
