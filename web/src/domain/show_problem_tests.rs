use super::*;
use crate::domain::{
    ChoiceId, Clan, Held, HostId, Match, MatchId, Purpose, Recheck, ReservationId, UserId, Vm, VmGoal, VmId,
    VmSeen, testing::record,
};
use std::collections::BTreeMap;
use uuid::Uuid;
use vmatrix_wire::{Digest, Goal, Phase, Secret, VmReport, VmTimes};

fn now() -> Time {
    Time::from_millis(1_000_000)
}

/// Words that an agent might use about the insides of its host.
const INSIDES: &str = "/var/lib/vmatrix/vms/7/qmp.sock: qemu-system-x86_64: Could not open 10.1.2.3";

fn clan(number: u128) -> Clan {
    Clan {
        id: ClanId(Uuid::from_u128(number)),
        name: "Reds".parse().unwrap(),
    }
}

fn held() -> Held {
    Held {
        reservation: ReservationId(Uuid::from_u128(5)),
        host: HostId(Uuid::from_u128(1)),
        port: 27960,
        vm: VmId(Uuid::from_u128(7)),
        choice: ChoiceId(Uuid::from_u128(8)),
        excluded: Vec::new(),
    }
}

fn vm(problem: Option<Problem>, silent: bool) -> Vm {
    let report = VmReport {
        vm: held().vm,
        phase: Phase::Wired,
        problem,
        revived: 0,
        times: VmTimes::default(),
        game: None,
        silent,
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
        created_at: now(),
        seen: VmSeen {
            report: Some(report),
            ..VmSeen::default()
        },
    }
}

fn whole(state: MatchState, vm: Vm, host_seen_at: Time) -> Whole {
    let (home, away) = (clan(2), clan(3));
    Whole {
        pings: Vec::new(),
        of: Match {
            policy: vmatrix_placement::Policy::default(),
            id: MatchId(Uuid::from_u128(1)),
            image: "openarena".into(),
            map: "oa_dm1".into(),
            home: home.id,
            away: away.id,
            start_at: now(),
            length_ms: 60_000,
            state,
            password: Secret::new("p"),
            rcon: Secret::new("r"),
            created_by: UserId(Uuid::from_u128(4)),
            created_at: now(),
            rematch_of: None,
            freeze: false,
            revision: 1,
        },
        home,
        away,
        roster: Vec::new(),
        seats: BTreeMap::new(),
        not_asked: BTreeMap::new(),
        links: BTreeMap::new(),
        frozen: BTreeMap::new(),
        before_it: None,
        choice: None,
        kept: None,
        host: Some(record("denver", 1, host_seen_at)),
        vm: Some(vm),
        boot_ms: None,
        rounds: Vec::new(),
        sent: None,
        answers: Vec::new(),
        elsewhere: Vec::new(),
        story: Vec::new(),
    }
}

fn reserved() -> MatchState {
    MatchState::Reserved {
        held: held(),
        recheck: Recheck::Done,
    }
}

fn waking() -> MatchState {
    MatchState::Waking {
        held: held(),
        since: now(),
    }
}

fn ready() -> MatchState {
    MatchState::Ready {
        held: held(),
        since: now(),
    }
}

fn every_problem() -> [Problem; 7] {
    let inside = || INSIDES.to_owned();
    [
        Problem::PortTaken { port: 27960 },
        Problem::Missing {
            digest: Digest([1; 32]),
        },
        Problem::Corrupt {
            digest: Digest([1; 32]),
            found: Digest([2; 32]),
        },
        Problem::Key {
            field: inside(),
            here: inside(),
            needs: inside(),
        },
        Problem::DiskFull {
            needed_mb: 700,
            free_mb: 3,
        },
        Problem::NoSlot { slots: 1 },
        Problem::Failed {
            step: inside(),
            reason: inside(),
        },
    ]
}

fn shown(state: MatchState, problem: Problem, viewer: Option<ClanId>) -> String {
    show_problem(&whole(state, vm(Some(problem), false), now()), viewer, now()).unwrap()
}

#[test]
fn a_clan_reads_what_it_means_and_what_happens_next_and_no_word_of_an_agents() {
    for state in [reserved(), waking(), ready()] {
        for problem in every_problem() {
            let text = shown(state.clone(), problem.clone(), Some(clan(2).id));
            for word in ["/var", "qemu", "10.1.2.3", "Could not"] {
                assert!(!text.contains(word), "{problem:?}: {text}");
            }
            assert_eq!(text.matches(". ").count(), 1, "two sentences: {text}");
            assert!(text.ends_with('.') && text.len() < 200, "{text}");
        }
    }
}

#[test]
fn what_happens_next_is_another_machine_before_the_match_and_the_same_address_in_it() {
    let full = || Problem::DiskFull {
        needed_mb: 700,
        free_mb: 3,
    };
    let clan = Some(clan(3).id);
    assert_eq!(
        shown(waking(), full(), clan),
        "There is no room left for the match on denver. Another machine is taken."
    );
    assert_eq!(
        shown(ready(), full(), clan),
        "There is no room left for the match on denver. It is tried again until it works; the address and the password \
         stay as they are."
    );
}

#[test]
fn staff_read_the_whole_text() {
    for problem in every_problem() {
        assert_eq!(shown(waking(), problem.clone(), None), problem.to_string());
    }
    assert!(shown(waking(), every_problem()[6].clone(), None).contains("qmp.sock"));
}

#[test]
fn a_silent_agent_comes_before_what_it_said_last_and_a_silent_game_is_left_alone() {
    let gone = whole(
        ready(),
        vm(Some(Problem::NoSlot { slots: 1 }), false),
        now().plus(-60_000),
    );
    let text = show_problem(&gone, Some(clan(2).id), now()).unwrap();
    assert_eq!(
        text,
        "The agent of denver has not reported for 60 s; the match goes on."
    );
    let silent = whole(ready(), vm(None, true), now());
    assert!(show_problem(&silent, None, now()).unwrap().contains("left alone"));
    let well = whole(ready(), vm(None, false), now());
    assert_eq!(show_problem(&well, None, now()), None);
}

#[test]
fn what_is_over_has_no_problem() {
    let over = whole(
        MatchState::Cancelled,
        vm(Some(Problem::NoSlot { slots: 1 }), false),
        now(),
    );
    assert_eq!(show_problem(&over, None, now()), None);
}

#[test]
fn a_story_that_everybody_reads_has_no_word_of_an_agents() {
    let failed = every_problem()[6].clone();
    assert_eq!(told(&failed), "a step did not succeed");
    let full = every_problem()[4].clone();
    assert_eq!(told(&full), full.to_string());
}
