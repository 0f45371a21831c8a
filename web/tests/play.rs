//! Players who come by their clan's link: no account, no cookie.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    browser::Browser,
    evening::{SECRET_ADDRESS, evening},
    send, world, world_with,
};
use reqwest::Method;
use serde_json::{Value, json};
use vmatrix_web::{
    actions::users,
    app::Settings,
    domain::{Role, limits::VISITS_OF_AN_ADDRESS},
};

#[tokio::test]
async fn a_player_opens_the_link_measures_and_is_in_the_match() {
    let evening = evening(world().await).await;
    let link = evening.link().await;
    let page = evening.world.request(Method::GET, &link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("connect-src 'self' https: wss:;"), "{policy}");
    assert!(page.headers().get("set-cookie").is_none());
    let html = page.text().await.unwrap();
    for part in [
        &format!(r#"<form class="card" id="play" data-begin="{link}/begin" data-result="{link}/result">"#),
        r#"<input type="checkbox" name="may_ping">"#,
        r#"<output id="progress">"#,
        r#"id="hosts""#,
        r#"<option value="Ruby">"#,
        "vmatrix ping --link",
        "30 days",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(!html.contains(SECRET_ADDRESS) && !html.contains("Basil"));

    let begun = evening.begin(&link).await;
    assert_eq!(
        (&begun["samples"], &begun["warm_up"], &begun["interval_ms"]),
        (&json!(15), &json!(3), &json!(60))
    );
    let host = &begun["hosts"][0];
    assert_eq!(
        (&host["id"], &host["name"], &host["site"]),
        (&json!(evening.host), &json!("newyork"), &json!("Madrid"))
    );
    assert_eq!(
        (&host["address"], &host["doors"]["echo"]),
        (&json!("10.77.0.1"), &json!(27900))
    );
    assert!(host["doors"].get("webrtc").is_none());
    for secret in ["nonce", "ticket"] {
        assert_eq!(begun[secret].as_str().unwrap().len(), 32);
    }
    let result = evening.result(&begun, "Rex");
    let came = evening.post(&format!("{link}/result"), &result).await.expect(200);
    assert_eq!(came, json!({"player": "Rex", "measured": 1}));
    let own = evening
        .world
        .get(&evening.red, &format!("/matches/{}", evening.id))
        .await
        .expect(200);
    let names: Vec<_> = own["rosters"][0]["players"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["Rex", "Ruby"]);
    let players = evening
        .world
        .get(&evening.red, &format!("/clans/{}/players", evening.reds))
        .await
        .expect(200);
    assert_eq!(
        (&players[0]["consent"], &players[0]["address"]),
        (&json!("own"), &json!("127.0.0.1"))
    );
    // The other clan learns that somebody came, and neither who nor from where.
    let other = evening
        .world
        .get(&evening.blue, &format!("/matches/{}", evening.id))
        .await
        .expect(200)
        .to_string();
    assert!(other.contains("A player of Reds came by the players"), "{other}");
    assert!(
        !other.contains("Rex") && !other.contains("127.0.0.1\""),
        "{other}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let evening = evening(world().await).await;
    let link = evening.link().await;
    let begun = evening.begin(&link).await;
    let path = format!("{link}/result");
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut body = evening.result(&begun, "Rex");
        change(&mut body);
        body
    };
    for (body, field) in [
        (wrong(&|body| body["nonce"] = json!("x")), "nonce"),
        (wrong(&|body| body["name"] = json!("")), "name"),
        (wrong(&|body| body["via"] = json!("pigeon")), "via"),
        (
            wrong(&|body| body["hosts"][0]["id"] = json!(uuid::Uuid::nil())),
            "hosts[0].id",
        ),
        (
            wrong(&|body| body["hosts"][0]["way"] = json!("pigeon")),
            "hosts[0].way",
        ),
        (
            wrong(&|body| body["hosts"][0]["rtts_us"] = json!([0])),
            "hosts[0].rtts_us",
        ),
        (
            wrong(&|body| body["hosts"][0]["sent"] = json!(1)),
            "hosts[0].sent",
        ),
        (wrong(&|body| body["hosts"] = json!([])), "hosts"),
    ] {
        let answer = evening.post(&path, &body).await;
        assert_eq!(answer.kind, "application/problem+json");
        assert_eq!(answer.refused_fields(), [field], "{}", answer.text);
    }
    let large = wrong(&|body| body["hosts"][0]["rtts_us"] = json!(vec![41_000; 20_000]));
    assert_eq!(evening.post(&path, &large).await.status, 413);
    // Nothing of that has used the nonce up.
    evening
        .post(&path, &evening.result(&begun, "Rex"))
        .await
        .expect(200);
    let again = evening.post(&path, &evening.result(&begun, "Rex")).await;
    assert_eq!(again.refused_fields(), ["nonce"]);
    let unknown = evening
        .post(&format!("/play/vmp_{}/begin", "0".repeat(64)), &json!({}))
        .await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.kind.as_str()),
        (404, "application/problem+json")
    );
    let page = send(evening.world.request(Method::GET, "/play/nonsense")).await;
    assert_eq!(page.status, 410);
}

