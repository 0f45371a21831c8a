use super::*;
use crate::domain::{ReservationId, ServiceId, SnapshotFacts, testing};
use proptest::prelude::*;
use uuid::Uuid;
use vmatrix_wire::{Digest, VmId, VmReport, VmTimes};

fn vm(number: u128, host: HostId, goal: VmGoal, phase: Phase, port: u16) -> Vm {
    let report = VmReport {
        vm: VmId(Uuid::from_u128(number)),
        phase,
        problem: None,
        revived: 0,
        times: VmTimes::default(),
        game: None,
        silent: false,
        fetched_bytes: 0,
        fetch_bytes: 0,
        pings: None,
    };
    Vm {
        id: report.vm,
        reservation: ReservationId(Uuid::from_u128(number)),
        host,
        purpose: Purpose::Service(ServiceId(Uuid::from_u128(number))),
        snapshot: Digest([1; 32]),
        goal,
        port,
        created_at: Time::from_millis(0),
        seen: VmSeen {
            report: Some(report),
            ..VmSeen::default()
        },
    }
}

fn fleet(silent: &[bool], vms: Vec<Vm>) -> Fleet {
    let now = Time::from_millis(0);
    let host = |(number, silent): (u8, &bool)| {
        let mut record = testing::record(&format!("h{number}"), number, now);
        if *silent {
            record.report = None;
        }
        record.reached = (number % 2 == 0).then_some((now, crate::domain::Onlooker::Server));
        record
    };
    let snapshot = Snapshot {
        id: Digest([1; 32]),
        facts: SnapshotFacts::from(&testing::manifest("openarena", 1)),
        created_at: now,
    };
    Fleet {
        hosts: (1..).zip(silent).map(host).collect(),
        vms,
        snapshots: [(snapshot.id, snapshot)].into(),
        rounds: vec![OpenRound {
            id: vmatrix_wire::ProbeId(Uuid::from_u128(77)),
            from: vec![HostId(Uuid::from_u128(1))],
            targets: vec![Target {
                target: crate::domain::TargetId(Uuid::from_u128(5)),
                address: [10, 0, 0, 1].into(),
                by: vmatrix_wire::Way::Icmp,
            }],
        }],
        ..Fleet::default()
    }
}

fn some_vms() -> impl Strategy<Value = Vec<Vm>> {
    let goals = prop::sample::select(vec![
        VmGoal::Gone,
        VmGoal::Ordered(Goal::Fetched),
        VmGoal::Ordered(Goal::Open),
        VmGoal::Ordered(Goal::Suspended),
    ]);
    let phases = prop::sample::select(vec![Phase::Absent, Phase::Fetched, Phase::Open, Phase::Draining]);
    prop::collection::vec((1_u128..5, goals, phases, 27960_u16..27964), 0..8).prop_map(|all| {
        (100_u128..)
            .zip(all)
            .map(|(number, (host, goal, phase, port))| {
                vm(number, HostId(Uuid::from_u128(host)), goal, phase, port)
            })
            .collect()
    })
}

