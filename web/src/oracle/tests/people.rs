//! Who may see and do what.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        ActionError,
        matches::{Start, book_match, end_match, list_matches, set_roster, view_match},
    },
    domain::{Clan, ClanId, Role, Seat, Time, User, UserId},
    store::{
        clans,
        testing::{databases, sqlite},
        users,
    },
};
use uuid::Uuid;

/// host-3 is over the cap for Bruno (a blue), and Rowan (a red) is known there.
const THREE: [[u32; 4]; 3] = [[10, 20, 60, 70], [50, 52, 54, 56], [30, 31, 32, 207]];

#[tokio::test]
async fn a_clan_sees_of_the_other_only_round_trips_at_the_chosen_host_and_its_alternatives() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    world.until(id, "ready").await;
    let view = view_match(&world.app, &world.red_admin, id).await.unwrap();
    let json = serde_json::to_string(&view).unwrap();
    for hidden in ["Basil", "Bruno", "207.0", "27 ms"] {
        assert!(!json.contains(hidden), "{hidden} is in {json}");
    }
    for player in &world.players[2..] {
        assert!(!json.contains(&player.id.to_string()));
    }
    assert_eq!(view.matrix_ms["host-2"]["Blues 2"], Some(56.0));
    assert_eq!(view.matrix_ms["host-1"]["Blues 1"], Some(60.0));
    assert_eq!(
        view.matrix_ms["host-3"].keys().collect::<Vec<_>>(),
        ["Rowan", "Ruby"]
    );
    assert_eq!(
        view.hosts[2].reason,
        "over the cap of 180 ms for a player of the other clan"
    );
    assert_eq!(view.hosts[2].max_ms, None);
    assert_eq!(view.players[2].predicted_ms, Some(54.0));
    assert!(view.connect.is_some());

    // Bruno's own clan reads why by name.
    let view = view_match(&world.app, &world.blue_admin, id).await.unwrap();
    assert_eq!(
        view.hosts[2].reason,
        "over the cap of 180 ms: Bruno by 27 ms (207 ms)"
    );
    assert!(!serde_json::to_string(&view).unwrap().contains("Ruby"));
}

#[tokio::test]
async fn nobody_sees_a_players_address_in_a_match() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    for state in ["probing", "ready"] {
        world.until(id, state).await;
        for user in [&world.staff, &world.red_admin, &world.blue_admin] {
            let json = serde_json::to_string(&view_match(&world.app, user, id).await.unwrap()).unwrap();
            for player in 0..4 {
                assert!(!json.contains(&address(player).to_string()), "{json}");
            }
        }
    }
}

#[tokio::test]
async fn a_clan_that_does_not_play_does_not_even_learn_that_there_is_a_match() {
    let world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    let greens = Clan {
        id: ClanId(Uuid::now_v7()),
        name: "Greens".parse().unwrap(),
    };
    let admin = User {
        id: UserId(Uuid::now_v7()),
        name: "greta".parse().unwrap(),
        role: Role::ClanAdmin(greens.id),
        created_at: Time::from_millis(0),
    };
    let mut tx = world.app.db.begin().await.unwrap();
    clans::insert(&mut tx, &greens, Time::from_millis(0))
        .await
        .unwrap();
    users::insert(&mut tx, &admin, "hash").await.unwrap();
    tx.commit().await.unwrap();
    let not_found = |result: Result<(), ActionError>| matches!(result, Err(ActionError::NotFound { .. }));
    assert!(not_found(view_match(&world.app, &admin, id).await.map(drop)));
    assert!(not_found(end_match(&world.app, &admin, id).await));
    assert!(list_matches(&world.app, &admin).await.unwrap().is_empty());
    assert_eq!(list_matches(&world.app, &world.red_admin).await.unwrap().len(), 1);
    let forbidden = book_match(&world.app, &admin, world.booking(Start::Now)).await;
    assert!(matches!(forbidden, Err(ActionError::Forbidden(_))));
}

#[tokio::test]
async fn a_clan_admin_neither_chooses_the_other_roster_nor_ends_the_others_running_match() {
    let mut world = World::new(sqlite().await, &THREE).await;
    let id = world.book_now().await;
    let basil = world.players[2].id;
    let forbidden = set_roster(
        &world.app,
        &world.red_admin,
        id,
        world.blues.id,
        &[(basil, Seat::default())],
    )
    .await;
    assert!(matches!(forbidden, Err(ActionError::Forbidden(_))));
    let wrong = set_roster(
        &world.app,
        &world.red_admin,
        id,
        world.reds.id,
        &[(basil, Seat::default())],
    )
    .await
    .unwrap_err();
    let refusals = wrong.refusals();
    assert_eq!(
        (refusals[0].field.as_str(), refusals[0].value.clone()),
        ("players", basil.to_string())
    );
    world.until(id, "ready").await;
    let forbidden = end_match(&world.app, &world.blue_admin, id).await;
    assert!(matches!(forbidden, Err(ActionError::Forbidden(_))));
    let ruby = world.players[0].id;
    let late = set_roster(
        &world.app,
        &world.red_admin,
        id,
        world.reds.id,
        &[(ruby, Seat::default())],
    )
    .await;
    assert!(matches!(late, Err(ActionError::Conflict(_))));
    assert_eq!(world.view(id).await.booked.state, "ready");
}

