//! The life of a match's rows, on both databases: each statement of the nouns that belong to a match or a service.

use super::{
    choices, clans, hosts, matches, open_rounds, players, rosters, rounds, sites, snapshots, story, users,
};
use crate::{
    domain::{
        ChoiceBody, ChoiceId, ChoiceRecord, Clan, ClanId, Host, HostId, Match, MatchId, MatchState, Player,
        PlayerId, Role, Round, RoundId, RoundReason, RoundTarget, Seat, SiteId, StoryId, TargetId, Time,
        User, UserId, testing,
    },
    store::{Tx, testing::databases},
};
use std::collections::BTreeMap;
use uuid::Uuid;
use vmatrix_placement as placement;
use vmatrix_wire::{Digest, RttSample, Secret};

pub(super) fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

pub(super) struct Rows {
    pub(super) host: HostId,
    pub(super) of: Match,
    pub(super) players: [Player; 2],
}

/// A host, two clans with a player each, a snapshot, and a match.
pub(super) async fn rows(tx: &mut Tx) -> Rows {
    let site = sites::find_or_insert(tx, "madrid", SiteId(Uuid::now_v7()))
        .await
        .unwrap();
    let host = Host {
        site,
        ..testing::host("mad-1", 1)
    };
    hosts::insert(tx, &host, "hash", Digest([7; 32])).await.unwrap();
    let user = User {
        id: UserId(Uuid::now_v7()),
        name: "olga".parse().unwrap(),
        role: Role::Organiser,
        created_at: at(1),
    };
    users::insert(tx, &user, "hash").await.unwrap();
    let clan = |name: &str| Clan {
        id: ClanId(Uuid::now_v7()),
        name: name.parse().unwrap(),
    };
    let pair = [clan("Reds"), clan("Blues")];
    let mut both = Vec::new();
    for clan in &pair {
        clans::insert(tx, clan, at(1)).await.unwrap();
        let player = Player {
            id: PlayerId(Uuid::now_v7()),
            clan: clan.id,
            name: "Ada".parse().unwrap(),
            address: "10.0.0.1".parse().unwrap(),
            consent: crate::domain::Consent::Typed,
            ipv6: None,
        };
        players::insert(tx, &player, at(1)).await.unwrap();
        both.push(player);
    }
    snapshots::insert(
        tx,
        Digest([1; 32]),
        "text",
        &testing::manifest("openarena", 1),
        at(1),
    )
    .await
    .unwrap();
    let of = Match {
        policy: vmatrix_placement::Policy::default(),
        id: MatchId(Uuid::now_v7()),
        image: "openarena".into(),
        map: "oa_dm1".into(),
        home: pair[0].id,
        away: pair[1].id,
        start_at: at(1000),
        length_ms: 500,
        state: MatchState::Gathering,
        password: Secret::new("p"),
        rcon: Secret::new("r"),
        created_by: user.id,
        created_at: at(2),
        rematch_of: None,
        freeze: false,
        revision: 1,
    };
    matches::insert(tx, &of).await.unwrap();
    Rows {
        host: host.id,
        of,
        players: both.try_into().unwrap(),
    }
}

