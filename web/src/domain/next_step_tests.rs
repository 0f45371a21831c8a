use super::*;
use crate::domain::{
    ChoiceId, ClanId, Held, HostId, MatchId, Purpose, ReservationId, UserId, VmGoal, VmId, VmSeen,
};
use uuid::Uuid;
use vmatrix_wire::{Digest, Goal, Secret, VmReport, VmTimes};

pub(super) const START: i64 = 10_000_000;
pub(super) const LENGTH: i64 = 1_800_000;
pub(super) const PACE: Pace = Pace {
    recheck_ms: 900_000,
    wake_ms: 120_000,
};

pub(super) fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

pub(super) fn of(state: MatchState) -> Match {
    Match {
        policy: vmatrix_placement::Policy::default(),
        id: MatchId(Uuid::from_u128(1)),
        image: "openarena".into(),
        map: "oa_dm1".into(),
        home: ClanId(Uuid::from_u128(2)),
        away: ClanId(Uuid::from_u128(3)),
        start_at: at(START),
        length_ms: LENGTH,
        state,
        password: Secret::new("p"),
        rcon: Secret::new("r"),
        created_by: UserId(Uuid::from_u128(4)),
        created_at: at(0),
        rematch_of: None,
        freeze: false,
        revision: 1,
    }
}

pub(super) fn held() -> Held {
    Held {
        reservation: ReservationId(Uuid::from_u128(5)),
        host: HostId(Uuid::from_u128(6)),
        port: 27960,
        vm: VmId(Uuid::from_u128(7)),
        choice: ChoiceId(Uuid::from_u128(8)),
        excluded: Vec::new(),
    }
}

pub(super) fn vm(phase: Phase, problem: Option<Problem>, verified: bool) -> Vm {
    let report = VmReport {
        vm: held().vm,
        phase,
        problem,
        revived: 0,
        times: VmTimes::default(),
        game: None,
        silent: false,
        fetched_bytes: 0,
        fetch_bytes: 0,
        pings: None,
    };
    Vm {
        id: held().vm,
        reservation: held().reservation,
        host: held().host,
        purpose: Purpose::Match(MatchId(Uuid::from_u128(1))),
        snapshot: Digest([1; 32]),
        goal: VmGoal::Ordered(Goal::Open),
        port: 27960,
        created_at: at(0),
        seen: VmSeen {
            report: Some(report),
            verified_at: verified.then_some(at(1)),
            ..VmSeen::default()
        },
    }
}

pub(super) fn step(
    state: MatchState,
    vm: Option<&Vm>,
    host_gone: Option<&str>,
    round_ended: Option<bool>,
    now: i64,
) -> Step {
    next_step(
        Situation {
            of: &of(state),
            round_ended,
            host_gone,
            vm,
        },
        PACE,
        at(now),
    )
}

pub(super) fn waking(vm: &Vm, host_gone: Option<&str>, now: i64) -> Step {
    step(
        MatchState::Waking {
            held: held(),
            since: at(START - 120_000),
        },
        Some(vm),
        host_gone,
        None,
        now,
    )
}

#[test]
fn a_reservation_is_looked_at_fifteen_minutes_before_and_woken_two() {
    let reserved = |recheck| MatchState::Reserved {
        held: held(),
        recheck,
    };
    let due = Recheck::Due {
        at: at(START - 900_000),
    };
    let vm = vm(Phase::Fetched, None, false);
    assert_eq!(PACE.recheck_at(at(START), at(0)), Some(at(START - 900_000)));
    assert_eq!(PACE.recheck_at(at(START), at(START - 900_000)), None);
    assert_eq!(
        step(reserved(due.clone()), Some(&vm), None, None, START - 900_001),
        Step::Wait
    );
    assert_eq!(
        step(reserved(due), Some(&vm), None, None, START - 900_000),
        Step::Probe(RoundReason::Recheck)
    );
    assert_eq!(
        step(reserved(Recheck::Done), Some(&vm), None, None, START - 120_001),
        Step::Wait
    );
    assert_eq!(
        step(reserved(Recheck::Done), Some(&vm), None, None, START - 120_000),
        Step::Wake
    );
    let gone = step(
        reserved(Recheck::Done),
        Some(&vm),
        Some("gone"),
        None,
        START - 120_000,
    );
    assert_eq!(gone, Step::OtherHost { why: "gone".into() });
}

