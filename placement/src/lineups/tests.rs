//! What is found without going through all line-ups, against going through all of them.

use super::*;
use proptest::prelude::*;

/// Over all pairs of people: who of the first and of the second is how far apart, if they can play together.
fn all_pairs(benches: &[Bench]) -> Option<(u64, Vec<String>)> {
    let all = || {
        let with_side = |(side, bench): (usize, &'_ Bench<'_>)| {
            let play = bench.play;
            let all: Vec<_> = bench
                .may
                .iter()
                .map(|may| (side, play, may.name.to_owned(), may.floored))
                .collect();
            all
        };
        benches.iter().enumerate().flat_map(with_side)
    };
    let mut widest: Option<(u64, Vec<String>)> = None;
    for (side, play, one, far) in all() {
        for (other_side, _, other, near) in all() {
            let apart = far.saturating_sub(near);
            if (side != other_side || play >= 2) && widest.as_ref().is_none_or(|(most, _)| apart > *most) {
                widest = Some((apart, vec![one.clone(), other]));
            }
        }
    }
    widest
}

proptest! {
    #[test]
    fn the_ends_of_each_side_are_enough(
        people in prop::collection::vec((1u32..12, any::<bool>(), any::<bool>()), 0..9),
        sided in any::<bool>(),
        floor in prop::option::of(1u32..12),
    ) {
        let policy = Policy { floor: floor.and_then(|us| Micros::new(us).ok()), ..Policy::default() };
        let side = |on_a: bool| sided.then_some(if on_a { Side::A } else { Side::B });
        // One who plays on each side, as there must be.
        let people: Vec<_> = [(5, true, false), (6, false, false)].into_iter().chain(people).collect();
        let players: Vec<Player> = people.iter().enumerate().map(|(index, (_, on_a, substitute))| {
            let role = if *substitute { Role::Substitute } else { Role::Player };
            Player::new(format!("p{index}"), format!("p{index}"), side(*on_a)).with_role(role)
        }).collect();
        let row: Vec<_> = people.iter().map(|(us, ..)| Micros::new(*us).ok()).collect();
        let sides = if sided { vec![Some(Side::A), Some(Side::B)] } else { vec![None] };
        let benches: Vec<Bench> = sides.into_iter().map(|side| Bench::of(&policy, &players, &row, side)).collect();
        let (us, names) = widest(&benches).unwrap();
        let (expected, who) = all_pairs(&benches).unwrap();
        prop_assert_eq!(us, MeanUs::new(expected, 1).unwrap());
        // Where all are equal nobody is named: there is no limit below zero.
        prop_assert!(expected == 0 || names == who, "{:?} {:?}", names, who);
    }
}
