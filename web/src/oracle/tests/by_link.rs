//! Sides whose players come by their link: the match waits for them.

use super::{
    visits::{brought, come, ip, names, world},
    world::{MINUTE, World},
};
use crate::{
    actions::{
        ActionError,
        matches::{Booking, Start, book_match, set_roster, view_match},
        player_links::{complete_roster, make_player_link, revoke_player_link},
        players::remove_player,
        visits::{Visitor, begin_visit, end_visit},
    },
    domain::{Clan, LinkStage, MatchId, OfPings, PlayerId, Seat, Time, User},
    store::{
        clans, matches, player_links, players,
        testing::{databases, postgres, sqlite, waits_for_a_lock},
    },
};
use vmatrix_wire::Secret;

/// Both sides come by their links, to a match in an hour.
fn by_links(world: &World) -> Booking {
    let start = Start::At(Time::from_millis(world.now() + 60 * MINUTE));
    let mut booking = world.booking(start);
    for roster in &mut booking.rosters {
        roster.players.clear();
        roster.by_link = true;
    }
    booking
}

async fn book(world: &World, by: &User, booking: Booking) -> MatchId {
    book_match(&world.app, by, booking).await.unwrap()
}

async fn link(world: &World, by: &User, id: MatchId, clan: &Clan) -> Secret {
    make_player_link(&world.app, by, id, clan.id).await.unwrap()
}

async fn explanation(world: &World, user: &User, id: MatchId) -> String {
    let view = view_match(&world.app, user, id).await.unwrap();
    view.booked.explanation
}

async fn state(world: &World, id: MatchId) -> &'static str {
    world.view(id).await.booked.state
}

#[tokio::test]
async fn sides_that_come_by_their_links_are_waited_for_until_somebody_says_that_they_are_complete() {
    for base in databases().await {
        let mut world = world(base, false).await;
        for by in [world.staff.clone(), world.red_admin.clone()] {
            let id = book(&world, &by, by_links(&world)).await;
            let early = complete_roster(&world.app, &world.staff, id, world.reds.id).await;
            assert!(matches!(early, Err(ActionError::Conflict(_))), "there is no link");
            let reds = link(&world, &world.red_admin, id, &world.reds).await;
            let blues = link(&world, &world.blue_admin, id, &world.blues).await;
            let nobody = complete_roster(&world.app, &world.red_admin, id, world.reds.id).await;
            assert!(
                nobody
                    .unwrap_err()
                    .to_string()
                    .contains("nobody who plays has come")
            );
            for (token, name, from) in [
                (&reds, "Rex", "10.9.0.1"),
                (&blues, "Bob", "10.9.0.3"),
                // Of the clan's players who have no address but a captain's word.
                (&reds, "Ruby", "10.9.0.71"),
            ] {
                come(&world, token, name, from, true).await.unwrap();
                world.ticks(3).await;
                assert_eq!(
                    state(&world, id).await,
                    "gathering",
                    "{name} is not the whole side"
                );
            }
            let said = explanation(&world, &world.staff, id).await;
            assert!(said.contains("players of Reds to come by their link"), "{said}");
            assert!(said.contains(", and for players of Blues"), "{said}");
            let others = complete_roster(&world.app, &world.blue_admin, id, world.reds.id).await;
            assert!(matches!(others, Err(ActionError::Forbidden(_))));
            complete_roster(&world.app, &world.red_admin, id, world.reds.id)
                .await
                .unwrap();
            complete_roster(&world.app, &world.staff, id, world.reds.id)
                .await
                .unwrap();
            world.ticks(3).await;
            assert_eq!(state(&world, id).await, "gathering");
            let said = explanation(&world, &world.staff, id).await;
            assert!(
                !said.contains("Reds") && said.contains("players of Blues"),
                "{said}"
            );
            // Nobody new comes to the reds; who is there may measure again.
            let late = come(&world, &reds, "Rolf", "10.9.0.79", true).await.unwrap_err();
            assert!(
                late.to_string().contains("too late: the roster is complete"),
                "{late}"
            );
            come(&world, &reds, "Rex", "10.9.0.1", true).await.unwrap();
            assert_eq!(names(&world, id).await, ["Rex", "Ruby"]);
            complete_roster(&world.app, &world.staff, id, world.blues.id)
                .await
                .unwrap();
            let view = world.until(id, "reserved").await;
            assert_eq!(view.players.len(), 3);
            let told = view
                .story
                .iter()
                .filter(|told| told.text.contains("is complete, with"));
            assert_eq!(told.count(), 2);
        }
    }
}

