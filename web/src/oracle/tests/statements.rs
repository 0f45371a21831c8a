//! What a pass of the Oracle costs, in statements.

use super::world::{MINUTE, World};
use crate::{
    actions::matches::Start,
    domain::{Host, MatchId, Time, limits::ROUNDS_AT_ONCE},
    oracle,
    store::testing::{sqlite, statements},
};

const TWO: [[u32; 4]; 2] = [[10, 20, 30, 40], [50, 52, 54, 56]];

async fn book(world: &World, matches: usize) -> Vec<MatchId> {
    let start = Time::from_millis(world.now() + 60 * MINUTE);
    let mut all = Vec::new();
    for _ in 0..matches {
        all.push(world.book(Start::At(start)).await.unwrap());
    }
    all
}

/// Of a pass that finds nothing to do.
async fn idle(world: &World) -> usize {
    oracle::step(&world.app).await;
    let before = statements();
    oracle::step(&world.app).await;
    statements() - before
}

/// While so many matches are measured, and when they have their hosts.
async fn cost(matches: usize) -> (usize, usize) {
    let mut world = World::new(sqlite().await, &[]).await;
    for (number, row) in (1..).zip(&TWO) {
        let large = |host: &mut Host| {
            host.slots = 200;
            host.facts.memory_mb = 1_000_000;
            host.ports = "27000-27400".parse().unwrap();
        };
        world.join_with(number, row, large).await;
    }
    world.ticks(4).await;
    let all = book(&world, matches).await;
    oracle::step(&world.app).await;
    let measured = idle(&world).await;
    let last = *all.last().unwrap();
    while world.view(last).await.booked.state == "probing" {
        world.tick().await;
    }
    assert_eq!(world.view(last).await.booked.state, "reserved");
    (measured, idle(&world).await)
}

#[tokio::test]
async fn a_pass_takes_as_many_statements_for_many_matches_as_for_few() {
    // In both some wait for their turn.
    let (few, many) = (cost(ROUNDS_AT_ONCE + 8).await, cost(100).await);
    println!("statements of an idle pass, while measured and then: {few:?} for 40 matches, {many:?} for 100");
    assert_eq!(few, many);
}
