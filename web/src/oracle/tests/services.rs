//! A web service on a chosen host, by the same orders and agents.

use super::world::World;
use crate::{
    actions::{
        ActionError,
        services::{NewService, put_service, remove_service, suspend_service, view_service, wake_service},
    },
    domain::{Role, ServiceId, User},
    store::{
        snapshots,
        testing::{databases, sqlite},
    },
};
use vmatrix_wire::{Accelerator, Digest, Phase};

/// A snapshot of the wiki comes into the nest.
async fn push(world: &World, number: u8, accelerator: Accelerator) {
    let mut wiki = crate::domain::testing::manifest("wiki", 1);
    wiki.contract.game = None;
    wiki.contract.proof = vmatrix_wire::Proof::Http { path: "/".into() };
    wiki.key.accelerator = accelerator;
    let (id, now) = (Digest([number; 32]), world.app.now());
    let mut tx = world.app.db.begin().await.unwrap();
    snapshots::insert(&mut tx, id, "wiki", &wiki, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn world(base: crate::store::testing::Base) -> (World, User) {
    let world = World::new(base, &[[10, 20, 30, 40], [10, 20, 60, 70]]).await;
    push(&world, 2, Accelerator::Tcg).await;
    let operator = User {
        role: Role::Operator,
        ..world.staff.clone()
    };
    (world, operator)
}

async fn put(world: &World, by: &User, host: &str) -> Result<ServiceId, ActionError> {
    let new = NewService {
        name: "wiki".into(),
        image: "wiki".into(),
        host: host.into(),
    };
    Ok(put_service(&world.app, by, new).await?.service.id)
}

/// Until its VM is open and somebody has seen that from outside; the port it is open on.
async fn port(world: &mut World, by: &User, id: ServiceId) -> Option<u16> {
    for _ in 0..20 {
        world.tick().await;
        let vm = view_service(&world.app, by, id).await.unwrap().vm.unwrap();
        if vm.phase() == Phase::Open && vm.seen.verified_at.is_some() {
            return Some(vm.port);
        }
    }
    None
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
        let id = put(&world, &operator, "host-1").await.unwrap();
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
    put(&world, &operator, "host-1").await.unwrap();
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-2");
    assert_eq!(view.hosts[0].verdict, "no_capacity");
}

#[tokio::test]
async fn a_service_gets_the_newest_snapshot_that_its_host_loads() {
    let (mut world, operator) = world(sqlite().await).await;
    world.pass(1_000);
    push(&world, 3, Accelerator::Kvm).await;
    let id = put(&world, &operator, "host-1").await.unwrap();
    world.ticks(10).await;
    let vm = view_service(&world.app, &operator, id).await.unwrap().vm.unwrap();
    assert_eq!((vm.snapshot, vm.phase()), (Digest([2; 32]), Phase::Open));
}

#[tokio::test]
async fn a_service_whose_port_is_taken_gets_another_one_of_its_host() {
    for base in databases().await {
        let (mut world, operator) = world(base).await;
        world.host("host-1").taken = [27960, 27962].into();
        let id = put(&world, &operator, "host-1").await.unwrap();
        assert_eq!(port(&mut world, &operator, id).await, Some(27961));

        // While it sleeps, another program takes that one too.
        suspend_service(&world.app, &operator, id).await.unwrap();
        world.ticks(3).await;
        world.host("host-1").taken = [27960, 27961, 27962].into();
        wake_service(&world.app, &operator, id).await.unwrap();
        assert_eq!(port(&mut world, &operator, id).await, Some(27963));
        remove_service(&world.app, &operator, id).await.unwrap();
        world.assert_clean().await;
    }
}

#[tokio::test]
async fn a_service_waits_where_all_ports_are_taken_and_says_so() {
    let (mut world, operator) = world(sqlite().await).await;
    world.host("host-1").taken = (27960..=27963).collect();
    let id = put(&world, &operator, "host-1").await.unwrap();
    assert_eq!(port(&mut world, &operator, id).await, None);
    let vm = view_service(&world.app, &operator, id).await.unwrap().vm.unwrap();
    let problem = vm.seen.report.unwrap().problem.unwrap();
    assert_eq!(
        problem.to_string(),
        "port 27963 of the host is taken by another program"
    );
    // The last is tried again and again.
    world.host("host-1").taken.clear();
    assert_eq!(port(&mut world, &operator, id).await, Some(27963));
}

#[tokio::test]
async fn a_host_that_cannot_run_a_service_is_refused_with_the_reason() {
    let (mut world, operator) = world(sqlite().await).await;
    world
        .join_with(3, &[5; 4], |host| host.facts.accelerator = Accelerator::Kvm)
        .await;
    world
        .join_with(4, &[5; 4], |host| host.role = vmatrix_wire::Role::Loading)
        .await;
    world.ticks(3).await;
    world.host("host-1").silent = true;
    world.ticks(13).await;
    for (host, why) in [
        ("host-1", "its agent has not reported for 13 s"),
        ("host-3", "its accelerator is kvm, the snapshot needs tcg"),
        (
            "host-4",
            "it is a loading chamber: its VMs are run for their maintainers",
        ),
    ] {
        let refused = put(&world, &operator, host).await.unwrap_err();
        assert!(matches!(refused, ActionError::Conflict(_)));
        assert_eq!(refused.to_string(), format!("host {host} cannot run wiki: {why}"));
    }
    assert_eq!(world.held().await, (0, 0));
    let id = put(&world, &operator, "host-2").await.unwrap();
    assert_eq!(port(&mut world, &operator, id).await, Some(27960));
}
