//! Sides that are measured and frozen before they know each other.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        ActionError,
        matches::{Booking, Start, book_match, list_matches, set_roster, view_match},
        player_links::{complete_roster, make_player_link},
        visits::look_at,
    },
    domain::{MatchId, PlayerId, Reading, Seat, Time, User, view::MatchView},
    store::{
        readings,
        testing::{databases, sqlite},
    },
};
use vmatrix_placement::Source;
use vmatrix_wire::{RttSample, TargetId};

/// host-2 is fairest.
const TWO: [[u32; 4]; 2] = [[10, 20, 60, 70], [50, 52, 54, 56]];

/// A match in so many minutes that the league books, with both rosters.
fn frozen(world: &World, minutes: i64) -> Booking {
    let start = Start::At(Time::from_millis(world.now() + minutes * MINUTE));
    Booking {
        freeze: true,
        ..world.booking(start)
    }
}

async fn book(world: &World, booking: Booking) -> MatchId {
    book_match(&world.app, &world.staff, booking).await.unwrap()
}

/// The reds' roster alone.
async fn book_reds(world: &World) -> MatchId {
    let mut booking = frozen(world, 60);
    booking.rosters[1].players.clear();
    book(world, booking).await
}

async fn seen(world: &World, user: &User, id: MatchId) -> MatchView {
    view_match(&world.app, user, id).await.unwrap()
}

/// All that a clan's admin is shown of a match, but its id.
async fn shown(world: &World, user: &User, id: MatchId) -> String {
    let view = seen(world, user, id).await;
    let lines = list_matches(&world.app, user).await.unwrap();
    serde_json::to_string(&(view, lines)).unwrap()
}

fn choose(world: &World, players: &[usize]) -> Vec<(PlayerId, Seat)> {
    let id = |at: &usize| (world.players[*at].id, Seat::default());
    players.iter().map(id).collect()
}

/// From now on these players' lines are so much slower, or quicker.
fn slow(world: &mut World, players: &[usize], us: u32) {
    for host in &mut world.hosts {
        for player in players {
            host.rtts.entry(address(*player)).and_modify(|rtt| *rtt = us);
        }
    }
}

fn has_told(view: &MatchView, text: &str) -> usize {
    view.story
        .iter()
        .filter(|event| event.text.contains(text))
        .count()
}

#[tokio::test]
async fn a_side_is_measured_before_it_knows_the_other_and_used_as_it_was() {
    for base in databases().await {
        let mut world = World::new(base, &TWO).await;
        let id = book_reds(&world).await;
        for (user, unknown) in [
            (&world.red_admin, ["Blues", "Basil"]),
            (&world.blue_admin, ["Reds", "Ruby"]),
        ] {
            let json = shown(&world, user, id).await;
            assert!(json.contains("An opponent"), "{json}");
            for word in unknown {
                assert!(!json.contains(word), "{word} in {json}");
            }
        }
        let view = world.until(id, "gathering").await;
        assert!(view.rosters[0].frozen.is_some() && view.rosters[1].frozen.is_none());
        assert_eq!(has_told(&view, "Reds is measured and frozen."), 1);
        let reds = shown(&world, &world.red_admin, id).await;
        assert!(reds.contains("Blues"), "who is frozen may know: {reds}");
        let blues = shown(&world, &world.blue_admin, id).await;
        assert!(!blues.contains("Reds") && !blues.contains("Ruby"), "{blues}");
        assert!(
            blues.contains("Waits for Blues to choose its players."),
            "{blues}"
        );

        // Now that they know, the reds slow their lines: it does not count, and they are not even asked.
        slow(&mut world, &[0, 1], 150_000);
        let chosen = choose(&world, &[2, 3]);
        let blue = world.blues.id;
        set_roster(&world.app, &world.blue_admin, id, blue, &chosen)
            .await
            .unwrap();
        let view = world.until(id, "reserved").await;
        assert_eq!(view.chosen.as_ref().unwrap().host, "host-2");
        assert_eq!(view.matrix_ms["host-2"]["Ruby"], Some(50.0));
        assert_eq!(view.matrix_ms["host-2"]["Bruno"], Some(56.0));
        assert!(shown(&world, &world.blue_admin, id).await.contains("Reds"));
        // The look before the match asks nobody, and the values are as old as they are.
        let probed = world.hosts[0].probed();
        world.pass(46 * MINUTE);
        world.ticks(3).await;
        let view = world.view(id).await;
        assert_eq!(world.hosts[0].probed(), probed);
        let again = view.recheck.as_ref().unwrap();
        assert_eq!(again.matrix_ms["host-2"]["Ruby"], Some(50.0));
        assert_eq!(has_told(&view, "Moved"), 0);
        world.pass(12 * MINUTE);
        let view = world.until(id, "ready").await;
        assert_eq!(view.chosen.as_ref().unwrap().host, "host-2");
    }
}

