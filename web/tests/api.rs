//! The API: who may do what, and how what is wrong is told.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Person, send, world, world_with};
use reqwest::Method;
use serde_json::{Value, json};
use vmatrix_web::{app::Settings, domain::Role};

fn is_problem(answer: &common::Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.kind, "application/problem+json", "{}", answer.text);
    assert_eq!(answer.json()["status"], status);
}

#[tokio::test]
async fn whatever_is_wrong_is_told_as_a_problem() {
    let world = world().await;
    let operator = world.operator().await;
    is_problem(&world.get(&operator, "/nothing").await, 404);
    is_problem(&world.get(&operator, "/clans/not-an-id").await, 404);
    is_problem(
        &world
            .get(&operator, "/clans/00000000-0000-0000-0000-000000000000")
            .await,
        404,
    );
    is_problem(&world.api(&operator, Method::DELETE, "/clans", None).await, 405);
    is_problem(&world.get(&Person::with_token("vmx_none"), "/clans").await, 401);
    is_problem(&send(world.request(Method::GET, "/api/v1/clans")).await, 401);
    let post = || {
        world
            .request(Method::POST, "/api/v1/clans")
            .bearer_auth(operator.token())
    };
    is_problem(&send(post().body("{}")).await, 415);
    is_problem(
        &send(post().header("content-type", "application/json").body("{")).await,
        400,
    );
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(300 << 10));
    is_problem(
        &send(post().header("content-type", "application/json").body(large)).await,
        413,
    );
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let world = world().await;
    let operator = world.operator().await;
    let request = world
        .request(Method::DELETE, "/api/v1/clans")
        .bearer_auth(operator.token());
    let allow = request.send().await.unwrap().headers()["allow"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_problem_names_the_field_what_it_held_and_what_would_be_right() {
    let world = world().await;
    let operator = world.operator().await;
    let clan = world.clan("Reds").await;
    let players = format!("/clans/{clan}/players");
    let told = json!({
        "a name that cannot be": world.post(&operator, "/clans", json!({"name": "a\nb"})).await.json(),
        "a name that is taken": world.post(&operator, "/clans", json!({"name": "Reds"})).await.json(),
        "an unknown field": world.post(&operator, "/clans", json!({"name": "Blues", "colour": "blue"})).await.json(),
        "a missing field": world.post(&operator, "/clans", json!({})).await.json(),
        "two wrong fields": world.post(&operator, &players, json!({"name": "", "address": "a b"})).await.json(),
        "an address of the server": world.post(&operator, &players, json!({"name": "x", "address": "127.0.0.1"})).await.json(),
        "a start that is no time": world.post(&operator, "/matches", json!({
            "image": "openarena", "start": "tomorrow", "length_minutes": 30, "rosters": []
        })).await.json(),
        "an id that is none": world.post(&operator, "/matches", json!({
            "image": "openarena", "start": "now", "length_minutes": 30, "rosters": [{"clan": "Reds", "players": []}]
        })).await.json(),
        "a role without its clan": world.post(&operator, "/users", json!({"name": "x", "role": "clan_admin"})).await.json(),
        "an image that is not there": world.post(&operator, "/services", json!({
            "name": "wiki", "image": "wiki", "host": "mad-1"
        })).await.json(),
        "nobody": world.get(&Person::with_token(""), "/clans").await.json(),
        "no such path": world.get(&operator, "/nothing").await.json(),
    });
    insta::assert_json_snapshot!("problems", told);
}

#[tokio::test]
async fn a_clan_admin_acts_for_no_other_clan() {
    let world = world().await;
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (blues, blue) = world.clan_with_admin("Blues").await;
    let player = json!({"name": "Ann", "address": "10.77.0.9"});
    let own = world
        .post(&red, &format!("/clans/{reds}/players"), player.clone())
        .await
        .expect(201);
    let ann = format!("/clans/{reds}/players/{}", own["id"].as_str().unwrap());
    for answer in [
        world.get(&blue, &format!("/clans/{reds}/players")).await,
        world
            .post(&blue, &format!("/clans/{reds}/players"), player.clone())
            .await,
        world.api(&blue, Method::PUT, &ann, Some(player.clone())).await,
        world.api(&blue, Method::DELETE, &ann, None).await,
    ] {
        is_problem(&answer, 403);
        assert!(!answer.text.contains("10.77.0.9"));
    }
    // Not by way of the own clan either.
    let as_own = ann.replace(&reds.to_string(), &blues.to_string());
    is_problem(&world.api(&blue, Method::DELETE, &as_own, None).await, 404);
    is_problem(&world.api(&blue, Method::PUT, &as_own, Some(player)).await, 404);
    assert_eq!(
        world
            .get(&red, &format!("/clans/{reds}/players"))
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn each_role_does_what_is_its_own() {
    let world = world().await;
    let (_, admin) = world.clan_with_admin("Reds").await;
    let organiser = world.person("oscar", Role::Organiser).await;
    let operator = world.operator().await;
    let service = json!({"name": "wiki", "image": "wiki", "host": "mad-1"});
    let id = "00000000-0000-0000-0000-000000000000";
    let digest = "0".repeat(64);
    // Method, path, body, and what (admin, organiser, operator) get.
    let verbs = [
        (Method::GET, "/clans".to_owned(), None, [200, 200, 200]),
        (
            Method::POST,
            "/clans".to_owned(),
            Some(json!({"name": ""})),
            [403, 422, 422],
        ),
        (Method::GET, "/hosts".to_owned(), None, [403, 200, 200]),
        (Method::POST, "/join-tokens".to_owned(), None, [403, 403, 201]),
        (Method::GET, "/users".to_owned(), None, [403, 403, 200]),
        (
            Method::POST,
            "/users".to_owned(),
            Some(json!({"name": "", "role": ""})),
            [403, 403, 422],
        ),
        (Method::GET, "/services".to_owned(), None, [403, 200, 200]),
        (
            Method::POST,
            "/services".to_owned(),
            Some(service),
            [403, 403, 422],
        ),
        (Method::DELETE, format!("/services/{id}"), None, [403, 403, 404]),
        (
            Method::POST,
            format!("/services/{id}/wake"),
            None,
            [403, 403, 404],
        ),
        (
            Method::POST,
            format!("/services/{id}/suspend"),
            None,
            [403, 403, 404],
        ),
        (Method::GET, "/images".to_owned(), None, [200, 200, 200]),
        (
            Method::POST,
            "/nest/missing".to_owned(),
            Some(json!({"chunks": []})),
            [403, 403, 200],
        ),
        (
            Method::PUT,
            format!("/nest/chunks/{digest}"),
            None,
            [403, 403, 422],
        ),
        (
            Method::PUT,
            format!("/nest/manifests/{digest}"),
            None,
            [403, 403, 422],
        ),
        (Method::GET, "/matches".to_owned(), None, [200, 200, 200]),
    ];
    for (method, path, body, expected) in verbs {
        for (person, status) in [&admin, &organiser, &operator].into_iter().zip(expected) {
            let answer = world.api(person, method.clone(), &path, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_players_address_is_shown_to_the_own_clan_only() {
    let world = world().await;
    let (reds, admin) = world.clan_with_admin("Reds").await;
    let organiser = world.person("oscar", Role::Organiser).await;
    let path = format!("/clans/{reds}/players");
    let entered = world
        .post(&organiser, &path, json!({"name": "Ann", "address": "10.77.0.9"}))
        .await;
    assert!(!entered.text.contains("10.77"), "{}", entered.text);
    assert!(!world.get(&organiser, &path).await.text.contains("10.77"));
    assert!(
        !world
            .get(&world.operator().await, &path)
            .await
            .text
            .contains("10.77")
    );
    assert_eq!(
        world.get(&admin, &path).await.expect(200)[0]["address"],
        "10.77.0.9"
    );
}

#[tokio::test]
async fn a_player_is_changed_and_removed() {
    let world = world().await;
    let (reds, admin) = world.clan_with_admin("Reds").await;
    let path = format!("/clans/{reds}/players");
    let ann = world
        .post(&admin, &path, json!({"name": "Ann", "address": "10.77.0.9"}))
        .await
        .expect(201);
    let twin = world
        .post(&admin, &path, json!({"name": "Ann", "address": "10.77.0.8"}))
        .await;
    assert_eq!(twin.refused_fields(), ["name"]);
    let one = format!("{path}/{}", ann["id"].as_str().unwrap());
    let change = Some(json!({"name": "Anna", "address": "10.77.0.7"}));
    world.api(&admin, Method::PUT, &one, change).await.expect(200);
    assert_eq!(world.get(&admin, &path).await.expect(200)[0]["name"], "Anna");
    world.api(&admin, Method::DELETE, &one, None).await.expect(204);
    is_problem(&world.api(&admin, Method::DELETE, &one, None).await, 404);
    assert_eq!(world.get(&admin, &path).await.expect(200), json!([]));
}

#[tokio::test]
async fn a_private_address_is_refused_unless_it_was_allowed() {
    let world = world_with(Settings::default()).await;
    let (reds, admin) = world.clan_with_admin("Reds").await;
    for address in [
        "10.77.0.9",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "::1",
        "fd00::1",
    ] {
        let body = json!({"name": "Ann", "address": address});
        let answer = world.post(&admin, &format!("/clans/{reds}/players"), body).await;
        assert_eq!(answer.refused_fields(), ["address"], "{address}");
        assert_eq!(answer.json()["errors"][0]["value"], address);
    }
}

#[tokio::test]
async fn an_unknown_host_name_is_refused_with_its_name() {
    let world = world().await;
    let (reds, admin) = world.clan_with_admin("Reds").await;
    // `.invalid` has no addresses anywhere; without name servers the refusal is another sentence about the same field.
    let body = json!({"name": "Ann", "address": "no-such-host.invalid"});
    let answer = world.post(&admin, &format!("/clans/{reds}/players"), body).await;
    assert_eq!(answer.refused_fields(), ["address"]);
    assert_eq!(answer.json()["errors"][0]["value"], "no-such-host.invalid");
    assert_eq!(
        world
            .get(&admin, &format!("/clans/{reds}/players"))
            .await
            .expect(200),
        json!([])
    );
}

#[tokio::test]
async fn a_clan_that_somebody_speaks_for_cannot_be_taken_over_by_invitation() {
    let world = world().await;
    let (_, red) = world.clan_with_admin("Reds").await;
    world.clan_with_admin("Blues").await;
    is_problem(
        &world.post(&red, "/invitations", json!({"name": "Blues"})).await,
        403,
    );
    let own = world
        .post(&red, "/invitations", json!({"name": "Reds"}))
        .await
        .expect(201);
    let new = world
        .post(&red, "/invitations", json!({"name": "Greens"}))
        .await
        .expect(201);
    for link in [&own["link"], &new["link"]] {
        assert!(
            link.as_str()
                .unwrap()
                .starts_with(&format!("{}/join/vml_", world.url)),
            "{link}"
        );
    }
    let organiser = world.person("oscar", Role::Organiser).await;
    world
        .post(&organiser, "/invitations", json!({"name": "Blues"}))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_withdrawn_token_opens_nothing() {
    let world = world().await;
    let (_, admin) = world.clan_with_admin("Reds").await;
    let made = world
        .post(&admin, "/tokens", json!({"name": "bot"}))
        .await
        .expect(201);
    let bot = Person::with_token(made["token"].as_str().unwrap());
    let listed = world.get(&bot, "/tokens").await;
    assert!(!listed.text.contains("vmx_"), "{}", listed.text);
    assert_eq!(listed.expect(200).as_array().unwrap().len(), 2);
    let one = format!("/tokens/{}", made["id"].as_str().unwrap());
    // Nobody withdraws another's.
    is_problem(
        &world
            .api(&world.operator().await, Method::DELETE, &one, None)
            .await,
        404,
    );
    world.api(&admin, Method::DELETE, &one, None).await.expect(204);
    is_problem(&world.get(&bot, "/clans").await, 401);
}

#[tokio::test]
async fn an_operator_makes_users_whose_password_works() {
    let world = world().await;
    let operator = world.operator().await;
    let clan = world.clan("Reds").await;
    let body = json!({"name": "carl", "role": "clan_admin", "clan": clan});
    let made = world.post(&operator, "/users", body.clone()).await.expect(201);
    let password = vmatrix_wire::Secret::new(made["password"].as_str().unwrap());
    let carl = vmatrix_web::actions::users::sign_in(&world.app, "carl", &password)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(carl.role, Role::ClanAdmin(clan));
    assert_eq!(
        world.post(&operator, "/users", body).await.refused_fields(),
        ["name"]
    );
    let users = world.get(&operator, "/users").await;
    assert!(
        !users.text.contains("argon2") && !users.text.contains("password"),
        "{}",
        users.text
    );
    let names: Vec<Value> = users
        .expect(200)
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"].clone())
        .collect();
    assert_eq!(names, ["carl", "olga"]);
}
