//! The same players again: what was measured is taken over while it holds, and nobody is measured then.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        ActionError,
        matches::{Again, Booking, Start, book_match, end_match, rematch, set_roster, view_match},
        placements::report,
        players::{self, NewPlayer},
    },
    domain::{MatchId, MatchState, REUSE_WITHIN_MS, Seat, Time, User, VmGoal, view::MatchView},
    store::{
        matches, rounds,
        testing::{databases, reached, sqlite},
        vms,
    },
};

/// host-1 is the fairest, host-2 the next.
const TWO: [[u32; 4]; 2] = [[30, 30, 32, 34], [20, 90, 20, 20]];
const NOW: Again = Again {
    start: Start::Now,
    length_minutes: None,
};

/// A match that was played and is over.
async fn played(world: &mut World) -> MatchId {
    let id = world.book_now().await;
    world.until(id, "ready").await;
    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;
    id
}

/// Hosts report before it, as they do every second.
async fn again(world: &mut World, by: &User, id: MatchId) -> MatchId {
    world.ticks(2).await;
    rematch(&world.app, by, id, NOW).await.unwrap()
}

/// How many rounds the hosts have been asked for.
fn probed(world: &World) -> usize {
    world.hosts.iter().map(|host| host.probed()).sum()
}

fn says(view: &MatchView, text: &str) -> bool {
    view.story.iter().any(|line| line.text.contains(text))
}

#[track_caller]
fn assert_measured_anew(view: &MatchView, why: &str) {
    assert_eq!(view.reused, None);
    assert!(says(view, why), "{why}: {:?}", view.story);
}

#[tokio::test]
async fn a_rematch_goes_by_what_was_measured_and_nobody_is_measured() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let staff = world.staff.clone();
        let first = played(&mut world).await;
        let before = probed(&world);
        world.pass(20 * MINUTE);
        let id = again(&mut world, &staff, first).await;
        let view = world.until(id, "ready").await;
        assert_eq!(probed(&world), before);
        assert_eq!(view.chosen.as_ref().unwrap().host, "host-1");
        let reused = view.reused.unwrap();
        assert_eq!(reused.from_match, first);
        assert!((1200..1260).contains(&reused.age_s), "{reused:?}");
        assert!(
            says(
                &view,
                "the measurements of the match before, 20 minutes old, are taken over"
            ),
            "{:?}",
            view.story
        );
        let old = world.view(first).await;
        assert_eq!(
            (&view.matrix_ms, &view.policy, view.booked.length_minutes),
            (&old.matrix_ms, &old.policy, 30)
        );
        assert_eq!((view.rosters, view.booked.map), (old.rosters, old.booked.map));
        assert_eq!((view.times_ms.probe, view.booked.rematch_of), (None, Some(first)));
        assert_ne!(view.connect.unwrap().password, "");
        // Their age stays with the values.
        let text = report(&world.app, &world.staff, id).await.unwrap();
        vmatrix_placement::replay(&text).unwrap();
        assert!(text.contains(&format!("\"age_s\":{}", reused.age_s)), "{text}");
    }
}

#[tokio::test]
async fn a_rematch_of_a_rematch_is_as_old_as_what_was_measured() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    let mut last = played(&mut world).await;
    let before = probed(&world);
    for minutes in [40, 80] {
        world.pass(40 * MINUTE);
        let id = again(&mut world, &staff, last).await;
        let view = world.until(id, "ready").await;
        let reused = view.reused.unwrap();
        assert_eq!((reused.from_match, reused.age_s / 60), (last, minutes));
        end_match(&world.app, &world.staff, id).await.unwrap();
        world.until(id, "over").await;
        last = id;
    }
    assert_eq!(probed(&world), before);
    world.pass(40 * MINUTE);
    let id = again(&mut world, &staff, last).await;
    assert_measured_anew(
        &world.until(id, "ready").await,
        "120 minutes old, and those of the last 90",
    );
}

#[tokio::test]
async fn what_is_too_old_is_measured_anew_and_addresses_are_kept_no_longer() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    let first = played(&mut world).await;
    world.pass(REUSE_WITHIN_MS - 2 * MINUTE);
    world.tick().await;
    assert_eq!(known_addresses(&world, first).await, 4);
    world.pass(2 * MINUTE);
    world.tick().await;
    assert_eq!(known_addresses(&world, first).await, 0);
    let id = again(&mut world, &staff, first).await;
    assert_measured_anew(
        &world.until(id, "ready").await,
        "and those of the last 90 are taken over",
    );
}