#[tokio::test]
async fn both_are_measured_at_once_where_the_league_has_chosen_both_and_by_the_api_too() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = book(&world, frozen(&world, 60)).await;
    let before = shown(&world, &world.blue_admin, id).await;
    assert!(!before.contains("Reds") && !before.contains("Ruby"), "{before}");
    let view = world.until(id, "reserved").await;
    assert_eq!(has_told(&view, "is measured and frozen."), 2);
    assert!(shown(&world, &world.blue_admin, id).await.contains("Reds"));
    // Nobody has chosen yet.
    let mut booking = frozen(&world, 60);
    for roster in &mut booking.rosters {
        roster.players.clear();
    }
    let id = book(&world, booking).await;
    assert_eq!(world.view(id).await.booked.state, "gathering");
    let mut own = frozen(&world, 60);
    own.rosters[1].players.clear();
    let refused = book_match(&world.app, &world.red_admin, own).await.unwrap_err();
    assert!(matches!(refused, ActionError::Invalid(_)), "{refused}");
    assert_eq!(refused.refusals()[0].field, "freeze");
}

#[tokio::test]
async fn other_players_are_measured_anew_and_their_opponents_are_not() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = book(&world, frozen(&world, 60)).await;
    world.until(id, "reserved").await;
    slow(&mut world, &[0, 1, 2, 3], 58_000);
    // The same players in another order: it holds.
    let red = world.reds.id;
    set_roster(&world.app, &world.red_admin, id, red, &choose(&world, &[1, 0]))
        .await
        .unwrap();
    world.ticks(15).await;
    assert_eq!(has_told(&world.view(id).await, "measured anew"), 0);
    set_roster(&world.app, &world.red_admin, id, red, &choose(&world, &[0]))
        .await
        .unwrap();
    let own = seen(&world, &world.blue_admin, id).await.rosters[0]
        .frozen
        .clone()
        .unwrap();
    assert_eq!(
        own.again_because.as_deref(),
        Some("its players have changed since")
    );
    world.ticks(15).await;
    let view = world.until(id, "reserved").await;
    assert_eq!(
        has_told(&view, "its players have changed since: it is measured anew"),
        1
    );
    assert_eq!(view.matrix_ms["host-2"]["Ruby"], Some(58.0));
    assert_eq!(view.matrix_ms["host-2"]["Bruno"], Some(56.0));
    assert!(view.rosters[0].frozen.as_ref().unwrap().at > view.rosters[1].frozen.as_ref().unwrap().at);
}

