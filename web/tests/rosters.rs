//! Rosters: roles and own caps by forms and API, and the same rosters once more.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Person, World, browser::Browser, publish_game, world};
use reqwest::Method;
use serde_json::{Value, json};
use vmatrix_web::{actions::users, domain::Role};

/// Two clans of two with their captains, and an organiser with a browser.
struct League {
    world: World,
    clans: [String; 2],
    captains: [Person; 2],
    players: [[String; 2]; 2],
    staff: Person,
    browser: Browser,
}

async fn league() -> League {
    let world = world().await;
    publish_game(&world).await;
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (blues, blue) = world.clan_with_admin("Blues").await;
    let mut players: [[String; 2]; 2] = Default::default();
    let names = [["Ann", "Bob"], ["Cat", "Dan"]];
    for (side, (clan, captain)) in [(reds, &red), (blues, &blue)].into_iter().enumerate() {
        for (n, name) in names[side].into_iter().enumerate() {
            let body = json!({ "name": name, "address": format!("10.77.{side}.{}", n + 1) });
            let made = world
                .post(captain, &format!("/clans/{clan}/players"), body)
                .await
                .expect(201);
            players[side][n] = made["id"].as_str().unwrap().to_owned();
        }
    }
    let (_, password) = users::add_user(&world.app, "league".parse().unwrap(), Role::Organiser)
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.sign_in("league", password.reveal()).await.status(), 303);
    League {
        staff: world.person("oscar", Role::Organiser).await,
        clans: [reds.to_string(), blues.to_string()],
        captains: [red, blue],
        players,
        browser,
        world,
    }
}

impl League {
    async fn book(&self, home: Value) -> String {
        let body = json!({
            "image": "openarena", "map": "oa_dm4", "policy": "cap-65", "start": "now", "length_minutes": 45,
            "rosters": [{ "clan": self.clans[0], "players": home }, { "clan": self.clans[1], "players": self.players[1] }]
        });
        let booked = self.world.post(&self.staff, "/matches", body).await.expect(201);
        booked["match"]["id"].as_str().unwrap().to_owned()
    }

    async fn verb(&self, by: &Person, id: &str, verb: &str, body: Option<Value>) -> common::Answer {
        self.world
            .api(by, Method::POST, &format!("/matches/{id}/{verb}"), body)
            .await
    }

    async fn page(&mut self, path: &str) -> String {
        let answer = self.browser.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Roles and caps of the home roster as the API tells them.
    async fn seats(&self, id: &str) -> Value {
        let seen = self
            .world
            .get(&self.staff, &format!("/matches/{id}"))
            .await
            .expect(200);
        let players = seen["rosters"][0]["players"].as_array().unwrap().clone();
        players
            .into_iter()
            .map(|one| json!([one["name"], one["role"], one["cap_ms"]]))
            .collect()
    }
}

/// What a form on a page would send: ticked boxes, picked options, texts. Of the form that goes to this path.
fn fields(html: &str, action: &str) -> Vec<(String, String)> {
    let form = html.split(&format!("action=\"{action}\"")).nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    let value_of = |tag: &str, name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let mut sent = Vec::new();
    for part in form.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let word = tag.split(' ').next().unwrap();
        match word {
            "input" if !tag.contains("type=\"checkbox\"") || tag.contains(" checked") => {
                sent.push((value_of(tag, "name").unwrap(), value_of(tag, "value").unwrap()));
            }
            "select" => sent.push((value_of(tag, "name").unwrap(), String::new())),
            "option" if tag.contains(" selected") => {
                sent.last_mut().unwrap().1 = value_of(tag, "value").unwrap()
            }
            _ => {}
        }
    }
    sent
}

async fn send(browser: &mut Browser, path: &str, form: &[(String, String)]) -> reqwest::Response {
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.send(Method::POST, path, &form).await
}

fn set(form: &mut Vec<(String, String)>, name: &str, value: &str) {
    form.retain(|(field, _)| field != name);
    form.push((name.to_owned(), value.to_owned()));
}

