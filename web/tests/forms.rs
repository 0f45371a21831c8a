//! Forms that come back: what was chosen is kept, all that is wrong is said at once, and nobody is offered what they may not do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, browser::Browser, publish_game, world};
use reqwest::Method;
use vmatrix_web::{
    actions::{
        links,
        players::{self, NewPlayer},
        users,
    },
    domain::{ClanId, Role},
};

async fn browser(world: &World, name: &str, role: Role) -> Browser {
    let (_, password) = users::add_user(&world.app, name.parse().unwrap(), role)
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.sign_in(name, password.reveal()).await.status(), 303);
    browser
}

/// A clan with a captain and one player.
async fn clan(world: &World, name: &str, address: &str) -> (ClanId, Browser) {
    let id = world.clan(name).await;
    let role = Role::ClanAdmin(id);
    let (captain, password) = users::add_user(&world.app, format!("of {name}").parse().unwrap(), role)
        .await
        .unwrap();
    let player = NewPlayer {
        name: format!("player of {name}"),
        address: address.into(),
    };
    players::add_player(&world.app, &captain, id, player)
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    browser.sign_in(captain.name.as_str(), password.reveal()).await;
    (id, browser)
}

async fn page(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn refused(browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> String {
    let answer = browser.send(Method::POST, path, form).await;
    let status = answer.status();
    let html = answer.text().await.unwrap();
    assert_eq!(status, 422, "{html}");
    html
}

/// The boxes of a name that are ticked, and all of them.
fn ticked(html: &str, name: &str) -> (usize, usize) {
    let start = format!("type=\"checkbox\" name=\"{name}\"");
    let all = html.split(&start).skip(1);
    let ticked = |rest: &&str| rest.split('>').next().unwrap().contains(" checked");
    (all.clone().filter(ticked).count(), all.count())
}

#[tokio::test]
async fn a_roster_that_was_unticked_stays_so() {
    let world = world().await;
    publish_game(&world).await;
    let (reds, _) = clan(&world, "Reds", "10.77.0.11").await;
    let (blues, _) = clan(&world, "Blues", "10.77.0.12").await;
    let mut league = browser(&world, "league", Role::Organiser).await;
    let (reds, blues) = (reds.to_string(), blues.to_string());
    let clans = [("home", reds.as_str()), ("away", blues.as_str())];
    let first = page(&mut league, &format!("/matches/new?home={reds}&away={blues}")).await;
    assert_eq!(ticked(&first, "home_players"), (1, 1));
    assert_eq!(ticked(&first, "away_players"), (1, 1));
    let shown = [
        ("home_players_of", reds.as_str()),
        ("away_players_of", blues.as_str()),
    ];
    for (field, clan) in shown {
        let hidden = format!("name=\"{field}\" value=\"{clan}\"");
        assert!(first.contains(&hidden), "{hidden}: {first}");
    }
    let wrong = [("when", "at"), ("zone", "Mars"), ("length_minutes", "30")];
    let form = [&clans[..], &shown, &wrong].concat();
    let html = refused(&mut league, "/matches/new", &form).await;
    assert_eq!(ticked(&html, "away_players"), (0, 1), "{html}");
    // Of another clan nobody has been shown yet: all are ticked.
    let form = [&clans[..], &[("away_players_of", reds.as_str())], &wrong].concat();
    let html = refused(&mut league, "/matches/new", &form).await;
    assert_eq!(ticked(&html, "away_players"), (1, 1), "{html}");
}

#[tokio::test]
async fn organisers_find_the_operations_in_their_menu() {
    let world = world().await;
    let mut league = browser(&world, "league", Role::Organiser).await;
    assert!(page(&mut league, "/").await.contains("href=\"/ops\""));
    let (_, mut captain) = clan(&world, "Reds", "10.77.0.11").await;
    assert!(!page(&mut captain, "/").await.contains("href=\"/ops\""));
}

#[tokio::test]
async fn all_that_is_wrong_with_a_booking_is_said_at_once() {
    let world = world().await;
    publish_game(&world).await;
    let (blues, _) = clan(&world, "Blues", "10.77.0.12").await;
    let (_, mut red) = clan(&world, "Reds", "10.77.0.11").await;
    let away = blues.to_string();
    let form = |zone| {
        [
            ("away", away.as_str()),
            ("image", "openarena"),
            ("when", "at"),
            ("start", "2020-01-01T20:00"),
            ("zone", zone),
            ("length_minutes", "3"),
        ]
    };
    let html = refused(&mut red, "/matches/new", &form("Mars")).await;
    for said in [
        "Time zone: not “Mars” but",
        "not “3” but 5 to 480 minutes",
        "at least one player of Reds",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    let html = refused(&mut red, "/matches/new", &form("Europe/Prague")).await;
    assert!(
        html.contains("not “2020-01-01 20:00 in Europe/Prague” but a start that is not in the past; it is 2"),
        "{html}"
    );
    assert!(
        html.contains(" in Europe/Prague now") && html.contains("5 to 480 minutes"),
        "{html}"
    );
}

#[tokio::test]
async fn an_account_needs_a_name_and_a_password_and_says_both() {
    let world = world().await;
    let token = links::first_admin_link(&world.app).await.unwrap().unwrap();
    let mut visitor = Browser::new(&world.url);
    let form = [("user", ""), ("new_password", "short")];
    let html = refused(&mut visitor, &links::path_of(&token), &form).await;
    assert!(
        html.contains("id=\"user-error\"") && html.contains("id=\"new_password-error\""),
        "{html}"
    );
    assert!(!html.contains("short"), "a password is not said back: {html}");
}

#[tokio::test]
async fn the_api_says_what_there_is_and_where_ids_are_found() {
    let world = world().await;
    let index = common::send(world.request(Method::GET, "/api/v1"))
        .await
        .expect(200);
    let operator = world.operator().await;
    for name in [
        "clans", "matches", "images", "tokens", "hosts", "services", "users",
    ] {
        let href = index["links"][name]["href"].as_str().unwrap();
        let path = href.strip_prefix(&format!("{}/api/v1", world.url)).unwrap();
        world.get(&operator, path).await.expect(200);
    }
    let answer = world.get(&operator, "/clans/Wolves").await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.text.contains("GET /api/v1/clans lists them"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_name_in_other_capitals_is_taken() {
    let world = world().await;
    let operator = world.operator().await;
    let clan = |name| world.post(&operator, "/clans", serde_json::json!({ "name": name }));
    let wolves = clan("Wolves").await.expect(201);
    let twin = clan("wolves").await;
    assert_eq!(twin.refused_fields(), ["name"]);
    assert!(twin.text.contains("in capitals or not"), "{}", twin.text);
    let user = serde_json::json!({ "name": "OLGA", "role": "organiser" });
    let twin = world.post(&operator, "/users", user).await;
    assert_eq!(twin.refused_fields(), ["name"]);
    // An invitation finds the clan.
    let invited = world.post(&operator, "/invitations", serde_json::json!({ "name": "WOLVES" }));
    assert_eq!(invited.await.expect(201)["clan"]["id"], wolves["id"]);
}

/// The page of the match that a form has booked.
async fn booked(browser: &mut Browser, form: &[(&str, &str)]) -> String {
    let answer = browser.send(Method::POST, "/matches/new", form).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    page(browser, &path).await
}

#[tokio::test]
async fn a_rule_is_picked_or_written_and_a_wrong_one_is_told_its_line_and_field() {
    let world = world().await;
    publish_game(&world).await;
    let (reds, mut red) = clan(&world, "Reds", "10.77.0.11").await;
    let (blues, _) = clan(&world, "Blues", "10.77.0.12").await;
    let mut league = browser(&world, "league", Role::Organiser).await;
    let (reds, blues) = (reds.to_string(), blues.to_string());
    let first = page(&mut league, &format!("/matches/new?home={reds}&away={blues}")).await;
    assert!(first.contains("value=\"thesis\" checked"), "{first}");
    let player = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        first
            .split(&start)
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    };
    let (ann, bob) = (player("home_players"), player("away_players"));
    let form = [
        ("home", reds.as_str()),
        ("away", blues.as_str()),
        ("home_players", ann.as_str()),
        ("away_players", bob.as_str()),
        ("image", "openarena"),
        ("length_minutes", "30"),
    ];
    let with = |rule: &[(&'static str, &'static str)]| [&form[..], rule].concat();

    let wrong = with(&[
        ("policy", "own"),
        ("rule", "name = \"cup\"\n\ncap_ms = 99999999\n"),
    ]);
    let html = refused(&mut league, "/matches/new", &wrong).await;
    assert!(
        html.contains("id=\"rule-error\">line 3: cap_ms 99999999"),
        "{html}"
    );
    assert!(
        html.contains("value=\"own\" checked") && html.contains("cap_ms = 99999999\n</textarea>"),
        "{html}"
    );

    let html = booked(&mut league, &with(&[("policy", "cap-65")])).await;
    assert!(
        html.contains("<strong>cap-65</strong>: Nobody who plays may be above 65 ms."),
        "{html}"
    );
    let own = with(&[("policy", "own"), ("rule", "name = \"cup\"\ncap_ms = 90\n")]);
    let html = booked(&mut league, &own).await;
    assert!(
        html.contains("<strong>cup</strong>: Nobody who plays may be above 90 ms."),
        "{html}"
    );

    // A clan names a rule; only who runs a league writes one.
    let html = page(&mut red, "/matches/new").await;
    assert!(
        html.contains("value=\"valid-first\"") && !html.contains("value=\"own\""),
        "{html}"
    );
    let own = [
        ("away", blues.as_str()),
        ("home_players", ann.as_str()),
        ("image", "openarena"),
        ("length_minutes", "30"),
        ("policy", "own"),
        ("rule", "name = \"cup\""),
    ];
    let html = refused(&mut red, "/matches/new", &own).await;
    assert!(html.contains("id=\"policy-error\""), "{html}");
}
