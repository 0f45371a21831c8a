//! Players with an IPv6 address: alone, or beside another.

use super::{
    visits::{booked, come, link, world},
    world::{MINUTE, World},
};
use crate::{
    actions::{
        ActionError,
        matches::set_roster,
        players::{NewPlayer, PlayerSeen, add_player, change_player, list_players, remove_player, vouch},
    },
    domain::{Consent, MatchId, Player, Seat, User},
    store::{
        declined, players, rounds,
        testing::{databases, sqlite},
    },
};
use std::net::IpAddr;

const SIX: &str = "fd00:9::1";

/// Where Ruby is pinged in the newest round of a match.
async fn pinged_at(world: &World, id: MatchId) -> Option<String> {
    let mut tx = world.app.db.read().await.unwrap();
    let round = rounds::of_match(&mut tx, id).await.unwrap().pop().unwrap();
    let targets = rounds::targets(&mut tx, round.id).await.unwrap();
    let ruby = targets.iter().find(|target| target.player == world.players[0].id);
    ruby.unwrap().address.map(|ip| ip.to_string())
}

async fn ruby(world: &World) -> Player {
    let mut tx = world.app.db.read().await.unwrap();
    players::get(&mut tx, world.players[0].id).await.unwrap().unwrap()
}

async fn enter(world: &World, by: &User, address: &str) -> Result<PlayerSeen, ActionError> {
    let new = NewPlayer {
        name: "Ruby".into(),
        address: address.into(),
    };
    change_player(&world.app, by, world.reds.id, world.players[0].id, new).await
}

async fn measured_again(world: &mut World) {
    world.pass(MINUTE);
    world.ticks(3).await;
}

#[tokio::test]
async fn who_comes_by_ipv6_keeps_the_other_address_and_is_pinged_there_where_they_may_be() {
    for base in databases().await {
        let mut world = world(base, false).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        come(&world, &token, "Ruby", SIX, true).await.unwrap();
        let came = ruby(&world).await;
        assert_eq!(came.address, world.players[0].address);
        assert_eq!(came.consent, Consent::Typed, "nobody came from there");
        assert_eq!(came.ipv6.unwrap().ip, SIX.parse::<std::net::Ipv6Addr>().unwrap());
        measured_again(&mut world).await;
        assert_eq!(pinged_at(&world, id).await.as_deref(), Some(SIX));
        // Her own word of the other one, too: the game is played by IPv4.
        come(&world, &token, "Ruby", "::ffff:10.9.0.1", true)
            .await
            .unwrap();
        measured_again(&mut world).await;
        assert_eq!(pinged_at(&world, id).await.as_deref(), Some("10.9.0.1"));
        // Nobody else is Ruby from now on, by neither.
        for from in ["fd00:9:0:1::1", "10.9.0.2"] {
            let refused = come(&world, &token, "Ruby", from, true).await;
            assert!(
                matches!(refused, Err(ActionError::Conflict(_))),
                "{from}: {refused:?}"
            );
        }
        come(&world, &token, "Ruby", "fd00:9::2", true).await.unwrap();
        assert_eq!(
            ruby(&world).await.address,
            world.players[0].address,
            "the same line"
        );
    }
}

#[tokio::test]
async fn who_declines_by_ipv6_is_pinged_nowhere_until_they_agree() {
    let mut world = world(sqlite().await, true).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    come(&world, &token, "Ruby", "10.9.0.1", true).await.unwrap();
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await.as_deref(), Some("10.9.0.1"));
    world.pass(1);
    come(&world, &token, "Ruby", SIX, false).await.unwrap();
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await, None);
    // Neither a captain nor an organiser changes that, by entering the address anew or without the other.
    for by in [world.red_admin.clone(), world.staff.clone()] {
        enter(&world, &by, "10.9.0.1").await.unwrap();
        assert!(
            vouch(&world.app, &by, world.reds.id, world.players[0].id)
                .await
                .is_err()
        );
    }
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await, None);
    // Her word by IPv6 is for that address; for the other one she comes from there.
    come(&world, &token, "Ruby", SIX, true).await.unwrap();
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await.as_deref(), Some(SIX));
    come(&world, &token, "Ruby", "10.9.0.1", true).await.unwrap();
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await.as_deref(), Some("10.9.0.1"));
}

#[tokio::test]
async fn a_player_with_ipv6_alone_is_measured_and_the_match_is_placed() {
    let mut world = world(sqlite().await, false).await;
    for host in &mut world.hosts {
        let truth = host.rtts[&IpAddr::from([10, 9, 0, 1])];
        host.rtts.insert(SIX.parse().unwrap(), truth);
    }
    for player in world.players.clone() {
        let clan = player.clan;
        vouch(&world.app, &world.staff, clan, player.id).await.unwrap();
    }
    let seen = enter(&world, &world.red_admin.clone(), SIX).await.unwrap();
    assert_eq!((seen.address.as_deref(), seen.ipv6), (Some(SIX), None));
    assert_eq!(seen.consent, Consent::Typed);
    let seen = vouch(&world.app, &world.staff, world.reds.id, world.players[0].id)
        .await
        .unwrap();
    assert!(matches!(seen.consent, Consent::Vouched { .. }));
    assert_eq!(seen.address, None, "that is the clan's to know");
    let id = booked(&mut world).await;
    world.until(id, "reserved").await;
    assert_eq!(pinged_at(&world, id).await.as_deref(), Some(SIX));
    let view = world.view(id).await;
    let source = view.sources.iter().find(|source| source.player == "Ruby");
    assert!(source.is_some(), "{:?}", view.sources);
}

