//! Players, and what is forgotten of them.

use super::*;
use crate::{
    domain::{Clan, Seat, UserId},
    store::{
        Db, clans, life_tests, rosters,
        testing::{bare_databases, databases},
    },
};
use uuid::Uuid;

#[tokio::test]
async fn the_life_of_a_player() {
    for base in databases().await {
        let clan = Clan {
            id: ClanId(Uuid::now_v7()),
            name: "Reds".parse().unwrap(),
        };
        let mut player = Player {
            id: PlayerId(Uuid::now_v7()),
            clan: clan.id,
            name: "Áda".parse().unwrap(),
            address: "ada.example.org".parse().unwrap(),
            consent: Consent::Typed,
            ipv6: None,
        };
        let mut tx = base.db.begin().await.unwrap();
        clans::insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
        insert(&mut tx, &player, Time::from_millis(1)).await.unwrap();
        player.address = "10.0.0.1".parse().unwrap();
        player.consent = Consent::Vouched {
            by: UserId(Uuid::from_u128(1)),
            at: Time::from_millis(2),
        };
        assert!(update(&mut tx, &player, Time::from_millis(2)).await.unwrap());
        assert_eq!(get(&mut tx, player.id).await.unwrap(), Some(player.clone()));
        assert_eq!(list(&mut tx, clan.id).await.unwrap(), vec![player.clone()]);
        tx.commit().await.unwrap();

        let mut tx = base.db.begin().await.unwrap();
        let twin = Player {
            id: PlayerId(Uuid::now_v7()),
            name: "ÁDA".parse().unwrap(),
            ..player.clone()
        };
        assert!(
            insert(&mut tx, &twin, Time::from_millis(2))
                .await
                .unwrap_err()
                .is_taken()
        );
        drop(tx);

        let mut tx = base.db.begin().await.unwrap();
        assert!(
            !remove(&mut tx, player.id, ClanId(Uuid::now_v7()), Time::from_millis(3))
                .await
                .unwrap()
        );
        assert!(
            remove(&mut tx, player.id, clan.id, Time::from_millis(3))
                .await
                .unwrap()
        );
        assert!(
            !remove(&mut tx, player.id, clan.id, Time::from_millis(4))
                .await
                .unwrap()
        );
        assert_eq!(get(&mut tx, player.id).await.unwrap(), None);
        // Its name is free again.
        insert(&mut tx, &twin, Time::from_millis(5)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn addresses_that_nobody_has_used_for_long_are_forgotten() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        // A match that ends at 1500, of the first player; both came in at 1.
        let rows = life_tests::rows(&mut tx).await;
        let [plays, idle] = &rows.players;
        let seats = [(plays.id, Seat::default())];
        rosters::set(&mut tx, rows.of.id, plays.clan, &seats)
            .await
            .unwrap();
        let at = Time::from_millis;
        assert_eq!(forget_addresses(&mut tx, at(1)).await.unwrap(), 0);
        assert_eq!(forget_addresses(&mut tx, at(1500)).await.unwrap(), 1);
        let kept = get(&mut tx, plays.id).await.unwrap().unwrap();
        assert_eq!(kept.address, plays.address);
        let forgotten = get(&mut tx, idle.id).await.unwrap().unwrap();
        assert_eq!(forgotten.address, PlayerAddress::Nothing);
        assert_eq!(forgotten.consent, Consent::Typed);
        // Who comes again is known again.
        let came = Player {
            consent: Consent::Own { at: at(1600) },
            ..idle.clone()
        };
        assert!(update(&mut tx, &came, at(1600)).await.unwrap());
        assert_eq!(forget_addresses(&mut tx, at(1600)).await.unwrap(), 1);
        let kept = get(&mut tx, idle.id).await.unwrap();
        assert_eq!(kept, Some(came));
    }
}

#[tokio::test]
async fn each_of_two_addresses_has_its_own_word_and_its_own_time() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = life_tests::rows(&mut tx).await;
        let at = Time::from_millis;
        let [_, idle] = &rows.players;
        let read = async |tx: &mut Tx| get(tx, idle.id).await.unwrap().unwrap();
        assert_eq!(read(&mut tx).await.ipv6, None);
        let (four, six): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "2620:fe::9".parse().unwrap());
        let came = crate::domain::come_from(idle, six, Consent::Own { at: at(50) });
        assert!(come(&mut tx, &came, six, at(50)).await.unwrap());
        assert_eq!(read(&mut tx).await, came);
        assert_eq!(came.address, idle.address, "as it was");
        let listed = list(&mut tx, idle.clan).await.unwrap();
        assert!(listed.contains(&came));
        let seats = [(idle.id, Seat::default())];
        rosters::set(&mut tx, rows.of.id, idle.clan, &seats)
            .await
            .unwrap();
        let all = rosters::list(&mut tx, rows.of.id).await.unwrap();
        assert!(
            all.iter()
                .any(|entry| entry.ipv6 == came.ipv6 && entry.player == idle.id)
        );
        rosters::set(&mut tx, rows.of.id, idle.clan, &[]).await.unwrap();

        // The other one was entered at 1, and a visit by IPv6 does not make it fresher.
        assert_eq!(
            forget_addresses(&mut tx, at(50)).await.unwrap(),
            2,
            "both players' IPv4 addresses"
        );
        let left = read(&mut tx).await;
        assert_eq!(
            (left.address.clone(), left.consent),
            (PlayerAddress::Nothing, Consent::Typed)
        );
        assert_eq!(left.ipv6, came.ipv6);
        let both = crate::domain::come_from(&left, four, Consent::Declined { at: at(60) });
        assert!(come(&mut tx, &both, four, at(60)).await.unwrap());
        assert_eq!(forget_addresses(&mut tx, at(60)).await.unwrap(), 1);
        let left = read(&mut tx).await;
        assert_eq!(left.ipv6, None);
        assert_eq!(
            (&left.address, left.consent),
            (&both.address, Consent::Declined { at: at(60) })
        );

        // Both as entered, and both gone with the player.
        let mut both = both;
        both.ipv6 = came.ipv6;
        assert!(update(&mut tx, &both, at(70)).await.unwrap());
        assert!(update(&mut tx, &both, at(80)).await.unwrap());
        assert_eq!(forget_addresses(&mut tx, at(60)).await.unwrap(), 0);
        assert_eq!(
            forget_addresses(&mut tx, at(70)).await.unwrap(),
            1,
            "the IPv4 address stayed, and the other one was entered at 70"
        );
        assert_eq!(forget_addresses(&mut tx, at(71)).await.unwrap(), 1);
        assert!(remove(&mut tx, idle.id, idle.clan, at(80)).await.unwrap());
        let text = "select count(*) from players where id = $1 and address = '' and ipv6 is null and consent = 'typed'
                    and ipv6_consent = 'typed' and ipv6_consent_at is null";
        let (gone,) = sql!(&mut tx, one(i64,), text, idle.id.to_string()).unwrap();
        assert_eq!(gone, 1);
    }
}

