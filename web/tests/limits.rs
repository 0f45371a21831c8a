//! How much one user, and one host, may ask for at a time.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, Person, World, browser::Browser, publish_game, send, world};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use vmatrix_web::{
    actions::{tokens, users},
    domain::{
        ClanId, Role, User, UserId,
        limits::{LIVE_LINKS_OF_A_CAPTAIN, OPEN_MATCHES_OF_A_CLAN, POLLS_OF_A_HOST, STREAMS_OF_A_USER},
    },
};

/// Somebody at a browser and, with a token, at the API.
async fn ada(world: &World, role: Role) -> (User, Browser, Person) {
    let name = "ada".parse().unwrap();
    let (user, password) = users::add_user(&world.app, name, role).await.unwrap();
    let token = tokens::create_token_for(&world.app, "ada", &"test".parse().unwrap())
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.sign_in("ada", password.reveal()).await.status(), 303);
    (user, browser, Person::with_token(token.reveal()))
}

/// Has written all that a user may write at this moment.
fn exhaust(world: &World, user: UserId) {
    while world.app.limits.writes.count(&user).is_ok() {}
}

/// A refusal of `ask`, straight after its user has written all they may. The next write is due within a second: on a
/// slow machine it may come first, and is then tried again.
async fn refused(world: &World, user: UserId, mut ask: impl AsyncFnMut() -> Response) -> Response {
    for _ in 0..50 {
        exhaust(world, user);
        let answer = ask().await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
    }
    panic!("never refused");
}

