//! What agents and the server say to each other.
#![allow(clippy::unwrap_used)]

mod common;

use common::{enrolment, facts, report, send, world};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use vmatrix_web::{domain::Role, store};
use vmatrix_wire::{Digest, Orders, Secret};

#[tokio::test]
async fn a_wrong_join_token_enrols_nobody() {
    let world = world().await;
    let unknown = Secret::new(format!("vmj_{}", "0".repeat(64)));
    for token in [unknown, Secret::new("vmj_short"), Secret::new("")] {
        let answer = world.enrol(&enrolment("mad-1", &token)).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    assert!(
        world
            .get(&world.operator().await, "/hosts")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_join_token_enrols_one_host() {
    let world = world().await;
    let token = world.join_token().await;
    let answer = world.enrol(&enrolment("mad-1", &token)).await.expect(201);
    assert!(answer["secret"].as_str().unwrap().starts_with("vma_"));
    assert_eq!(world.enrol(&enrolment("mad-2", &token)).await.status, 403);
}

#[tokio::test]
async fn a_refused_enrolment_names_every_field_and_leaves_the_token_good() {
    let world = world().await;
    let token = world.join_token().await;
    let mut body = enrolment("Not A Host", &token);
    body["slots"] = json!(9);
    body["public_address"] = json!("0.0.0.0");
    let answer = world.enrol(&body).await;
    assert_eq!(answer.refused_fields(), ["name", "public_address", "slots"]);
    assert!(!answer.text.contains(token.reveal()));
    world.enrol(&enrolment("mad-1", &token)).await.expect(201);
    world
        .enrol(&enrolment("mad-1", &world.join_token().await))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_host_that_reports_keeps_its_name() {
    let world = world().await;
    let first = world.host("mad-1").await;
    // The first answer was lost on its way: the same machine asks again.
    let agent = world.host("mad-1").await;
    let report = |agent| send(world.agent(agent, Method::POST, "/report").json(&report(1, 1)));
    assert_eq!(report(&first).await.status, 401);
    report(&agent).await.expect(200);
    let twin = world.enrol(&enrolment("mad-1", &world.join_token().await)).await;
    assert_eq!(twin.refused_fields(), ["name"]);
}

#[tokio::test]
async fn a_host_that_leaves_is_known_no_more_until_it_joins_again() {
    let world = world().await;
    let stranger = world
        .line
        .request(Method::DELETE, "/agent/v1/enrol")
        .header("x-vmatrix-protocol", vmatrix_wire::PROTOCOL);
    assert_eq!(send(stranger).await.status, 401);
    let agent = world.host("mad-1").await;
    let report = |agent| send(world.agent(agent, Method::POST, "/report").json(&report(5, 9)));
    report(&agent).await.expect(200);
    let leave = || send(world.agent(&agent, Method::DELETE, "/enrol"));
    assert_eq!(leave().await.status, 204);
    // By this an agent tells that the server itself does not know it, and not a proxy on the way.
    let unknown = leave().await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.kind.as_str()),
        (401, "application/problem+json")
    );
    assert_eq!(report(&agent).await.status, 401);
    // Its name is free for it, and its first report is not older than those before.
    let again = world.host("mad-1").await;
    let first = world
        .agent(&again, Method::POST, "/report")
        .json(&self::report(1, 1));
    assert_eq!(send(first).await.expect(200)["taken"], true);
}

#[tokio::test]
async fn an_operator_removes_a_host_that_is_gone_and_its_name_is_free() {
    let world = world().await;
    let (operator, staff) = (
        world.operator().await,
        world.person("oscar", Role::Organiser).await,
    );
    let agent = world.host("mad-1").await;
    let report = |number| {
        world
            .agent(&agent, Method::POST, "/report")
            .json(&report(1, number))
            .send()
    };
    assert_eq!(report(1).await.unwrap().status(), 200);
    let id = world.get(&operator, "/hosts").await.expect(200)[0]["id"].clone();
    let id = id.as_str().unwrap();
    let remove = async |who, what: &str| {
        world
            .api(who, Method::DELETE, &format!("/hosts/{what}"), None)
            .await
    };
    assert_eq!(remove(&staff, id).await.status, 403);
    assert_eq!(remove(&operator, "mad-1").await.status, 404);
    assert_eq!(
        remove(&operator, "018f0000-0000-7000-8000-000000000003")
            .await
            .status,
        404
    );
    let wrong = remove(&operator, &format!("{id}?force=perhaps")).await;
    assert_eq!(wrong.refused_fields(), ["force"]);
    let up = remove(&operator, id).await;
    assert_eq!(up.status, 409);
    assert!(up.text.contains("host mad-1 reports"), "{}", up.text);
    assert_eq!(report(2).await.unwrap().status(), 200, "nothing was done");

    assert_eq!(remove(&operator, &format!("{id}?force=true")).await.status, 204);
    assert_eq!(remove(&operator, id).await.status, 204, "twice is once");
    assert_eq!(report(3).await.unwrap().status(), 401);
    let hosts = world.get(&operator, "/hosts").await.expect(200);
    assert!(hosts[0]["left_at"].is_string(), "{hosts}");
    world.host("mad-1").await;
    let hosts = world.get(&operator, "/hosts").await.expect(200);
    assert!(hosts[0]["left_at"].is_null() && hosts[0]["id"] == id, "{hosts}");
}

#[tokio::test]
async fn operations_has_a_button_for_a_host_that_is_gone() {
    let world = world().await;
    // It has joined, and its agent was never heard of.
    world.host("mad-1").await;
    let name = "ada".parse().unwrap();
    let (_, password) = vmatrix_web::actions::users::add_user(&world.app, name, Role::Operator)
        .await
        .unwrap();
    let mut browser = common::browser::Browser::new(&world.url);
    // In capitals or not, as names are compared.
    assert_eq!(browser.sign_in("ADA", password.reveal()).await.status(), 303);
    let html = browser.get("/ops").await.text().await.unwrap();
    let action = html
        .split('"')
        .find(|part| part.starts_with("/ops/hosts/"))
        .unwrap()
        .to_owned();
    assert!(action.ends_with("/remove"), "{action}");
    assert_eq!(browser.send(Method::POST, &action, &[]).await.status(), 303);
    let html = browser.get("/ops").await.text().await.unwrap();
    assert!(
        html.contains("has left") && !html.contains("/ops/hosts/"),
        "{html}"
    );
    assert!(
        html.contains("Control loop") && !html.contains("Oracle"),
        "{html}"
    );
}

#[tokio::test]
async fn an_unknown_field_of_an_enrolment_is_named() {
    let world = world().await;
    let mut body = enrolment("mad-1", &world.join_token().await);
    body["slotz"] = json!(2);
    assert_eq!(world.enrol(&body).await.refused_fields(), ["slotz"]);
}

#[tokio::test]
async fn an_agent_of_another_version_is_told_both() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    let mut body = enrolment("mad-2", &world.join_token().await);
    body["protocol"] = json!(7);
    body["new_field_of_version_7"] = json!(true);
    let mut newer = report(1, 1);
    newer["protocol"] = json!(7);
    let answers = [
        world.enrol(&body).await,
        send(world.agent(&agent, Method::POST, "/report").json(&newer)).await,
        send(
            world
                .request(Method::GET, "/agent/v1/orders?since=0")
                .bearer_auth(agent.token())
                .header("x-vmatrix-protocol", "7"),
        )
        .await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 426, "{}", answer.text);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        let here = format!("protocol {}", vmatrix_wire::PROTOCOL);
        assert!(detail.contains(&here) && detail.contains('7'), "{detail}");
    }
    let none = send(
        world
            .request(Method::GET, "/agent/v1/orders?since=0")
            .bearer_auth(agent.token()),
    )
    .await;
    assert_eq!(none.status, 426, "{}", none.text);
}

