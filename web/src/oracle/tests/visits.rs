//! Players who come by their clan's link.

use super::world::{MINUTE, World};
use crate::{
    actions::{
        ActionError, forget,
        matches::{Start, end_match, view_match},
        player_links::{make_player_link, revoke_player_link},
        players::{NewPlayer, change_player, list_players, vouch},
        visits::{BegunVisit, Came, begin_visit, end_visit, look_at},
    },
    app::Settings,
    domain::{Brought, BroughtHost, Consent, MatchId, User},
    store::{
        players, readings, rosters,
        testing::{databases, sqlite},
    },
};
use std::{net::IpAddr, sync::Arc};
use vmatrix_placement::Source;
use vmatrix_wire::{Doors, Secret};

const TWO: [[u32; 4]; 2] = [[10, 20, 30, 40], [50, 52, 54, 56]];

/// A world whose hosts have doors. Without `trust` a captain's word is not enough.
pub(super) async fn world(base: crate::store::testing::Base, trust: bool) -> World {
    let mut world = World::new(base, &TWO).await;
    for host in &mut world.hosts {
        host.host.facts.doors = Doors {
            echo: Some(27_900),
            ..Doors::default()
        };
    }
    world.app.settings = Arc::new(Settings {
        trust_captains: trust,
        ..Settings::clone(&world.app.settings)
    });
    world.ticks(2).await;
    world
}

/// A match that starts in an hour.
pub(super) async fn booked(world: &mut World) -> MatchId {
    let start = crate::domain::Time::from_millis(world.now() + 60 * MINUTE);
    world.book(Start::At(start)).await.unwrap()
}

pub(super) async fn link(world: &World, by: &User, id: MatchId) -> Secret {
    make_player_link(&world.app, by, id, world.reds.id).await.unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn brought(name: &str, begun: &BegunVisit) -> Brought {
    let host = |id: &vmatrix_wire::HostId| BroughtHost {
        id: *id,
        sent: 15,
        rtts_us: vec![41_000; 15],
    };
    Brought {
        name: name.into(),
        via: Source::Browser,
        hosts: begun.visit.offered.iter().map(host).collect(),
    }
}

pub(super) async fn come(
    world: &World,
    token: &Secret,
    name: &str,
    from: &str,
    may_ping: bool,
) -> Result<Came, ActionError> {
    let begun = begin_visit(&world.app, token.reveal()).await?;
    let brought = brought(name, &begun);
    let nonce = &begun.visit.nonce;
    end_visit(&world.app, token.reveal(), ip(from), nonce, may_ping, &brought).await
}

pub(super) async fn names(world: &World, id: MatchId) -> Vec<String> {
    let mut tx = world.app.db.read().await.unwrap();
    let all = rosters::list(&mut tx, id).await.unwrap();
    let mut own: Vec<String> = all
        .into_iter()
        .filter(|entry| entry.clan == world.reds.id)
        .map(|entry| entry.name.to_string())
        .collect();
    own.sort();
    own
}

#[tokio::test]
async fn who_comes_by_the_link_is_in_the_match_and_is_measured() {
    for base in databases().await {
        let mut world = world(base, false).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        let begun = begin_visit(&world.app, token.reveal()).await.unwrap();
        assert_eq!(begun.hosts.len(), 2);
        world.tick().await;
        for host in &world.hosts {
            let mut tx = world.app.db.read().await.unwrap();
            let orders = crate::store::hosts::get(&mut tx, host.host.id)
                .await
                .unwrap()
                .unwrap()
                .orders;
            assert_eq!(orders.passes.len(), 1);
            assert_eq!(orders.passes[0].ticket, begun.visit.ticket);
        }
        let all = brought("Rex", &begun);
        let result = async |from| {
            end_visit(
                &world.app,
                token.reveal(),
                ip(from),
                &begun.visit.nonce,
                true,
                &all,
            )
            .await
        };
        let came = result("10.9.0.77").await.unwrap();
        assert_eq!((came.player.as_str(), came.measured), ("Rex", 2));
        assert!(
            matches!(result("10.9.0.77").await, Err(ActionError::Invalid(_))),
            "a nonce is used once"
        );
        assert_eq!(names(&world, id).await, ["Rex", "Rowan", "Ruby"]);
        let mut tx = world.app.db.read().await.unwrap();
        let all = players::list(&mut tx, world.reds.id).await.unwrap();
        let rex = all.iter().find(|player| player.name.as_str() == "Rex").unwrap();
        assert_eq!(rex.address, "10.9.0.77".parse().unwrap());
        assert!(matches!(rex.consent, Consent::Own { .. }));
        let read = readings::of_player(&mut tx, rex.id, crate::domain::Time::from_millis(0))
            .await
            .unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].sample.median_us, Some(41_000));
        drop(tx);
        // After five minutes no host lets the ticket pass.
        world.pass(5 * MINUTE);
        world.ticks(2).await;
        let mut tx = world.app.db.read().await.unwrap();
        let orders = crate::store::hosts::get(&mut tx, world.hosts[0].host.id)
            .await
            .unwrap()
            .unwrap()
            .orders;
        assert!(orders.passes.is_empty());
    }
}

