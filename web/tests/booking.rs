//! A challenge from the first click to the connect line, over HTTP on both sides: people above, agents below.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Answer, Person, World, postgres,
    scripted::{Distance, Scripted},
    world_on,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::IpAddr;
use vmatrix_web::{
    app::Settings,
    domain::{ClanId, Player, PlayerId, Role},
    oracle,
    store::players,
};

/// A world whose Oracle runs, with a game in its nest.
struct League {
    world: World,
    red: Person,
    reds: ClanId,
    blue: Person,
    blues: ClanId,
    oracle: tokio::task::JoinHandle<()>,
}

impl Drop for League {
    fn drop(&mut self) {
        self.oracle.abort();
    }
}

async fn league(database: Option<String>) -> League {
    let settings = Settings {
        allow_private_addresses: true,
        trust_captains: true,
        masters: vec!["10.77.9.9:27950".parse().unwrap()],
        ..Settings::default()
    };
    let world = world_on(settings, database).await;
    common::publish_game(&world).await;
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (blues, blue) = world.clan_with_admin("Blues").await;
    let oracle = tokio::spawn(oracle::run(world.app.clone()));
    League {
        world,
        red,
        reds,
        blue,
        blues,
        oracle,
    }
}

impl League {
    async fn player(&self, of: &Person, clan: ClanId, name: &str, address: &str) -> Value {
        let body = json!({ "name": name, "address": address });
        let made = self
            .world
            .post(of, &format!("/clans/{clan}/players"), body)
            .await
            .expect(201);
        made["id"].clone()
    }

    /// Two against two; the addresses end in 11, 12 and 21, 22.
    async fn players(&self) -> ([Value; 2], [Value; 2]) {
        let (reds, blues) = (self.reds, self.blues);
        (
            [
                self.player(&self.red, reds, "Ann", "10.77.0.11").await,
                self.player(&self.red, reds, "Bob", "10.77.0.12").await,
            ],
            [
                self.player(&self.blue, blues, "Cat", "10.77.0.21").await,
                self.player(&self.blue, blues, "Dan", "10.77.0.22").await,
            ],
        )
    }

    /// Lets the agents work until the match is as `wanted`.
    async fn until(&self, id: &str, hosts: &mut [Scripted], wanted: &str) -> Value {
        for _ in 0..200 {
            for host in hosts.iter_mut() {
                host.turn(&self.world.line).await;
            }
            let seen = self
                .world
                .get(&self.red, &format!("/matches/{id}"))
                .await
                .expect(200);
            if seen["match"]["state"] == wanted {
                return seen;
            }
        }
        let seen = self.world.get(&self.red, &format!("/matches/{id}")).await;
        panic!("never {wanted}: {}", seen.text);
    }

    async fn challenge(&self, players: &[Value], start: &str) -> Answer {
        let body = json!({
            "image": "openarena", "start": start, "length_minutes": 30,
            "rosters": [{ "clan": self.reds, "players": players }, { "clan": self.blues, "players": [] }]
        });
        self.world.post(&self.red, "/matches", body).await
    }
}

fn last(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(_) => 0,
    }
}

/// As far from everybody: what is fair.
const FAIR: Distance = |_| Some(40_000);
/// Near to the reds.
const NEAR_REDS: Distance = |address| Some(if last(address) < 20 { 10_000 } else { 60_000 });

#[tokio::test]
async fn a_challenge_becomes_a_server_on_the_fairest_host() {
    challenge_on(None).await;
}

#[tokio::test]
async fn a_challenge_becomes_a_server_on_postgres_too() {
    if let Some(database) = postgres().await {
        challenge_on(Some(database)).await;
    }
}

async fn challenge_on(database: Option<String>) {
    let league = league(database).await;
    let mut hosts = [
        Scripted::join(&league.world, "fair-1", FAIR).await,
        Scripted::join(&league.world, "near-1", NEAR_REDS).await,
    ];
    let (reds, blues) = league.players().await;
    let booked = league.challenge(&reds, "now").await.expect(201);
    assert_eq!(booked["match"]["state"], "gathering");
    let id = booked["match"]["id"].as_str().unwrap().to_owned();
    let roster = format!("/matches/{id}/rosters/{}", league.blues);
    let theirs = league
        .world
        .api(
            &league.blue,
            Method::PUT,
            &roster,
            Some(json!({ "players": blues })),
        )
        .await;
    theirs.expect(200);

    let ready = league.until(&id, &mut hosts, "ready").await;
    assert_eq!(ready["chosen"]["host"], "fair-1");
    let verdicts: Vec<_> = ready["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| host["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["chosen", "worse"]);
    let line = ready["connect"]["line"].as_str().unwrap();
    assert!(
        line.contains(ready["connect"]["address"].as_str().unwrap()),
        "{line}"
    );
    assert_eq!(ready["directory"]["listed"], true);
    for time in [
        "probe",
        "choose",
        "resume_to_answer",
        "configure",
        "order_to_answer",
        "book_to_ready",
    ] {
        assert!(
            ready["times_ms"][time].is_number(),
            "{time}: {}",
            ready["times_ms"]
        );
    }

    let ended = league
        .world
        .api(&league.red, Method::POST, &format!("/matches/{id}/end"), None)
        .await;
    ended.expect(200);
    let over = league.until(&id, &mut hosts, "over").await;
    assert_eq!(over["connect"], Value::Null);
    hosts[0].turn(&league.world.line).await;
    assert!(hosts.iter().all(|host| host.ordered() == 0));
}