#[tokio::test]
async fn who_declined_at_an_address_that_is_forgotten_declined_at_the_other() {
    let at = Time::from_millis;
    let (four, six): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "2620:fe::9".parse().unwrap());
    let [no, yes] = [Consent::Declined { at: at(5) }, Consent::Own { at: at(7) }];
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = life_tests::rows(&mut tx).await;
        let [_, idle] = &rows.players;
        for (first, then) in [(four, six), (six, four)] {
            for (word, left) in [(Consent::Came { at: at(7) }, no), (yes, yes)] {
                let old = crate::domain::come_from(idle, first, no);
                let both = crate::domain::come_from(&old, then, word);
                assert!(come(&mut tx, &both, first, at(5)).await.unwrap());
                assert!(come(&mut tx, &both, then, at(7)).await.unwrap());
                forget_addresses(&mut tx, at(7)).await.unwrap();
                let read = get(&mut tx, idle.id).await.unwrap().unwrap();
                let kept = match then {
                    IpAddr::V4(_) => read.consent,
                    IpAddr::V6(_) => read.ipv6.unwrap().consent,
                };
                assert_eq!(kept, left, "{first} then {then}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_ipv6_address_is_no_player_of_ours() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = life_tests::rows(&mut tx).await;
        for text in ["192.0.2.7", "::ffff:192.0.2.7", "ada.example.org", ""] {
            let id = rows.players[0].id;
            sql!(&mut tx, execute "update players set ipv6 = $2 where id = $1", id.to_string(), text)
                .unwrap();
            let refused = get(&mut tx, id).await.unwrap_err();
            assert!(
                matches!(refused, StoreError::Corrupt { column: "ipv6", .. }),
                "{refused}"
            );
            assert!(!refused.to_string().contains("192.0.2.7"), "{refused}");
        }
    }
}

/// Matches with `freeze` that gather and are over, and one without; a link to each, and one of a side that is frozen.
const LINKS: [(&str, u128, &str); 4] = [
    ("gathers", 1, "gathering"),
    ("gathers", 2, "complete"),
    ("over", 1, "open"),
    ("plain", 1, "open"),
];

async fn matches_of_before(tx: &mut Tx) {
    let id = |number| Uuid::from_u128(number).to_string();
    for text in [
        "insert into clans (id, name, created_at) values ($1, 'Blues', 1)",
        "insert into users (id, name, password_hash, role, created_at) values ($1, 'olga', 'none', 'organiser', 1)",
    ] {
        sql!(&mut *tx, execute text, id(2)).unwrap();
    }
    for (name, state) in [("gathers", "gathering"), ("over", "over"), ("plain", "gathering")] {
        let text = "insert into matches (id, image, map, home_clan_id, away_clan_id, start_at, length_ms, state, detail, password,
                        rcon, created_by, created_at, policy, frozen, revision)
                    values ($1, 'i', 'm', $2, $3, 9, 9, $4, '{}', '', '', $3, 1, '{}', $5, 1)";
        sql!(&mut *tx, execute text, name, id(1), id(2), state, name != "plain").unwrap();
        let text = "insert into story (id, match_id, at, text) values ($1, $1, 1, 'Booked.')";
        sql!(&mut *tx, execute text, name).unwrap();
    }
    for (of, clan, _) in LINKS {
        let text = "insert into player_links (token_hash, match_id, clan_id, created_by, created_at) values ($1, $2, $3, $4, 1)";
        sql!(&mut *tx, execute text, format!("{of} {clan}"), of, id(clan), id(2)).unwrap();
    }
    let text =
        "insert into frozen_sides (match_id, clan_id, frozen_at, measured) values ('gathers', $1, 1, '{}')";
    sql!(&mut *tx, execute text, id(2)).unwrap();
    let text = "insert into rounds (id, match_id, reason, started_at, until_at) values ('r', 'gathers', 'booking', 1, 2)";
    sql!(&mut *tx, execute text).unwrap();
    let text = "insert into probes_sent (round_id, player_id, caused_by, way, address, prefix, packets, at)
                values ('r', $1, $1, 'icmp', '192.0.2.7', '192.0.2.0/24', 40, 1)";
    sql!(&mut *tx, execute text, id(2)).unwrap();
}

