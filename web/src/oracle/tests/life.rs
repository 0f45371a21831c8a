//! The usual life of matches and services.

use super::world::{MINUTE, World};
use crate::{
    actions::matches::{Start, end_match, set_roster},
    domain::{MatchState, Seat, Time, view::MatchView},
    store::{
        matches,
        testing::{databases, sqlite},
    },
};
use vmatrix_placement::{Micros, closeness_by_definition};

/// host-2 is fairest; host-1 is nearest; host-3 breaks the cap for one player.
const THREE: [[u32; 4]; 3] = [[10, 20, 60, 70], [50, 52, 54, 56], [30, 31, 32, 200]];

#[tokio::test]
async fn a_match_for_now_goes_from_booking_to_over() {
    for base in databases().await {
        let mut world = World::new(base, &THREE).await;
        let id = world.book_now().await;
        assert_eq!(world.view(id).await.booked.state, "probing");
        let view = world.until(id, "ready").await;

        let chosen = view.chosen.clone().unwrap();
        assert_eq!((chosen.host.as_str(), chosen.site.as_str()), ("host-2", "site-2"));
        assert_eq!(
            view.hosts
                .iter()
                .map(|host| host.verdict.as_str())
                .collect::<Vec<_>>(),
            ["worse", "chosen", "over_cap"]
        );
        assert!(
            view.hosts[2].reason.contains("Bruno by 20 ms"),
            "{}",
            view.hosts[2].reason
        );
        let row: Vec<Micros> = THREE[1]
            .iter()
            .map(|ms| Micros::new(ms * 1000).unwrap())
            .collect();
        assert_eq!(
            chosen.closeness_ms,
            closeness_by_definition(&row).map(|value| value.ms())
        );
        assert_eq!(view.matrix_ms["host-3"]["Bruno"], Some(200.0));
        assert_eq!(view.players[3].predicted_ms, Some(56.0));

        let connect = view.connect.clone().unwrap();
        assert_eq!(connect.address, "10.77.0.2:27960");
        assert_eq!(
            connect.line,
            format!("password {};connect 10.77.0.2:27960", connect.password)
        );
        assert!(view.directory.listed && view.directory.listed_at.is_some());
        assert_eq!(view.vmm.as_ref().unwrap().accelerator, "tcg");
        assert_eq!(view.boot_ms, Some(12_000));
        assert_eq!(view.times_ms.resume_to_answer, Some(150.0));
        assert!(view.times_ms.order_to_answer.is_some_and(|ms| ms > 0.0));
        assert!(view.times_ms.book_to_ready.is_some_and(|ms| ms > 0.0));
        assert!(view.times_ms.probe.is_some() && view.times_ms.choose.is_some());

        end_match(&world.app, &world.staff, id).await.unwrap();
        end_match(&world.app, &world.staff, id).await.unwrap();
        let view = world.until(id, "over").await;
        assert!(view.connect.is_none());
        assert!(view.directory.listed_at.is_some());
        world.assert_clean().await;
    }
}

/// What must be the same however often the server was restarted.
fn end_of(view: &MatchView) -> (Option<String>, Vec<String>, Vec<String>) {
    (
        view.chosen.as_ref().map(|chosen| chosen.host.clone()),
        view.hosts.iter().map(|host| host.verdict.clone()).collect(),
        view.story.iter().map(|line| line.text.clone()).collect(),
    )
}

#[tokio::test]
async fn a_restart_between_any_two_steps_leads_to_the_same_end() {
    for (calm, rough) in databases().await.into_iter().zip(databases().await) {
        let mut ends = Vec::new();
        for (base, restarts) in [(calm, false), (rough, true)] {
            let mut world = World::new(base, &THREE).await;
            world.restarts = restarts;
            let id = world.book_now().await;
            world.until(id, "waking").await;
            // And something goes wrong on the way.
            world.host("host-2").silent = true;
            let view = world.until(id, "ready").await;
            assert_eq!(view.chosen.as_ref().unwrap().host, "host-1");
            world.host("host-2").silent = false;
            end_match(&world.app, &world.staff, id).await.unwrap();
            ends.push(end_of(&world.until(id, "over").await));
            world.assert_clean().await;
        }
        assert_eq!(ends[0], ends[1]);
    }
}

