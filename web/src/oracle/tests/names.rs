//! Players with host names, and name servers that do not answer.

use super::world::{MINUTE, World};
use crate::{
    actions::matches::Start,
    domain::{MatchId, Player, Time},
    oracle::{matches, measure, observe, orders},
    resolve::testing::{Mood, NameServer},
    store::{players, rounds, testing::sqlite},
};

const TWO: [[u32; 4]; 2] = [[50, 52, 54, 56], [10, 20, 60, 70]];

/// A world whose first player has a host name, and whose match waits for its second look at the players.
async fn world(names: &NameServer) -> (World, MatchId) {
    let mut world = World::new(sqlite().await, &TWO).await;
    world.app.resolver = names.resolver(true);
    let named = Player {
        address: "known.example.org".parse().unwrap(),
        ..world.players[0].clone()
    };
    let mut tx = world.app.db.begin().await.unwrap();
    assert!(players::update(&mut tx, &named, world.app.now()).await.unwrap());
    tx.commit().await.unwrap();
    let start = world.now() + 60 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    world.until(id, "reserved").await;
    world.pass(start - 15 * MINUTE - world.now());
    world.live().await;
    names.set(Mood::Silent);
    (world, id)
}

async fn rounds_of(world: &World, id: MatchId) -> usize {
    let mut tx = world.app.db.read().await.unwrap();
    rounds::of_match(&mut tx, id).await.unwrap().len()
}

#[tokio::test]
async fn the_loop_that_decides_asks_no_name_server_and_does_all_else() {
    let names = NameServer::start().await;
    let (mut world, waiting) = world(&names).await;
    let asked = names.asked();
    let other = {
        let resolver = std::mem::replace(&mut world.app.resolver, crate::resolve::Resolver::system(true));
        // Booked by somebody whose name server answers.
        let mut booking = world.booking(Start::Now);
        booking.rosters[0].players.remove(0);
        let id = crate::actions::matches::book_match(&world.app, &world.staff, booking)
            .await
            .unwrap();
        world.app.resolver = resolver;
        id
    };
    for _ in 0..30 {
        world.pass(1_000);
        world.live().await;
        observe::step(&world.app).await.unwrap();
        matches::step(&world.app).await.unwrap();
        orders::step(&world.app).await.unwrap();
    }
    assert_eq!(world.view(other).await.booked.state, "ready");
    assert_eq!((names.asked(), rounds_of(&world, waiting).await), (asked, 1));
    measure::step(&world.app).await.unwrap();
    assert!(names.asked() > asked);
    assert_eq!(rounds_of(&world, waiting).await, 2);
}

#[tokio::test]
async fn while_name_servers_are_silent_a_player_is_measured_at_the_last_known_address() {
    let names = NameServer::start().await;
    let (mut world, id) = world(&names).await;
    world.ticks(8).await;
    let recheck = world.view(id).await.recheck.unwrap();
    assert_eq!(recheck.matrix_ms["host-1"]["Ruby"], Some(50.0));
    assert!(recheck.kept_because.contains("still"), "{}", recheck.kept_because);
}

#[tokio::test]
async fn a_player_whose_address_was_never_known_is_unknown_and_moves_no_match() {
    let names = NameServer::start().await;
    let (mut world, id) = world(&names).await;
    // As after a restart.
    world.app.resolver = names.resolver(true);
    world.ticks(8).await;
    let view = world.view(id).await;
    let recheck = view.recheck.unwrap();
    assert_eq!(recheck.matrix_ms["host-1"]["Ruby"], None);
    assert_eq!(recheck.matrix_ms["host-1"]["Rowan"], Some(52.0));
    assert_eq!(
        (view.booked.state, view.chosen.unwrap().host.as_str()),
        ("reserved", "host-1")
    );
}