#[tokio::test]
async fn a_filled_database_of_before_keeps_what_was_in_it() {
    for base in bare_databases().await {
        before_two(&base.url).await;
        let db = Db::open(&base.url).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for (of, clan, stage) in LINKS {
            let text = "select stage from player_links where token_hash = $1";
            let (is,) = sql!(&mut tx, one(String,), text, format!("{of} {clan}")).unwrap();
            assert_eq!(is, stage, "{of} {clan}");
        }
        let text = "select count(*) from story where text = 'Booked.' and player_id is null";
        let (told,) = sql!(&mut tx, one(i64,), text).unwrap();
        assert_eq!(told, 3);
        let text = "select count(*) from probes_sent where round_id = 'r' and prefix = '192.0.2.0/24' and packets = 40";
        let (sent,) = sql!(&mut tx, one(i64,), text).unwrap();
        assert_eq!(sent, 1);
        drop(tx);
        db.close().await;
    }
}

/// A database as it was before players had two addresses.
async fn before_two(url: &str) {
    let dir = tempfile::tempdir().unwrap();
    let all = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in std::fs::read_dir(all).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name.to_str().unwrap() < "0012" {
            std::fs::copy(&path, dir.path().join(name)).unwrap();
        }
    }
    let old = sqlx::migrate::Migrator::new(dir.path()).await.unwrap();
    let db = Db::connect(url).await.unwrap();
    match &db {
        Db::Sqlite(pool) => old.run(pool).await.unwrap(),
        Db::Postgres(pool) => old.run(pool).await.unwrap(),
    }
    let mut tx = db.begin().await.unwrap();
    let clan = Uuid::from_u128(1).to_string();
    let text = "insert into clans (id, name, created_at) values ($1, 'Reds', 1)";
    sql!(&mut tx, execute text, clan.as_str()).unwrap();
    for (number, address) in [
        (2, "2620:fe::9"),
        (3, "192.0.2.7"),
        (4, "ada.example.org"),
        (5, ""),
        (6, "::FFFF:192.0.2.8"),
        (7, "::ffff:c000:209"),
    ] {
        let text =
            "insert into players (id, clan_id, name, address, created_at, address_at, consent, consent_at)
                    values ($1, $2, $1, $3, 1, 7, 'own', 7)";
        sql!(&mut tx, execute text, Uuid::from_u128(number).to_string(), clan.as_str(), address).unwrap();
    }
    matches_of_before(&mut tx).await;
    tx.commit().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn who_came_by_ipv6_before_there_were_two_addresses_has_that_one() {
    for base in bare_databases().await {
        before_two(&base.url).await;
        let db = Db::open(&base.url).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let own = Consent::Own {
            at: Time::from_millis(7),
        };
        let six = PlayerIpv6::stored("2620:fe::9", own).unwrap();
        for (number, address, ipv6) in [
            (2, "", Some(six)),
            (3, "192.0.2.7", None),
            (4, "ada.example.org", None),
            (5, "", None),
            (6, "192.0.2.8", None),
        ] {
            let id = PlayerId(Uuid::from_u128(number));
            let player = get(&mut tx, id).await.unwrap().unwrap();
            assert_eq!((player.address.reveal().as_str(), player.ipv6), (address, ipv6));
            let expected = if ipv6.is_some() { Consent::Typed } else { own };
            assert_eq!(player.consent, expected);
        }
        // What cannot be told is no address; that clan can be listed.
        let all = list(&mut tx, ClanId(Uuid::from_u128(1))).await.unwrap();
        let odd = all.iter().find(|player| player.id.0.as_u128() == 7).unwrap();
        assert_eq!(
            (&odd.address, odd.ipv6, odd.consent),
            (&PlayerAddress::Nothing, None, Consent::Typed)
        );
        // All kept their time.
        assert_eq!(forget_addresses(&mut tx, Time::from_millis(7)).await.unwrap(), 0);
        assert_eq!(forget_addresses(&mut tx, Time::from_millis(8)).await.unwrap(), 4);
        drop(tx);
        db.close().await;
    }
}