#[tokio::test]
async fn an_older_report_is_dropped() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    for (incarnation, sequence, taken) in [
        (1, 5, true),
        (1, 4, false),
        (2, 1, true),
        (1, 9, false),
        (2, 1, false),
    ] {
        let mut body = report(incarnation, sequence);
        body["facts"]["memory_mb"] = json!(incarnation * 1000 + sequence);
        let answer = send(world.agent(&agent, Method::POST, "/report").json(&body)).await;
        assert_eq!(
            answer.expect(200),
            json!({ "taken": taken }),
            "({incarnation}, {sequence})"
        );
    }
    let hosts = world.get(&world.operator().await, "/hosts").await.expect(200);
    assert_eq!(hosts[0]["facts"]["memory_mb"], 2001);
    assert_eq!(hosts[0]["up"], true);
}

#[tokio::test]
async fn new_orders_are_answered_at_once() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    let first = send(world.agent(&agent, Method::GET, "/orders?since=0"))
        .await
        .expect(200);
    assert_eq!(first["generation"], 1);

    let held = tokio::spawn(send(world.agent(&agent, Method::GET, "/orders?since=1")));
    // The poll is at the server when it has heard of it: the orders feed has a listener.
    while world.app.orders.listeners() == 0 {
        tokio::task::yield_now().await;
    }
    // Somebody else's orders are no answer.
    world.app.orders.bump();
    let host = first["host"].as_str().unwrap().parse().unwrap();
    let mut tx = world.app.db.begin().await.unwrap();
    assert!(
        store::hosts::write_orders(&mut tx, &Orders::empty(host, 2), world.app.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let committed = Instant::now();
    world.app.orders.bump();
    let answer = held.await.unwrap().expect(200);
    let took = committed.elapsed();
    assert_eq!(answer["generation"], 2);
    // The next look without being told would be a second away.
    assert!(took < Duration::from_millis(900), "{took:?}");
}

#[tokio::test]
async fn orders_that_are_newer_already_are_not_waited_for() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    for wrong in [
        "/orders",
        "/orders?since=-1",
        "/orders?since=x",
        "/orders?since=1&x=1",
    ] {
        assert_eq!(
            send(world.agent(&agent, Method::GET, wrong))
                .await
                .refused_fields(),
            ["since"],
            "{wrong}"
        );
    }
    send(world.agent(&agent, Method::GET, "/orders?since=0"))
        .await
        .expect(200);
}

