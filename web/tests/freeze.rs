//! A match whose sides do not know each other yet: by the form, the API, and what each page shows.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Person, World, browser::Browser, publish_game, world};
use reqwest::Method;
use serde_json::{Value, json};
use vmatrix_web::{
    actions::users,
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

/// A clan with a player, and its captain.
async fn clan(world: &World, name: &str, player: &str, address: &str) -> (ClanId, Person, Value) {
    let (id, captain) = world.clan_with_admin(name).await;
    let body = json!({ "name": player, "address": address });
    let made = world.post(&captain, &format!("/clans/{id}/players"), body).await;
    let player = made.expect(201)["id"].clone();
    (id, captain, player)
}

#[tokio::test]
async fn no_page_and_no_answer_tells_a_captain_of_the_other_clan_before_their_own_is_frozen() {
    let world = world().await;
    publish_game(&world).await;
    let (pandas, red, ann) = clan(&world, "Pandas", "Ann", "10.77.0.1").await;
    let (owls, blue, _) = clan(&world, "Owls", "Cat", "10.77.0.2").await;
    let staff = world.person("oscar", Role::Organiser).await;
    let body = json!({
        "image": "openarena", "start": "now", "length_minutes": 45, "freeze": true,
        "rosters": [{ "clan": pandas, "players": [ann] }, { "clan": owls, "players": [] }]
    });
    let refused = world.post(&red, "/matches", body.clone()).await;
    assert_eq!(refused.refused_fields(), ["freeze"]);
    let booked = world.post(&staff, "/matches", body).await.expect(201);
    // The Pandas are measured, although the Owls have not chosen.
    assert_eq!(
        (&booked["match"]["state"], &booked["match"]["freeze"]),
        (&json!("probing"), &json!(true))
    );
    assert_eq!(booked["rosters"][1]["clan"]["name"], "Owls");
    let id = booked["match"]["id"].as_str().unwrap();

    let link = json!({ "clan": owls });
    let made = world
        .post(&blue, &format!("/matches/{id}/player-links"), link)
        .await
        .expect(201);
    let play = made["link"]
        .as_str()
        .unwrap()
        .split_once("/play/")
        .unwrap()
        .1
        .to_owned();
    for (captain, name, clan, unknown) in [
        (&red, "rita", pandas, ["Owls", "Cat"]),
        (&blue, "bert", owls, ["Pandas", "Ann"]),
    ] {
        for path in ["/matches".to_owned(), format!("/matches/{id}")] {
            let text = world.get(captain, &path).await.expect(200).to_string();
            assert!(text.contains("An opponent"), "{text}");
            assert!(unknown.iter().all(|word| !text.contains(word)), "{path}: {text}");
        }
        let mut browser = browser(&world, name, Role::ClanAdmin(clan)).await;
        for path in ["/".to_owned(), "/matches".to_owned(), format!("/matches/{id}")] {
            let html = browser.get(&path).await.text().await.unwrap();
            assert!(html.contains("An opponent"), "{path}: {html}");
            assert!(unknown.iter().all(|word| !html.contains(word)), "{path}: {html}");
        }
    }
    let html = Browser::new(&world.url)
        .get(&format!("/play/{play}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(html.contains("An opponent") && !html.contains("Pandas"), "{html}");
    let seen = world.get(&staff, &format!("/matches/{id}")).await.expect(200);
    assert_eq!(seen["match"]["title"], "Pandas – Owls");
}

#[tokio::test]
async fn an_organiser_ticks_it_in_the_form_and_a_captain_has_no_such_box() {
    let world = world().await;
    publish_game(&world).await;
    let (pandas, _, _) = clan(&world, "Pandas", "Ann", "10.77.0.1").await;
    let (owls, _, _) = clan(&world, "Owls", "Cat", "10.77.0.2").await;
    let mut captain = browser(&world, "rita", Role::ClanAdmin(pandas)).await;
    let html = captain.get("/matches/new").await.text().await.unwrap();
    assert!(!html.contains("name=\"freeze\""), "{html}");
    let mut league = browser(&world, "league", Role::Organiser).await;
    let (pandas, owls) = (pandas.to_string(), owls.to_string());
    let form = |length| {
        [
            ("home", pandas.as_str()),
            ("away", owls.as_str()),
            ("home_players_of", pandas.as_str()),
            ("away_players_of", owls.as_str()),
            ("image", "openarena"),
            ("length_minutes", length),
            ("when", "now"),
            ("policy", "thesis"),
            ("freeze", "yes"),
        ]
    };
    let refused = league.send(Method::POST, "/matches/new", &form("3")).await;
    assert_eq!(refused.status(), 422);
    let html = refused.text().await.unwrap();
    assert!(html.contains("name=\"freeze\" value=\"yes\" checked"), "{html}");
    // Both captains choose.
    let booked = league.send(Method::POST, "/matches/new", &form("45")).await;
    assert_eq!(booked.status(), 303);
    let path = booked.headers()["location"].to_str().unwrap().to_owned();
    let html = league.get(&path).await.text().await.unwrap();
    assert!(
        html.contains("Each clan is measured before it knows the other"),
        "{html}"
    );
    let html = captain.get(&path).await.text().await.unwrap();
    assert!(html.contains("Waits for Pandas to choose its players."), "{html}");
    assert!(html.contains("An opponent") && !html.contains("Owls"), "{html}");
}
