//! A web service on a chosen host, by the same orders and agents.

use super::world::World;
use crate::{
    actions::services::{
        NewService, put_service, remove_service, suspend_service, view_service, wake_service,
    },
    domain::{Role, ServiceId, User},
    store::{
        snapshots,
        testing::{databases, sqlite},
    },
};
use vmatrix_wire::{Digest, Phase};

async fn world(base: crate::store::testing::Base) -> (World, User) {
    let world = World::new(base, &[[10, 20, 30, 40], [10, 20, 60, 70]]).await;
    let mut wiki = crate::domain::testing::manifest("wiki", 1);
    wiki.contract.game = None;
    wiki.contract.proof = vmatrix_wire::Proof::Http { path: "/".into() };
    let mut tx = world.app.db.begin().await.unwrap();
    snapshots::insert(&mut tx, Digest([2; 32]), "wiki", &wiki, world.app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let operator = User {
        role: Role::Operator,
        ..world.staff.clone()
    };
    (world, operator)
}

async fn phase(world: &World, by: &User, id: ServiceId) -> Option<Phase> {
    view_service(&world.app, by, id)
        .await
        .unwrap()
        .vm
        .map(|vm| vm.phase())
}

#[tokio::test]
async fn a_service_is_put_on_a_host_suspended_woken_and_taken_away() {
    for base in databases().await {
        let (mut world, operator) = world(base).await;
        let new = NewService {
            name: "wiki".into(),
            image: "wiki".into(),
            host: "host-1".into(),
        };
        let id = put_service(&world.app, &operator, new).await.unwrap().service.id;
        world.ticks(10).await;
        assert_eq!(phase(&world, &operator, id).await, Some(Phase::Open));
        let vm = view_service(&world.app, &operator, id).await.unwrap().vm.unwrap();
        assert!(vm.seen.verified_at.is_some());
        let order = &world.host("host-1").vms.values().next().unwrap().1;
        assert!(order.game.is_none());

        suspend_service(&world.app, &operator, id).await.unwrap();
        world.ticks(3).await;
        assert_eq!(phase(&world, &operator, id).await, Some(Phase::Suspended));
        wake_service(&world.app, &operator, id).await.unwrap();
        world.ticks(5).await;
        let again = view_service(&world.app, &operator, id).await.unwrap().vm.unwrap();
        assert_eq!((again.id, again.phase()), (vm.id, Phase::Open));
        assert!(again.seen.ordered_at > vm.seen.ordered_at);
        remove_service(&world.app, &operator, id).await.unwrap();
        world.assert_clean().await;
    }
}

#[tokio::test]
async fn a_host_that_serves_a_wiki_has_no_slot_for_a_match() {
    let (mut world, operator) = world(sqlite().await).await;
    let new = NewService {
        name: "wiki".into(),
        image: "wiki".into(),
        host: "host-1".into(),
    };
    put_service(&world.app, &operator, new).await.unwrap();
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-2");
    assert_eq!(view.hosts[0].verdict, "no_capacity");
}
