//! What a clan that wants to see its rival's addresses tries with links.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, browser::Browser, world};
use reqwest::Method;
use serde_json::{Value, json};
use vmatrix_web::domain::Role;

/// A link's token, as a person would use it in a browser; the status of the answer.
async fn follow(world: &World, link: &Value, user: &str) -> u16 {
    let token = link["link"].as_str().unwrap().rsplit('/').next().unwrap();
    let form = [("user", user), ("new_password", "a good long password")];
    let mut browser = Browser::new(&world.url);
    browser
        .send(Method::POST, &format!("/join/{token}"), &form)
        .await
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_link_that_a_rival_kept_is_worth_nothing_once_the_clan_has_a_captain() {
    let world = world().await;
    let (_, red) = world.clan_with_admin("Reds").await;
    let invite = || world.post(&red, "/invitations", json!({"name": "Greens"}));
    let (given, kept) = (invite().await.expect(201), invite().await.expect(201));
    assert_eq!(follow(&world, &given, "captain").await, 303);
    assert_eq!(follow(&world, &kept, "rival").await, 410);
}

#[tokio::test]
async fn a_clan_whose_players_an_organiser_entered_is_not_a_rivals_to_invite() {
    let world = world().await;
    let (_, red) = world.clan_with_admin("Reds").await;
    let blues = world.clan("Blues").await;
    let early = world
        .post(&red, "/invitations", json!({"name": "Blues"}))
        .await
        .expect(201);
    let organiser = world.person("oscar", Role::Organiser).await;
    let player = json!({"name": "Ann", "address": "198.51.100.7"});
    world
        .post(&organiser, &format!("/clans/{blues}/players"), player)
        .await
        .expect(201);
    world
        .post(&red, "/invitations", json!({"name": "Blues"}))
        .await
        .expect(403);
    assert_eq!(
        follow(&world, &early, "rival").await,
        404,
        "made before there was anything to see"
    );
}
