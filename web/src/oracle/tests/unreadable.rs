//! Rows that cannot be read, as after an upgrade or a bad disk.

use super::world::World;
use crate::{
    oracle,
    store::testing::{databases, spoil_hosts, spoil_match, sqlite},
};
use vmatrix_wire::Phase;

const TWO: [[u32; 4]; 2] = [[50, 52, 54, 56], [10, 20, 60, 70]];

#[tokio::test]
async fn a_match_that_cannot_be_read_stops_no_other() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let bad = world.book_now().await;
        world.until(bad, "ready").await;
        spoil_match(&world.app.db, bad).await;
        let good = world.book_now().await;
        for _ in 0..40 {
            world.pass(1_000);
            world.live().await;
            oracle::step(&world.app).await;
        }
        assert_eq!(world.view(good).await.booked.state, "ready");
        let errors = world.app.oracle.status().errors;
        let (_, text) = &errors["one match"];
        assert!(
            text.contains("table matches") && text.contains(&bad.to_string()),
            "{text}"
        );
        // Its game is left as it is.
        assert!(
            world
                .host("host-1")
                .vms
                .values()
                .all(|(phase, order)| *phase == Phase::Open && order.game.is_some())
        );
    }
}

#[tokio::test]
async fn an_upgrade_that_reads_no_old_orders_leaves_a_running_match_as_it_is() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = world.book_now().await;
    let before = world.until(id, "ready").await;
    spoil_hosts(&world.app.db).await;
    // Agents are sent the text of a new generation, never the empty orders in between.
    oracle::step(&world.app).await;
    world.ticks(20).await;
    let after = world.view(id).await;
    assert_eq!(after.booked.state, "ready");
    assert_eq!(after.times_ms.book_to_ready, before.times_ms.book_to_ready);
    assert!(
        world
            .host("host-1")
            .vms
            .values()
            .all(|(phase, _)| *phase == Phase::Open)
    );
}
