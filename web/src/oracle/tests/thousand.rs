//! A thousand matches that want to be measured at the same time.

use super::world::{MINUTE, World};
use crate::{
    actions::matches::Start,
    domain::{MatchId, Time, limits::ROUNDS_AT_ONCE},
    oracle,
    store::{rounds, testing::databases, turns},
};
use std::time::Instant;

const TWO: [[u32; 4]; 2] = [[10, 20, 30, 40], [50, 52, 54, 56]];
const MATCHES: usize = 1_000;

/// Those that are measured now, and those that wait, by who came first.
async fn queue(world: &World) -> (Vec<MatchId>, Vec<MatchId>) {
    let mut tx = world.app.db.read().await.unwrap();
    let open = rounds::open(&mut tx).await.unwrap();
    let waiting = turns::list(&mut tx).await.unwrap();
    (
        open.into_iter().map(|round| round.match_id).collect(),
        waiting.into_iter().map(|(_, id)| id).collect(),
    )
}

async fn explanation(world: &World, id: MatchId) -> String {
    world.view(id).await.booked.explanation
}

#[tokio::test]
async fn a_thousand_matches_at_once_have_their_turn_in_the_order_in_which_they_came() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let start = Time::from_millis(world.now() + 120 * MINUTE);
        let mut all = Vec::new();
        for _ in 0..MATCHES {
            all.push(world.book(Start::At(start)).await.unwrap());
        }
        let (measured, waiting) = queue(&world).await;
        assert_eq!(
            (measured.as_slice(), waiting.as_slice()),
            all.split_at(ROUNDS_AT_ONCE)
        );
        let begun = Instant::now();
        oracle::step(&world.app).await;
        println!(
            "one pass over {MATCHES} matches that want to be measured: {:?}",
            begun.elapsed()
        );
        let last = all[MATCHES - 1];
        let before_it = MATCHES - ROUNDS_AT_ONCE - 1;
        assert_eq!(
            explanation(&world, last).await,
            format!("Waits for its turn to be measured: {before_it} before it.")
        );
        let mut left = MATCHES;
        while left > MATCHES - 3 * ROUNDS_AT_ONCE {
            world.tick().await;
            let (measured, waiting) = queue(&world).await;
            assert!(measured.len() <= ROUNDS_AT_ONCE, "{}", measured.len());
            // Nobody who came later was before anybody, and nobody is lost.
            assert_eq!(waiting, all[MATCHES - waiting.len()..]);
            left = waiting.len();
            assert_eq!(
                explanation(&world, last).await,
                format!("Waits for its turn to be measured: {} before it.", left - 1)
            );
        }
    }
}