#[tokio::test]
async fn a_booking_that_cannot_be_leaves_nothing_half_done() {
    let world = World::new(sqlite().await, &THREE).await;
    let mut booking = world.booking(Start::At(Time::from_millis(0)));
    booking.image = "quake".into();
    let twice = booking.rosters[0].players[0];
    booking.rosters[0].players.push(twice);
    booking.rosters[1].players.clear();
    let refusals = book_match(&world.app, &world.staff, booking)
        .await
        .unwrap_err()
        .refusals();
    let fields: Vec<_> = refusals.iter().map(|refusal| refusal.field.as_str()).collect();
    assert_eq!(
        fields,
        ["image", "start", "rosters[0].players", "rosters[1].players"]
    );
    assert!(list_matches(&world.app, &world.staff).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_player_whose_address_may_not_be_measured_is_named_before_anything_is_booked() {
    let mut world = World::new(sqlite().await, &THREE).await;
    world.app.resolver = crate::resolve::Resolver::system(false);
    let refusals = book_match(&world.app, &world.staff, world.booking(Start::Now))
        .await
        .unwrap_err()
        .refusals();
    assert_eq!(refusals.len(), 4);
    assert_eq!(
        (refusals[0].field.as_str(), refusals[0].value.as_str()),
        ("rosters[0].players", "Ruby")
    );
    assert!(list_matches(&world.app, &world.staff).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_clan_that_booked_in_vain_learns_what_would_help_and_no_round_trip_of_the_other() {
    let mut world = World::new(sqlite().await, &[[10, 20, 30, 193], [10, 240, 30, 187]]).await;
    let id = world.book_now().await;
    world.until(id, "unplaced").await;
    let view = view_match(&world.app, &world.red_admin, id).await.unwrap();
    let text = &view.booked.explanation;
    assert!(
        text.contains("with a higher cap, host-1 would be possible"),
        "{text}"
    );
    assert!(
        text.contains("without Blues 2, host-1 would be possible"),
        "{text}"
    );
    assert_eq!(
        view.hosts[1].reason,
        "over the cap of 180 ms: Rowan by 60 ms (240 ms); over the cap of 180 ms for a player of the other clan"
    );
    let json = serde_json::to_string(&view).unwrap();
    for hidden in ["193.0", "193 ms", "187.0", "187 ms", "Bruno"] {
        assert!(!json.contains(hidden), "{hidden} is in {json}");
    }
}

#[tokio::test]
async fn who_is_booked_twice_at_one_time_is_named_to_staff_and_the_own_clan() {
    for base in databases().await {
        let world = World::new(base, &[[10, 20, 30, 40]]).await;
        let at = |minutes: i64| Start::At(Time::from_millis(world.now() + minutes * MINUTE));
        let first = world.book(at(60)).await.unwrap();
        let elsewhere = async |user: &User, id| {
            let view = view_match(&world.app, user, id).await.unwrap();
            let told = view.elsewhere.into_iter();
            told.map(|one| (one.player, one.other)).collect::<Vec<_>>()
        };
        // Thirty minutes each: one after the other.
        let after = world.book(at(90)).await.unwrap();
        assert!(elsewhere(&world.staff, first).await.is_empty());
        let mut booking = world.booking(at(75));
        for roster in &mut booking.rosters {
            roster.players.truncate(1);
        }
        let second = book_match(&world.app, &world.staff, booking).await.unwrap();
        for (user, players) in [
            (&world.staff, &["Basil", "Ruby"][..]),
            (&world.red_admin, &["Ruby"]),
            (&world.blue_admin, &["Basil"]),
        ] {
            for (id, others) in [(first, vec![second]), (second, vec![first, after])] {
                let mut told = elsewhere(user, id).await;
                told.sort();
                let mut expected: Vec<_> = players
                    .iter()
                    .flat_map(|player| others.iter().map(|other| ((*player).to_owned(), *other)))
                    .collect();
                expected.sort();
                assert_eq!(told, expected);
            }
        }
        end_match(&world.app, &world.staff, second).await.unwrap();
        assert!(elsewhere(&world.staff, first).await.is_empty());
        assert!(elsewhere(&world.staff, second).await.is_empty());
    }
}
