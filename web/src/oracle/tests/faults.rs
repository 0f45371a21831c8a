//! What goes wrong, and what is made of it.

use super::world::{MINUTE, World, address};
use crate::{
    actions::matches::{Start, end_match, retry_match},
    domain::Time,
    store::testing::{databases, sqlite},
};
use vmatrix_wire::{Digest, Phase, Problem};

const TWO: [[u32; 4]; 2] = [[50, 52, 54, 56], [10, 20, 60, 70]];
/// The third is never chosen, but a witness when another is gone.
const THREE: [[u32; 4]; 3] = [TWO[0], TWO[1], [10, 20, 160, 170]];

#[tokio::test]
async fn an_agent_gone_between_choice_and_start_costs_nothing_but_the_next_best_host() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let start = world.now() + 5 * MINUTE;
    let id = world.book(Start::At(Time::from_millis(start))).await.unwrap();
    assert_eq!(world.until(id, "reserved").await.chosen.unwrap().host, "host-1");
    world.host("host-1").silent = true;
    world.ticks(13).await;
    // It may come back; the match is still minutes away.
    assert_eq!(world.view(id).await.chosen.unwrap().host, "host-1");
    world.pass(start - 2 * MINUTE - world.now());
    world.hosts[1].silent = false;
    world.tick().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.as_ref().unwrap().host, "host-2");
    let left = &view.hosts[0];
    assert_eq!(left.verdict, "unfit");
    assert!(
        left.reason.contains("its agent has not reported for"),
        "{}",
        left.reason
    );
    // When it is back, it gives up what it still held.
    world.host("host-1").silent = false;
    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;
    world.assert_clean().await;
}

#[tokio::test]
async fn a_running_match_is_not_ended_because_its_agent_is_silent() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    world.until(id, "ready").await;
    world.host("host-1").silent = true;
    world.ticks(40).await;
    let view = world.view(id).await;
    assert_eq!(view.booked.state, "ready");
    assert!(
        view.booked
            .problem
            .as_ref()
            .unwrap()
            .contains("the match goes on")
    );
    assert!(view.connect.is_some());
    // Its time is up, and the host is still not heard of: the match is over, its slot stays held.
    world.pass(30 * MINUTE);
    world.until(id, "ending").await;
    world.pass(MINUTE);
    world.until(id, "over").await;
    assert_eq!(world.held().await, (1, 1));
    world.host("host-1").silent = false;
    world.assert_clean().await;
}

#[tokio::test]
async fn a_taken_port_means_another_port_of_that_host_and_then_the_next_host() {
    let mut world = World::new(sqlite().await, &TWO).await;
    world.host("host-1").taken = [27960, 27961].into();
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.connect.unwrap().address, "10.77.0.1:27962");
    assert!(view.story.iter().any(|line| {
        line.text
            .contains("Port 27960 of host-1 is taken by another program")
    }));
    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;

    world.host("host-1").taken = (27960..=27963).collect();
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.connect.unwrap().address, "10.77.0.2:27960");
    assert!(
        view.hosts[0]
            .reason
            .contains("is taken by another program, and no other is free"),
        "{}",
        view.hosts[0].reason
    );
    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;
    world.assert_clean().await;
}

#[tokio::test]
async fn a_full_disk_means_the_next_host_and_if_there_is_none_it_is_said_which() {
    let mut world = World::new(sqlite().await, &TWO).await;
    world.host("host-1").problem = Some(Problem::DiskFull {
        needed_mb: 2000,
        free_mb: 3,
    });
    let id = world.book_now().await;
    assert_eq!(world.until(id, "ready").await.chosen.unwrap().host, "host-2");
    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;

    world.host("host-2").problem = Some(Problem::DiskFull {
        needed_mb: 2000,
        free_mb: 4,
    });
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    assert!(
        view.hosts[1]
            .reason
            .contains("disk full: 2000 MB needed, 4 MB free"),
        "{}",
        view.hosts[1].reason
    );
    world.assert_clean().await;
    // Somebody makes room.
    world.host("host-1").problem = None;
    retry_match(&world.app, &world.staff, id).await.unwrap();
    assert_eq!(world.until(id, "ready").await.chosen.unwrap().host, "host-1");
}

#[tokio::test]
async fn a_host_that_never_becomes_ready_is_left_for_the_next() {
    let mut world = World::new(sqlite().await, &TWO).await;
    world.host("host-1").stuck_at = Some(Phase::Running);
    world.host("host-1").problem = Some(Problem::Failed {
        step: "resuming".into(),
        reason: "/root/secret: no such file".into(),
    });
    let id = world.book_now().await;
    world.until(id, "waking").await;
    world.pass(16 * MINUTE);
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.unwrap().host, "host-2");
    assert!(
        view.hosts[0].reason.contains(" s: a step did not succeed"),
        "{}",
        view.hosts[0].reason
    );
}

#[tokio::test]
async fn an_image_that_is_corrupt_fails_the_match_with_its_digest_and_holds_nothing() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let problem = Problem::Corrupt {
        digest: Digest([0xab; 32]),
        found: Digest([0xcd; 32]),
    };
    world.host("host-1").problem = Some(problem);
    let id = world.book_now().await;
    let view = world.until(id, "failed").await;
    assert!(
        view.booked.explanation.contains("abababab"),
        "{}",
        view.booked.explanation
    );
    world.assert_clean().await;
    world.host("host-1").problem = None;
    retry_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "ready").await;
}