#[tokio::test]
async fn who_comes_first_is_not_frozen_as_the_whole_side() {
    for base in databases().await {
        let mut world = world(base, true).await;
        let mut booking = by_links(&world);
        booking.freeze = true;
        booking.rosters[1].by_link = false;
        booking.rosters[1].players = vec![(world.players[2].id, Seat::default())];
        let id = book(&world, &world.staff, booking).await;
        let token = link(&world, &world.red_admin, id, &world.reds).await;
        come(&world, &token, "Rex", "10.9.0.1", true).await.unwrap();
        world.until(id, "gathering").await;
        world.ticks(20).await;
        let view = world.view(id).await;
        assert!(view.rosters[0].frozen.is_none() && view.rosters[1].frozen.is_some());
        assert_eq!(view.booked.state, "gathering");
        let said = explanation(&world, &world.red_admin, id).await;
        assert!(said.contains("players of Reds to come by their link"), "{said}");
        assert!(said.contains("The opponent is shown when"), "{said}");
        come(&world, &token, "Rowena", "10.9.0.2", true).await.unwrap();
        complete_roster(&world.app, &world.red_admin, id, world.reds.id)
            .await
            .unwrap();
        let view = world.until(id, "reserved").await;
        assert!(view.rosters[0].frozen.is_some());
        assert_eq!(view.rosters[0].players.len(), 2);
        let frozen = view
            .story
            .iter()
            .filter(|told| told.text.contains("Reds is measured and frozen"));
        assert_eq!(frozen.count(), 1);
        // A new link for who is frozen lets nobody new in.
        let new = link(&world, &world.staff, id, &world.blues).await;
        let late = come(&world, &new, "Bob", "10.9.0.33", true).await.unwrap_err();
        assert!(late.to_string().contains("the roster is complete"), "{late}");
    }
}

#[tokio::test]
async fn a_side_that_is_chosen_waits_too_while_its_link_is_open_and_is_to_be_frozen() {
    let mut world = world(sqlite().await, true).await;
    let mut booking = by_links(&world);
    booking.freeze = true;
    let id = book(&world, &world.staff, booking).await;
    link(&world, &world.red_admin, id, &world.reds).await;
    let chosen = [(world.players[0].id, Seat::default())];
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &chosen)
        .await
        .unwrap();
    world.ticks(20).await;
    let view = world.view(id).await;
    assert!(view.rosters[0].frozen.is_none(), "{:?}", view.story);
    // Without its link nobody more comes.
    revoke_player_link(&world.app, &world.red_admin, id, world.reds.id)
        .await
        .unwrap();
    world.ticks(20).await;
    assert!(world.view(id).await.rosters[0].frozen.is_some());
}

#[tokio::test]
async fn when_the_match_starts_a_side_plays_with_who_has_come() {
    for base in databases().await {
        let mut world = world(base, false).await;
        let id = book(&world, &world.staff, by_links(&world)).await;
        let reds = link(&world, &world.red_admin, id, &world.reds).await;
        let blues = link(&world, &world.blue_admin, id, &world.blues).await;
        come(&world, &reds, "Rex", "10.9.0.1", true).await.unwrap();
        world.pass(59 * MINUTE);
        world.live().await;
        world.ticks(2).await;
        assert_eq!(state(&world, id).await, "gathering");
        world.pass(MINUTE);
        world.ticks(2).await;
        let view = world.view(id).await;
        assert_eq!(view.rosters[0].link_stage, Some("complete"));
        assert_eq!(view.rosters[1].link_stage, Some("gathering"), "nobody has come");
        come(&world, &blues, "Bob", "10.9.0.3", true).await.unwrap();
        let view = world.until(id, "ready").await;
        assert_eq!(view.players.len(), 2);
        let after = link_after_the_start(&mut world).await;
        assert_eq!(after, "gathering");
    }
}

/// The state of a match for now, some time after one has come to each side.
async fn link_after_the_start(world: &mut World) -> &'static str {
    let mut booking = by_links(world);
    booking.start = Start::Now;
    let id = book(world, &world.staff, booking).await;
    for (clan, name, from) in [
        (&world.reds, "Rita", "10.9.0.1"),
        (&world.blues, "Berta", "10.9.0.3"),
    ] {
        let token = link(world, &world.staff, id, clan).await;
        come(world, &token, name, from, true).await.unwrap();
    }
    world.ticks(10).await;
    state(world, id).await
}

#[tokio::test]
async fn nobody_who_was_not_chosen_is_taken_over_from_elsewhere() {
    let mut world = world(sqlite().await, false).await;
    let id = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, id, &world.reds).await;
    come(&world, &token, "Ruby", "10.9.0.71", true).await.unwrap();
    complete_roster(&world.app, &world.staff, id, world.reds.id)
        .await
        .unwrap();
    world.ticks(2).await;
    let next = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, next, &world.reds).await;
    let ruby = Visitor {
        name: "Ruby".parse().unwrap(),
        new: true,
    };
    let elsewhere = begin_visit(&world.app, token.reveal(), ip("10.9.0.72"), Some(&ruby)).await;
    assert!(
        elsewhere
            .unwrap_err()
            .to_string()
            .contains("who is not in this match")
    );
    let here = ip("10.9.0.71");
    let begun = begin_visit(&world.app, token.reveal(), here, Some(&ruby))
        .await
        .unwrap();
    let (all, nonce) = (brought("Ruby", &begun), &begun.visit.nonce);
    end_visit(&world.app, token.reveal(), here, nonce, OfPings::Unsaid, &all)
        .await
        .unwrap();
    assert_eq!(names(&world, next).await, ["Ruby"]);
}

