//! The next step, whatever a match and its host have come to.

use super::tests::{LENGTH, PACE, START, at, held, step, vm, waking};
use super::{EndedHow, MatchState, OVER_WITHIN_MS, Problem, Recheck, RoundReason, Step};
use crate::domain::RoundId;
use proptest::prelude::*;
use uuid::Uuid;
use vmatrix_wire::{Digest, Phase};

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
