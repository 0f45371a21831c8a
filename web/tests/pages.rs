//! Pages as browsers get them: forms that keep what was entered, a challenge by clicks alone, and what no page shows.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, browser::Browser, publish_game, world};
use reqwest::{Method, Response};
use vmatrix_web::{
    actions::users,
    domain::{ClanId, Role},
};

/// Somebody signed in at a browser.
async fn browser(world: &World, name: &str, role: Role) -> Browser {
    let (_, password) = users::add_user(&world.app, name.parse().unwrap(), role)
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.sign_in(name, password.reveal()).await.status(), 303);
    browser
}

async fn captain(world: &World, clan: &str, players: &[(&str, &str)]) -> (ClanId, Browser) {
    let id = world.clan(clan).await;
    let mut browser = browser(world, &format!("captain of {clan}"), Role::ClanAdmin(id)).await;
    for (name, address) in players {
        let form = [("name", *name), ("address", *address)];
        let answer = browser.send(Method::POST, "/clan/players", &form).await;
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    }
    (id, browser)
}

async fn page(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

fn location(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The values of the checkboxes of a name.
fn boxes(html: &str, name: &str) -> Vec<String> {
    let start = format!("name=\"{name}\" value=\"");
    html.split(&start)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// A match that the Reds have challenged the Blues to: its page, and both captains at their browsers.
async fn booked(world: &World) -> (String, Browser, Browser) {
    publish_game(world).await;
    let (_, mut red) = captain(world, "Reds", &[("Ann", "10.77.0.11")]).await;
    let (blues, blue) = captain(world, "Blues", &[("Cat", "10.77.0.21")]).await;
    let own = boxes(&page(&mut red, "/matches/new").await, "home_players");
    let away = blues.to_string();
    let fields = [
        ("away", away.as_str()),
        ("image", "openarena"),
        ("length_minutes", "30"),
        ("home_players", own[0].as_str()),
        ("then", "book"),
    ];
    let path = location(&red.send(Method::POST, "/matches/new", &fields).await);
    (path, red, blue)
}

#[tokio::test]
async fn what_was_entered_wrongly_stays_with_the_reason_at_its_field() {
    let world = world().await;
    let (_, mut red) = captain(&world, "Reds", &[]).await;
    let form = [("name", "Ann & Co"), ("address", "not an address")];
    let answer = red.send(Method::POST, "/clan/players", &form).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("value=\"Ann &#38; Co\"") && html.contains("value=\"not an address\""),
        "{html}"
    );
    assert!(
        html.contains("aria-describedby=\"address-hint address-error\""),
        "{html}"
    );
    assert!(
        html.contains("id=\"address-error\"") && !html.contains("id=\"name-error\""),
        "{html}"
    );
}

#[tokio::test]
async fn a_challenge_is_sent_and_answered_by_forms_alone() {
    let world = world().await;
    publish_game(&world).await;
    let (_, mut red) = captain(&world, "Reds", &[("Ann", "10.77.0.11"), ("Bob", "10.77.0.12")]).await;
    let (blues, mut blue) = captain(&world, "Blues", &[("Cat", "10.77.0.21"), ("Dan", "10.77.0.22")]).await;

    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let start = jiff::Zoned::now()
        .with_time_zone(berlin)
        .datetime()
        .round(jiff::Unit::Minute)
        .unwrap();
    let start = start.checked_add(jiff::Span::new().days(3)).unwrap();
    let typed = start.strftime("%Y-%m-%dT%H:%M").to_string();

    let form = page(&mut red, "/matches/new").await;
    let (away, own) = (blues.to_string(), boxes(&form, "home_players"));
    assert_eq!(own.len(), 2);
    let mut fields = vec![
        ("away", away.as_str()),
        ("image", "openarena"),
        ("length_minutes", "30"),
        ("when", "at"),
        ("start", typed.as_str()),
        ("zone", "Europe/Berlin"),
        ("then", "book"),
    ];
    fields.extend(own.iter().map(|id| ("home_players", id.as_str())));
    let path = location(&red.send(Method::POST, "/matches/new", &fields).await);

    assert!(page(&mut blue, "/").await.contains("Reds challenges you"));
    let html = page(&mut blue, &path).await;
    let meant = start.in_tz("Europe/Berlin").unwrap().timestamp().to_string();
    assert!(
        html.contains(&format!("datetime=\"{meant}\"")),
        "{typed} in Berlin is {meant}: {html}"
    );
    let picks = boxes(&html, "players");
    let roster: Vec<_> = picks.iter().map(|id| ("players", id.as_str())).collect();
    let back = location(
        &blue
            .send(Method::POST, &format!("{path}/rosters/{blues}"), &roster)
            .await,
    );
    assert_eq!(back, path);

    let (red_sees, blue_sees) = (page(&mut red, &path).await, page(&mut blue, &path).await);
    assert!(
        red_sees.contains("Ann") && !red_sees.contains("Cat"),
        "the other clan's players are numbered"
    );
    assert!(blue_sees.contains("Cat") && !blue_sees.contains("Ann"));
    for html in [red_sees, blue_sees] {
        assert!(!html.contains("10.77.0."), "an address on the page of a match");
        assert!(html.contains("aria-current=\"step\">Measure"), "{html}");
    }
}

#[tokio::test]
async fn a_booking_that_cannot_be_taken_comes_back_with_what_was_chosen() {
    let world = world().await;
    publish_game(&world).await;
    let (_, mut red) = captain(&world, "Reds", &[("Ann", "10.77.0.11")]).await;
    let fields = [
        ("length_minutes", "3"),
        ("map", "oa_dm4"),
        ("when", "at"),
        ("zone", "Mars"),
        ("then", "book"),
    ];
    let answer = red.send(Method::POST, "/matches/new", &fields).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    for kept in [
        "value=\"3\"",
        "value=\"oa_dm4\"",
        "value=\"Mars\"",
        "id=\"zone-error\"",
        "id=\"away-error\"",
    ] {
        assert!(html.contains(kept), "{kept} is missing");
    }
}

#[tokio::test]
async fn organisers_manage_clans_without_seeing_addresses() {
    let world = world().await;
    let (reds, _) = captain(&world, "Reds", &[("Ann", "10.77.0.11")]).await;
    let mut league = browser(&world, "league", Role::Organiser).await;
    let html = page(&mut league, &format!("/organise/clans/{reds}")).await;
    assert!(html.contains("Ann") && !html.contains("10.77.0.11"));
    let answer = league
        .send(Method::POST, "/organise/invite", &[("clan", "Greens")])
        .await;
    let html = answer.text().await.unwrap();
    let link = html
        .split("/join/")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    let mut green = Browser::new(&world.url);
    let form = [("user", "gil"), ("new_password", "a long password")];
    let answer = green.send(Method::POST, &format!("/join/{link}"), &form).await;
    assert_eq!(location(&answer), "/");
    assert!(page(&mut green, "/clan").await.contains("Greens"));
    assert_eq!(green.get(&format!("/organise/clans/{reds}")).await.status(), 403);
    assert_eq!(green.get(&format!("/join/{link}")).await.status(), 410);
}

#[tokio::test]
async fn every_page_is_there_for_those_who_may_see_it_and_for_nobody_else() {
    let world = world().await;
    let (_, captain) = captain(&world, "Reds", &[]).await;
    let league = browser(&world, "league", Role::Organiser).await;
    let operator = browser(&world, "olga", Role::Operator).await;
    let stranger = Browser::new(&world.url);
    let pages = [
        ("/", [200, 200, 200, 200]),
        ("/sign-in", [200, 303, 303, 303]),
        ("/account", [303, 200, 200, 200]),
        ("/matches", [303, 200, 200, 200]),
        ("/matches/new", [303, 200, 200, 200]),
        (
            "/matches/018f0000-0000-7000-8000-000000000001",
            [303, 404, 404, 404],
        ),
        ("/clan", [303, 200, 403, 403]),
        ("/organise", [303, 403, 200, 200]),
        ("/ops", [303, 403, 200, 200]),
        ("/no/such/page", [404, 404, 404, 404]),
    ];
    let mut people = [stranger, captain, league, operator];
    for (path, wanted) in pages {
        for (person, wanted) in people.iter_mut().zip(wanted) {
            let answer = person.get(path).await;
            assert_eq!(answer.status(), wanted, "{path}");
            assert!(
                !answer.headers()["content-security-policy"]
                    .to_str()
                    .unwrap()
                    .contains("unsafe")
            );
        }
    }
}

#[tokio::test]
async fn what_a_page_loads_is_there_and_kept() {
    let world = world().await;
    let mut stranger = Browser::new(&world.url);
    let html = page(&mut stranger, "/").await;
    let files: Vec<_> = html
        .split("\"/static/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let answer = stranger.get(&format!("/static/{file}")).await;
        assert_eq!(answer.status(), 200, "{file}");
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable"),
            "{file}"
        );
    }
    assert!(
        !html.contains("style=") && !html.contains("onclick"),
        "the policy forbids what is written into a page"
    );
}

#[tokio::test]
async fn a_page_that_follows_gets_its_live_part_again_when_something_happens() {
    let world = world().await;
    let mut operator = browser(&world, "olga", Role::Operator).await;
    let mut live = operator.get("/ops/live").await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let mut seen = String::new();
    while !seen.contains("No host has joined") {
        seen.push_str(std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap());
    }
    world.host("denver").await;
    while !seen.contains("denver") {
        seen.push_str(std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(seen.starts_with("data: "));
}

#[tokio::test]
async fn who_is_locked_out_has_no_live_page_any_more() {
    let world = world().await;
    let (path, mut red, _) = booked(&world).await;
    let path = format!("{path}/live");
    let mut operator = browser(&world, "olga", Role::Operator).await;
    for (name, browser, path) in [
        ("captain of Reds", &mut red, path.as_str()),
        ("olga", &mut operator, "/ops/live"),
    ] {
        let mut live = browser.get(path).await;
        assert_eq!(live.headers()["content-type"], "text/event-stream");
        let first = live.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"data: "));
        users::reset_password(&world.app, name).await.unwrap();
        // It would never end, were they not locked out.
        assert!(live.text().await.unwrap().ends_with("event: end\ndata: over\n\n"));
        assert_eq!(browser.get(path).await.status(), 303);
    }
}

#[tokio::test]
async fn a_report_that_says_nothing_new_changes_nothing_on_the_operators_page() {
    let world = world().await;
    let mut operator = browser(&world, "olga", Role::Operator).await;
    let agent = world.host("denver").await;
    let report = async |sequence| {
        let said = world.agent(&agent, Method::POST, "/report");
        let taken = common::send(said.json(&common::report(1, sequence))).await;
        assert_eq!(taken.expect(200)["taken"], true);
    };
    report(1).await;
    let first = page(&mut operator, "/ops").await;
    assert!(first.contains("production"), "{first}");
    report(2).await;
    assert_eq!(page(&mut operator, "/ops").await, first);
}

const RELOADS: &str = "http-equiv=\"refresh\"";

#[tokio::test]
async fn a_page_with_something_to_fill_in_never_reloads_itself() {
    let world = world().await;
    let (path, _, mut blue) = booked(&world).await;
    let mut operator = browser(&world, "olga", Role::Operator).await;
    let mut organiser = browser(&world, "oscar", Role::Organiser).await;
    let ops = "/ops".to_owned();
    for (person, path) in [(&mut blue, &path), (&mut operator, &ops)] {
        let html = page(person, path).await;
        assert!(!html.contains(RELOADS), "what is entered would be lost: {html}");
        let watch = format!("{path}?watch");
        assert!(html.contains(">Without JavaScript") && html.contains(&watch));
        let html = page(person, &watch).await;
        assert!(
            html.contains(RELOADS) && html.contains(&format!("href=\"{path}\"")),
            "{html}"
        );
        for input in ["type=\"checkbox\"", "type=\"text\"", "<select"] {
            assert!(!html.contains(input), "{input}: {html}");
        }
    }
    // Who has nothing to fill in needs no other page.
    assert!(page(&mut organiser, "/ops").await.contains(RELOADS));
}

#[tokio::test]
async fn a_captain_corrects_where_a_player_plays_from_and_nobody_else_sees_it() {
    let world = world().await;
    let (_, mut red) = captain(&world, "Reds", &[("Ann", "10.77.0.1"), ("Bob", "10.77.0.2")]).await;
    let (_, mut blue) = captain(&world, "Blues", &[]).await;
    let mut staff = browser(&world, "oscar", Role::Organiser).await;
    let html = page(&mut red, "/clan").await;
    let path = html
        .split("href=\"")
        .find(|rest| rest.starts_with("/clan/players/"))
        .unwrap();
    let path = path.split('"').next().unwrap().to_owned();
    assert!(page(&mut red, &path).await.contains("value=\"10.77.0.1\""));
    for other in [&mut blue, &mut staff] {
        for answer in [
            other.get(&path).await,
            other
                .send(Method::POST, &path, &[("name", "Ann"), ("address", "10.77.0.9")])
                .await,
        ] {
            assert!(answer.status().is_client_error(), "{}", answer.status());
            assert!(!answer.text().await.unwrap().contains("10.77.0.1"));
        }
    }
    for (name, address, field) in [("Ann", "127.0.0.1", "address"), ("BOB", "10.77.0.1", "name")] {
        let wrong = red
            .send(Method::POST, &path, &[("name", name), ("address", address)])
            .await;
        assert_eq!(wrong.status(), 422);
        let html = wrong.text().await.unwrap();
        assert!(html.contains(&format!("id=\"{field}-error\"")), "{html}");
        assert!(html.contains(&format!("value=\"{address}\"")), "{html}");
    }
    let form = [("name", "Anna"), ("address", "10.77.0.7")];
    assert_eq!(location(&red.send(Method::POST, &path, &form).await), "/clan");
    let html = page(&mut red, "/clan").await;
    assert!(
        html.contains("Anna") && html.contains("10.77.0.7") && !html.contains("10.77.0.1"),
        "{html}"
    );
    assert_eq!(red.get("/clan/players/ada").await.status(), 404);
}