#[tokio::test]
async fn the_life_of_a_match() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = rows(&mut tx).await;
        let of = &rows.of;
        assert_eq!(matches::get(&mut tx, of.id).await.unwrap().as_ref(), Some(of));
        let unfinished = matches::unfinished(&mut tx).await.unwrap();
        let unfinished: Vec<_> = unfinished.into_iter().map(Result::unwrap).collect();
        assert_eq!(&unfinished, std::slice::from_ref(of));
        assert_eq!(matches::list(&mut tx, None).await.unwrap().len(), 1);
        assert_eq!(matches::list(&mut tx, Some(of.away)).await.unwrap().len(), 1);
        assert!(
            matches::list(&mut tx, Some(ClanId(Uuid::now_v7())))
                .await
                .unwrap()
                .is_empty()
        );

        let failed = MatchState::Failed {
            why: "x".into(),
            choice: None,
        };
        assert!(matches::write_state(&mut tx, of, &failed).await.unwrap());
        // What was read before is too old to be written over.
        assert!(
            !matches::write_state(&mut tx, of, &MatchState::Cancelled)
                .await
                .unwrap()
        );
        let read = matches::get(&mut tx, of.id).await.unwrap().unwrap();
        assert_eq!((read.state, read.revision), (failed, 2));
        assert!(matches::unfinished(&mut tx).await.unwrap().is_empty());

        let [red, blue] = &rows.players;
        let seat = |role, cap_us| Seat {
            role,
            cap: placement::Micros::new(cap_us).ok(),
        };
        let sides = [
            (of.home, red.id, seat(placement::Role::Caster, 0)),
            (of.away, blue.id, Seat::default()),
            (of.away, blue.id, seat(placement::Role::Substitute, 120_000)),
        ];
        for (clan, player, seat) in sides {
            rosters::set(&mut tx, of.id, clan, &[(player, seat)])
                .await
                .unwrap();
        }
        let seats: BTreeMap<_, _> = rosters::list(&mut tx, of.id)
            .await
            .unwrap()
            .into_iter()
            .map(|entry| (entry.player, entry.seat))
            .collect();
        assert_eq!(
            seats,
            BTreeMap::from([(red.id, sides[0].2), (blue.id, sides[2].2)])
        );
        players::remove(&mut tx, blue.id, of.away, at(5)).await.unwrap();
        let roster = rosters::list(&mut tx, of.id).await.unwrap();
        assert!(
            roster
                .iter()
                .any(|entry| entry.player == blue.id && entry.address.is_none())
        );

        story::add(&mut tx, StoryId(Uuid::now_v7()), of.id, at(7), "later")
            .await
            .unwrap();
        story::add(&mut tx, StoryId(Uuid::now_v7()), of.id, at(6), "sooner")
            .await
            .unwrap();
        let told: Vec<_> = story::list(&mut tx, of.id)
            .await
            .unwrap()
            .into_iter()
            .map(|line| line.text)
            .collect();
        assert_eq!(told, ["sooner", "later"]);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn the_life_of_a_round() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = rows(&mut tx).await;
        let round = Round {
            id: vmatrix_wire::ProbeId(Uuid::now_v7()),
            match_id: rows.of.id,
            reason: RoundReason::Roster,
            started_at: at(3),
            until_at: at(30),
            ended_at: None,
            taken_from: None,
        };
        let target = |player: &Player, address: Option<&str>| RoundTarget {
            target: TargetId(Uuid::now_v7()),
            player: player.id,
            address: address.map(|text| text.parse().unwrap()),
            by: vmatrix_wire::Way::Icmp,
        };
        let targets = [
            target(&rows.players[0], Some("10.0.0.1")),
            target(&rows.players[1], None),
        ];
        rounds::insert(&mut tx, &round, &targets, &[rows.host])
            .await
            .unwrap();
        assert_eq!(rounds::get(&mut tx, round.id).await.unwrap(), Some(round.clone()));
        assert_eq!(rounds::open(&mut tx).await.unwrap(), std::slice::from_ref(&round));
        assert_eq!(
            rounds::of_match(&mut tx, rows.of.id).await.unwrap(),
            std::slice::from_ref(&round)
        );
        assert_eq!(rounds::targets(&mut tx, round.id).await.unwrap(), targets);
        assert_eq!(
            rounds::hosts(&mut tx, round.id).await.unwrap(),
            [(rows.host, false)]
        );
        rounds::set_host_done(&mut tx, round.id, rows.host).await.unwrap();
        assert_eq!(
            rounds::hosts(&mut tx, round.id).await.unwrap(),
            [(rows.host, true)]
        );

        let ip = "10.0.0.1".parse().unwrap();
        assert_eq!(
            rounds::newest_at(&mut tx, ip, at(0)).await.unwrap(),
            None,
            "it goes on"
        );
        assert!(!rounds::is_few(&mut tx, round.id).await.unwrap());
        rounds::set_few(&mut tx, round.id).await.unwrap();
        assert!(rounds::is_few(&mut tx, round.id).await.unwrap());

        let lost = RttSample {
            target: targets[0].target,
            sent: 2,
            received: 0,
            min_us: None,
            median_us: None,
            deviation_us: None,
            p90_us: None,
            jitter_us: None,
        };
        let heard = RttSample {
            sent: 9,
            received: 8,
            min_us: Some(1),
            median_us: Some(2),
            deviation_us: Some(3),
            p90_us: None,
            jitter_us: None,
            ..lost.clone()
        };
        for sample in [&lost, &heard] {
            rounds::put_measurement(&mut tx, round.id, rows.host, sample)
                .await
                .unwrap();
        }
        assert_eq!(
            rounds::measurements(&mut tx, round.id).await.unwrap(),
            [(rows.host, heard)]
        );
        // The same of all open rounds at once.
        let (id, all_tx) = (round.id, &mut tx);
        let all = rounds::targets(all_tx, id).await.unwrap();
        assert_eq!(open_rounds::targets(all_tx).await.unwrap(), [(id, all)].into());
        let all = rounds::hosts(all_tx, id).await.unwrap();
        assert_eq!(open_rounds::hosts(all_tx).await.unwrap(), [(id, all)].into());
        let all = rounds::measurements(all_tx, id).await.unwrap();
        assert_eq!(
            open_rounds::measurements(all_tx).await.unwrap(),
            [(id, all)].into()
        );
        let all = rounds::of_unfinished(all_tx).await.unwrap();
        let all: Vec<_> = all.into_values().map(Result::unwrap).collect();
        assert_eq!(all, std::slice::from_ref(&round));
        assert!(rounds::end(&mut tx, round.id, at(9)).await.unwrap());
        assert!(!rounds::end(&mut tx, round.id, at(10)).await.unwrap());
        assert!(rounds::open(&mut tx).await.unwrap().is_empty());
        assert!(open_rounds::targets(&mut tx).await.unwrap().is_empty());
        assert!(open_rounds::hosts(&mut tx).await.unwrap().is_empty());
        assert!(open_rounds::measurements(&mut tx).await.unwrap().is_empty());
        let newest = rounds::newest_at(&mut tx, ip, at(9)).await.unwrap();
        assert_eq!(newest, Some((round.id, rows.players[0].id)));
        assert_eq!(rounds::newest_at(&mut tx, ip, at(10)).await.unwrap(), None);

        let record = choice(rows.of.id, round.id);
        choices::insert(&mut tx, &record).await.unwrap();
        let kept = ChoiceRecord {
            id: ChoiceId(Uuid::now_v7()),
            made_at: at(20),
            kept: true,
            ..record.clone()
        };
        choices::insert(&mut tx, &kept).await.unwrap();
        assert_eq!(choices::get(&mut tx, record.id).await.unwrap(), Some(record));
        assert_eq!(
            choices::kept_since(&mut tx, rows.of.id, at(20)).await.unwrap(),
            Some(kept)
        );
        assert_eq!(
            choices::kept_since(&mut tx, rows.of.id, at(21)).await.unwrap(),
            None
        );
        tx.commit().await.unwrap();
    }
}

