use super::*;
use crate::domain::{MatchId, RoundReason};
use proptest::prelude::*;
use uuid::Uuid;

const ENDED: i64 = 1_000_000;

/// What was measured, owned, so that a test can spoil one thing.
#[derive(Debug, Clone)]
struct Before {
    round: Round,
    targets: Vec<RoundTarget>,
    hosts: Vec<HostId>,
    samples: Vec<(HostId, RttSample)>,
    frozen: bool,
}

#[derive(Debug, Clone)]
struct After {
    players: Vec<(PlayerId, Option<IpAddr>)>,
    hosts: Vec<HostId>,
    now: Time,
}

fn player(number: u8) -> PlayerId {
    PlayerId(Uuid::from_u128(u128::from(number)))
}

fn target(number: u8) -> TargetId {
    TargetId(Uuid::from_u128(1_000 + u128::from(number)))
}

fn host(number: u8) -> HostId {
    HostId(Uuid::from_u128(2_000 + u128::from(number)))
}

fn address(number: u8) -> IpAddr {
    [10, 9, 0, number].into()
}

fn sample(number: u8) -> RttSample {
    RttSample {
        target: target(number),
        sent: 9,
        received: 9,
        min_us: Some(20_000),
        median_us: Some(21_000),
        deviation_us: Some(100),
        p90_us: None,
        jitter_us: None,
    }
}

/// Everybody answered every host, and nothing has changed since.
fn the_same(players: u8, hosts: u8) -> (Before, After) {
    let round = Round {
        id: vmatrix_wire::ProbeId(Uuid::from_u128(1)),
        match_id: MatchId(Uuid::from_u128(7)),
        reason: RoundReason::Booking,
        started_at: Time::from_millis(ENDED - 4_000),
        until_at: Time::from_millis(ENDED + 9_000),
        ended_at: Some(Time::from_millis(ENDED)),
        taken_from: None,
    };
    let all_hosts: Vec<HostId> = (0..hosts).map(host).collect();
    let before = Before {
        round,
        targets: (0..players)
            .map(|n| RoundTarget {
                target: target(n),
                player: player(n),
                address: Some(address(n)),
                by: vmatrix_wire::Way::Icmp,
            })
            .collect(),
        samples: all_hosts
            .iter()
            .flat_map(|host| (0..players).map(|n| (*host, sample(n))))
            .collect(),
        hosts: all_hosts.clone(),
        frozen: false,
    };
    let after = After {
        players: (0..players)
            .rev()
            .map(|n| (player(n), Some(address(n))))
            .collect(),
        hosts: all_hosts.into_iter().rev().collect(),
        now: Time::from_millis(ENDED + 60_000),
    };
    (before, after)
}

fn asked(before: &Before, after: &After) -> Result<Reuse, WhyNot> {
    let measured = Measured {
        round: &before.round,
        targets: &before.targets,
        hosts: &before.hosts,
        samples: &before.samples,
        frozen: before.frozen,
    };
    let present = Present {
        players: &after.players,
        hosts: &after.hosts,
        now: after.now,
    };
    may_reuse(Some(measured), present)
}

#[test]
fn without_a_round_that_has_ended_there_is_nothing_to_take_over() {
    let (mut before, after) = the_same(4, 2);
    let present = Present {
        players: &after.players,
        hosts: &after.hosts,
        now: after.now,
    };
    assert_eq!(may_reuse(None, present), Err(WhyNot::NeverMeasured));
    before.round.ended_at = None;
    assert_eq!(asked(&before, &after), Err(WhyNot::NeverMeasured));
}

#[test]
fn an_address_that_was_forgotten_is_not_the_same() {
    let (mut before, mut after) = the_same(2, 1);
    before.targets[0].address = None;
    assert_eq!(asked(&before, &after), Err(WhyNot::Unknown));
    after.players[1].1 = None;
    assert_eq!(before.targets[0].player, after.players[1].0);
    assert_eq!(asked(&before, &after), Err(WhyNot::Unknown));
    after.players[0].1 = Some(address(200));
    assert_eq!(asked(&before, &after), Err(WhyNot::Address), "that much is known");
}

#[test]
fn the_reason_is_a_sentence_with_both_ages() {
    let age_ms = REUSE_WITHIN_MS + 5 * 60_000;
    assert_eq!(
        WhyNot::TooOld { age_ms }.to_string(),
        "the measurements of the match before are 95 minutes old, and those of the last 90 are taken over"
    );
}

proptest! {
    /// The same people, addresses and hosts, all of whom answered: taken over up to the stated age and not a moment longer.
    #[test]
    fn what_is_the_same_is_taken_over_for_so_long(players in 1_u8..9, hosts in 1_u8..9, age_ms in -60_000..2 * REUSE_WITHIN_MS) {
        let (before, mut after) = the_same(players, hosts);
        after.now = Time::from_millis(ENDED + age_ms);
        let expected = if age_ms > REUSE_WITHIN_MS { Err(WhyNot::TooOld { age_ms }) } else { Ok(Reuse { age_ms: age_ms.max(0) }) };
        prop_assert_eq!(asked(&before, &after), expected);
    }

    /// One thing that is not the same, wherever it is, and the reason names its kind.
    #[test]
    fn one_thing_that_is_another_is_enough(
        players in 1_u8..9, hosts in 1_u8..9, which in any::<prop::sample::Index>(), kind in 0..10_u8,
    ) {
        let (mut before, mut after) = the_same(players, hosts);
        let one = which.index(usize::from(players));
        let cell = which.index(usize::from(players) * usize::from(hosts));
        let why = match kind {
            0 => { after.players.remove(one); WhyNot::Players }
            1 => { after.players.push((player(200), Some(address(200)))); WhyNot::Players }
            2 => { after.players[one].0 = player(200); WhyNot::Players }
            3 => { after.players[one].1 = Some(address(200)); WhyNot::Address }
            4 => { after.hosts.push(host(200)); WhyNot::Hosts }
            5 => { after.hosts.remove(which.index(usize::from(hosts))); WhyNot::Hosts }
            6 => { before.samples.remove(cell); WhyNot::Incomplete }
            7 => { before.targets[one].address = None; WhyNot::Unknown }
            8 => { after.players[one].1 = None; WhyNot::Unknown }
            _ => { before.samples[cell].1.received = 0; WhyNot::Incomplete }
        };
        prop_assert_eq!(asked(&before, &after), Err(why));
    }
}

#[test]
fn what_was_frozen_is_not_said_to_be_of_other_players() {
    let (mut before, after) = the_same(4, 2);
    // The last round of such a match measured one side.
    before.targets.truncate(2);
    before.frozen = true;
    assert_eq!(asked(&before, &after), Err(WhyNot::Frozen));
}