proptest! {
    /// Written down and composed again: nothing is different, so there is no new generation.
    #[test]
    fn the_same_rows_make_the_same_orders(silent in prop::collection::vec(any::<bool>(), 4..5), vms in some_vms()) {
        let mut fleet = fleet(&silent, vms);
        let now = Time::from_millis(0);
        let written = compose(&fleet, now);
        for (record, orders) in fleet.hosts.iter_mut().zip(&written) {
            record.orders = orders.clone();
        }
        prop_assert_eq!(compose(&fleet, now), written);
    }

    /// Each VM that should be somewhere is ordered there and nowhere else; each open one is looked at by one other host.
    #[test]
    fn each_vm_is_ordered_once_and_looked_at_by_one_other(vms in some_vms()) {
        let fleet = fleet(&[false; 4], vms);
        let now = Time::from_millis(0);
        let all = compose(&fleet, now);
        for vm in &fleet.vms {
            let at: Vec<_> = all.iter().filter(|orders| orders.vms.iter().any(|order| order.vm == vm.id)).collect();
            let expected = if vm.goal == VmGoal::Gone { vec![] } else { vec![vm.host] };
            prop_assert_eq!(at.iter().map(|orders| orders.host).collect::<Vec<_>>(), expected);
            let looks = all.iter().filter(|o| o.lookouts.iter().any(|one| one.lookout == LookoutId::Vm(vm.id)));
            let looks: Vec<_> = looks.map(|orders| orders.host).collect();
            prop_assert_eq!(looks.len(), usize::from(is_out(vm)));
            prop_assert!(!looks.contains(&vm.host));
        }
        // Hosts that were not seen from outside have a beacon, and somebody who looks for it.
        for (record, orders) in fleet.hosts.iter().zip(&all) {
            let free = beacon_port(&record.host, &fleet.vms).is_some();
            prop_assert_eq!(orders.beacon.is_some(), record.reached.is_none() && free);
            let looks = all.iter().filter(|o| o.lookouts.iter().any(|l| l.lookout == LookoutId::Host(record.host.id)));
            prop_assert_eq!(looks.count(), usize::from(orders.beacon.is_some()));
        }
    }

    #[test]
    fn no_name_carries_a_command_to_the_console(text in ".{0,100}") {
        let plain = console_text(&text);
        let allowed = |b: u8| b == b' ' || (b.is_ascii_graphic() && !b"\";\\%".contains(&b));
        prop_assert!(plain.len() <= 60 && plain.bytes().all(allowed));
    }
}

#[test]
fn a_vm_is_gone_when_its_host_has_heard_of_it_and_does_not_see_it_any_more() {
    let fleet = fleet(&[false, false], Vec::new());
    let mut host = fleet.hosts[0].clone();
    let gone = vm(9, host.host.id, VmGoal::Gone, Phase::Open, 27960);
    let now = Time::from_millis(50);
    host.orders.generation = 5;
    let said = |host: &mut HostRecord, generation, vms| {
        host.report = host.report.take().map(|(report, at)| {
            (
                vmatrix_wire::Report {
                    generation,
                    vms,
                    ..report
                },
                at,
            )
        });
    };
    // It has not heard of the orders that leave it out.
    said(&mut host, 4, Vec::new());
    assert_eq!(see(&gone, &host, &fleet.hosts, now).gone_at, None);
    // It has, and it is still there.
    said(&mut host, 5, gone.seen.report.clone().into_iter().collect());
    assert_eq!(see(&gone, &host, &fleet.hosts, now).gone_at, None);
    said(&mut host, 5, Vec::new());
    assert_eq!(see(&gone, &host, &fleet.hosts, now).gone_at, Some(now));
    // What should be there and is not seen is not taken for gone.
    let wanted = Vm {
        goal: VmGoal::Ordered(Goal::Open),
        ..gone
    };
    assert_eq!(see(&wanted, &host, &fleet.hosts, now).gone_at, None);
    let mut left = host.clone();
    left.left_at = Some(now);
    assert_eq!(
        see(&wanted, &left, &fleet.hosts, now).gone_at,
        Some(now),
        "it has ended all"
    );
}

#[test]
fn a_running_game_is_not_set_up_anew_because_the_server_has_other_settings() {
    let now = Time::from_millis(0);
    let game = |masters: &[&str], name: &str| vmatrix_wire::MatchSettings {
        server_name: name.into(),
        password: vmatrix_wire::Secret::new("p"),
        rcon: vmatrix_wire::Secret::new("r"),
        map: "oa_dm1".into(),
        masters: masters.iter().map(|master| master.parse().unwrap()).collect(),
        farewell: "bye".into(),
    };
    let id = crate::domain::MatchId(Uuid::from_u128(3));
    let host = HostId(Uuid::from_u128(1));
    let mut running = vm(9, host, VmGoal::Ordered(Goal::Open), Phase::Open, 27960);
    running.purpose = Purpose::Match(id);
    let mut fleet = fleet(&[false], vec![running]);
    fleet.games.insert(id, game(&["192.0.2.1:27950"], "old name"));
    fleet.hosts[0].orders = compose(&fleet, now).remove(0);
    fleet.games.insert(id, game(&["192.0.2.2:27950"], "new name"));
    assert_eq!(compose(&fleet, now), [fleet.hosts[0].orders.clone()]);
}

#[test]
fn a_console_gives_a_name_back_as_it_got_it() {
    assert_eq!(console_text(" A  \"B\" // C%\t\u{e9}; /*D "), "A B C *D");
}