#[tokio::test]
async fn a_match_booked_ahead_is_measured_again_and_woken_in_time() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let start = world.now() + 60 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    let view = world.until(id, "reserved").await;
    assert!(view.recheck.is_none());
    assert!(
        view.booked
            .explanation
            .ends_with("measured again 15 minutes before the start."),
        "{}",
        view.booked.explanation
    );
    // The snapshot is fetched ahead; nothing runs.
    world.ticks(3).await;
    assert_eq!(world.host("host-2").vms.len(), 1);
    assert!(world.view(id).await.vmm.is_none());

    // Fifteen minutes before, host-1 has become a little better than host-2: by less than the error.
    for host in &mut world.hosts {
        host.deviation_us = 4_000;
    }
    let new = [50, 52, 54, 55];
    for (player, ms) in new.into_iter().enumerate() {
        world
            .host("host-1")
            .rtts
            .insert(super::world::address(player), ms * 1000);
    }
    world.pass(start - 15 * MINUTE - world.now());
    world.ticks(6).await;
    let view = world.view(id).await;
    assert_eq!(
        (view.booked.state, view.chosen.as_ref().unwrap().host.as_str()),
        ("reserved", "host-2")
    );
    let recheck = view.recheck.clone().unwrap();
    assert!(
        recheck
            .kept_because
            .contains("host-1 is better by no more than the error"),
        "{}",
        recheck.kept_because
    );
    assert!(recheck.better_by_ms > 0.0);
    assert_eq!(recheck.matrix_ms["host-1"]["Bruno"], Some(55.0));
    // What it was chosen from stays what is shown.
    assert_eq!(view.matrix_ms["host-1"]["Bruno"], Some(70.0));

    world.pass(start - 3 * MINUTE - world.now());
    world.tick().await;
    assert_eq!(world.view(id).await.booked.state, "reserved");
    world.pass(MINUTE);
    world.until(id, "ready").await;
    world.pass(start + 30 * MINUTE - world.now());
    world.until(id, "over").await;
    world.assert_clean().await;
}

#[tokio::test]
async fn a_reservation_moves_to_a_host_that_has_become_better_by_more_than_the_error() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let start = world.now() + 60 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    world.until(id, "reserved").await;
    for player in 0..4 {
        world
            .host("host-3")
            .rtts
            .insert(super::world::address(player), 40_000);
    }
    world.pass(start - 15 * MINUTE - world.now());
    world.ticks(6).await;
    let view = world.view(id).await;
    assert_eq!(view.chosen.as_ref().unwrap().host, "host-3");
    assert_eq!(view.matrix_ms["host-3"]["Bruno"], Some(40.0));
    assert!(view.recheck.is_none());
    assert!(
        view.story
            .iter()
            .any(|line| line.text.starts_with("Moved from host-2 to host-3: better by"))
    );
    world.ticks(3).await;
    assert_eq!(world.held().await, (1, 1));
}

#[tokio::test]
async fn a_changed_roster_is_measured_again() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let start = world.now() + 60 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    world.until(id, "reserved").await;
    // Without Bruno, host-3 is the fairest by far.
    let basil = world.players[2].id;
    set_roster(
        &world.app,
        &world.blue_admin,
        id,
        world.blues.id,
        &[(basil, Seat::default())],
    )
    .await
    .unwrap();
    world.ticks(6).await;
    let view = world.view(id).await;
    assert_eq!(view.chosen.as_ref().unwrap().host, "host-3");
    assert_eq!(view.players.len(), 3);
    // It is looked at once more before the match.
    let mut tx = world.app.db.read().await.unwrap();
    let of = matches::get(&mut tx, id).await.unwrap().unwrap();
    assert!(matches!(
        of.state,
        MatchState::Reserved {
            recheck: crate::domain::Recheck::Due { .. },
            ..
        }
    ));
}

#[tokio::test]
async fn a_challenge_waits_for_the_other_clan() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let mut booking = world.booking(Start::Now);
    booking.rosters[1].players.clear();
    let id = crate::actions::matches::book_match(&world.app, &world.red_admin, booking)
        .await
        .unwrap();
    world.ticks(3).await;
    let view = world.view(id).await;
    assert_eq!(view.booked.state, "gathering");
    assert_eq!(view.booked.explanation, "Waits for Blues to choose its players.");
    let blues: Vec<_> = world.players[2..]
        .iter()
        .map(|player| (player.id, Seat::default()))
        .collect();
    set_roster(&world.app, &world.blue_admin, id, world.blues.id, &blues)
        .await
        .unwrap();
    world.until(id, "ready").await;
}

#[tokio::test]
async fn a_match_ends_when_its_time_is_up() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    world.until(id, "ready").await;
    world.pass(30 * MINUTE);
    world.until(id, "over").await;
    world.assert_clean().await;
}
