//! Which hosts a match may be placed on at all.

use super::world::{MINUTE, World};
use crate::{
    actions::matches::Start,
    domain::{MatchId, MatchState, Time, testing},
    store::{matches, snapshots, testing::sqlite, vms},
};
use vmatrix_wire::{Accelerator, Digest, Role};

const TWO: [[u32; 4]; 2] = [[50, 52, 54, 56], [10, 20, 60, 70]];

#[tokio::test]
async fn a_loading_chamber_is_no_candidate_and_a_host_that_nobody_can_reach_is_unfit() {
    let mut world = World::new(sqlite().await, &TWO).await;
    world
        .join_with(8, &[5; 4], |host| host.role = Role::Loading)
        .await;
    world.join_with(9, &[5; 4], |_| {}).await;
    world.host("host-9").walled = true;
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-1");
    let names: Vec<_> = view.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(names, ["host-1", "host-2", "host-9"]);
    assert_eq!(
        view.hosts[2].reason,
        "its public address has not been seen from outside yet"
    );
}

#[tokio::test]
async fn a_match_that_only_a_loading_chamber_could_run_is_not_tried_again_by_itself() {
    let mut world = World::new(sqlite().await, &[[10, 20, 30, 190]]).await;
    world
        .join_with(8, &[5; 4], |host| host.role = Role::Loading)
        .await;
    world.ticks(3).await;
    let id = world.book_now().await;
    world.until(id, "unplaced").await;
    let mut tx = world.app.db.read().await.unwrap();
    let state = matches::get(&mut tx, id).await.unwrap().unwrap().state;
    assert!(
        matches!(state, MatchState::Unplaced { again_at: None, .. }),
        "{state:?}"
    );
}

#[tokio::test]
async fn where_only_loading_chambers_have_joined_a_match_waits_for_a_host() {
    let mut world = World::new(sqlite().await, &[]).await;
    world
        .join_with(8, &[5; 4], |host| host.role = Role::Loading)
        .await;
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    assert!(
        view.booked
            .explanation
            .contains("no host for matches has joined yet"),
        "{}",
        view.booked.explanation
    );
    world.join_with(1, &[10, 20, 30, 40], |_| {}).await;
    crate::store::testing::reached(&world.app.db, world.hosts[1].host.id).await;
    world.ticks(60).await;
    assert_eq!(world.until(id, "ready").await.chosen.unwrap().host, "host-1");
}

/// A newer snapshot of the game comes into the nest.
async fn push(world: &World, number: u8, accelerator: Accelerator) {
    let mut manifest = testing::manifest("openarena", i64::from(number));
    manifest.key.accelerator = accelerator;
    let (id, now) = (Digest([number; 32]), world.app.now());
    let mut tx = world.app.db.begin().await.unwrap();
    snapshots::insert(&mut tx, id, "text", &manifest, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// The snapshots of a match's VMs, oldest first.
async fn resumed(world: &World, id: MatchId) -> Vec<u8> {
    let mut tx = world.app.db.read().await.unwrap();
    let all = vms::of_match(&mut tx, id).await.unwrap();
    all.into_iter().map(|vm| vm.snapshot.0[0]).collect()
}

#[tokio::test]
async fn a_newer_snapshot_of_another_key_moves_no_match_that_waits() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let start = world.now() + 60 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    world.until(id, "reserved").await;
    world.pass(MINUTE);
    push(&world, 2, Accelerator::Kvm).await;
    world.ticks(2).await;
    // It is looked at again, and then it is time.
    world.pass(start - 15 * MINUTE - world.now());
    world.ticks(10).await;
    let view = world.view(id).await;
    assert!(view.recheck.is_some(), "{view:?}");
    world.pass(start - 2 * MINUTE - world.now());
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-1");
    assert_eq!(resumed(&world, id).await, [1]);
}

#[tokio::test]
async fn each_host_is_judged_by_and_gets_the_newest_snapshot_that_it_loads() {
    let mut world = World::new(sqlite().await, &[]).await;
    world.join_with(1, &TWO[0], |_| {}).await;
    world
        .join_with(2, &TWO[1], |host| host.facts.accelerator = Accelerator::Kvm)
        .await;
    world.ticks(4).await;
    push(&world, 2, Accelerator::Tcg).await;
    let first = world.book_now().await;
    let view = world.until(first, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-1");
    assert_eq!(
        view.hosts[1].reason,
        "its accelerator is kvm, the snapshot needs tcg"
    );
    push(&world, 3, Accelerator::Kvm).await;
    let second = world.book_now().await;
    let view = world.until(second, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-2");
    assert_eq!(view.hosts[0].verdict, "no_capacity", "{}", view.hosts[0].reason);
    assert_eq!(
        (resumed(&world, first).await, resumed(&world, second).await),
        (vec![2], vec![3])
    );
}

#[tokio::test]
async fn a_host_with_a_slot_but_no_memory_left_is_not_chosen() {
    let mut world = World::new(sqlite().await, &[]).await;
    // The image needs 700 MB.
    for (number, memory_mb) in [(1, 1399), (2, 700)] {
        let row = &TWO[usize::from(number) - 1];
        world
            .join_with(number, row, |host| {
                host.slots = 2;
                host.facts.memory_mb = memory_mb;
            })
            .await;
    }
    world.ticks(4).await;
    for (host, reason) in [
        ("host-1", None),
        (
            "host-2",
            Some("it has 699 MB of memory left at that time, the image needs 700 MB"),
        ),
    ] {
        let id = world.book_now().await;
        let view = world.until(id, "ready").await;
        assert_eq!(view.chosen.unwrap().host, host);
        if let Some(reason) = reason {
            assert_eq!(
                (view.hosts[0].verdict.as_str(), view.hosts[0].reason.as_str()),
                ("no_capacity", reason)
            );
        }
    }
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    assert!(
        view.story
            .iter()
            .any(|line| line.text.contains("of 2 hosts, 2 without room at that time"))
    );
}