async fn browser(world: &World, player: usize, ms: u32) {
    let id = world.players[player].id;
    let mut tx = world.app.db.begin().await.unwrap();
    for host in &world.hosts {
        let reading = Reading {
            player: id,
            host: host.host.id,
            source: Source::Browser,
            taken_at: world.app.now(),
            sample: RttSample::of(TargetId(id.0), 15, &[ms * 1000; 15]),
        };
        readings::put(&mut tx, &reading).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_side_of_which_somebody_is_unknown_is_not_frozen_and_knows_nobody() {
    let mut world = World::new(sqlite().await, &TWO).await;
    for host in &mut world.hosts {
        host.rtts.remove(&address(3));
    }
    let id = book(&world, frozen(&world, 60)).await;
    let view = world.until(id, "unplaced").await;
    assert!(view.rosters[0].frozen.is_some() && view.rosters[1].frozen.is_none());
    assert!(
        view.booked.explanation.contains("1 of Blues"),
        "{}",
        view.booked.explanation
    );
    let blues = shown(&world, &world.blue_admin, id).await;
    assert!(!blues.contains("Reds") && !blues.contains("Ruby"), "{blues}");
    assert!(
        blues.contains("Not everybody of Blues could be measured yet."),
        "{blues}"
    );
    let token = |clan| make_player_link(&world.app, &world.staff, id, clan);
    let link = token(world.blues.id).await.unwrap();
    assert_eq!(
        look_at(&world.app, link.reveal()).await.unwrap().against,
        "An opponent"
    );
    let link = token(world.reds.id).await.unwrap();
    assert_eq!(look_at(&world.app, link.reveal()).await.unwrap().against, "Blues");

    browser(&world, 3, 58).await;
    // Its link is open: it may not be all there yet.
    complete_roster(&world.app, &world.staff, id, world.blues.id)
        .await
        .unwrap();
    let view = world.until(id, "reserved").await;
    assert_eq!(view.matrix_ms["host-2"]["Bruno"], Some(58.0));
    // What comes later does not count.
    browser(&world, 3, 20).await;
    browser(&world, 0, 20).await;
    world.pass(46 * MINUTE);
    world.ticks(3).await;
    let view = world.view(id).await;
    let again = view.recheck.unwrap();
    assert_eq!(again.matrix_ms["host-2"]["Bruno"], Some(58.0));
    assert_eq!(again.matrix_ms["host-2"]["Ruby"], Some(50.0));
    assert!(view.sources[0].here.is_some());
}

#[tokio::test]
async fn after_a_day_everybody_is_measured_anew() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = book(&world, frozen(&world, 30 * 60)).await;
    world.until(id, "reserved").await;
    slow(&mut world, &[0, 1, 2, 3], 90_000);
    world.pass(30 * 60 * MINUTE - 16 * MINUTE);
    world.live().await;
    let due = seen(&world, &world.red_admin, id).await.rosters[0]
        .frozen
        .clone()
        .unwrap();
    assert_eq!(
        due.again_because.as_deref(),
        Some("that is more than 24 hours ago")
    );
    world.pass(MINUTE);
    world.ticks(20).await;
    let view = world.until(id, "reserved").await;
    assert_eq!(has_told(&view, "more than 24 hours ago: it is measured anew"), 2);
    assert_eq!(has_told(&view, "is measured and frozen."), 4);
    let again = view.recheck.as_ref().unwrap();
    assert_eq!(again.matrix_ms["host-2"]["Ruby"], Some(90.0));
}

#[tokio::test]
async fn a_link_that_is_made_after_a_day_does_not_cost_the_match_its_host() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = book(&world, frozen(&world, 30 * 60)).await;
    world.until(id, "reserved").await;
    world.pass(25 * 60 * MINUTE);
    world.live().await;
    make_player_link(&world.app, &world.red_admin, id, world.reds.id)
        .await
        .unwrap();
    let view = seen(&world, &world.red_admin, id).await;
    assert_eq!(view.rosters[0].link_stage, Some("complete"));
    world.pass(5 * 60 * MINUTE - 15 * MINUTE);
    world.ticks(20).await;
    let view = world.until(id, "reserved").await;
    assert_eq!(
        has_told(&view, "Waits for the other clan"),
        0,
        "{:#?}",
        view.story
    );
    assert_eq!(has_told(&view, "is measured and frozen."), 4);
}

#[tokio::test]
async fn a_host_that_came_later_is_not_weighed_and_it_is_said_why() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let id = book_reds(&world).await;
    world.until(id, "gathering").await;
    world.join_with(3, &[50; 4], |_| {}).await;
    world.ticks(4).await;
    let chosen = choose(&world, &[2, 3]);
    set_roster(&world.app, &world.staff, id, world.blues.id, &chosen)
        .await
        .unwrap();
    let view = world.until(id, "reserved").await;
    assert_eq!(view.chosen.as_ref().unwrap().host, "host-2");
    let late = view.hosts.iter().find(|host| host.host == "host-3").unwrap();
    assert_eq!(late.verdict, "not_probed");
    assert!(
        late.reason
            .contains("was not there when the players were measured and frozen")
    );
    assert_eq!(view.probed, None);
}

#[tokio::test]
async fn a_server_that_is_killed_all_the_time_freezes_each_side_once() {
    let mut world = World::new(sqlite().await, &TWO).await;
    world.restarts = true;
    let id = book_reds(&world).await;
    world.until(id, "gathering").await;
    let chosen = choose(&world, &[2, 3]);
    set_roster(&world.app, &world.blue_admin, id, world.blues.id, &chosen)
        .await
        .unwrap();
    let view = world.until(id, "reserved").await;
    assert_eq!(has_told(&view, "is measured and frozen."), 2);
}
