use super::*;
use crate::domain::{
    MatchId, ReservationId, Service, ServiceId, SnapshotFacts, VmId, VmSeen,
    testing::{host, manifest, record},
};
use uuid::Uuid;
use vmatrix_wire::{Digest, Goal, Problem, VmTimes};

const NOW: i64 = 1_800_000_000_000;

fn now() -> Time {
    Time::from_millis(NOW)
}

fn seen(phase: Phase, problem: Option<Problem>) -> VmReport {
    VmReport {
        vm: VmId(Uuid::from_u128(1)),
        phase,
        problem,
        revived: 2,
        times: VmTimes::default(),
        game: None,
        silent: true,
        fetched_bytes: 3 << 20,
        fetch_bytes: 9 << 20,
        pings: None,
    }
}

fn vm(phase: Phase, goal: VmGoal, purpose: Purpose) -> Vm {
    Vm {
        id: VmId(Uuid::from_u128(1)),
        reservation: ReservationId(Uuid::from_u128(2)),
        host: host("denver", 1).id,
        purpose,
        snapshot: Digest([7; 32]),
        goal,
        port: 27960,
        created_at: now(),
        seen: VmSeen {
            report: Some(seen(phase, None)),
            ..VmSeen::default()
        },
    }
}

const A_MATCH: Purpose = Purpose::Match(MatchId(Uuid::from_u128(3)));
const OPEN: VmGoal = VmGoal::Ordered(Goal::Open);

#[test]
fn a_host_that_no_longer_reports_is_gone() {
    let record = record("denver", 1, now());
    let line = |later| HostLine::of(&record, &[], &[], now().plus(later));
    let seen = |later| {
        let line = line(later);
        (line.words, line.seen, line.seen_at)
    };
    assert_eq!(seen(1_000), ("production", "reports", None));
    assert_eq!(seen(60_000), ("gone", "last report", Some(now())));
    assert_eq!(seen(9_000), seen(1_000), "nothing changes by time alone");
    assert_eq!(seen(900_000), seen(60_000));
}

#[test]
fn it_is_told_who_has_seen_a_hosts_address() {
    let mut all = vec![record("denver", 1, now()), record("lima", 2, now())];
    let told = |all: &[HostRecord]| HostLine::of(&all[0], all, &[], now()).reached;
    all[0].reached = Some((now(), Onlooker::Server));
    assert_eq!(told(&all), "seen by the server");
    all[0].reached = Some((now(), Onlooker::Host(all[1].host.id)));
    assert_eq!(told(&all), "seen by host lima");
    assert_eq!(told(&all[..1]), "seen by another host");
    all[0].reached = None;
    assert_eq!(told(&all), "not seen from outside yet");
}

#[test]
fn it_is_told_which_doors_are_open_and_which_are_not() {
    let mut host = record("denver", 1, now());
    let told = |host: &HostRecord| HostLine::of(host, &[], &[], now()).doors;
    host.host.facts.doors = vmatrix_wire::Doors::default();
    assert_eq!(told(&host), "no door open to measure by: players are only pinged");
    host.host.facts.doors.echo = Some(27900);
    host.host.facts.doors.webrtc = Some(vmatrix_wire::WebRtcDoor {
        port: 27902,
        fingerprint: "AA:BB".into(),
    });
    assert_eq!(
        told(&host),
        "open to measure by: echo 27900, WebRTC 27902; not: WebTransport, WebSocket"
    );
    host.host.facts.doors.websocket = Some("wss://play.example/denver".into());
    host.host.facts.doors.webtransport = Some(vmatrix_wire::WebTransportDoor {
        port: 27901,
        hashes: Vec::new(),
    });
    assert_eq!(
        told(&host),
        "open to measure by: echo 27900, WebTransport 27901, WebRTC 27902, WebSocket wss://play.example/denver"
    );
}

#[test]
fn a_host_that_has_left_is_not_a_host_that_is_missed() {
    let mut record = record("denver", 1, now());
    record.left_at = Some(now());
    let line = HostLine::of(&record, &[], &[], now().plus(60_000));
    assert_eq!(
        (line.tone, line.words, line.seen_at),
        ("busy", "has left", Some(now()))
    );
}