#[tokio::test]
async fn a_match_that_did_not_take_place_leaves_its_measurements_and_its_addresses_for_as_long() {
    for failed in [false, true] {
        let mut world = World::new(sqlite().await, &TWO).await;
        let staff = world.staff.clone();
        let in_an_hour = Start::At(Time::from_millis(world.now() + 60 * MINUTE));
        let first = world.book(in_an_hour).await.unwrap();
        world.until(first, "reserved").await;
        if failed {
            fail(&world, first).await;
        } else {
            end_match(&world.app, &staff, first).await.unwrap();
        }
        let before = probed(&world);
        let id = again(&mut world, &staff, first).await;
        let view = world.until(id, "ready").await;
        assert_eq!(view.reused.unwrap().from_match, first, "{:?}", view.story);
        assert_eq!(probed(&world), before);
        world.pass(REUSE_WITHIN_MS + MINUTE);
        world.tick().await;
        assert_eq!(known_addresses(&world, first).await, 0);
    }
}

/// As if its time had been over before it could be woken.
async fn fail(world: &World, id: MatchId) {
    let mut tx = world.app.db.begin().await.unwrap();
    let of = matches::get(&mut tx, id).await.unwrap().unwrap();
    let held = of.state.held().unwrap();
    vms::set_goal(&mut tx, held.vm, VmGoal::Gone, held.port)
        .await
        .unwrap();
    let state = MatchState::Failed {
        why: "the time was over".into(),
        choice: of.state.choice(),
    };
    assert!(matches::write_state(&mut tx, &of, &state).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn play_again_is_offered_to_whom_it_can_be_done_for() {
    let world = World::new(sqlite().await, &TWO).await;
    let mut challenge = world.booking(Start::Now);
    challenge.rosters[1].players.clear();
    let id = book_match(&world.app, &world.red_admin, challenge).await.unwrap();
    end_match(&world.app, &world.red_admin, id).await.unwrap();
    for (user, may) in [
        (&world.red_admin, true),
        (&world.blue_admin, false),
        (&world.staff, false),
    ] {
        let view = view_match(&world.app, user, id).await.unwrap();
        assert_eq!(view.booked.may_rematch, may, "{}", user.name);
        let done = rematch(&world.app, user, id, NOW).await;
        match done {
            Ok(_) => assert!(may),
            Err(ActionError::Conflict(text)) => {
                assert!(
                    !may && text.contains("Blues had chosen no players for it"),
                    "{text}"
                );
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn where_somebody_was_who_is_removed_is_forgotten_once_the_match_is_over() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let first = played(&mut world).await;
        assert_eq!(known_addresses(&world, first).await, 4);
        let rowan = world.players[1].id;
        players::remove_player(&world.app, &world.red_admin, world.reds.id, rowan)
            .await
            .unwrap();
        world.tick().await;
        assert_eq!(known_addresses(&world, first).await, 3);
    }
}

async fn known_addresses(world: &World, id: MatchId) -> usize {
    let mut tx = world.app.db.read().await.unwrap();
    let mut known = 0;
    for round in rounds::of_match(&mut tx, id).await.unwrap() {
        let targets = rounds::targets(&mut tx, round.id).await.unwrap();
        known += targets.iter().filter(|target| target.address.is_some()).count();
    }
    known
}

#[tokio::test]
async fn somebody_who_plays_from_elsewhere_is_measured_with_all_others() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    let first = played(&mut world).await;
    for host in &mut world.hosts {
        host.rtts.insert(address(9), 40_000);
    }
    let moved = NewPlayer {
        name: "Rowan".into(),
        address: address(9).to_string(),
    };
    let rowan = world.players[1].id;
    players::change_player(&world.app, &world.red_admin, world.reds.id, rowan, moved)
        .await
        .unwrap();
    let id = again(&mut world, &staff, first).await;
    let view = world.until(id, "ready").await;
    assert_measured_anew(&view, "somebody plays from another address");
    assert_eq!(view.matrix_ms["host-1"]["Rowan"], Some(40.0));
    let json = serde_json::to_string(&view_match(&world.app, &world.blue_admin, id).await.unwrap()).unwrap();
    assert!(!json.contains("Rowan") && !json.contains("10.9.0."), "{json}");
}

#[tokio::test]
async fn a_host_that_has_joined_since_is_measured_from() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    let first = played(&mut world).await;
    world.join_with(3, &[31; 4], |_| {}).await;
    reached(&world.app.db, world.hosts[2].host.id).await;
    world.ticks(2).await;
    let id = again(&mut world, &staff, first).await;
    let view = world.until(id, "ready").await;
    assert_measured_anew(&view, "not the same hosts");
    assert_eq!(view.chosen.unwrap().host, "host-3");
}

#[tokio::test]
async fn somebody_who_was_silent_may_answer_now() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    world.host("host-2").rtts.remove(&address(3));
    let first = played(&mut world).await;
    let id = again(&mut world, &staff, first).await;
    assert_measured_anew(
        &world.until(id, "ready").await,
        "not everybody had answered every host",
    );
}

#[tokio::test]
async fn where_the_host_is_taken_the_next_one_of_the_same_values_is_chosen() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let staff = world.staff.clone();
    let first = world.book_now().await;
    world.until(first, "ready").await;
    let before = probed(&world);
    let id = again(&mut world, &staff, first).await;
    let view = world.until(id, "ready").await;
    assert_eq!(probed(&world), before);
    assert_eq!(
        (view.chosen.unwrap().host.as_str(), view.hosts[0].verdict.as_str()),
        ("host-2", "no_capacity")
    );
    assert_eq!(view.reused.unwrap().from_match, first);
    assert_eq!(world.view(first).await.booked.state, "ready");
}