fn choice(of: MatchId, round: RoundId) -> ChoiceRecord {
    let player = |id: &str, side: placement::Side| placement::Player::new(id, id, side);
    let matrix = placement::Matrix::new(
        vec![player("a", placement::Side::A), player("b", placement::Side::B)],
        vec![placement::Host {
            id: "h".into(),
            name: "mad-1".into(),
        }],
        vec![vec![placement::Micros::new(10_000).ok(), None]],
    )
    .unwrap();
    let states = [placement::HostState::free()];
    let choice = placement::choose(&placement::Policy::default(), &matrix, &states).unwrap();
    let body = ChoiceBody {
        sites: vec!["madrid".into()],
        choose_ms: 0.5,
        ..ChoiceBody::new(matrix, states.to_vec(), choice, None)
    };
    ChoiceRecord {
        id: ChoiceId(Uuid::now_v7()),
        match_id: of,
        round_id: round,
        made_at: at(10),
        kept: false,
        body,
    }
}

#[tokio::test]
async fn a_clans_open_matches_are_those_that_its_own_admins_booked() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let booked = rows(&mut tx).await.of;
        let captain = User {
            id: UserId(Uuid::now_v7()),
            name: "rita".parse().unwrap(),
            role: Role::ClanAdmin(booked.home),
            created_at: at(1),
        };
        users::insert(&mut tx, &captain, "hash").await.unwrap();
        assert_eq!(matches::open_of(&mut tx, booked.home).await.unwrap(), 0);
        let own = Match {
            id: MatchId(Uuid::now_v7()),
            created_by: captain.id,
            ..booked.clone()
        };
        matches::insert(&mut tx, &own).await.unwrap();
        assert_eq!(matches::open_of(&mut tx, booked.home).await.unwrap(), 1);
        assert_eq!(matches::open_of(&mut tx, booked.away).await.unwrap(), 0);
        assert!(
            matches::write_state(&mut tx, &own, &MatchState::Cancelled)
                .await
                .unwrap()
        );
        assert_eq!(matches::open_of(&mut tx, booked.home).await.unwrap(), 0);
    }
}
