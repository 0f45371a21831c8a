//! The screen never loses the winner.

use super::limit::{Groups, Limits};
use super::network::{MOST, sort};
use super::*;
use crate::{Host, MAX_PLAYERS, Metric, Micros, Player, Preset, choose_by_definition, choose_index};
use fearless_simd::{Level, dispatch, prelude::*};
use proptest::prelude::*;

/// Numbers that look random: the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((bits ^ (bits >> 31)) % u64::from(end)).unwrap()
    }
}

/// What the values of a world are like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Anything, within the cap or not.
    Any,
    /// A microsecond around whole quanta and around the cap.
    Borders,
    /// Three values: nearly everything is a tie.
    Few,
    /// All hosts alike but for single microseconds.
    Alike,
    /// Two clans far from each other: groups that are no picture of all.
    Clans,
}

#[derive(Debug, Clone, Copy)]
struct World {
    seed: u64,
    players: usize,
    hosts: usize,
    cap: u32,
    kind: Kind,
    /// One value of so many is unknown, one host of so many cannot be had.
    rare: u32,
}

impl World {
    fn value(&self, dice: &mut Dice, host: usize, player: usize) -> Option<Micros> {
        let cap = self.cap;
        let quantum = cap.div_ceil(254);
        let us = match self.kind {
            Kind::Any => 1 + dice.below(cap.saturating_add(cap / 50 + 1)),
            Kind::Borders if dice.below(4) == 0 => (cap + dice.below(3)).saturating_sub(2),
            Kind::Borders => (quantum * (1 + dice.below(254)) + dice.below(3)).saturating_sub(1),
            Kind::Few => [1, cap / 2 + 1, cap][dice.below(3) as usize],
            // All the hosts' values are those of the first, in another order, and sometimes one microsecond off.
            Kind::Alike => {
                let mut first = Dice(self.seed ^ ((player + host) % self.players) as u64);
                (1 + first.below(cap)).saturating_sub(u32::from(dice.below(50) == 0))
            }
            Kind::Clans => cap / 3 * u32::try_from(player % 2).unwrap() + dice.below(cap / 3 + 1),
        };
        let known = dice.below(self.rare * 20) > 0;
        known.then(|| Micros::new(us.clamp(1, Micros::MAX_US)).unwrap())
    }

    fn build(&self) -> (Matrix, Vec<HostState>) {
        let mut dice = Dice(self.seed);
        let players = (0..self.players).map(|player| Player::new(format!("p{player}"), "", None));
        // Neither the order of the ids nor that of the loads is that of the rows.
        let id = |host: usize| format!("h{:05}", host * 7919 % 99_991);
        let hosts = (0..self.hosts).map(|host| Host {
            id: id(host),
            name: String::new(),
        });
        let rows = (0..self.hosts).map(|host| {
            let row = (0..self.players).map(|player| self.value(&mut dice, host, player));
            row.collect()
        });
        let matrix = Matrix::new(players.collect(), hosts.collect(), rows.collect()).unwrap();
        let states = (0..self.hosts).map(|_| HostState {
            standing: match dice.below(self.rare) {
                0 => Standing::NoCapacity("full".into()),
                1 => Standing::Unfit("small".into()),
                _ => Standing::Free,
            },
            load: dice.below(2),
        });
        (matrix, states.collect())
    }

