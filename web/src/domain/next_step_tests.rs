use super::*;
use crate::domain::{
    ChoiceId, ClanId, Held, HostId, MatchId, Purpose, ReservationId, RoundId, UserId, VmGoal, VmId, VmSeen,
};
use proptest::prelude::*;
use uuid::Uuid;
use vmatrix_wire::{Digest, Goal, Secret, VmReport, VmTimes};

const START: i64 = 10_000_000;
const LENGTH: i64 = 1_800_000;
const PACE: Pace = Pace {
    recheck_ms: 900_000,
    wake_ms: 120_000,
};

fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn of(state: MatchState) -> Match {
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

fn held() -> Held {
    Held {
        reservation: ReservationId(Uuid::from_u128(5)),
        host: HostId(Uuid::from_u128(6)),
        port: 27960,
        vm: VmId(Uuid::from_u128(7)),
        choice: ChoiceId(Uuid::from_u128(8)),
        excluded: Vec::new(),
    }
}

fn vm(phase: Phase, problem: Option<Problem>, verified: bool) -> Vm {
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

fn step(
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

fn waking(vm: &Vm, host_gone: Option<&str>, now: i64) -> Step {
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

fn phases() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![
        Phase::Absent,
        Phase::Fetched,
        Phase::Wired,
        Phase::Paused,
        Phase::Running,
        Phase::Answering,
        Phase::Open,
        Phase::Draining,
        Phase::Suspended,
    ])
}

fn problems() -> impl Strategy<Value = Option<Problem>> {
    prop::sample::select(vec![
        None,
        Some(Problem::PortTaken { port: 27960 }),
        Some(Problem::NoSlot { slots: 1 }),
        Some(Problem::DiskFull {
            needed_mb: 2,
            free_mb: 1,
        }),
        Some(Problem::Missing {
            digest: Digest([1; 32]),
        }),
        Some(Problem::Failed {
            step: "resume".into(),
            reason: "x".into(),
        }),
    ])
}

fn states() -> impl Strategy<Value = MatchState> {
    let (round, held) = (RoundId(Uuid::from_u128(9)), held());
    let how = EndedHow::TimeUp;
    let since = at(START - 120_000);
    let why = || "x".to_owned();
    prop::sample::select(vec![
        MatchState::Gathering,
        MatchState::Probing {
            round,
            reason: RoundReason::Booking,
            again: false,
        },
        MatchState::Reserved {
            held: held.clone(),
            recheck: Recheck::Done,
        },
        MatchState::Reserved {
            held: held.clone(),
            recheck: Recheck::Due {
                at: at(START - 900_000),
            },
        },
        MatchState::Reserved {
            held: held.clone(),
            recheck: Recheck::Running {
                round,
                then: None,
                again: false,
            },
        },
        MatchState::Waking {
            held: held.clone(),
            since,
        },
        MatchState::Ready {
            held: held.clone(),
            since,
        },
        MatchState::Ending {
            held: held.clone(),
            how,
            since,
        },
        MatchState::Over { held, how, since },
        MatchState::Unplaced {
            why: why(),
            choice: None,
            again_at: Some(at(START)),
        },
        MatchState::Failed {
            why: why(),
            choice: None,
        },
        MatchState::Cancelled,
    ])
}

proptest! {
    /// However late a look is, however long its round takes or waits for its turn, and whoever asks for more of them.
    #[test]
    fn no_measuring_keeps_a_match_from_waking(
        late in 0..LENGTH, due in 0..START, ended in prop::option::of(any::<bool>()), then in prop::option::of(0..START),
        which in 0..3, again in any::<bool>(),
    ) {
        let recheck = match which {
            0 => Recheck::Done,
            1 => Recheck::Due { at: at(due) },
            _ => Recheck::Running { round: RoundId(Uuid::from_u128(9)), then: then.map(at), again },
        };
        let seen = vm(Phase::Fetched, None, false);
        let state = MatchState::Reserved { held: held(), recheck };
        let now = START - PACE.wake_ms + late;
        prop_assert_eq!(step(state, Some(&seen), None, ended, now), Step::Wake);
    }

    #[test]
    fn a_running_match_ends_by_its_time_alone(
        phase in phases(), problem in problems(), gone in any::<bool>(), now in 0..START + LENGTH,
    ) {
        let state = MatchState::Ready { held: held(), since: at(START) };
        let seen = vm(phase, problem, true);
        prop_assert_eq!(step(state.clone(), Some(&seen), gone.then_some("gone"), None, now), Step::Wait);
        let end = step(state, Some(&seen), gone.then_some("gone"), None, START + LENGTH);
        prop_assert_eq!(end, Step::End(EndedHow::TimeUp));
    }

    #[test]
    fn a_match_whose_host_has_left_is_ended(phase in phases(), problem in problems(), now in 0..START + LENGTH) {
        let mut seen = vm(phase, problem, true);
        seen.seen.gone_at = Some(at(1));
        let state = MatchState::Ready { held: held(), since: at(START) };
        prop_assert_eq!(step(state, Some(&seen), Some("left"), None, now), Step::End(EndedHow::HostLeft));
    }

    /// Whatever is seen, once a match's time is long over and its host silent, it is finished or is being finished.
    #[test]
    fn nothing_is_waited_for_without_an_end(
        state in states(), phase in phases(), problem in problems(), verified in any::<bool>(),
        ended in prop::option::of(any::<bool>()),
    ) {
        let seen = vm(phase, problem, verified);
        let now = START + LENGTH + OVER_WITHIN_MS + 1;
        let step = step(state.clone(), Some(&seen), Some("gone"), ended, now);
        prop_assert_eq!(step == Step::Wait, state.is_final(), "{:?}", state);
    }

    /// A VM that was verified makes its match ready, whatever else is seen.
    #[test]
    fn verified_is_ready(phase in phases(), problem in problems(), gone in any::<bool>(), now in 0..START + LENGTH) {
        let seen = vm(phase, problem, true);
        prop_assert_eq!(waking(&seen, gone.then_some("gone"), now), Step::Ready);
    }
}
