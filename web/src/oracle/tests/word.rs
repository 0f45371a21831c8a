//! What nobody can do to others by a link, or by entering an address.

use super::{
    visits::{booked, brought, come, ip, link, names, pinged, world},
    world::MINUTE,
};
use crate::{
    actions::{
        ActionError,
        matches::set_roster,
        players::{NewPlayer, add_player, change_player, remove_player, vouch},
        visits::{begin_visit, end_visit},
    },
    domain::{Consent, OfPings, Player, PlayerAddress, Seat, come_from, limits::PASSES_OF_A_CLAN},
    store::{
        Tx, clans, players, readings,
        testing::{databases, postgres, sqlite, waits_for_a_lock},
    },
};
use vmatrix_placement::Source;

#[tokio::test]
async fn nobody_who_changes_their_mind_all_the_time_keeps_a_match_from_being_measured_or_woken() {
    let mut world = world(sqlite().await, true).await;
    let id = booked(&mut world).await;
    world.until(id, "reserved").await;
    let token = link(&world, &world.red_admin, id).await;
    world.pass(54 * MINUTE);
    world.ticks(4).await;
    // For more than the four minutes that are left until it is woken.
    let mut last = 0;
    for n in 0..6 * 60 {
        let came = come(&world, &token, "Ruby", "10.9.0.1", n % 2 == 0).await;
        assert!(came.is_ok(), "{n}: {came:?}");
        world.tick().await;
        last = n;
        if world.view(id).await.booked.state != "reserved" {
            break;
        }
    }
    assert!(last < 5 * 60, "it was not woken");
    let story = world.view(id).await.story;
    let looks = story.iter().filter(|told| told.text.contains("was kept")).count();
    assert!(looks >= 2, "no round came to its end: {story:#?}");
    let mut tx = world.app.db.read().await.unwrap();
    let rounds = crate::store::rounds::open(&mut tx).await.unwrap();
    assert!(rounds.is_empty(), "what ran was stopped when it was woken");
}

#[tokio::test]
async fn who_declined_is_left_alone_under_whatever_name_a_captain_enters_the_address() {
    for base in databases().await {
        let mut world = world(base, true).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        assert_eq!(pinged(&world, id).await, 4);
        // Also in the round that runs.
        come(&world, &token, "Ruby", "10.9.0.1", false).await.unwrap();
        assert_eq!(pinged(&world, id).await, 3);
        let (ruby, rowan) = (world.players[0].id, world.players[1].id);
        let (clan, by) = (world.reds.id, world.red_admin.clone());
        let typed = |name: &str| NewPlayer {
            name: name.into(),
            address: "10.9.0.1".into(),
        };
        // Under another name that the clan has, and after the player was removed.
        change_player(&world.app, &by, clan, rowan, typed("Rowan"))
            .await
            .unwrap();
        remove_player(&world.app, &by, clan, ruby).await.unwrap();
        let again = add_player(&world.app, &world.staff, clan, typed("Ruby"))
            .await
            .unwrap();
        assert!(vouch(&world.app, &world.staff, clan, again.id).await.is_err());
        let seats = [(again.id, Seat::default()), (rowan, Seat::default())];
        set_roster(&world.app, &by, id, clan, &seats).await.unwrap();
        world.ticks(3).await;
        assert_eq!(pinged(&world, id).await, 2, "the other clan's");
        let story = world.view(id).await.story;
        let said =
            "2 players are not pinged in this round: somebody came from that address and wants no pings.";
        assert!(story.iter().any(|told| told.text == said), "{story:#?}");
        // Who comes from there may change their mind: for all who play from there.
        come(&world, &token, "Ruby", "10.9.0.1", true).await.unwrap();
        world.pass(MINUTE);
        world.ticks(3).await;
        assert_eq!(pinged(&world, id).await, 4);
    }
}

#[tokio::test]
async fn nobody_stands_for_a_host_name() {
    let world = world(sqlite().await, false).await;
    let ruby = Player {
        address: PlayerAddress::HostName("ruby.example.org".into()),
        ..world.players[0].clone()
    };
    let mut tx = world.app.db.begin().await.unwrap();
    players::update(&mut tx, &ruby, world.app.now()).await.unwrap();
    tx.commit().await.unwrap();
    let refused = vouch(&world.app, &world.staff, world.reds.id, ruby.id)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, ActionError::Invalid(all) if all[0].field == "address"),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains("a host name may lead to somebody else tomorrow")
    );
}

#[tokio::test]
async fn what_was_measured_from_another_address_is_forgotten() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let token = link(&world, &world.red_admin, id).await;
    let ruby = world.players[0].id;
    let bring = async |via| {
        let begun = begin_visit(&world.app, token.reveal(), ip("10.9.0.77"), None)
            .await
            .unwrap();
        let mut all = brought("Ruby", &begun);
        all.via = via;
        let nonce = &begun.visit.nonce;
        end_visit(
            &world.app,
            token.reveal(),
            ip("10.9.0.1"),
            nonce,
            OfPings::Yes,
            &all,
        )
        .await
        .unwrap();
    };
    let kept = async || {
        let mut tx = world.app.db.read().await.unwrap();
        let since = crate::domain::Time::from_millis(0);
        let all = readings::of_player(&mut tx, ruby, since).await.unwrap();
        all.into_iter().map(|reading| reading.source).collect::<Vec<_>>()
    };
    bring(Source::Udp).await;
    assert_eq!(kept().await, [Source::Udp, Source::Udp]);
    bring(Source::Browser).await;
    assert_eq!(
        kept().await,
        [Source::Browser, Source::Browser],
        "a result replaces all that came before"
    );
    let type_in = async |name: &str, address: &str| {
        let typed = NewPlayer {
            name: name.into(),
            address: address.into(),
        };
        change_player(&world.app, &world.red_admin, world.reds.id, ruby, typed)
            .await
            .unwrap();
    };
    type_in("Rubina", "10.9.0.1").await;
    assert_eq!(kept().await.len(), 2, "the same line");
    type_in("Rubina", "10.9.0.99").await;
    assert_eq!(kept().await, []);
}