#[test]
fn a_host_is_left_while_waking_if_it_cannot_or_is_gone() {
    let now = START - 110_000;
    let gone = waking(&vm(Phase::Running, None, false), Some("its agent is gone"), now);
    assert_eq!(
        gone,
        Step::OtherHost {
            why: "its agent is gone".into()
        }
    );
    let full = Problem::DiskFull {
        needed_mb: 5,
        free_mb: 1,
    };
    assert!(matches!(
        waking(&vm(Phase::Absent, Some(full), false), None, now),
        Step::OtherHost { .. }
    ));
    let late = waking(&vm(Phase::Running, None, false), None, START + 1);
    assert_eq!(
        late,
        Step::OtherHost {
            why: "not ready after 120 s".into()
        }
    );
}

#[test]
fn a_taken_port_means_another_port_and_an_old_report_of_it_nothing() {
    let now = START - 119_000;
    let taken = |port| vm(Phase::Fetched, Some(Problem::PortTaken { port }), false);
    assert_eq!(waking(&taken(27960), None, now), Step::OtherPort);
    assert_eq!(waking(&taken(27961), None, now), Step::Wait);
}

#[test]
fn a_corrupt_snapshot_is_nobody_s_host_s_fault() {
    let corrupt = Problem::Corrupt {
        digest: Digest([1; 32]),
        found: Digest([2; 32]),
    };
    let step = waking(
        &vm(Phase::Absent, Some(corrupt.clone()), false),
        None,
        START - 119_000,
    );
    assert_eq!(
        step,
        Step::Fail {
            why: corrupt.to_string()
        }
    );
}

#[test]
fn a_slot_that_is_just_being_cleared_is_waited_for() {
    let busy = vm(Phase::Fetched, Some(Problem::NoSlot { slots: 1 }), false);
    assert_eq!(waking(&busy, None, START - 115_000), Step::Wait);
    assert!(matches!(
        waking(&busy, None, START - 109_000),
        Step::OtherHost { .. }
    ));
}

#[test]
fn a_match_without_a_host_is_tried_again_by_itself_each_minute_while_there_is_time() {
    let unplaced = |again_at| MatchState::Unplaced {
        why: "x".into(),
        choice: None,
        again_at,
    };
    let try_at = |again_at, now| step(unplaced(again_at), None, None, None, now);
    let due = again_at(at(START), at(START));
    assert_eq!(due, at(START + 60_000));
    assert_eq!(try_at(Some(due), START + 59_999), Step::Wait);
    assert_eq!(try_at(Some(due), START + 60_000), Step::Probe(RoundReason::Again));
    assert_eq!(try_at(None, START + 60_000), Step::Wait);
    assert!(matches!(try_at(Some(due), START + LENGTH), Step::Fail { .. }));
    assert_eq!(
        again_at(at(START), at(START - 7 * 86_400_000)).since(at(START - 7 * 86_400_000)),
        900_000
    );
}

#[test]
fn only_hosts_are_waited_for_not_players() {
    use vmatrix_placement::{Host, HostState, Matrix, Player, Policy, Side, Standing, choose};
    let may = |rows: &[(&[u32], Standing)]| {
        let players = [("p", Side::A), ("q", Side::B)].map(|(id, side)| Player::new(id, id, side));
        let hosts = (0..rows.len()).map(|number| Host {
            id: number.to_string(),
            name: number.to_string(),
        });
        let medians = rows
            .iter()
            .map(|(row, _)| row.iter().map(|us| Micros::new(*us).ok()).collect());
        let matrix = Matrix::new(players.to_vec(), hosts.collect(), medians.collect()).unwrap();
        let states: Vec<_> = rows
            .iter()
            .map(|(_, standing)| HostState {
                standing: standing.clone(),
                load: 0,
            })
            .collect();
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        assert_eq!(choice.chosen, None);
        may_be_placed_later(&ChoiceBody::new(matrix, states, choice, None))
    };
    let (gone, busy) = (
        Standing::Unfit("gone".into()),
        Standing::NoCapacity("held".into()),
    );
    assert!(may(&[(&[0, 0], gone.clone())]), "the whole fleet was gone");
    assert!(may(&[(&[20_000, 20_000], busy.clone())]));
    assert!(may(&[
        (&[0, 0], gone.clone()),
        (&[20_000, 400_000], Standing::Free)
    ]));
    assert!(!may(&[(&[20_000, 400_000], busy)]), "over the cap there too");
    assert!(!may(&[(&[20_000, 0], Standing::Free)]), "somebody is silent");
    assert!(!may(&[(&[0, 0], gone), (&[20_000, 0], Standing::Free)]));
}
