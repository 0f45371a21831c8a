//! What was chosen can be computed again by anybody who has the report.

use super::world::World;
use crate::{
    actions::{ActionError, matches::Start, placements::report},
    domain::Time,
    store::{
        matches,
        testing::{databases, sqlite},
    },
};
use vmatrix_placement::replay;

const TWO: [[u32; 4]; 2] = [[20, 90, 20, 20], [30, 30, 32, 34]];

#[tokio::test]
async fn a_report_comes_out_again_byte_by_byte() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let id = world.book_now().await;
        let early = report(&world.app, &world.staff, id).await;
        assert!(matches!(early, Err(ActionError::NoChoice("probing"))));

        world.until(id, "ready").await;
        let text = report(&world.app, &world.staff, id).await.unwrap();
        replay(&text).unwrap();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["chosen"], "host-2");
        // Policy, people, values with their errors, and what was known of the hosts beside.
        let inputs = &said["inputs"];
        assert_eq!(inputs["policy"]["name"], "thesis");
        assert_eq!(inputs["states"].as_array().unwrap().len(), 2);
        let spoilt = text.replace("\"host-2\"", "\"host-1\"");
        assert!(replay(&spoilt).is_err());
        for player in 0..4 {
            assert!(!text.contains(&super::world::address(player).to_string()));
        }
    }
}

#[tokio::test]
async fn the_report_is_of_the_choice_that_holds_now() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let later = Time::from_millis(world.now() + 3_600_000);
    let id = world.book(Start::At(later)).await.unwrap();
    world.until(id, "reserved").await;
    world.host("host-2").silent = true;
    world.pass(3_600_000 - 60_000);
    world.ticks(40).await;
    let mut tx = world.app.db.read().await.unwrap();
    let of = matches::get(&mut tx, id).await.unwrap().unwrap();
    drop(tx);
    let name = world.view(id).await.chosen.unwrap().host;
    assert_eq!(name, "host-1", "{:?}", of.state);
    let text = report(&world.app, &world.staff, id).await.unwrap();
    replay(&text).unwrap();
    assert!(text.contains("\"chosen\":\"host-1\""), "{text}");
}

#[tokio::test]
async fn a_report_is_for_staff() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = world.book_now().await;
    world.until(id, "ready").await;
    for user in [&world.red_admin, &world.blue_admin] {
        let answer = report(&world.app, user, id).await;
        assert!(matches!(answer, Err(ActionError::Forbidden(_))), "{answer:?}");
    }
}