fn retry_after(answer: &Response) -> u64 {
    answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_writes_too_much_is_told_when_to_go_on_by_either_door() {
    let world = world().await;
    let (user, mut browser, person) = ada(&world, Role::Organiser).await;
    let new_clan = || {
        world
            .request(Method::POST, "/api/v1/clans")
            .bearer_auth(person.token())
            .json(&json!({ "name": "Reds" }))
    };
    let answer = refused(&world, user.id, async || new_clan().send().await.unwrap()).await;
    let wait = retry_after(&answer);
    assert!((1..=2).contains(&wait), "{answer:?}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem = answer.text().await.unwrap();
    assert!(problem.contains("Too Many Requests"), "{problem}");
    // The sentence says what the header says.
    assert!(
        problem.contains(&format!("wait {wait} s, then send it again")),
        "{problem}"
    );

    let form = [("name", "Greens")];
    let answer = refused(&world, user.id, async || {
        browser.send(Method::POST, "/organise/clans", &form).await
    })
    .await;
    assert!((1..=2).contains(&retry_after(&answer)), "{answer:?}");
    assert!(answer.text().await.unwrap().contains("Not so fast"));

    // Looking is not writing, and others are not kept waiting.
    exhaust(&world, user.id);
    assert_eq!(browser.get("/organise").await.status(), 200);
    assert_eq!(world.get(&person, "/clans").await.status, 200);
    let other = world.person("oscar", Role::Organiser).await;
    world
        .post(&other, "/clans", json!({ "name": "Blues" }))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_snapshots_chunks_are_no_writes_of_a_user() {
    let world = world().await;
    let (user, _, person) = ada(&world, Role::Operator).await;
    exhaust(&world, user.id);
    for _ in 0..3 {
        let missing = json!({ "chunks": [] });
        world.post(&person, "/nest/missing", missing).await.expect(200);
    }
}

#[tokio::test]
async fn a_user_has_so_many_live_pages_open_and_no_more() {
    let world = world().await;
    let (_, mut browser, _) = ada(&world, Role::Operator).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_OF_A_USER {
        let live = browser.get("/ops/live").await;
        assert_eq!(live.status(), 200);
        open.push(live);
    }
    let refused = browser.get("/ops/live").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("16 live pages"));
    drop(open);
    // The server hears of the closed connections in a moment.
    for _ in 0..200 {
        if browser.get("/ops/live").await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("closed pages are counted for ever");
}

#[tokio::test]
async fn of_too_many_requests_for_orders_of_one_host_the_oldest_is_answered_at_once() {
    let world = world().await;
    let agent = world.host("denver").await;
    let ask = |since: u64| world.agent(&agent, Method::GET, &format!("/orders?since={since}"));
    let orders = send(ask(0)).await;
    let newest = orders.json()["generation"].as_u64().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..=POLLS_OF_A_HOST {
        let before = world.app.orders.listeners();
        waiting.push(tokio::spawn(ask(newest).send()));
        while world.app.orders.listeners() <= before && !waiting[0].is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let oldest = waiting.remove(0).await.unwrap().unwrap();
    assert_eq!(oldest.status(), 204);
    assert!(waiting.iter().all(|other| !other.is_finished()));
    for other in waiting {
        other.abort();
    }
}

/// The one field that a full answer names, with what it held and what would be right.
fn full(answer: &Answer) -> (String, String, String) {
    assert_eq!(answer.status, 409, "{}", answer.text);
    let error = answer.json()["errors"][0].clone();
    let part = |name: &str| error[name].as_str().unwrap().to_owned();
    (part("field"), part("value"), part("expected"))
}

#[tokio::test]
async fn a_clan_books_so_many_matches_at_a_time_and_organisers_as_many_as_they_like() {
    let world = world().await;
    publish_game(&world).await;
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (blues, blue) = world.clan_with_admin("Blues").await;
    let player = json!({ "name": "Ann", "address": "10.77.0.11" });
    let path = |clan| format!("/clans/{clan}/players");
    let ann = world.post(&red, &path(reds), player.clone()).await.expect(201)["id"].clone();
    let bob = world.post(&blue, &path(blues), player).await.expect(201)["id"].clone();
    let booking = |home: ClanId, away: ClanId, players: [&[&Value]; 2]| {
        json!({ "image": "openarena", "start": "now", "length_minutes": 30,
                "rosters": [{ "clan": home, "players": players[0] }, { "clan": away, "players": players[1] }] })
    };
    let challenge = booking(reds, blues, [&[&ann], &[]]);
    let mut last = Value::Null;
    for _ in 0..OPEN_MATCHES_OF_A_CLAN {
        last = world.post(&red, "/matches", challenge.clone()).await.expect(201);
    }
    let (field, value, expected) = full(&world.post(&red, "/matches", challenge.clone()).await);
    assert_eq!(
        (field.as_str(), value.as_str()),
        ("rosters[0].clan", "21 open matches that a clan has booked")
    );
    assert!(
        expected.starts_with("at most 20 ") && expected.contains("cancel one"),
        "{expected}"
    );
    let turned = booking(blues, reds, [&[], &[&ann]]);
    assert_eq!(
        full(&world.post(&red, "/matches", turned).await).0,
        "rosters[1].clan"
    );

    // Whom they have challenged may still book, and an organiser for both.
    world
        .post(&blue, "/matches", booking(blues, reds, [&[&bob], &[]]))
        .await
        .expect(201);
    let organiser = world.person("oscar", Role::Organiser).await;
    let both = booking(reds, blues, [&[&ann], &[&bob]]);
    world.post(&organiser, "/matches", both).await.expect(201);

    let id = last["match"]["id"].as_str().unwrap();
    world
        .post(&red, &format!("/matches/{id}/end"), json!({}))
        .await
        .expect(200);
    world.post(&red, "/matches", challenge).await.expect(201);
}

#[tokio::test]
async fn a_captain_hands_out_so_many_links_at_a_time() {
    let world = world().await;
    let reds = world.clan("Reds").await;
    let (_, mut browser, red) = ada(&world, Role::ClanAdmin(reds)).await;
    for made in 0..LIVE_LINKS_OF_A_CAPTAIN {
        let name = json!({ "name": format!("Clan {made}") });
        world.post(&red, "/invitations", name).await.expect(201);
    }
    let (field, value, expected) = full(
        &world
            .post(&red, "/invitations", json!({ "name": "Greens" }))
            .await,
    );
    assert_eq!(
        (field.as_str(), value.as_str()),
        ("name", "21 links that were not used yet")
    );
    assert!(expected.starts_with("at most 20 links"), "{expected}");
    let answer = browser
        .send(Method::POST, "/clan/invite", &[("clan", "Greens")])
        .await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("id=\"clan-error\"") && html.contains("value=\"Greens\""),
        "{html}"
    );
    let names = world.get(&red, "/clans").await.text;
    assert!(!names.contains("Greens"), "a clan was left behind: {names}");
}
