//! Rows that cannot be read, as after an upgrade or a bad disk.

use super::{
    super::{look::look_at_all, matches},
    visits::come,
    world::{MINUTE, World},
};
use crate::{
    actions::{
        matches::{Start, book_match},
        player_links::make_player_link,
    },
    domain::Time,
    oracle,
    store::testing::{databases, spoil_hosts, spoil_match, spoil_rounds, spoil_vms, sqlite},
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
async fn a_vm_or_a_round_that_cannot_be_read_stops_its_own_match_alone() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let (vm, good) = (world.book_now().await, world.book_now().await);
        world.until(vm, "ready").await;
        world.until(good, "ready").await;
        let round = world.book_now().await;
        world.until(round, "probing").await;
        spoil_vms(&world.app.db, vm).await;
        spoil_rounds(&world.app.db, round).await;
        let mut tx = world.app.db.read().await.unwrap();
        let all = look_at_all(&mut tx, &world.app, world.app.now()).await.unwrap();
        drop(tx);
        let all: Vec<_> = all
            .into_iter()
            .map(|one| {
                one.map(|(of, _)| of.id)
                    .map_err(|stuck| (stuck.of, stuck.told().to_string()))
            })
            .collect();
        assert_eq!(all.len(), 3);
        assert!(all.contains(&Ok(good)), "{all:?}");
        for (of, table) in [(vm, "table vms"), (round, "table rounds")] {
            let says = |one: &Result<_, (_, String)>| matches!(one, Err((id, text)) if *id == Some(of) && text.contains(table));
            assert!(all.iter().any(says), "{of}, {table}: {all:?}");
        }
        world.pass(31 * MINUTE);
        assert!(matches::step(&world.app).await.unwrap());
        assert_eq!(world.view(good).await.booked.state, "ending");
        assert!(world.app.oracle.status().errors.contains_key("one match"));
    }
}

#[tokio::test]
async fn a_match_that_cannot_be_read_keeps_no_other_side_from_being_complete() {
    for base in databases().await {
        let world = super::visits::world(base, false).await;
        let start = Start::At(Time::from_millis(world.now() + 60 * MINUTE));
        let mut both = Vec::new();
        for name in ["Rex", "Ruby"] {
            let mut booking = world.booking(start);
            for roster in &mut booking.rosters {
                roster.players.clear();
                roster.by_link = true;
            }
            let id = book_match(&world.app, &world.staff, booking).await.unwrap();
            let link = make_player_link(&world.app, &world.staff, id, world.reds.id)
                .await
                .unwrap();
            come(&world, &link, name, "10.9.0.1", true).await.unwrap();
            both.push(id);
        }
        // What is overdue is read by the matches' ids, which are of the time when they were booked.
        let (bad, good) = (both[0], both[1]);
        spoil_match(&world.app.db, bad).await;
        world.pass(60 * MINUTE);
        oracle::step(&world.app).await;
        assert_eq!(world.view(good).await.rosters[0].link_stage, Some("complete"));
        let errors = world.app.oracle.status().errors;
        let (_, text) = &errors["one roster"];
        assert!(
            text.contains("table matches") && text.contains(&bad.to_string()),
            "{text}"
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
