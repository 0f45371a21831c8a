use super::*;
use crate::domain::{Purpose, ReservationId, ServiceId, Site, SiteId, VmGoal, testing};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;
use vmatrix_wire::{Ask, Digest, Goal, Lookout, Report, VmId};

const ORDERED: i64 = 100_000;

fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn id(number: u8) -> HostId {
    testing::host("", number).id
}

fn fleet(count: u8) -> Vec<HostRecord> {
    (1..=count)
        .map(|number| testing::record(&format!("h{number}"), number, at(ORDERED)))
        .collect()
}

fn vm() -> Vm {
    Vm {
        id: VmId(Uuid::from_u128(9)),
        reservation: ReservationId(Uuid::from_u128(9)),
        host: id(1),
        purpose: Purpose::Service(ServiceId(Uuid::from_u128(9))),
        snapshot: Digest([1; 32]),
        goal: VmGoal::Ordered(Goal::Open),
        port: 27960,
        created_at: at(0),
        seen: VmSeen {
            ordered_at: Some(at(ORDERED)),
            ..VmSeen::default()
        },
    }
}

/// A host that is ordered to look, and one that says that it was answered.
fn order(record: &mut HostRecord, lookout: LookoutId, port: u16) {
    record.orders.lookouts.push(Lookout {
        lookout,
        address: SocketAddr::new([10, 77, 0, 1].into(), port),
        ask: Ask::Beacon {
            nonce: Digest([1; 32]),
        },
    });
}

fn say(record: &mut HostRecord, lookout: LookoutId, port: u16, ago: u64) {
    let said = LookoutReport {
        lookout,
        address: SocketAddr::new([10, 77, 0, 1].into(), port),
        answered_ms_ago: Some(ago),
        listed_ms_ago: None,
    };
    let report = Report {
        lookouts: vec![said],
        ..testing::report()
    };
    record.report = Some((report, at(ORDERED + 1000)));
}

proptest! {
    #[test]
    fn nobody_is_a_witness_of_itself_and_every_witness_is_there(
        silent in prop::collection::vec(any::<bool>(), 1..7), waited in 0_i64..400_000,
    ) {
        let mut hosts = fleet(u8::try_from(silent.len()).unwrap());
        for (record, silent) in hosts.iter_mut().zip(&silent) {
            record.report = record.report.take().filter(|_| !silent);
        }
        let now = at(ORDERED);
        for of in &hosts {
            let mut others = hosts.iter().filter(|other| other.host.id != of.host.id && !other.is_gone(now));
            if let Some(one) = witness(&of.host, &hosts, waited, now) {
                prop_assert!(others.any(|other| other.host.id == one));
            }
        }
    }

    /// Nobody's broken network decides alone.
    #[test]
    fn everybody_has_a_turn_and_the_server_within_a_minute(count in 1_u8..8) {
        let hosts = fleet(count);
        let turn = |number: i64| witness(&hosts[0].host, &hosts, number * TURN_MS, at(ORDERED));
        let all: BTreeSet<_> = (0..i64::from(count)).map(turn).collect();
        prop_assert_eq!(all.len(), usize::from(count));
        prop_assert!((0..4).any(|number| turn(number).is_none()));
        prop_assert_eq!(turn(0), turn(i64::from(count)));
    }
}

#[test]
fn a_witness_is_of_another_site_and_another_address_if_there_is_one() {
    let mut hosts = fleet(4);
    for number in [2, 3] {
        hosts[number].host.site = Site {
            id: SiteId(Uuid::from_u128(7)),
            name: "elsewhere".into(),
        };
    }
    hosts[2].host.public_address = hosts[0].host.public_address;
    let turn = |number| witness(&hosts[0].host, &hosts, number * TURN_MS, at(ORDERED));
    assert_eq!(
        [turn(0), turn(1), turn(2), turn(3)],
        [Some(id(4)), Some(id(2)), Some(id(3)), None]
    );
}

#[test]
fn who_has_had_the_answer_goes_on_looking() {
    // Two turns of looking, by hosts that report all the time.
    let turn = |vm: &Vm, number: i64| {
        let now = at(ORDERED + number * TURN_MS);
        let mut hosts = fleet(4);
        for record in &mut hosts {
            record.report = Some((testing::report(), now));
        }
        vm_witness(vm, &hosts, now)
    };
    let mut vm = vm();
    assert_eq!(
        [turn(&vm, 0), turn(&vm, 1), turn(&vm, 2)],
        [2, 3, 4].map(|n| Some(id(n)))
    );
    vm.seen.verified_at = Some(at(ORDERED + TURN_MS + 5));
    assert_eq!(turn(&vm, 2), Some(id(3)));
}

#[test]
fn only_who_was_asked_may_testify_of_this_address_since_it_was_ordered() {
    let vm = vm();
    let about = LookoutId::Vm(vm.id);
    let verified = |change: &dyn Fn(&mut Vec<HostRecord>)| {
        let mut hosts = fleet(2);
        change(&mut hosts);
        let mut seen = vm.seen.clone();
        hear_witnesses(&vm, &hosts[0], &hosts, &mut seen);
        seen.verified_at
    };
    let right = verified(&|hosts| {
        order(&mut hosts[1], about, 27960);
        say(&mut hosts[1], about, 27960, 30);
    });
    assert_eq!(right, Some(at(ORDERED + 970)));
    let itself = verified(&|hosts| {
        order(&mut hosts[0], about, 27960);
        say(&mut hosts[0], about, 27960, 30);
    });
    assert_eq!(itself, None, "of itself");
    let unasked = verified(&|hosts| say(&mut hosts[1], about, 27960, 30));
    assert_eq!(unasked, None, "unasked");
    let elsewhere = verified(&|hosts| {
        order(&mut hosts[1], about, 27961);
        say(&mut hosts[1], about, 27961, 30);
    });
    assert_eq!(elsewhere, None, "another port");
    let before = verified(&|hosts| {
        order(&mut hosts[1], about, 27960);
        say(&mut hosts[1], about, 27960, 1001);
    });
    assert_eq!(before, None, "before it was ordered");
}

#[test]
fn a_beacon_is_seen_by_who_was_asked_to_look_and_nobody_else() {
    let mut hosts = fleet(2);
    let about = LookoutId::Host(id(1));
    say(&mut hosts[1], about, 27963, 30);
    assert_eq!(reached_by(id(1), &hosts), None);
    order(&mut hosts[1], about, 27963);
    assert_eq!(reached_by(id(1), &hosts), Some(Onlooker::Host(id(2))));
}