#[tokio::test]
async fn a_typed_name_is_claimed_once_and_a_confirmed_one_is_not_taken_away() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    let expected: Vec<String> = look_at(&world.app, token.reveal())
        .await
        .unwrap()
        .names
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(expected, ["Ruby", "Rowan"]);
    assert_eq!(
        come(&world, &token, "RUBY", "10.9.0.77", true)
            .await
            .unwrap()
            .player
            .as_str(),
        "Ruby"
    );
    let left = look_at(&world.app, token.reveal()).await.unwrap().names;
    assert_eq!(left.len(), 1);
    let refused = come(&world, &token, "Ruby", "10.9.0.78", true).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("choose another name, or ask your captain"),
        "{refused}"
    );
    assert!(
        come(&world, &token, "Ruby", "10.9.0.77", false).await.is_ok(),
        "the same again"
    );
    // A new link begins anew, and the old one is of no more use.
    let new = link(&world, &world.red_admin, id).await;
    assert!(matches!(
        look_at(&world.app, token.reveal()).await,
        Err(ActionError::NotFound { .. })
    ));
    assert!(come(&world, &new, "Ruby", "10.9.0.78", true).await.is_ok());
    revoke_player_link(&world.app, &world.red_admin, id, world.reds.id)
        .await
        .unwrap();
    assert!(matches!(
        come(&world, &new, "Ruby", "10.9.0.78", true).await,
        Err(ActionError::NotFound { .. })
    ));
    assert_eq!(names(&world, id).await, ["Rowan", "Ruby"]);
}

#[tokio::test]
async fn a_link_is_the_own_captains_and_dies_with_the_match() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let others = make_player_link(&world.app, &world.blue_admin, id, world.reds.id).await;
    assert!(matches!(others, Err(ActionError::Forbidden(_))));
    let token = link(&world, &world.staff, id).await;
    let sees = async |user| {
        let view = view_match(&world.app, user, id).await.unwrap();
        view.rosters[0].link_since.is_some()
    };
    assert!(sees(&world.red_admin).await && sees(&world.staff).await && !sees(&world.blue_admin).await);
    end_match(&world.app, &world.staff, id).await.unwrap();
    assert!(matches!(
        begin_visit(&world.app, token.reveal()).await,
        Err(ActionError::NotFound { .. })
    ));
    let late = make_player_link(&world.app, &world.staff, id, world.reds.id).await;
    assert!(matches!(late, Err(ActionError::Conflict(_))));
    world.pass(120 * MINUTE);
    forget::sweep(&world.app, world.app.now()).await.unwrap();
    let mut tx = world.app.db.read().await.unwrap();
    assert!(
        crate::store::player_links::of_match(&mut tx, id)
            .await
            .unwrap()
            .is_empty()
    );
}

/// How many people are pinged in the newest round of a match.
pub(super) async fn pinged(world: &World, id: MatchId) -> usize {
    let mut tx = world.app.db.read().await.unwrap();
    let round = crate::store::rounds::of_match(&mut tx, id)
        .await
        .unwrap()
        .pop()
        .unwrap();
    let targets = crate::store::rounds::targets(&mut tx, round.id).await.unwrap();
    targets.iter().filter(|target| target.address.is_some()).count()
}

