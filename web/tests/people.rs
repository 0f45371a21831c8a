//! People at their browsers: links, sessions, and what another website may not do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{browser::Browser, send, world};
use reqwest::{Method, header};
use vmatrix_web::{
    actions::{
        links::{first_admin_link, path_of},
        players, tokens, users,
    },
    domain::Role,
    oracle, server,
};

/// The first operator: made by the link, as `ada`.
async fn ada(world: &common::World) -> Browser {
    let token = first_admin_link(&world.app).await.unwrap().unwrap();
    let mut browser = Browser::new(&world.url);
    let form = [("user", "ada"), ("new_password", "a long password")];
    let answer = browser.send(Method::POST, &path_of(&token), &form).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    browser
}

#[tokio::test]
async fn the_first_admins_link_works_once() {
    let world = world().await;
    let token = first_admin_link(&world.app).await.unwrap().unwrap();
    let path = path_of(&token);
    let form = [("user", "ada"), ("new_password", "a long password")];
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.get(&path).await.status(), 200);
    let short = browser
        .send(Method::POST, &path, &[("user", "ada"), ("new_password", "short")])
        .await;
    assert_eq!(short.status(), 422);
    assert_eq!(browser.send(Method::POST, &path, &form).await.status(), 303);
    // Signed in by it, as operator.
    assert_eq!(browser.get("/ops").await.status(), 200);

    let mut second = Browser::new(&world.url);
    for answer in [
        second.get(&path).await,
        second
            .send(Method::POST, &path, &[("user", "eve"), form[1]])
            .await,
    ] {
        assert!(answer.status().is_client_error(), "{}", answer.status());
    }
    assert_eq!(second.sign_in("eve", "a long password").await.status(), 422);
    assert!(first_admin_link(&world.app).await.unwrap().is_none());
}

#[tokio::test]
async fn a_newer_first_link_makes_the_older_one_useless() {
    let world = world().await;
    let old = first_admin_link(&world.app).await.unwrap().unwrap();
    let new = first_admin_link(&world.app).await.unwrap().unwrap();
    let mut browser = Browser::new(&world.url);
    assert!(browser.get(&path_of(&old)).await.status().is_client_error());
    assert_eq!(browser.get(&path_of(&new)).await.status(), 200);
}

#[tokio::test]
async fn an_operator_made_by_the_shell_makes_the_first_link_useless() {
    let world = world().await;
    let link = first_admin_link(&world.app).await.unwrap().unwrap();
    users::add_user(&world.app, "op".parse().unwrap(), Role::Operator)
        .await
        .unwrap();
    let mut finder = Browser::new(&world.url);
    let form = [("user", "eve"), ("new_password", "a long password")];
    assert!(finder.get(&path_of(&link)).await.status().is_client_error());
    let answer = finder.send(Method::POST, &path_of(&link), &form).await;
    assert!(answer.status().is_client_error(), "{}", answer.status());
}

#[tokio::test]
async fn a_password_that_is_reset_locks_out_whoever_had_the_old_one() {
    let world = world().await;
    let mut here = ada(&world).await;
    let token = tokens::create_token_for(&world.app, "ada", &"laptop".parse().unwrap())
        .await
        .unwrap();
    let password = users::reset_password(&world.app, "ADA").await.unwrap();
    assert_eq!(here.get("/account").await.status(), 303, "the session is over");
    let bearer = format!("Bearer {}", token.reveal());
    let asked = reqwest::Client::new()
        .get(format!("{}/api/v1/matches", world.url))
        .header(header::AUTHORIZATION, bearer)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 401, "the token is withdrawn");
    assert_eq!(here.sign_in("ada", "a long password").await.status(), 422);
    assert_eq!(here.sign_in("ada", password.reveal()).await.status(), 303);
    assert!(users::reset_password(&world.app, "nobody").await.is_err());
}

#[tokio::test]
async fn a_session_begins_under_a_new_id_and_ends_on_the_server() {
    let world = world().await;
    let mut browser = ada(&world).await;
    let first = browser.cookie.clone().unwrap();
    assert_eq!(browser.sign_in("ada", "a long password").await.status(), 303);
    let second = browser.cookie.clone().unwrap();
    assert_ne!(first, second, "the session kept its id when ada signed in");

    assert_eq!(browser.get("/account").await.status(), 200);
    assert_eq!(browser.send(Method::POST, "/sign-out", &[]).await.status(), 303);
    for old in [first, second] {
        browser.cookie = Some(old);
        let answer = browser.get("/account").await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], "/sign-in?next=%2Faccount");
    }
}

#[tokio::test]
async fn a_changed_password_signs_out_all_other_browsers() {
    let world = world().await;
    let mut here = ada(&world).await;
    let mut elsewhere = Browser::new(&world.url);
    assert_eq!(elsewhere.sign_in("ada", "a long password").await.status(), 303);
    let change = |old| [("password", old), ("new_password", "another long password")];
    let path = "/account/password";
    let wrong = here.send(Method::POST, path, &change("a guess")).await;
    assert_eq!(wrong.status(), 422);
    assert_eq!(elsewhere.get("/account").await.status(), 200);

    let changed = here.send(Method::POST, path, &change("a long password")).await;
    assert_eq!(changed.status(), 200);
    assert!(changed.text().await.unwrap().contains("Tokens stay good"));
    assert_eq!(here.get("/account").await.status(), 200);
    assert_eq!(elsewhere.get("/account").await.status(), 303);
}