#[tokio::test]
async fn only_this_website_and_programs_may_send_a_result() {
    let evening = evening(world().await).await;
    let link = evening.link().await;
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200)] {
        let request = evening.world.request(Method::POST, &format!("{link}/begin"));
        let answer = send(request.header("sec-fetch-site", site).json(&json!({}))).await;
        assert_eq!(answer.status, status, "{site}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_link_is_made_and_taken_back_by_the_own_captain() {
    let evening = evening(world().await).await;
    let path = format!("/matches/{}/player-links", evening.id);
    let theirs = evening
        .world
        .post(&evening.blue, &path, json!({"clan": evening.reds}))
        .await;
    assert_eq!(theirs.status, 403);
    let old = evening.link().await;
    let new = evening.link().await;
    assert_eq!(
        evening.post(&format!("{old}/begin"), &json!({})).await.status,
        404
    );
    evening.begin(&new).await;
    let one = format!("{path}/{}", evening.reds);
    let revoke = async |by| {
        evening
            .world
            .api(by, Method::DELETE, &one, None)
            .await
            .status
            .as_u16()
    };
    assert_eq!(revoke(&evening.blue).await, 403);
    assert_eq!(revoke(&evening.red).await, 204);
    assert_eq!(revoke(&evening.red).await, 404);
    assert_eq!(
        evening.post(&format!("{new}/begin"), &json!({})).await.status,
        404
    );
}

#[tokio::test]
async fn an_organiser_stands_for_a_player() {
    let strict = Settings {
        allow_private_addresses: true,
        ..Settings::default()
    };
    let evening = evening(world_with(strict).await).await;
    let view = async |by| {
        evening
            .world
            .get(by, &format!("/matches/{}", evening.id))
            .await
            .expect(200)
    };
    let own = view(&evening.red).await;
    let ruby = &own["rosters"][0]["players"][0];
    let said = ruby["not_measured"].as_str().unwrap();
    assert!(said.contains("nobody at this address has agreed yet"), "{said}");
    assert_eq!(
        view(&evening.blue).await["rosters"][0]["players"][0].get("not_measured"),
        None
    );
    let path = format!(
        "/clans/{}/players/{}/vouch",
        evening.reds,
        ruby["id"].as_str().unwrap()
    );
    assert_eq!(
        evening.world.post(&evening.red, &path, json!({})).await.status,
        403
    );
    let organiser = evening.world.person("orla", Role::Organiser).await;
    let vouched = evening.world.post(&organiser, &path, json!({})).await.expect(200);
    assert_eq!(
        (&vouched["consent"], vouched.get("address")),
        (&json!("vouched"), None)
    );
    assert_eq!(
        view(&evening.red).await["rosters"][0]["players"][0].get("not_measured"),
        None
    );
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let evening = evening(world().await).await;
    let path = format!("/play/vmp_{}/begin", "0".repeat(64));
    // However slow this is: room for one comes every two seconds.
    for asked in 0..10 * VISITS_OF_AN_ADDRESS.at_once {
        let request = evening.world.request(Method::POST, &path).json(&json!({}));
        let answer = request.send().await.unwrap();
        if answer.status() == 429 {
            assert!(asked >= VISITS_OF_AN_ADDRESS.at_once, "after {asked}");
            assert!(answer.headers().contains_key("retry-after"));
            return;
        }
        assert_eq!(answer.status(), 404);
    }
    panic!("nobody was told to wait");
}

#[tokio::test]
async fn captains_and_organisers_make_a_link_on_the_page_of_the_match() {
    let evening = evening(world().await).await;
    let at = async |name: &str, role| {
        let (_, password) = users::add_user(&evening.world.app, name.parse().unwrap(), role)
            .await
            .unwrap();
        let mut browser = Browser::new(&evening.world.url);
        assert_eq!(browser.sign_in(name, password.reveal()).await.status(), 303);
        browser
    };
    let reds = evening.reds.parse().unwrap();
    let page = format!("/matches/{}", evening.id);
    let form = format!("{page}/rosters/{}/link", evening.reds);
    for (name, role) in [("rita", Role::ClanAdmin(reds)), ("orla", Role::Organiser)] {
        let mut browser = at(name, role).await;
        let html = browser.get(&page).await.text().await.unwrap();
        assert!(html.contains(&format!(r#"action="{form}""#)), "{html}");
        let made = browser.send(Method::POST, &form, &[]).await;
        assert_eq!(made.status(), 200);
        let html = made.text().await.unwrap();
        let (_, rest) = html.split_once(r#"<code id="players-link">"#).unwrap();
        let link = rest.split('<').next().unwrap();
        let path = link.strip_prefix(&evening.world.url).unwrap();
        evening.begin(path).await;
        let html = browser.get(&page).await.text().await.unwrap();
        assert!(html.contains("Take the link back") && !html.contains(link));
        let gone = browser.send(Method::POST, &format!("{form}/revoke"), &[]).await;
        assert_eq!(gone.status(), 303);
        assert_eq!(
            evening.post(&format!("{path}/begin"), &json!({})).await.status,
            404
        );
    }
    // On the organisers' page of the clan they stand for a player.
    let mut organiser = at("olaf", Role::Organiser).await;
    let clan = format!("/organise/clans/{}", evening.reds);
    let html = organiser.get(&clan).await.text().await.unwrap();
    assert!(
        html.contains("entered by a captain") && !html.contains(SECRET_ADDRESS),
        "{html}"
    );
    let (_, rest) = html.split_once(&format!(r#"action="{clan}/players/"#)).unwrap();
    let player = rest.split('/').next().unwrap();
    let vouched = organiser
        .send(Method::POST, &format!("{clan}/players/{player}/vouch"), &[])
        .await;
    assert_eq!(vouched.status(), 303);
    let html = organiser.get(&clan).await.text().await.unwrap();
    assert!(html.contains("an organiser stands for it"), "{html}");
}