#[tokio::test]
async fn nobody_is_pinged_on_a_captains_word_alone() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    world.ticks(2).await;
    assert_eq!(pinged(&world, id).await, 0);
    let why = async |user| -> Vec<Option<String>> {
        let view = view_match(&world.app, user, id).await.unwrap();
        view.rosters[0]
            .players
            .iter()
            .map(|player| player.not_measured.clone())
            .collect()
    };
    for user in [&world.red_admin, &world.staff] {
        for said in why(user).await {
            let said = said.unwrap();
            assert!(
                said.contains("nobody at this address has agreed yet; send them the players’ link"),
                "{said}"
            );
        }
    }
    assert_eq!(
        why(&world.blue_admin).await,
        [None, None],
        "that is the own clan's to know"
    );

    // An organiser's word, and the player's own.
    let ruby = world.players[0].clone();
    assert!(matches!(
        vouch(&world.app, &world.red_admin, world.reds.id, ruby.id).await,
        Err(ActionError::Forbidden(_))
    ));
    vouch(&world.app, &world.staff, world.reds.id, ruby.id)
        .await
        .unwrap();
    let token = link(&world, &world.red_admin, id).await;
    come(&world, &token, "Rowan", "10.9.0.2", true).await.unwrap();
    world.pass(MINUTE);
    world.ticks(3).await;
    assert_eq!(pinged(&world, id).await, 2);

    // Who takes it back is not pinged any more, whatever captain or organiser says.
    come(&world, &token, "Rowan", "10.9.0.2", false).await.unwrap();
    let again = NewPlayer {
        name: "Rowan".into(),
        address: "10.9.0.2".into(),
    };
    for by in [&world.red_admin, &world.staff] {
        let rowan = world.players[1].id;
        let changed = change_player(&world.app, by, world.reds.id, rowan, again.clone())
            .await
            .unwrap();
        assert!(matches!(changed.consent, Consent::Declined { .. }));
        assert!(vouch(&world.app, by, world.reds.id, rowan).await.is_err());
    }
    world.pass(MINUTE);
    world.ticks(3).await;
    assert_eq!(pinged(&world, id).await, 1);

    // Another address is a captain's word again.
    let moved = NewPlayer {
        name: "Ruby".into(),
        address: "10.9.0.99".into(),
    };
    change_player(&world.app, &world.red_admin, world.reds.id, ruby.id, moved)
        .await
        .unwrap();
    let all = list_players(&world.app, &world.staff, world.reds.id)
        .await
        .unwrap();
    let ruby = all.iter().find(|player| player.name.as_str() == "Ruby").unwrap();
    assert_eq!(ruby.consent, Consent::Typed);
}

#[tokio::test]
async fn where_captains_are_trusted_all_are_pinged_but_who_declined() {
    let mut world = world(sqlite().await, true).await;
    let id = booked(&mut world).await;
    world.ticks(2).await;
    assert_eq!(pinged(&world, id).await, 4);
    let token = link(&world, &world.red_admin, id).await;
    come(&world, &token, "Ruby", "10.9.0.1", false).await.unwrap();
    world.pass(MINUTE);
    world.ticks(3).await;
    assert_eq!(pinged(&world, id).await, 3);
}

#[tokio::test]
async fn a_whole_clan_comes_within_a_minute_and_the_match_is_measured_a_few_times() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    for n in 0..30 {
        come(&world, &token, &format!("Red {n}"), &format!("10.9.1.{n}"), true)
            .await
            .unwrap();
        world.ticks(2).await;
    }
    let full = come(&world, &token, "Late", "10.9.1.99", true).await;
    assert!(
        matches!(full, Err(ActionError::Full(_))),
        "32 are a roster: {full:?}"
    );
    world.pass(MINUTE);
    world.ticks(3).await;
    assert_eq!(pinged(&world, id).await, 30);
    let mut tx = world.app.db.read().await.unwrap();
    let rounds = crate::store::rounds::of_match(&mut tx, id).await.unwrap();
    assert!((2..=6).contains(&rounds.len()), "{} rounds", rounds.len());
}