#[tokio::test]
async fn each_secret_opens_its_own_door_only() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    let operator = world.operator().await;
    assert_eq!(world.get(&agent, "/hosts").await.status, 401);
    for stranger in [operator.token(), "", "vma_", world.join_token().await.reveal()] {
        let answer = send(
            world
                .request(Method::GET, "/agent/v1/orders?since=0")
                .bearer_auth(stranger)
                .header("x-vmatrix-protocol", vmatrix_wire::PROTOCOL),
        )
        .await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.kind, "application/problem+json");
    }
}

#[tokio::test]
async fn an_agent_fetches_what_an_operator_has_pushed() {
    let world = world().await;
    let (agent, operator) = (world.host("mad-1").await, world.operator().await);
    let bytes = b"a chunk".repeat(100);
    let digest = Digest(*blake3::hash(&bytes).as_bytes());
    let fetch = async || send(world.agent(&agent, Method::GET, &format!("/chunks/{digest}"))).await;
    assert_eq!(fetch().await.status, 404);
    let put = world.request(Method::PUT, &format!("/api/v1/nest/chunks/{digest}"));
    let packed = zstd::encode_all(bytes.as_slice(), 3).unwrap();
    assert_eq!(
        send(put.bearer_auth(operator.token()).body(packed.clone()))
            .await
            .status,
        204
    );
    let got = world
        .agent(&agent, Method::GET, &format!("/chunks/{digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(got.headers()["content-type"], "application/zstd");
    assert_eq!(got.bytes().await.unwrap(), packed);
    for path in [
        "/chunks/../../etc/passwd",
        "/chunks/abc",
        "/manifests/abc",
        "/nothing",
    ] {
        assert_eq!(
            send(world.agent(&agent, Method::GET, path)).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_report_that_is_too_large_is_refused() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    let mut body = report(1, 1);
    body["facts"]["cpu_model"] = json!("x".repeat(9 << 20));
    let answer = send(world.agent(&agent, Method::POST, "/report").json(&body)).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
}

#[tokio::test]
async fn staff_see_hosts_without_their_secrets() {
    let world = world().await;
    let agent = world.host("mad-1").await;
    let organiser = world.person("oscar", Role::Organiser).await;
    let answer = world.get(&organiser, "/hosts").await;
    assert!(
        !answer.text.contains(agent.token()) && !answer.text.contains("secret"),
        "{}",
        answer.text
    );
    let hosts = answer.expect(200);
    assert_eq!(
        (&hosts[0]["name"], &hosts[0]["site"], &hosts[0]["up"]),
        (&json!("mad-1"), &json!("Madrid"), &json!(false))
    );
    assert_eq!(hosts[0]["facts"], facts());
    let (_, admin) = world.clan_with_admin("Reds").await;
    assert_eq!(world.get(&admin, "/hosts").await.status, 403);
}