#[tokio::test]
async fn each_address_has_its_mark_and_staff_change_only_the_kind_that_they_enter() {
    let world = world(sqlite().await, false).await;
    let (captain, staff) = (&world.red_admin, &world.staff);
    let both = enter(&world, captain, "2620:fe::9, 9.9.9.9").await.unwrap();
    assert_eq!(both.address.as_deref(), Some("9.9.9.9 2620:fe::9"));
    assert_eq!(both.words(), "entered by a captain");
    assert!(both.wants_a_word());
    let seen = enter(&world, staff, "2620:fe::9").await.unwrap();
    assert_eq!(seen.consent, Consent::Typed);
    assert!(matches!(seen.ipv6, Some(Consent::Vouched { .. })));
    assert_eq!(
        seen.words(),
        "IPv4: entered by a captain; IPv6: an organiser stands for it"
    );
    let all = list_players(&world.app, captain, world.reds.id).await.unwrap();
    let shown = all.iter().find(|one| one.name.as_str() == "Ruby").unwrap();
    assert_eq!(shown.address.as_deref(), Some("9.9.9.9 2620:fe::9"));
    // Who sees both says both.
    let one = enter(&world, captain, "9.9.9.9").await.unwrap();
    assert_eq!((one.address.as_deref(), one.ipv6), (Some("9.9.9.9"), None));
    for (text, said) in [
        ("2620:fe::9 2620:fe::10", "one of each"),
        ("::1", "nobody"),
        ("ff02::1", "nobody"),
        ("2002:a00:1::1", "nobody"),
        ("9.9.9.9 2001:db8::1", "nobody"),
        ("fe80::1%eth0", "IPv6"),
    ] {
        let new = NewPlayer {
            name: "Rex".into(),
            address: text.into(),
        };
        let refused = add_player(&world.app, captain, world.reds.id, new).await;
        let Err(ActionError::Invalid(all)) = refused else {
            panic!("{text}: {refused:?}");
        };
        assert_eq!((all[0].field.as_str(), all[0].value.as_str()), ("address", text));
        assert!(all[0].expected.contains(said), "{text}: {}", all[0].expected);
    }
}

#[tokio::test]
async fn who_declined_by_ipv4_and_is_entered_anew_is_not_pinged_by_ipv6() {
    for base in databases().await {
        let mut world = world(base, false).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        come(&world, &token, "Ruby", "10.9.0.1", false).await.unwrap();
        let (clan, before) = (world.reds.id, world.players[0].id);
        remove_player(&world.app, &world.staff, clan, before)
            .await
            .unwrap();
        let both = NewPlayer {
            name: "Ruby".into(),
            address: format!("10.9.0.1 {SIX}"),
        };
        let again = add_player(&world.app, &world.staff, clan, both).await.unwrap();
        world.players[0].id = again.id;
        let seats = [(again.id, Seat::default())];
        set_roster(&world.app, &world.staff, id, clan, &seats)
            .await
            .unwrap();
        measured_again(&mut world).await;
        assert_eq!(pinged_at(&world, id).await, None);
        let story = world.view(id).await.story;
        assert!(
            story
                .iter()
                .any(|told| told.text.contains("from that address and wants no pings")),
            "{story:#?}"
        );
        // She says by IPv6 that she may be pinged there.
        let token = link(&world, &world.red_admin, id).await;
        come(&world, &token, "Ruby", SIX, true).await.unwrap();
        measured_again(&mut world).await;
        assert_eq!(pinged_at(&world, id).await.as_deref(), Some(SIX));
    }
}

#[tokio::test]
async fn somebody_elses_no_under_a_players_name_is_not_kept_of_that_players_line() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    come(&world, &token, "Ruby", "10.9.0.1", true).await.unwrap();
    world.pass(1);
    come(&world, &token, "Ruby", SIX, false).await.unwrap();
    measured_again(&mut world).await;
    assert_eq!(pinged_at(&world, id).await, None);
    let has = async |ip: &str| {
        let mut tx = world.app.db.read().await.unwrap();
        declined::has(&mut tx, ip.parse().unwrap()).await.unwrap()
    };
    assert!(has(SIX).await);
    assert!(
        !has("10.9.0.1").await,
        "nobody declined there, and others may play from there"
    );
}

#[tokio::test]
async fn who_declines_is_left_alone_in_their_whole_network_in_the_round_that_runs() {
    for base in databases().await {
        let mut world = world(base, false).await;
        enter(&world, &world.red_admin.clone(), SIX).await.unwrap();
        vouch(&world.app, &world.staff, world.reds.id, world.players[0].id)
            .await
            .unwrap();
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        come(&world, &token, "Rex", "fd00:9:0:1::5", false).await.unwrap();
        assert_eq!(pinged_at(&world, id).await.as_deref(), Some(SIX));
        come(&world, &token, "Rita", "fd00:9::5", false).await.unwrap();
        assert_eq!(pinged_at(&world, id).await, None);
    }
}