#[tokio::test]
async fn a_booking_by_form_says_who_is_a_substitute_and_whose_cap_is_another() {
    let mut league = league().await;
    let [ann, bob] = league.players[0].clone();
    let [reds, blues] = league.clans.clone();
    let html = league
        .page(&format!("/matches/new?home={reds}&away={blues}"))
        .await;
    let mut form = fields(&html, "/matches/new");
    for (name, value) in [("home", &reds), ("away", &blues)] {
        set(&mut form, name, value);
    }
    set(&mut form, "when", "now");
    set(&mut form, "policy", "thesis");
    set(&mut form, "image", "openarena");
    assert_eq!(
        form.iter().filter(|(name, _)| name == "home_players").count(),
        2,
        "{form:?}"
    );
    set(&mut form, &format!("home_role_{bob}"), "substitute");
    set(&mut form, &format!("home_cap_{ann}"), "fast");
    let refused = send(&mut league.browser, "/matches/new", &form).await;
    assert_eq!(refused.status(), 422);
    let html = refused.text().await.unwrap();
    for said in [
        "<li>Own cap of Ann: not “fast” but milliseconds such as 120",
        &format!("id=\"home_cap_{ann}-error\""),
        "id=\"seats-home_players\" open",
        "value=\"fast\"",
        "<option value=\"substitute\" selected>",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert!(!html.contains("at least one player"), "{html}");
    set(&mut form, &format!("home_cap_{ann}"), "90,5");
    let booked = send(&mut league.browser, "/matches/new", &form).await;
    assert_eq!(booked.status(), 303, "{}", booked.text().await.unwrap());
    let path = booked.headers()["location"].to_str().unwrap().to_owned();
    let id = path.strip_prefix("/matches/").unwrap();
    let expected = json!([["Ann", "player", 90.5], ["Bob", "substitute", null]]);
    assert_eq!(league.seats(id).await, expected);
    let html = league.page(&path).await;
    assert!(
        html.contains("Bob <span class=\"tag\">substitute</span>"),
        "{html}"
    );
}

#[tokio::test]
async fn a_roster_form_that_is_saved_as_it_is_keeps_roles_and_caps() {
    let mut league = league().await;
    let [ann, bob] = league.players[0].clone();
    let home = json!([ann, { "id": bob, "role": "coach", "cap_ms": 80 }]);
    let id = league.book(home).await;
    let expected = json!([["Ann", "player", null], ["Bob", "coach", 80.0]]);
    assert_eq!(league.seats(&id).await, expected);
    let path = format!("/matches/{id}/rosters/{}", league.clans[0]);
    let html = league.page(&format!("/matches/{id}")).await;
    let mut form = fields(&html, &path);
    let saved = send(&mut league.browser, &path, &form).await;
    assert_eq!(saved.status(), 303, "{}", saved.text().await.unwrap());
    assert_eq!(league.seats(&id).await, expected);

    // What cannot be taken comes back in the form, with the reason at its field.
    set(&mut form, &format!("cap_{bob}"), "-3");
    let wrong = send(&mut league.browser, &path, &form).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    for said in [
        "Own cap of Bob: not “-3” but".to_owned(),
        format!("id=\"cap_{bob}-error\""),
        "value=\"-3\"".to_owned(),
    ] {
        assert!(html.contains(&said), "{said}: {html}");
    }
    set(&mut form, &format!("cap_{bob}"), "");
    set(&mut form, &format!("role_{ann}"), "caster");
    let wrong = send(&mut league.browser, &path, &form).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(
        html.contains("at least one of Reds with the role player"),
        "{html}"
    );
    assert_eq!(league.seats(&id).await, expected);
}

#[tokio::test]
async fn the_same_rosters_are_booked_once_more_by_the_api() {
    let league = league().await;
    let [ann, bob] = league.players[0].clone();
    let id = league
        .book(json!([ann, { "id": bob, "role": "coach", "cap_ms": 80 }]))
        .await;
    let early = league.verb(&league.staff, &id, "rematch", None).await;
    assert_eq!(early.status, 409);
    assert!(early.text.contains("this one is probing"), "{}", early.text);
    league.verb(&league.staff, &id, "end", None).await.expect(200);

    let wrong = json!({ "start": "tomorrow" });
    let wrong = league.verb(&league.staff, &id, "rematch", Some(wrong)).await;
    assert_eq!(wrong.refused_fields(), ["start"]);
    let wrong = json!({ "start": "2020-01-01T20:00:00Z", "length_minutes": 3 });
    let wrong = league.verb(&league.staff, &id, "rematch", Some(wrong)).await;
    assert_eq!(wrong.refused_fields(), ["start", "length_minutes"]);
    let wrong = league
        .verb(&league.staff, &id, "rematch", Some(json!({ "map": "x" })))
        .await;
    assert_eq!(wrong.refused_fields(), ["map"]);
    let (_, stranger) = league.world.clan_with_admin("Greens").await;
    assert_eq!(league.verb(&stranger, &id, "rematch", None).await.status, 404);

    let again = league.verb(&league.staff, &id, "rematch", None).await.expect(201);
    let new = again["match"]["id"].as_str().unwrap();
    assert_ne!(new, id);
    assert_eq!(again["match"]["rematch_of"], id.as_str());
    assert_eq!(league.seats(new).await, league.seats(&id).await);
    let seen = |field: &str| again["match"][field].clone();
    assert_eq!(
        (seen("map"), seen("length_minutes")),
        (json!("oa_dm4"), json!(45))
    );
    assert_eq!(again["policy"], "cap-65");
    assert_eq!(league.verb(&league.staff, &id, "rematch", None).await.status, 409);
}

#[tokio::test]
async fn a_captain_asks_for_a_rematch_and_the_other_chooses_their_own() {
    let league = league().await;
    let id = league.book(json!(league.players[0])).await;
    league.verb(&league.staff, &id, "end", None).await.expect(200);
    let body = json!({ "length_minutes": 30 });
    let asked = league
        .verb(&league.captains[1], &id, "rematch", Some(body))
        .await
        .expect(201);
    assert_eq!(
        (
            asked["match"]["state"].clone(),
            asked["match"]["length_minutes"].clone()
        ),
        (json!("gathering"), json!(30))
    );
    let sizes: Vec<_> = asked["rosters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["players"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [0, 2]);
    let roster = format!(
        "/matches/{}/rosters/{}",
        asked["match"]["id"].as_str().unwrap(),
        league.clans[0]
    );
    let body = json!({ "players": league.players[0] });
    let confirmed = league
        .world
        .api(&league.captains[0], Method::PUT, &roster, Some(body))
        .await
        .expect(200);
    assert_eq!(confirmed["match"]["state"], "probing");
}

#[tokio::test]
async fn play_again_is_one_button_that_leads_to_the_new_match() {
    let mut league = league().await;
    let id = league.book(json!(league.players[0])).await;
    let before = league.page(&format!("/matches/{id}")).await;
    assert!(!before.contains("Play again"), "{before}");
    league.verb(&league.staff, &id, "end", None).await.expect(200);
    let html = league.page(&format!("/matches/{id}")).await;
    let path = format!("/matches/{id}/rematch");
    assert!(html.contains(&format!("action=\"{path}\"")), "{html}");
    let done = league.browser.send(Method::POST, &path, &[]).await;
    assert_eq!(done.status(), 303);
    let new = done.headers()["location"].to_str().unwrap().to_owned();
    let html = league.page(&new).await;
    assert!(
        html.contains(&format!("A rematch of <a href=\"/matches/{id}\">")),
        "{html}"
    );
    assert!(
        html.contains("Booked again, as the match before, by league."),
        "{html}"
    );
    // Once more: what it says leads back.
    let twice = league.browser.send(Method::POST, &path, &[]).await;
    assert_eq!(twice.status(), 409);
    let html = twice.text().await.unwrap();
    assert!(
        html.contains("its rematch is booked already") && html.contains(&format!("href=\"/matches/{id}\"")),
        "{html}"
    );
}

#[tokio::test]
async fn a_rule_of_ones_own_is_for_organisers_by_every_door() {
    let league = league().await;
    let book = async |by: &Person, policy: Value| {
        let both = std::ptr::eq(by, &league.staff);
        let away = league.players[1].get(..if both { 2 } else { 0 });
        let body = json!({
            "image": "openarena", "policy": policy, "start": "now", "length_minutes": 45,
            "rosters": [{ "clan": league.clans[0], "players": league.players[0] }, { "clan": league.clans[1], "players": away }]
        });
        league.world.post(by, "/matches", body).await
    };
    let own = json!({ "name": "our cup", "cap_ms": 90 });
    let refused = book(&league.captains[0], own.clone()).await;
    assert_eq!(refused.refused_fields(), ["policy"]);
    assert_eq!(refused.json()["errors"][0]["value"], "our cup");
    let posing = json!({ "name": "THESIS", "cap_ms": 90 });
    let refused = book(&league.staff, posing).await;
    assert_eq!(refused.refused_fields(), ["policy.name"]);
    book(&league.captains[0], json!("cap-65")).await.expect(201);

    // What an organiser has written is played again by whoever played by it.
    let booked = book(&league.staff, own).await.expect(201);
    let id = booked["match"]["id"].as_str().unwrap();
    league.verb(&league.staff, id, "end", None).await.expect(200);
    let again = league.verb(&league.captains[0], id, "rematch", None).await;
    assert_eq!(again.expect(201)["policy"], "our cup");
}

#[tokio::test]
async fn own_players_are_listed_by_name_and_others_by_their_numbers() {
    let league = league().await;
    let mut away = Vec::new();
    // Entered in another order than that of their names.
    for name in ["Zoe", "eve", "Abe", "Mia"] {
        let body = json!({ "name": name, "address": "10.77.3.1" });
        let path = format!("/clans/{}/players", league.clans[1]);
        let made = league.world.post(&league.captains[1], &path, body).await;
        away.push(made.expect(201)["id"].clone());
    }
    away.swap(0, 3);
    let body = json!({
        "image": "openarena", "start": "now", "length_minutes": 45,
        "rosters": [{ "clan": league.clans[0], "players": league.players[0] }, { "clan": league.clans[1], "players": away }]
    });
    let booked = league.world.post(&league.staff, "/matches", body).await;
    let path = format!("/matches/{}", booked.expect(201)["match"]["id"].as_str().unwrap());
    let by_number = ["Blues 1", "Blues 2", "Blues 3", "Blues 4"];
    for (viewer, expected) in [
        (&league.staff, ["Abe", "eve", "Mia", "Zoe"]),
        (&league.captains[1], ["Abe", "eve", "Mia", "Zoe"]),
        (&league.captains[0], by_number),
    ] {
        let seen = league.world.get(viewer, &path).await.expect(200);
        let names = |list: &Value| -> Vec<String> {
            let all = list.as_array().unwrap().iter();
            all.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&seen["rosters"][1]["players"]), expected);
        assert_eq!(names(&seen["players"])[2..], expected);
    }
}