#[tokio::test]
async fn nobody_sees_an_address_and_no_clan_the_others_players() {
    let league = league(None).await;
    let mut hosts = [
        Scripted::join(&league.world, "fair-1", FAIR).await,
        Scripted::join(&league.world, "near-1", NEAR_REDS).await,
    ];
    let (reds, blues) = league.players().await;
    let booked = league.challenge(&reds, "now").await.expect(201);
    let id = booked["match"]["id"].as_str().unwrap().to_owned();
    let roster = format!("/matches/{id}/rosters/{}", league.blues);
    let body = json!({ "players": blues });
    league
        .world
        .api(&league.blue, Method::PUT, &roster, Some(body))
        .await
        .expect(200);
    league.until(&id, &mut hosts, "ready").await;
    // The agent is told addresses, and no names.
    let orders = serde_json::to_string(hosts[0].orders.as_ref().unwrap()).unwrap();
    assert!(!orders.contains("Ann"), "{orders}");

    let organiser = league.world.person("oscar", Role::Organiser).await;
    let (_, stranger) = league.world.clan_with_admin("Greens").await;
    for path in [
        format!("/matches/{id}"),
        "/matches".into(),
        "/hosts".into(),
        format!("/clans/{}", league.reds),
    ] {
        for person in [&league.red, &league.blue, &organiser] {
            let answer = league.world.get(person, &path).await;
            for address in ["10.77.0.11", "10.77.0.12", "10.77.0.21", "10.77.0.22"] {
                assert!(!answer.text.contains(address), "{path}: {}", answer.text);
            }
        }
    }
    let path = format!("/matches/{id}");
    let (red, blue) = (
        league.world.get(&league.red, &path).await,
        league.world.get(&league.blue, &path).await,
    );
    assert!(
        red.text.contains("Ann") && !red.text.contains("Cat"),
        "{}",
        red.text
    );
    assert!(
        blue.text.contains("Cat") && !blue.text.contains("Ann"),
        "{}",
        blue.text
    );
    assert!(league.world.get(&organiser, &path).await.text.contains("Ann"));
    assert_eq!(league.world.get(&stranger, &path).await.status, 404);
    for verb in ["end", "retry"] {
        let answer = league
            .world
            .api(&stranger, Method::POST, &format!("{path}/{verb}"), None)
            .await;
        assert!(
            answer.status == 403 || answer.status == 404,
            "{verb}: {}",
            answer.text
        );
    }
}

/// Puts a player in whose address was good once and is not any more.
async fn unreachable(league: &League, clan: ClanId, address: &str) -> Value {
    let id = PlayerId(uuid::Uuid::now_v7());
    let player = Player {
        id,
        clan,
        name: "Eve".parse().unwrap(),
        address: address.parse().unwrap(),
        consent: vmatrix_web::domain::Consent::Typed,
        ipv6: None,
    };
    let mut tx = league.world.app.db.begin().await.unwrap();
    players::insert(&mut tx, &player, league.world.app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    json!(id.to_string())
}

#[tokio::test]
async fn an_organiser_hears_who_has_no_good_address_but_not_which() {
    let league = league(None).await;
    let (reds, _) = league.players().await;
    let eve = unreachable(&league, league.blues, "127.0.0.9").await;
    let organiser = league.world.person("oscar", Role::Organiser).await;
    let rosters = json!([
        { "clan": league.reds, "players": reds }, { "clan": league.blues, "players": [eve] }
    ]);
    let body = json!({ "image": "openarena", "start": "now", "length_minutes": 30, "rosters": rosters });
    let booked = league.world.post(&organiser, "/matches", body).await;
    assert_eq!(booked.refused_fields(), ["rosters[1].players"]);

    let id = league.challenge(&reds, "now").await.expect(201)["match"]["id"].clone();
    let path = format!("/matches/{}/rosters/{}", id.as_str().unwrap(), league.blues);
    let choose = async |person: &Person| {
        let body = json!({ "players": [eve] });
        league.world.api(person, Method::PUT, &path, Some(body)).await
    };
    let chosen = choose(&organiser).await;
    assert_eq!(chosen.refused_fields(), ["players"]);
    for answer in [booked, chosen] {
        assert!(answer.text.contains("Eve"), "{}", answer.text);
        assert!(!answer.text.contains("127.0.0.9"), "{}", answer.text);
    }
    let own = choose(&league.blue).await;
    assert!(own.text.contains("127.0.0.9"), "{}", own.text);
}

#[tokio::test]
async fn a_booking_that_makes_no_sense_is_refused_with_every_field() {
    let league = league(None).await;
    let (reds, blues) = league.players().await;
    let book = async |body: Value| league.world.post(&league.red, "/matches", body).await;
    let rosters = json!([
        { "clan": league.reds, "players": [reds[0], reds[0]] }, { "clan": league.blues, "players": [blues[0]] }
    ]);
    let answer = book(json!({
        "image": "quake", "start": "2020-01-01T00:00:00Z", "length_minutes": 1, "rosters": rosters
    }))
    .await;
    let mut fields = answer.refused_fields();
    fields.sort();
    fields.dedup();
    for field in ["image", "length_minutes", "start"] {
        assert!(
            fields.iter().any(|named| named == field),
            "{field}: {}",
            answer.text
        );
    }
    assert!(
        fields.iter().any(|named| named.starts_with("rosters[0].players")),
        "{}",
        answer.text
    );
    assert!(
        fields.iter().any(|named| named.starts_with("rosters[1].players")),
        "{}",
        answer.text
    );
    assert_eq!(
        league.challenge(&[], "now").await.refused_fields(),
        ["rosters[0].players"]
    );
    assert_eq!(
        league.world.get(&league.red, "/matches").await.expect(200),
        json!([])
    );
}