#[tokio::test]
async fn who_is_left_out_of_a_complete_roster_does_not_come_again() {
    let mut world = world(sqlite().await, false).await;
    let id = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, id, &world.reds).await;
    for (name, from) in [("Rex", "10.9.0.1"), ("Rita", "10.9.0.2")] {
        come(&world, &token, name, from, true).await.unwrap();
    }
    complete_roster(&world.app, &world.red_admin, id, world.reds.id)
        .await
        .unwrap();
    let stays: Vec<_> = players_of(&world, "Rita").await;
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &stays)
        .await
        .unwrap();
    let again = come(&world, &token, "Rex", "10.9.0.1", true).await.unwrap_err();
    assert!(
        matches!(&again, ActionError::Conflict(why) if why.contains("Rex is not on it")),
        "{again}"
    );
    come(&world, &token, "Rita", "10.9.0.2", true).await.unwrap();
    assert_eq!(names(&world, id).await, ["Rita"]);
    world.tick().await;
}

/// The red of this name, as a roster.
async fn players_of(world: &World, name: &str) -> Vec<(PlayerId, Seat)> {
    let mut tx = world.app.db.read().await.unwrap();
    let all = players::list(&mut tx, world.reds.id).await.unwrap();
    let one = all.iter().filter(|player| player.name.as_str() == name);
    one.map(|player| (player.id, Seat::default())).collect()
}

#[tokio::test]
async fn a_visit_that_waits_for_the_clan_sees_what_was_written_meanwhile() {
    let Some(base) = postgres().await else { return };
    let world = world(base, false).await;
    let id = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, id, &world.reds).await;
    come(&world, &token, "Rex", "10.9.0.1", true).await.unwrap();
    let begun = begin_visit(&world.app, token.reveal(), ip("10.9.0.79"), None)
        .await
        .unwrap();
    let mut tx = world.app.db.begin().await.unwrap();
    clans::lock(&mut tx, world.reds.id).await.unwrap();
    player_links::set_stage(&mut tx, id, world.reds.id, LinkStage::Complete)
        .await
        .unwrap();
    let all = brought("Rolf", &begun);
    let from = ip("10.9.0.79");
    let comes = end_visit(
        &world.app,
        token.reveal(),
        from,
        &begun.visit.nonce,
        OfPings::Yes,
        &all,
    );
    let completes = async {
        waits_for_a_lock(&world.app.db).await;
        tx.commit().await.unwrap();
    };
    let (came, ()) = tokio::join!(comes, completes);
    let late = came.unwrap_err();
    assert!(late.to_string().contains("the roster is complete"), "{late}");
    assert_eq!(names(&world, id).await, ["Rex"]);
}

#[tokio::test]
async fn a_captain_who_chooses_while_somebody_comes_must_look_again() {
    let world = world(sqlite().await, false).await;
    let id = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, id, &world.reds).await;
    let revision = async || {
        let mut tx = world.app.db.read().await.unwrap();
        matches::get(&mut tx, id).await.unwrap().unwrap().revision
    };
    let before = revision().await;
    come(&world, &token, "Rex", "10.9.0.1", true).await.unwrap();
    let after = revision().await;
    assert_eq!(
        after,
        before + 1,
        "a roster that is chosen is written over the revision"
    );
    come(&world, &token, "Rex", "10.9.0.1", true).await.unwrap();
    assert_eq!(revision().await, after, "nobody new");
}

#[tokio::test]
async fn who_was_removed_from_the_clan_is_not_expected_and_is_no_roster() {
    let world = world(sqlite().await, false).await;
    let id = book(&world, &world.staff, by_links(&world)).await;
    let token = link(&world, &world.red_admin, id, &world.reds).await;
    let ruby = players_of(&world, "Ruby").await;
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &ruby)
        .await
        .unwrap();
    let visitor = Visitor {
        name: "Rolf".parse().unwrap(),
        new: false,
    };
    let comes = async || begin_visit(&world.app, token.reveal(), ip("10.9.0.79"), Some(&visitor)).await;
    assert!(matches!(comes().await, Err(ActionError::Unsure { .. })));
    remove_player(&world.app, &world.red_admin, world.reds.id, ruby[0].0)
        .await
        .unwrap();
    comes().await.unwrap();
    let nobody = complete_roster(&world.app, &world.red_admin, id, world.reds.id).await;
    assert!(
        nobody
            .unwrap_err()
            .to_string()
            .contains("nobody who plays has come")
    );
}
