//! What `/metrics` counts requests by: a figure that a stranger can make grow for ever would fill the memory.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, send, world};
use reqwest::Method;
use std::collections::BTreeSet;
use vmatrix_web::server;

async fn figures(world: &World) -> String {
    send(world.request(Method::GET, "/metrics")).await.text
}

/// The values of a label of all figures about requests.
fn values(figures: &str, label: &str) -> BTreeSet<String> {
    let lines = figures.lines().filter(|line| line.starts_with("http_request"));
    let start = format!("{label}=\"");
    let value = |line: &str| Some(line.split(&start).nth(1)?.split('"').next()?.to_owned());
    lines.filter_map(value).collect()
}

/// Requests that a stranger can make, each with a word of their own choice in it.
async fn ask_with(world: &World, word: &str) {
    let paths = [
        format!("/{word}"),
        format!("/matches/{word}"),
        format!("/join/{word}"),
        format!("/static/{word}/{word}.css"),
        format!("/static/{word}"),
        format!("/organise/clans/{word}/{word}"),
        format!("/api/v1/{word}"),
        format!("/api/v1/matches/{word}"),
        format!("/api/v1/nest/chunks/{word}"),
        format!("/agent/v1/{word}"),
        format!("/agent/v1/chunks/{word}"),
        format!("/ops?{word}={word}"),
    ];
    let own: Method = word.to_uppercase().parse().unwrap();
    for path in paths {
        for method in [Method::GET, Method::POST, Method::TRACE, own.clone()] {
            send(world.request(method, &path)).await;
        }
    }
}

#[tokio::test]
async fn requests_are_counted_by_what_we_have_named_and_by_no_word_of_a_strangers() {
    let world = world().await;
    server::collect().unwrap();
    ask_with(&world, "brew").await;
    let first = figures(&world).await;
    ask_with(&world, "teapot").await;
    let second = figures(&world).await;
    for word in ["brew", "teapot", "BREW", "TEAPOT"] {
        assert!(!second.contains(word), "{word} is counted by itself: {second}");
    }
    let methods = values(&second, "method");
    let known = [
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "other",
    ];
    assert!(
        methods.iter().all(|method| known.contains(&method.as_str())),
        "{methods:?}"
    );
    assert!(methods.contains("other"));
    let routes = values(&second, "route");
    for route in [
        "(none)",
        "/matches/{id}",
        "/join/{token}",
        "/static/{tag}/{*path}",
        "/api/v1/matches/{id}",
    ] {
        assert!(routes.contains(route), "{route} is missing in {routes:?}");
    }
    // `/metrics` itself is counted from the second time on.
    let more: Vec<_> = routes.difference(&values(&first, "route")).cloned().collect();
    assert_eq!(more, ["/metrics"]);
}