#[tokio::test]
async fn a_player_who_does_not_answer_is_named_and_never_counts_as_zero() {
    let mut world = World::new(sqlite().await, &TWO).await;
    for host in &mut world.hosts {
        host.rtts.remove(&address(1));
    }
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    assert_eq!(view.matrix_ms["host-1"]["Rowan"], None);
    assert!(
        view.hosts
            .iter()
            .all(|host| host.verdict == "undecided" && host.closeness_ms.is_none())
    );
    assert!(
        view.booked
            .explanation
            .contains("Rowan does not answer any host."),
        "{}",
        view.booked.explanation
    );
    for host in &mut world.hosts {
        host.rtts.insert(address(1), 52_000);
    }
    retry_match(&world.app, &world.red_admin, id).await.unwrap();
    world.until(id, "ready").await;
}

#[tokio::test]
async fn nobody_under_the_cap_says_who_broke_which_host_by_how_much_and_what_would_help() {
    let mut world = World::new(sqlite().await, &[[10, 20, 30, 190], [250, 20, 30, 40]]).await;
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    assert_eq!(
        view.hosts[0].reason,
        "over the cap of 180 ms: Bruno by 10 ms (190 ms)"
    );
    assert_eq!(
        view.hosts[1].reason,
        "over the cap of 180 ms: Ruby by 70 ms (250 ms)"
    );
    let text = &view.booked.explanation;
    assert!(
        text.contains("with a cap of 190 ms or more, host-1 would be possible"),
        "{text}"
    );
    assert!(text.contains("without Bruno, host-1 would be possible"), "{text}");
    world.assert_clean().await;
}

#[tokio::test]
async fn two_matches_at_one_time_never_get_one_slot_and_the_third_is_told_so() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let ids = [
            world.book_now().await,
            world.book_now().await,
            world.book_now().await,
        ];
        world.ticks(12).await;
        let mut views = Vec::new();
        for id in ids {
            views.push(world.view(id).await);
        }
        let hosts: Vec<_> = views
            .iter()
            .map(|view| view.chosen.as_ref().map(|chosen| chosen.host.as_str()))
            .collect();
        assert_eq!(hosts, [Some("host-1"), Some("host-2"), None]);
        assert_eq!(views[2].booked.state, "unplaced");
        assert!(views[2].hosts.iter().all(|host| host.verdict == "no_capacity"));
        assert!(
            views[2].hosts[0].reason.contains("its slot is held at that time"),
            "{}",
            views[2].hosts[0].reason
        );
        assert!(
            views[2].booked.explanation.contains("has a free slot"),
            "{}",
            views[2].booked.explanation
        );
        // The slot of the first is free again, once its host says so.
        end_match(&world.app, &world.staff, ids[0]).await.unwrap();
        world.until(ids[0], "over").await;
        retry_match(&world.app, &world.staff, ids[2]).await.unwrap();
        assert_eq!(world.until(ids[2], "ready").await.chosen.unwrap().host, "host-1");
    }
}

#[tokio::test]
async fn two_servers_on_one_database_never_give_one_slot_twice() {
    for base in databases().await {
        let mut world = World::new(base, &TWO[..1]).await;
        crate::store::testing::reached(&world.app.db, world.hosts[0].host.id).await;
        let ids = [world.book_now().await, world.book_now().await];
        // Both rounds are measured; then both servers choose at the same moment, again and again.
        world.tick().await;
        for _ in 0..3 {
            world.live().await;
        }
        let other = crate::app::App {
            db: crate::store::Db::open(&world.base.url).await.unwrap(),
            ..world.app.clone()
        };
        crate::oracle::observe::step(&world.app).await.unwrap();
        for _ in 0..3 {
            let (one, two) = tokio::join!(
                crate::oracle::matches::step(&world.app),
                crate::oracle::matches::step(&other)
            );
            one.unwrap();
            two.unwrap();
        }
        assert_eq!(world.held().await, (1, 1));
        let mut states = Vec::new();
        for id in ids {
            states.push(world.view(id).await.booked.state);
        }
        states.sort_unstable();
        assert_eq!(states.len(), 2);
        assert_eq!(states[0], "unplaced");
    }
}

#[tokio::test]
async fn cancelling_at_any_step_leaves_nothing_behind() {
    for state in ["probing", "reserved", "waking"] {
        let mut world = World::new(sqlite().await, &TWO).await;
        let start = if state == "reserved" {
            Start::At(Time::from_millis(world.now() + 60 * MINUTE))
        } else {
            Start::Now
        };
        let id = world.book(start).await.unwrap();
        world.until(id, state).await;
        end_match(&world.app, &world.blue_admin, id).await.unwrap();
        assert_eq!(world.view(id).await.booked.state, "cancelled");
        world.assert_clean().await;
    }
}

#[tokio::test]
async fn a_match_that_found_no_host_gets_one_by_itself_when_there_is_one() {
    let mut world = World::new(sqlite().await, &TWO).await;
    for host in &mut world.hosts {
        host.silent = true;
    }
    world.ticks(13).await;
    let id = world.book_now().await;
    let view = world.until(id, "unplaced").await;
    let told = |view: &crate::domain::view::MatchView| {
        let none = |line: &&crate::domain::view::StoryView| line.text.starts_with("No host can be given");
        view.story.iter().filter(none).count()
    };
    assert_eq!(told(&view), 1);
    // Some tries with nobody there: told once.
    world.ticks(130).await;
    assert_eq!(told(&world.view(id).await), 1);
    for host in &mut world.hosts {
        host.silent = false;
    }
    world.ticks(60).await;
    assert_eq!(world.until(id, "ready").await.chosen.unwrap().host, "host-1");
}