#[tokio::test]
async fn a_rematch_that_is_hours_away_is_measured_again_before_it() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let first = played(&mut world).await;
    let before = probed(&world);
    let later = Again {
        start: Start::At(Time::from_millis(world.now() + 300 * MINUTE)),
        length_minutes: Some(45),
    };
    let id = rematch(&world.app, &world.staff, first, later).await.unwrap();
    let view = world.until(id, "reserved").await;
    assert!(view.reused.is_some() && view.booked.length_minutes == 45);
    assert_eq!(probed(&world), before);
    world.pass(290 * MINUTE);
    world.ticks(6).await;
    assert_eq!(probed(&world), before + 2);
}

#[tokio::test]
async fn a_captain_challenges_with_the_own_roster_and_the_other_confirms() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let blue_admin = world.blue_admin.clone();
    let first = played(&mut world).await;
    let before = probed(&world);
    // The away side may ask for it as well.
    let id = again(&mut world, &blue_admin, first).await;
    let view = world.until(id, "gathering").await;
    assert_eq!(
        (view.rosters[0].players.len(), view.rosters[1].players.len()),
        (0, 2)
    );
    let reds: Vec<_> = world.players[..2]
        .iter()
        .map(|player| (player.id, Seat::default()))
        .collect();
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &reds)
        .await
        .unwrap();
    let view = world.until(id, "ready").await;
    assert_eq!(view.reused.unwrap().from_match, first);
    assert_eq!(probed(&world), before);

    end_match(&world.app, &world.staff, id).await.unwrap();
    world.until(id, "over").await;
    let id = again(&mut world, &blue_admin, id).await;
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &reds[..1])
        .await
        .unwrap();
    assert_measured_anew(&world.until(id, "ready").await, "not the same players");
}

#[tokio::test]
async fn a_rematch_is_booked_once_and_of_nobody_who_was_removed() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let (red_admin, staff) = (world.red_admin.clone(), world.staff.clone());
    let conflict = |result: Result<MatchId, ActionError>| match result {
        Err(ActionError::Conflict(text)) => text,
        other => panic!("{other:?}"),
    };
    let first = world.book_now().await;
    let early = rematch(&world.app, &world.staff, first, NOW).await;
    assert!(conflict(early).contains("this one is probing"));
    world.until(first, "ready").await;
    let id = again(&mut world, &red_admin, first).await;
    let twice = rematch(&world.app, &world.blue_admin, first, NOW).await;
    assert!(conflict(twice).contains("booked already"));
    end_match(&world.app, &world.red_admin, id).await.unwrap();
    again(&mut world, &staff, first).await;

    let rowan = world.players[1].id;
    players::remove_player(&world.app, &world.red_admin, world.reds.id, rowan)
        .await
        .unwrap();
    let gone = conflict(rematch(&world.app, &world.staff, first, NOW).await);
    assert!(gone.contains("Rowan played then and was removed since"), "{gone}");
    // The other clan chooses its own players, and learns nothing of them.
    let theirs = rematch(&world.app, &world.blue_admin, first, NOW).await;
    assert!(conflict(theirs).contains("booked already"));
}

#[tokio::test]
async fn a_rematch_of_a_match_that_was_frozen_says_so_and_not_that_others_play() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let booking = Booking {
        freeze: true,
        ..world.booking(Start::Now)
    };
    let first = book_match(&world.app, &world.staff, booking).await.unwrap();
    world.until(first, "ready").await;
    end_match(&world.app, &world.staff, first).await.unwrap();
    world.until(first, "over").await;
    let staff = world.staff.clone();
    let id = again(&mut world, &staff, first).await;
    let view = world.until(id, "ready").await;
    assert_measured_anew(&view, "they were frozen, each side at its time");
    assert!(!says(&view, "not the same players"));
}
