use super::*;
use crate::domain::testing;
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Long ago, so that nothing is overdue.
const LONG_AGO: i64 = -1_000_000;

fn reservation(number: u128, port: u16, memory_mb: u64, (from, until): (i64, i64)) -> Reservation {
    Reservation {
        id: ReservationId(Uuid::from_u128(number)),
        host: testing::host("a", 1).id,
        purpose: Purpose::Match(MatchId(Uuid::from_u128(number))),
        port,
        ports_tried: Vec::new(),
        memory_mb,
        from_at: Time::from_millis(from),
        until_at: Time::from_millis(until),
    }
}

fn wanted(memory_mb: u64, (from, until): (i64, i64)) -> Wanted<'static> {
    Wanted {
        span: (Time::from_millis(from), Time::from_millis(until)),
        memory_mb,
        instead_of: None,
        avoid: &[],
    }
}

/// A host with so many slots and so much memory.
fn host(slots: u16, memory_mb: u64) -> Host {
    let mut host = testing::host("a", 1);
    host.slots = slots;
    host.facts.memory_mb = memory_mb;
    host
}

#[test]
fn one_slot_is_given_once_at_a_time() {
    let host = host(1, 8192);
    let held = [reservation(1, 27960, 700, (100_000, 200_000))];
    let room = |wanted| room(&host, &held, wanted, Time::from_millis(0));
    assert_eq!(
        room(wanted(700, (150_000, 250_000))),
        Err(NoRoom::Slots { slots: 1 })
    );
    assert_eq!(room(wanted(700, (200_000, 250_000))), Ok(27960));
    assert_eq!(room(wanted(700, (0, 100_000))), Ok(27960));
    // A match that moves does not stand in its own way.
    let moved = Wanted {
        instead_of: Some(held[0].id),
        avoid: &[27960],
        ..wanted(8192, (150_000, 250_000))
    };
    assert_eq!(room(moved), Ok(27961));
}

#[test]
fn a_vm_that_should_be_gone_holds_its_slot_until_it_is() {
    let host = host(1, 8192);
    let held = [reservation(1, 27960, 700, (0, 100_000))];
    let room = |wanted| room(&host, &held, wanted, Time::from_millis(150_000));
    assert_eq!(
        room(wanted(700, (160_000, 200_000))),
        Err(NoRoom::Slots { slots: 1 })
    );
    assert_eq!(room(wanted(700, (210_000, 300_000))), Ok(27960));
}

#[test]
fn memory_is_what_the_others_of_that_time_leave() {
    let host = host(3, 2000);
    // Never both at once.
    let held = [
        reservation(1, 27960, 900, (0, 100)),
        reservation(2, 27960, 700, (100, 200)),
    ];
    let room = |wanted| room(&host, &held, wanted, Time::from_millis(LONG_AGO));
    assert_eq!(room(wanted(1100, (0, 300))), Ok(27961));
    let refused = room(wanted(1101, (0, 300))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "it has 1100 MB of memory left at that time, the image needs 1101 MB"
    );
    assert_eq!(room(wanted(1300, (100, 300))), Ok(27961));
    assert_eq!(room(wanted(2000, (200, 300))), Ok(27960));
}

/// From when, for how long, with how much memory.
fn spans() -> impl Strategy<Value = Vec<(i64, i64, u64)>> {
    prop::collection::vec((0_i64..1000, 1_i64..400, 0_u64..1500), 0..40)
}

proptest! {
    /// Whatever is asked for in whatever order: never more VMs at once than slots or than there is memory for, never one
    /// port twice.
    #[test]
    fn no_moment_has_more_than_the_host(slots in 1_u16..4, memory_mb in 500_u64..3000, asked in spans()) {
        let host = host(slots, memory_mb);
        let mut held: Vec<Reservation> = Vec::new();
        for (number, (from, length, needs)) in asked.into_iter().enumerate() {
            let span = (from, from + length);
            if let Ok(port) = room(&host, &held, wanted(needs, span), Time::from_millis(LONG_AGO)) {
                held.push(reservation(number as u128, port, needs, span));
            }
        }
        for moment in 0..1400 {
            let moment = Time::from_millis(moment);
            let running: Vec<_> = held.iter().filter(|r| r.from_at <= moment && moment < r.until_at).collect();
            prop_assert!(running.len() <= usize::from(slots));
            prop_assert!(running.iter().map(|r| r.memory_mb).sum::<u64>() <= memory_mb);
            let ports: BTreeSet<_> = running.iter().map(|r| r.port).collect();
            prop_assert_eq!(ports.len(), running.len());
        }
    }

    /// A refusal was unavoidable: at some moment of the asked time all slots are held, or too little memory is left, or
    /// all ports are held during it.
    #[test]
    fn a_refusal_is_unavoidable(
        taken in prop::collection::vec((0_i64..300, 1_i64..100, 27960_u16..27964, 0_u64..1500), 0..12),
        from in 0_i64..300, length in 1_i64..100, needs in 0_u64..3500,
    ) {
        let host = host(3, 3000);
        let held: Vec<_> = taken.into_iter().enumerate()
            .map(|(n, (from, length, port, mb))| reservation(n as u128, port, mb, (from, from + length))).collect();
        let running = |moment: i64| {
            held.iter().filter(move |r| r.from_at.millis() <= moment && moment < r.until_at.millis())
        };
        let left = |moment: i64| 3000_u64.saturating_sub(running(moment).map(|r| r.memory_mb).sum());
        let mut asked = from..from + length;
        let during = |r: &&Reservation| r.from_at.millis() < from + length && from < r.until_at.millis();
        let is_taken = |port: u16| held.iter().filter(during).any(|r| r.port == port);
        match room(&host, &held, wanted(needs, (from, from + length)), Time::from_millis(LONG_AGO)) {
            Err(NoRoom::Slots { .. }) => prop_assert!(asked.any(|moment| running(moment).count() >= 3)),
            Err(NoRoom::Memory { left_mb, needs_mb }) => {
                prop_assert!(left_mb < needs_mb);
                prop_assert_eq!((asked.map(left).min(), needs), (Some(left_mb), needs_mb));
            }
            Err(NoRoom::Ports { .. }) => prop_assert!((27960..=27963).all(is_taken)),
            Ok(port) => {
                prop_assert!(host.ports.ports().contains(&port) && !is_taken(port));
                prop_assert!(asked.all(|moment| running(moment).count() < 3 && left(moment) >= needs));
            }
        }
    }
}
