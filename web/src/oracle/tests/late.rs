//! Players who open their clan's link when it is too late.

use super::{
    visits::{booked, brought, come, ip, link, names, world},
    world::MINUTE,
};
use crate::{
    actions::{
        ActionError,
        player_links::make_player_link,
        visits::{begin_visit, end_visit, look_at},
    },
    store::testing::sqlite,
};

fn told(error: &ActionError) -> String {
    assert!(matches!(error, ActionError::Conflict(_)), "{error}");
    error.to_string()
}

#[tokio::test]
async fn who_comes_when_the_machine_is_chosen_is_told_before_they_measure() {
    let mut world = world(sqlite().await, true).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    // Of two who begin in time, one brings their result too late.
    let slow = begin_visit(&world.app, token.reveal(), ip("10.9.0.77"), None)
        .await
        .unwrap();
    come(&world, &token, "Rex", "10.9.0.77", true).await.unwrap();
    world.ticks(20).await;
    world.until(id, "reserved").await;
    world.pass(59 * MINUTE);
    for state in ["waking", "ready"] {
        world.until(id, state).await;
        let opened = look_at(&world.app, token.reveal()).await.unwrap_err();
        assert!(told(&opened).contains("too late: the machine of this match is chosen"));
        told(
            &begin_visit(&world.app, token.reveal(), ip("10.9.0.77"), None)
                .await
                .unwrap_err(),
        );
        let all = brought("Rolf", &slow);
        let nonce = &slow.visit.nonce;
        let ended = end_visit(
            &world.app,
            token.reveal(),
            ip("10.9.0.78"),
            nonce,
            crate::domain::OfPings::Yes,
            &all,
        )
        .await;
        assert!(told(&ended.unwrap_err()).contains("nothing was changed"));
        assert_eq!(names(&world, id).await, ["Rex", "Rowan", "Ruby"]);
        let made = make_player_link(&world.app, &world.staff, id, world.blues.id).await;
        told(&made.unwrap_err());
    }
}