#[tokio::test]
async fn a_link_is_for_the_players_of_its_match_and_new_ones() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let seats = [(world.players[0].id, Seat::default())];
    set_roster(&world.app, &world.red_admin, id, world.reds.id, &seats)
        .await
        .unwrap();
    let token = link(&world, &world.red_admin, id).await;
    let refused = come(&world, &token, "rowan", "10.9.0.77", true)
        .await
        .unwrap_err();
    assert!(matches!(refused, ActionError::Conflict(_)), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("who is not in this match: ask your captain"),
        "{refused}"
    );
    let mut tx = world.app.db.read().await.unwrap();
    let rowan = players::get(&mut tx, world.players[1].id).await.unwrap().unwrap();
    assert_eq!(rowan, world.players[1], "nothing of them was changed");
    drop(tx);
    for name in ["Ruby", "Rex"] {
        assert!(come(&world, &token, name, "10.9.0.77", true).await.is_ok());
    }
    assert_eq!(names(&world, id).await, ["Rex", "Ruby"]);
}

#[tokio::test]
async fn who_comes_when_a_clan_has_all_its_tickets_waits_and_nobody_loses_theirs() {
    let mut world = world(sqlite().await, false).await;
    let mut links = Vec::new();
    for _ in 0..3 {
        let id = booked(&mut world).await;
        links.push(link(&world, &world.red_admin, id).await);
    }
    let mut begun = 0;
    let wait = loop {
        match begin_visit(&world.app, links[begun / 24].reveal(), ip("10.9.0.77"), None).await {
            Ok(_) => begun += 1,
            Err(ActionError::Busy { wait, .. }) => break wait,
            Err(other) => panic!("after {begun}: {other}"),
        }
    };
    assert_eq!(begun, PASSES_OF_A_CLAN);
    world.tick().await;
    let mut tx = world.app.db.read().await.unwrap();
    let host = crate::store::hosts::get(&mut tx, world.hosts[0].host.id)
        .await
        .unwrap();
    assert_eq!(host.unwrap().orders.passes.len(), PASSES_OF_A_CLAN);
    drop(tx);
    world.pass(i64::try_from(wait.as_millis()).unwrap());
    world.ticks(2).await;
    assert!(
        begin_visit(&world.app, links[0].reveal(), ip("10.9.0.77"), None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn who_says_nothing_of_pings_is_not_pinged_and_what_they_said_before_stays() {
    for base in databases().await {
        let mut world = world(base, true).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        let visit = async |said| {
            let begun = begin_visit(&world.app, token.reveal(), ip("10.9.0.77"), None)
                .await
                .unwrap();
            let (all, nonce) = (brought("Ruby", &begun), &begun.visit.nonce);
            let came = end_visit(&world.app, token.reveal(), ip("10.9.0.77"), nonce, said, &all).await;
            came.unwrap();
            let mut tx = world.app.db.read().await.unwrap();
            let ruby = players::get(&mut tx, world.players[0].id).await.unwrap().unwrap();
            let left_alone = crate::store::declined::has(&mut tx, ip("10.9.0.77"))
                .await
                .unwrap();
            (ruby.consent, left_alone)
        };
        let (came, left_alone) = visit(OfPings::Unsaid).await;
        assert!(matches!(came, Consent::Came { .. }) && !left_alone, "{came:?}");
        assert!(came.check(world.app.settings.trust_captains).is_err());
        for (said, left_alone) in [(OfPings::No, true), (OfPings::Yes, false)] {
            let before = visit(said).await;
            assert_eq!(before.1, left_alone);
            assert_eq!(visit(OfPings::Unsaid).await, before);
        }
        world.ticks(1).await;
    }
}

#[tokio::test]
async fn a_no_that_is_said_at_this_moment_is_not_written_over() {
    let Some(base) = postgres().await else { return };
    let world = world(base, false).await;
    let (ruby, clan) = (world.players[0].clone(), world.reds.id);
    let (now, from) = (world.app.now(), ip("10.9.0.1"));
    // As a visit has it.
    let says_no = async || {
        let mut tx = world.app.db.begin().await.unwrap();
        clans::lock(&mut tx, clan).await.unwrap();
        let said = come_from(&ruby, from, Consent::Declined { at: now });
        players::come(&mut tx, &said, from, now).await.unwrap();
        tx
    };
    let commits = async |tx: Tx| {
        waits_for_a_lock(&world.app.db).await;
        tx.commit().await.unwrap();
    };
    let tx = says_no().await;
    let (vouched, ()) = tokio::join!(vouch(&world.app, &world.staff, clan, ruby.id), commits(tx));
    assert!(matches!(vouched, Err(ActionError::Conflict(_))), "{vouched:?}");
    let typed = NewPlayer {
        name: "Ruby".into(),
        address: "10.9.0.1".into(),
    };
    let mut tx = world.app.db.begin().await.unwrap();
    players::update(&mut tx, &ruby, now).await.unwrap();
    tx.commit().await.unwrap();
    let tx = says_no().await;
    let changes = change_player(&world.app, &world.staff, clan, ruby.id, typed);
    let (changed, ()) = tokio::join!(changes, commits(tx));
    assert!(matches!(changed.unwrap().consent, Consent::Declined { .. }));
}
