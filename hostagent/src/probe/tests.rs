//! Rounds on the loopback.

use super::*;
use std::net::IpAddr;
use uuid::Uuid;
use vmatrix_wire::{Target, TargetId};

fn order(probe: u128, addresses: &[&str]) -> ProbeOrder {
    let target = |(n, address): (usize, &&str)| Target {
        target: TargetId(Uuid::from_u128(n as u128)),
        address: address.parse().unwrap(),
        by: Way::Icmp,
    };
    ProbeOrder {
        probe: ProbeId(Uuid::from_u128(probe)),
        samples: 4,
        interval_ms: 20,
        timeout_ms: 4000,
        targets: addresses.iter().enumerate().map(target).collect(),
    }
}

pub(super) async fn until_done(probes: &Probes) -> Vec<ProbeReport> {
    let mut changed = probes.changed();
    loop {
        let reports = probes.observe();
        if reports.iter().all(|report| report.done) {
            return reports;
        }
        changed.changed().await.unwrap();
    }
}

fn no_socket(address: IpAddr) -> bool {
    let none = Turns::default().socket(address).is_none();
    if none {
        println!("skipped: no echo sockets for this user");
    }
    none
}

#[tokio::test]
async fn requests_are_spread_evenly_over_targets_and_time() {
    let timing = Timing::of(&order(1, &[]));
    let at = |index, turn: u16| {
        let own = timing.share(index, 4);
        let due = turn
            .checked_sub(1)
            .map_or(own.first, |before| own.next(before, own.first));
        (due - timing.first).as_millis()
    };
    assert_eq!(
        [at(0, 0), at(1, 0), at(3, 0), at(0, 1), at(2, 3)],
        [0, 5, 15, 20, 70]
    );
    let late = timing.first + Duration::from_secs(1);
    assert_eq!(timing.next(0, late) - late, timing.interval / 2);
}

#[tokio::test]
async fn the_loopback_answers_and_a_black_hole_is_unknown() {
    if no_socket(IpAddr::from([127, 0, 0, 1])) {
        return;
    }
    let mut probes = Probes::default();
    // Broadcasts are refused by the kernel itself: nothing is sent anywhere.
    probes.intend(&[
        order(1, &["127.0.0.1", "255.255.255.255"]),
        order(2, &["127.0.0.1"]),
    ]);
    let reports = until_done(&probes).await;
    for report in &reports {
        assert_eq!(
            (report.samples[0].sent, report.samples[0].received),
            (4, 4),
            "{reports:?}"
        );
        assert!(report.samples[0].median_us.is_some_and(|us| us > 0));
    }
    assert_eq!(reports[0].samples[1].sent, 4);
    assert_eq!(reports[0].samples[1].median_us, None);
}

#[tokio::test]
async fn the_other_family_answers_too() {
    if no_socket("::1".parse().unwrap()) {
        return;
    }
    let mut probes = Probes::default();
    probes.intend(&[order(1, &["::1", "127.0.0.1"])]);
    let reports = until_done(&probes).await;
    let received: Vec<u16> = reports[0].samples.iter().map(|sample| sample.received).collect();
    assert_eq!(received, [4, 4], "{reports:?}");
}

#[tokio::test]
async fn a_round_is_measured_once_and_forgotten_when_it_is_withdrawn() {
    let mut probes = Probes::default();
    let nobody = order(1, &[]);
    probes.intend(std::slice::from_ref(&nobody));
    until_done(&probes).await;
    probes.intend(std::slice::from_ref(&nobody));
    assert!(
        probes.observe()[0].done,
        "asked for again, it is not measured again"
    );
    probes.intend(&[]);
    assert_eq!(probes.observe(), []);
}

/// Rounds of many matches for the same people at once: each is measured in full, and nobody is asked faster than one at a time.
#[tokio::test]
async fn many_rounds_for_one_address_wait_their_turn() {
    if no_socket(IpAddr::from([127, 0, 0, 1])) {
        return;
    }
    let mut probes = Probes::default();
    let orders: Vec<ProbeOrder> = (0..10).map(|round| order(round, &["127.0.0.1"])).collect();
    let start = Instant::now();
    probes.intend(&orders);
    let reports = until_done(&probes).await;
    assert!(
        reports.iter().all(|report| report.samples[0].sent == 4),
        "{reports:?}"
    );
    assert!(
        start.elapsed() >= pace::SAME * 39,
        "40 requests, {:?}",
        start.elapsed()
    );
}
