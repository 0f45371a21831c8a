//! Matches whose players come by links alone: by the page and by the API.
#![allow(clippy::unwrap_used)]

mod common;

use common::{browser::Browser, evening::evening, world};
use reqwest::Method;
use serde_json::json;
use vmatrix_web::{actions::users, domain::Role};

#[tokio::test]
async fn a_match_is_booked_whose_players_come_by_links_and_its_rosters_are_completed() {
    let evening = evening(world().await).await;
    let (world, reds) = (&evening.world, &evening.reds);
    let listed = world.get(&evening.blue, "/clans").await.expect(200);
    let all = listed.as_array().unwrap().iter();
    let blues = all
        .map(|clan| clan["id"].as_str().unwrap())
        .find(|id| id != reds)
        .unwrap()
        .to_owned();
    let booking = |by_link: bool| {
        let side = |clan: &str| json!({"clan": clan, "players": [], "by_link": by_link});
        json!({"image": "openarena", "start": "now", "length_minutes": 30, "rosters": [side(reds), side(&blues)]})
    };
    let staff = world.person("orla", Role::Organiser).await;
    let refused = world.post(&staff, "/matches", booking(false)).await;
    assert_eq!(
        refused.refused_fields(),
        ["rosters[0].players", "rosters[1].players"]
    );
    assert!(
        refused.text.contains("unless its players come by a link"),
        "{}",
        refused.text
    );
    let booked = world.post(&staff, "/matches", booking(true)).await.expect(201);
    assert_eq!(booked["match"]["state"], "gathering");
    let id = booked["match"]["id"].as_str().unwrap();
    let made = world
        .post(
            &evening.red,
            &format!("/matches/{id}/player-links"),
            json!({"clan": reds}),
        )
        .await
        .expect(201);
    let link = made["link"]
        .as_str()
        .unwrap()
        .strip_prefix(&world.url)
        .unwrap()
        .to_owned();
    let result = evening.result(&evening.begin(&link).await, "Rex");
    evening.post(&format!("{link}/result"), &result).await.expect(200);
    let path = format!("/matches/{id}");
    let stage = world.get(&evening.red, &path).await.expect(200)["rosters"][0]["link_stage"].clone();
    assert_eq!(stage, "gathering");
    let other = world.get(&evening.blue, &path).await.expect(200);
    assert_eq!(other["rosters"][0].get("link_stage"), None);
    let (_, password) = users::add_user(
        &world.app,
        "rita".parse().unwrap(),
        Role::ClanAdmin(reds.parse().unwrap()),
    )
    .await
    .unwrap();
    let mut captain = Browser::new(&world.url);
    assert_eq!(captain.sign_in("rita", password.reveal()).await.status(), 303);
    let form = format!("{path}/rosters/{reds}/complete");
    let html = captain.get(&path).await.text().await.unwrap();
    assert!(html.contains(&format!(r#"action="{form}""#)), "{html}");
    assert_eq!(captain.send(Method::POST, &form, &[]).await.status(), 303);
    let html = captain.get(&path).await.text().await.unwrap();
    assert!(
        html.contains("nobody new joins by the link") && !html.contains(&form),
        "{html}"
    );
    // Of the other side nobody has come.
    let nobody = world
        .post(
            &evening.blue,
            &format!("{path}/rosters/{blues}/complete"),
            json!({}),
        )
        .await;
    assert_eq!(nobody.status, 409, "{}", nobody.text);
    let late = evening
        .post(&format!("{link}/begin"), &json!({"name": "Rolf"}))
        .await;
    assert_eq!(
        (late.status.as_u16(), late.kind.as_str()),
        (409, "application/problem+json")
    );
    // Who asks under a name that nobody expects is asked back.
    let typed = evening.link().await;
    let asked = evening
        .post(&format!("{typed}/begin"), &json!({"name": "Rubi"}))
        .await;
    assert_eq!(asked.status, 409);
    assert_eq!(asked.json()["errors"][0]["field"], "new");
    evening
        .post(&format!("{typed}/begin"), &json!({"name": "Rubi", "new": true}))
        .await
        .expect(200);
}
