use super::*;
use proptest::prelude::*;
use uuid::Uuid;
use vmatrix_placement::Source;

fn player(n: u8) -> PlayerId {
    PlayerId(Uuid::from_u128(u128::from(n)))
}

fn host(n: u8) -> HostId {
    HostId(Uuid::from_u128(100 + u128::from(n)))
}

const DAY_MS: i64 = TOO_OLD_S as i64 * 1000;

/// Players with a value each to hosts from 0 on: of player p at host h it is so many microseconds.
fn side(clan: u128, at: i64, players: &[u8], hosts: u8, us: impl Fn(u8, u8) -> Option<u32>) -> FrozenSide {
    let value = |p: u8, h: u8| {
        let note = Note {
            source: Source::Icmp,
            age_s: 60,
            error_us: 500,
        };
        Some((host(h), Micros::new(us(p, h)?).unwrap(), note))
    };
    let one = |p: &u8| FrozenPlayer {
        player: player(*p),
        values: (0..hosts).filter_map(|h| value(*p, h)).collect(),
        smells: Vec::new(),
    };
    FrozenSide {
        clan: ClanId(Uuid::from_u128(clan)),
        at: Time::from_millis(at),
        measured: FrozenValues {
            hosts: (0..hosts).map(host).collect(),
            players: players.iter().map(one).collect(),
        },
    }
}

fn set(players: &[u8]) -> BTreeSet<PlayerId> {
    players.iter().map(|n| player(*n)).collect()
}

proptest! {
    /// It holds for its very players, until a day has passed, and for nobody else.
    #[test]
    fn what_is_frozen_holds_for_its_players_for_a_day(
        frozen in proptest::collection::btree_set(0_u8..6, 1..6), roster in proptest::collection::btree_set(0_u8..6, 0..6),
        age in 0_i64..2 * DAY_MS,
    ) {
        let frozen: Vec<u8> = frozen.into_iter().collect();
        let roster: Vec<u8> = roster.into_iter().collect();
        let one = side(1, 5, &frozen, 2, |_, _| Some(9_000));
        let stands = side_stands(Some(&one), &set(&roster), Time::from_millis(5 + age));
        prop_assert_eq!(stands == SideStands::Absent, roster.is_empty());
        if !roster.is_empty() {
            prop_assert_eq!(stands == SideStands::Frozen, frozen == roster && age <= DAY_MS);
            prop_assert_eq!(side_stands(None, &set(&roster), Time::from_millis(5)), SideStands::Open);
        }
    }

    /// Whoever is asked for in whatever order, from whichever hosts: the very values, older by the time since, and never surer.
    #[test]
    fn what_is_frozen_is_used_as_it_was(
        hosts in proptest::collection::vec(0_u8..6, 0..6), players in proptest::collection::vec(0_u8..6, 0..8), later_s in 0_u32..90_000,
    ) {
        let us = |p: u8, h: u8| (!(p + h).is_multiple_of(5)).then_some(1_000 * (1 + u32::from(p) * 7 + u32::from(h)));
        let sides = [side(1, 1_000, &[0, 1], 3, us), side(2, 1_000, &[2, 3], 4, us)];
        let ids: Vec<_> = hosts.iter().map(|h| host(*h)).collect();
        let who: Vec<_> = players.iter().map(|p| player(*p)).collect();
        let at = Time::from_millis(1_000 + i64::from(later_s) * 1_000);
        let fused = as_frozen(&sides, &ids, &who, at);
        for (h, (row, notes)) in hosts.iter().zip(fused.rows.iter().zip(&fused.notes)) {
            for (p, (value, note)) in players.iter().zip(row.iter().zip(notes)) {
                let there = match p { 0 | 1 => *h < 3, 2 | 3 => *h < 4, _ => false };
                let expected = us(*p, *h).filter(|_| there);
                prop_assert_eq!(value.map(Micros::us), expected);
                prop_assert_eq!(note.map(|note| note.age_s), expected.map(|_| 60 + later_s));
                prop_assert!(note.is_none_or(|note| note.error_us >= 500));
            }
        }
        for h in 0..6 {
            prop_assert_eq!(was_there(&sides, host(h)), h < 3);
        }
    }
}

#[test]
fn a_host_is_chosen_when_both_sides_are_frozen_and_only_then() {
    use SideStands::{Absent, Frozen, Open};
    for one in [Absent, Open, Frozen] {
        for other in [Absent, Open, Frozen] {
            let expected = match (one, other) {
                (Frozen, Frozen) => AfterRound::Choose,
                (Open, _) | (_, Open) => AfterRound::MeasureAgain,
                _ => AfterRound::Gather,
            };
            assert_eq!(after_round([one, other]), expected);
        }
    }
}

#[test]
fn what_is_known_is_kept_and_of_hosts_that_are_there_alone() {
    let one = side(1, 0, &[0, 1], 3, |p, h| (p == 0).then_some(1_000 + u32::from(h)));
    let (ids, who): (Vec<_>, Vec<_>) = ((0..3).map(host).collect(), vec![player(0), player(1)]);
    let mut fused = as_frozen(std::slice::from_ref(&one), &ids, &who, Time::from_millis(0));
    fused.smells.push(Smelt {
        player: 1,
        smells: vec![Smell::SameEverywhere {
            hosts: 6,
            spread_us: 1,
            apart_us: 2,
            by_hosts: true,
        }],
    });
    let from = BTreeSet::from([host(0), host(2)]);
    let kept = FrozenValues::of(&ids, &from, &who, &fused);
    assert_eq!(kept.hosts, [host(0), host(2)]);
    let hosts: Vec<_> = kept.players[0].values.iter().map(|(host, ..)| *host).collect();
    assert_eq!(hosts, [host(0), host(2)]);
    assert_eq!(
        (kept.players[0].smells.len(), kept.players[1].smells.len()),
        (0, 1)
    );
    // A coach who is silent keeps nobody waiting, unless a cap of their own is to be kept.
    let seat = |role, cap: Option<u32>| Seat {
        role,
        cap: cap.map(|us| Micros::new(us).unwrap()),
    };
    for (seat, missing) in [
        (seat(Role::Player, None), 1),
        (seat(Role::Substitute, None), 1),
        (seat(Role::Coach, None), 0),
        (seat(Role::Caster, Some(80_000)), 1),
    ] {
        assert_eq!(kept.unmeasured(|_| seat), missing, "{seat:?}");
    }
}