#[tokio::test]
async fn nobody_has_more_tokens_and_no_clan_more_players_than_there_is_room_for() {
    let world = world().await;
    let mut ada = ada(&world).await;
    for made in 0..=20 {
        let form = [("name", "a program")];
        let answer = ada.send(Method::POST, "/account/tokens", &form).await;
        assert_eq!(answer.status(), if made < 20 { 200 } else { 422 }, "token {made}");
    }
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (other, _) = users::add_user(&world.app, "rob".parse().unwrap(), Role::ClanAdmin(reds))
        .await
        .unwrap();
    for made in 0..99 {
        let (name, address) = (format!("p{made}"), "10.77.0.9".to_owned());
        let new = players::NewPlayer { name, address };
        players::add_player(&world.app, &other, reds, new).await.unwrap();
    }
    for (name, status) in [("p99", 201), ("p100", 409)] {
        let body = serde_json::json!({ "name": name, "address": "10.77.0.9" });
        let answer = world.post(&red, &format!("/clans/{reds}/players"), body).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_cookie_is_for_the_server_alone() {
    let world = world().await;
    ada(&world).await;
    let mut browser = Browser::new(&world.url);
    let answer = browser.sign_in("ada", "a long password").await;
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
}

/// Every page that is not for strangers, with whether a clan admin may see it.
const PAGES: [(&str, &str, bool); 20] = [
    ("GET", "/account", true),
    ("POST", "/account/tokens", true),
    ("POST", "/account/password", true),
    ("GET", "/clan", true),
    ("POST", "/clan/players", true),
    ("POST", "/clan/invite", true),
    ("GET", "/matches", true),
    ("GET", "/matches/new", true),
    ("POST", "/matches/new", true),
    ("GET", "/organise", false),
    ("POST", "/organise/clans", false),
    ("POST", "/organise/invite", false),
    ("GET", "/ops", false),
    ("GET", "/ops/live", false),
    ("POST", "/ops/oracle", false),
    ("POST", "/ops/join-tokens", false),
    ("POST", "/ops/services", false),
    (
        "POST",
        "/ops/services/00000000-0000-0000-0000-000000000000/suspend",
        false,
    ),
    (
        "POST",
        "/ops/services/00000000-0000-0000-0000-000000000000/wake",
        false,
    ),
    (
        "POST",
        "/ops/services/00000000-0000-0000-0000-000000000000/remove",
        false,
    ),
];

#[tokio::test]
async fn strangers_are_sent_to_the_door_and_clan_admins_not_behind_the_counter() {
    let world = world().await;
    let clan = world.clan("Reds").await;
    let (name, role) = (
        "carl".parse().unwrap(),
        vmatrix_web::domain::Role::ClanAdmin(clan),
    );
    let (_, password) = vmatrix_web::actions::users::add_user(&world.app, name, role)
        .await
        .unwrap();
    let mut carl = Browser::new(&world.url);
    assert_eq!(carl.sign_in("carl", password.reveal()).await.status(), 303);
    let mut stranger = Browser::new(&world.url);
    for (method, path, for_clans) in PAGES {
        let method: Method = method.parse().unwrap();
        let answer = stranger.send(method.clone(), path, &[]).await;
        let to = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        assert_eq!(answer.status(), 303, "{method} {path}");
        assert!(
            to.as_ref().is_some_and(|to| to.starts_with("/sign-in")),
            "{method} {path}: {to:?}"
        );
        let status = carl.send(method.clone(), path, &[]).await.status();
        assert_eq!(status != 403, for_clans, "{method} {path}: {status}");
        assert!(!status.is_server_error(), "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn a_cookie_does_nothing_at_the_api() {
    let world = world().await;
    let mut browser = ada(&world).await;
    assert_eq!(browser.get("/account").await.status(), 200);
    assert_eq!(browser.get("/api/v1/clans").await.status(), 401);
}

#[tokio::test]
async fn a_form_of_another_website_is_refused() {
    let world = world().await;
    let browser = ada(&world).await;
    let post = |name: &'static str, value: &'static str| {
        world
            .request(Method::POST, "/sign-out")
            .header(header::COOKIE, browser.cookie.clone().unwrap())
            .header(name, value)
    };
    for request in [
        post("sec-fetch-site", "cross-site"),
        post("origin", "https://evil.example"),
        post("origin", "null"),
    ] {
        assert_eq!(send(request).await.status, 403);
    }
    let mut still = browser;
    assert_eq!(
        still.get("/account").await.status(),
        200,
        "the session was ended by another website"
    );
}

#[tokio::test]
async fn too_many_passwords_from_one_address_are_not_tried() {
    let world = world().await;
    let mut browser = Browser::new(&world.url);
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(
            browser
                .sign_in("ada", "guess guess guess")
                .await
                .status()
                .as_u16(),
        );
    }
    assert_eq!(answers[0], 422);
    assert!(answers.contains(&429), "{answers:?}");
    assert_eq!(browser.get("/sign-in").await.status(), 200);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let world = world().await;
    for path in ["/", "/sign-in", "/nothing", "/api/v1/clans", "/healthz"] {
        let answer = world.request(Method::GET, path).send().await.unwrap();
        let said = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let policy = said("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(said("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(said("cache-control"), "no-store", "{path}");
        assert!(!said("x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn the_server_is_ready_when_the_oracle_runs() {
    let world = world().await;
    server::collect().unwrap();
    assert_eq!(send(world.request(Method::GET, "/healthz")).await.status, 200);
    assert_eq!(send(world.request(Method::GET, "/readyz")).await.status, 503);
    oracle::step(&world.app).await;
    assert_eq!(send(world.request(Method::GET, "/readyz")).await.status, 200);
    world.host("mad-1").await;
    let figures = send(world.request(Method::GET, "/metrics")).await.text;
    assert!(figures.contains("vmatrix_hosts{state=\"gone\"} 1"), "{figures}");
    assert!(
        figures.contains("http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1"),
        "{figures}"
    );
    world.app.db.close().await;
    assert_eq!(send(world.request(Method::GET, "/readyz")).await.status, 503);
}
