//! An operator takes a host out of the fleet whose agent cannot.

use super::world::World;
use crate::{
    actions::{
        ActionError,
        hosts::{drop_host_named, remove_host},
    },
    domain::{Role, User},
    store::testing::{databases, sqlite},
};

/// A third one looks at the second from outside when the first is gone.
const THREE: [[u32; 4]; 3] = [[50, 52, 54, 56], [10, 20, 60, 70], [10, 20, 160, 170]];

fn conflict(result: Result<(), ActionError>) -> String {
    match result {
        Err(ActionError::Conflict(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_host_is_removed_when_it_is_gone_and_given_up_only_if_that_is_said() {
    for base in databases().await {
        let mut world = World::new(base, &THREE).await;
        let operator = User {
            role: Role::Operator,
            ..world.staff.clone()
        };
        let id = world.book_now().await;
        world.until(id, "waking").await;
        let host = world.host("host-1").host.id;
        let remove = async |world: &World, force| remove_host(&world.app, &operator, host, force).await;
        let staff = remove_host(&world.app, &world.staff, host, true).await;
        assert!(matches!(staff, Err(ActionError::Forbidden(_))), "{staff:?}");
        let up = conflict(remove(&world, false).await);
        assert!(up.contains("host-1 reports") && up.contains("leave"), "{up}");

        world.host("host-1").silent = true;
        world.pass(13_000);
        let busy = conflict(remove(&world, false).await);
        assert!(busy.contains("holds a VM"), "{busy}");
        let named = conflict(drop_host_named(&world.app, "host-1", false).await);
        assert_eq!(named, busy);
        remove(&world, true).await.unwrap();
        remove(&world, false).await.unwrap();
        let view = world.until(id, "ready").await;
        assert_eq!(view.chosen.unwrap().host, "host-2");
        assert_eq!(view.hosts[0].reason, "it was tried: it has left the fleet");
        assert_eq!(world.held().await, (1, 1), "what the removed host held is free");
        let nobody = drop_host_named(&world.app, "host-9", true).await;
        assert!(
            matches!(nobody, Err(ActionError::NotFound { what: "host", .. })),
            "{nobody:?}"
        );
    }
}

#[tokio::test]
async fn the_story_says_that_a_host_has_left() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    world.until(id, "waking").await;
    drop_host_named(&world.app, "host-1", true).await.unwrap();
    world.host("host-1").silent = true;
    let view = world.until(id, "ready").await;
    let story: Vec<_> = view.story.iter().map(|line| line.text.as_str()).collect();
    assert!(
        story.iter().any(|text| text.contains("it has left the fleet")),
        "{story:#?}"
    );
    assert!(
        !story.iter().any(|text| text.contains("has not reported")),
        "{story:#?}"
    );
}