    fn check(&self) {
        let (matrix, states) = self.build();
        let policy = Policy::with_cap(Micros::new(self.cap).unwrap());
        let expected = choose_by_definition(&policy, &matrix, &states);
        let packed = Packed::new(&policy, &matrix).unwrap();
        for backend in Backend::all() {
            let found = packed.choose_with(backend, &states).unwrap();
            assert_eq!(found, expected, "{}: {self:?}", backend.name());
        }
        assert_eq!(choose_index(&policy, &matrix, &states).unwrap(), expected);
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let kinds = prop::sample::select(vec![
        Kind::Any,
        Kind::Borders,
        Kind::Few,
        Kind::Alike,
        Kind::Clans,
    ]);
    let players = prop_oneof![6 => 2usize..=20, 2 => 21usize..=70];
    let cap = prop_oneof![
        4 => Just(180_000u32),
        2 => 1u32..1_000,
        1 => 253u32..257,
        1 => 1u32..=Micros::MAX_US,
    ];
    let few = prop_oneof![Just(3u32), Just(50), Just(1_000_000)];
    (any::<u64>(), players, 1usize..200, cap, kinds, few).prop_map(
        |(seed, players, hosts, cap, kind, rare)| World {
            seed,
            players,
            hosts,
            cap,
            kind,
            rare,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_screen_chooses_what_the_definition_does(world in worlds()) {
        world.check();
    }

    /// 255 and nothing else says that a host is out, and rounding is upwards by less than a quantum.
    #[test]
    fn the_cap_test_is_exact(cap in 1u32..=Micros::MAX_US, near in 0u32..4, any in 1u32..=Micros::MAX_US) {
        for us in [any, (cap + near).saturating_sub(2).clamp(1, Micros::MAX_US)] {
            let world = |us| {
                let rows = vec![vec![Some(Micros::new(us).unwrap()); 2]];
                let players = vec![Player::new("a", "a", None), Player::new("b", "b", None)];
                Matrix::new(players, vec![Host { id: "h".into(), name: "h".into() }], rows).unwrap()
            };
            let (matrix, policy) = (world(us), Policy::with_cap(Micros::new(cap).unwrap()));
            let packed = Packed::new(&policy, &matrix).unwrap();
            let byte = packed.lines()[0].bytes()[0];
            prop_assert_eq!(byte == 255, us > cap);
            let over = u64::from(byte) * u64::from(packed.blocks.quantum);
            prop_assert!(us > cap || (over >= u64::from(us) && over < u64::from(us) + u64::from(packed.blocks.quantum)));
            prop_assert!(packed.lines()[0].bytes()[1..].iter().all(|byte| *byte == 255));
        }
    }

    /// The bound by the book: no host is left out at the limit that its own exact sum makes.
    #[test]
    fn no_limit_is_below_what_made_it(
        values in prop::collection::vec(1u32..=180_000, 2..100),
        to_quanta in prop::sample::select(vec![0u32, 1, 708, 709]),
    ) {
        let quantum = 709;
        let values: Vec<u32> = values.iter().map(|us| if to_quanta == 0 { *us } else { us / 709 * 709 + to_quanta }).collect();
        let groups = Groups::of(values.len());
        let bytes: Vec<u32> = values.iter().map(|us| us.div_ceil(quantum)).collect();
        let apart = |of: &[u32]| -> u64 {
            of.iter().enumerate().flat_map(|(i, a)| of[i + 1..].iter().map(move |b| u64::from(a.abs_diff(*b)))).sum()
        };
        let limit = Limits::new(groups, quantum).of(apart(&values));
        let sum: u64 = (0..groups.count)
            .map(|group| apart(&bytes[groups.start(group)..groups.start(group + 1)]) >> groups.shift())
            .sum();
        prop_assert!(sum <= u64::from(limit.sum));
        let range = bytes.iter().max().unwrap() - bytes.iter().min().unwrap();
        prop_assert!(groups.count > 1 || range <= u32::from(limit.range));
    }
}

#[test]
fn any_number_of_players_can_be_screened() {
    for (players, hosts) in [
        (64, 150),
        (65, 70),
        (128, 70),
        (129, 70),
        (260, 10),
        (MAX_PLAYERS, 9),
    ] {
        for kind in [Kind::Any, Kind::Alike] {
            let world = World {
                seed: 7,
                players,
                hosts,
                cap: 180_000,
                kind,
                rare: 1_000_000,
            };
            world.check();
        }
    }
}

/// Enough hosts that a sample is looked at first.
#[test]
fn many_hosts_can_be_screened() {
    for players in [10, 20] {
        for kind in [Kind::Any, Kind::Alike, Kind::Clans] {
            let world = World {
                seed: 11,
                players,
                hosts: 2200,
                cap: 180_000,
                kind,
                rare: 1000,
            };
            world.check();
        }
    }
}

#[test]
fn groups_hold_everybody_once() {
    for players in 2..=MAX_PLAYERS {
        let groups = Groups::of(players);
        let sizes: Vec<usize> = (0..groups.count)
            .map(|group| groups.start(group + 1) - groups.start(group))
            .collect();
        assert_eq!(sizes.iter().sum::<usize>(), players);
        assert!(
            sizes
                .iter()
                .all(|size| *size <= MOST && (*size == groups.size || *size + 1 == groups.size))
        );
        assert!(sizes.is_sorted_by(|a, b| a >= b));
    }
}

/// A network that sorts all zeros and ones sorts everything.
#[test]
fn networks_sort() {
    fn check<S: Simd, const N: usize>(simd: S) {
        let mut inputs = 0..1u32 << N;
        while !inputs.is_empty() {
            let lanes: Vec<u32> = inputs.by_ref().take(S::u8s::LEN).collect();
            let bit = |lane: usize, at: usize| lanes.get(lane).map_or(0, |bits| (bits >> at & 1) as u8);
            let mut values: [S::u8s; N] =
                std::array::from_fn(|at| S::u8s::from_fn(simd, |lane| bit(lane, at)));
            sort::<S, N>(&mut values);
            for (lane, input) in lanes.iter().enumerate() {
                let sorted: Vec<u8> = values.iter().map(|value| value.as_slice()[lane]).collect();
                assert!(sorted.is_sorted(), "{N}: {input:b}");
                let ones: u32 = sorted.iter().copied().map(u32::from).sum();
                assert_eq!(ones, input.count_ones());
            }
        }
    }
    macro_rules! check_all {
        ($($n:literal)*) => { $(dispatch!(Level::baseline(), simd => check::<_, $n>(simd));)* };
    }
    check_all!(2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

#[test]
fn more_than_the_cap_and_closeness_is_not_screened() {
    let world = World {
        seed: 1,
        players: 4,
        hosts: 3,
        cap: 180_000,
        kind: Kind::Any,
        rare: 1_000_000,
    };
    let (matrix, _) = world.build();
    for preset in Preset::ALL {
        let policy = preset.policy();
        let alone = policy.is_closeness_alone() && policy.metric() != Metric::default();
        assert_eq!(
            Packed::new(&policy, &matrix).is_some(),
            alone,
            "{}",
            policy.name()
        );
    }
}

#[test]
fn a_state_is_needed_for_each_host() {
    let world = World {
        seed: 1,
        players: 2,
        hosts: 3,
        cap: 180_000,
        kind: Kind::Any,
        rare: 1_000_000,
    };
    let (matrix, states) = world.build();
    let policy = Policy::default();
    let packed = Packed::new(&policy, &matrix).unwrap();
    assert_eq!(
        packed.choose(&states[1..]),
        Err(BadRequest::States { states: 2, hosts: 3 })
    );
}