#[test]
fn the_oracle_says_nothing_new_while_it_runs_well() {
    let line = |took_ms, age| {
        let status = OracleStatus {
            ran_at: Some(now()),
            took_ms,
            ..OracleStatus::default()
        };
        let line = OracleLine::of(status, now().plus(age));
        (line.words, line.text, line.ran_at)
    };
    let well = (
        "runs",
        "It compares what was ordered with what hosts report once a second, and does what is to be done."
            .to_owned(),
        None,
    );
    assert_eq!(line(2.0, 100), well);
    assert_eq!(line(80.0, 9_000), well);
    assert_eq!(line(2_500.0, 100).1, "It is slow: its last run took 2.5 s.");
    assert_eq!(
        line(2.0, 10_001),
        ("does not run", "Last run".to_owned(), Some(now()))
    );
}

#[test]
fn a_slot_is_in_use_from_the_network_on_and_until_nothing_is_left() {
    let record = record("denver", 1, now());
    let used = |phase| HostLine::of(&record, &[], &[vm(phase, OPEN, A_MATCH)], now()).used;
    let phases = [
        Phase::Fetched,
        Phase::Wired,
        Phase::Open,
        Phase::Draining,
        Phase::Suspended,
    ];
    assert_eq!(phases.map(used), [0, 1, 1, 1, 0]);
}

#[test]
fn a_vm_is_well_when_it_is_where_it_should_be() {
    let tones = [
        (Phase::Running, OPEN),
        (Phase::Open, OPEN),
        (Phase::Absent, VmGoal::Gone),
    ]
    .map(|(phase, goal)| VmLine::of(&vm(phase, goal, A_MATCH), &[], &[], &[]).tone);
    assert_eq!(tones, ["busy", "good", "good"]);
}

#[test]
fn what_the_host_says_now_counts_more_than_what_was_kept() {
    let mut record = record("denver", 1, now());
    if let Some((report, _)) = &mut record.report {
        report
            .vms
            .push(seen(Phase::Paused, Some(Problem::PortTaken { port: 27960 })));
    }
    let line = VmLine::of(&vm(Phase::Fetched, OPEN, A_MATCH), &[record], &[], &[]);
    assert_eq!(
        (line.phase, line.tone, line.host.as_str()),
        ("paused", "bad", "denver")
    );
    assert_eq!(
        line.notes,
        "port 27960 of the host is taken by another program · 3 of 9 MB fetched · does not answer queries · \
         revived 2 times"
    );
}

#[test]
fn a_service_says_how_far_it_is() {
    let id = ServiceId(Uuid::from_u128(4));
    let state = |goal, phase: Option<Phase>| {
        let service = Service {
            id,
            name: "wiki".into(),
            image: "wiki".into(),
            host: host("denver", 1).id,
            goal,
            created_at: now(),
            removed_at: None,
        };
        let vm = phase.map(|phase| vm(phase, OPEN, Purpose::Service(id)));
        ServiceLine::of(&ServiceSeen {
            service,
            host: host("denver", 1),
            vm,
        })
        .state
    };
    assert_eq!(state(ServiceGoal::Open, None), "ordered");
    assert_eq!(state(ServiceGoal::Open, Some(Phase::Running)), "waking");
    assert_eq!(state(ServiceGoal::Open, Some(Phase::Open)), "open");
    assert_eq!(
        state(ServiceGoal::Suspended, Some(Phase::Open)),
        "being suspended"
    );
    assert_eq!(state(ServiceGoal::Suspended, Some(Phase::Suspended)), "suspended");
}

#[test]
fn an_oracle_that_stands_still_is_said_to() {
    let status = |off, ran_ms_ago: i64| OracleStatus {
        off,
        ran_at: Some(now().plus(-ran_ms_ago)),
        ..OracleStatus::default()
    };
    let words = |status| OracleLine::of(status, now()).words;
    assert_eq!(words(status(false, 900)), "runs");
    assert_eq!(words(status(false, 60_000)), "does not run");
    assert_eq!(words(status(true, 900)), "switched off");
    assert_eq!(words(OracleStatus::default()), "does not run");
}

#[test]
fn a_snapshot_is_old_before_its_clock_stalls_the_game() {
    let line = |days: i64| {
        let facts = SnapshotFacts::from(&manifest("openarena", NOW - days * 24 * 3600 * 1000));
        SnapshotLine::of(
            &Snapshot {
                id: Digest([7; 32]),
                facts,
                created_at: now(),
            },
            now(),
        )
    };
    assert!(!line(19).old && line(21).old);
}
