//! What people get instead of a page: the same top as on every other, for whoever they are, and whatever else is broken.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, browser::Browser, world};
use reqwest::{Method, Response, header};
use vmatrix_web::{
    actions::{tokens, users},
    domain::Role,
};

/// The captain of a clan at a browser, and a token of theirs.
async fn captain(world: &World) -> (Browser, common::Person) {
    let (clan, name) = (world.clan("Reds").await, "rita".parse().unwrap());
    let (_, password) = users::add_user(&world.app, name, Role::ClanAdmin(clan))
        .await
        .unwrap();
    let token = tokens::create_token_for(&world.app, "rita", &"test".parse().unwrap())
        .await
        .unwrap();
    let mut browser = Browser::new(&world.url);
    assert_eq!(browser.sign_in("rita", password.reveal()).await.status(), 303);
    (browser, common::Person::with_token(token.reveal()))
}

async fn html(answer: Response, status: u16) -> String {
    assert_eq!(answer.status(), status);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<h1>") && text.contains("href=\"/\""), "{text}");
    text
}

fn is_signed_in(html: &str) -> bool {
    html.contains("href=\"/clan\"") && html.contains("action=\"/sign-out\"") && html.contains("rita")
}

#[tokio::test]
async fn an_error_has_the_navigation_of_whoever_gets_it() {
    let world = world().await;
    let (mut rita, _) = captain(&world).await;
    let mut stranger = Browser::new(&world.url);
    let wrong = [
        (Method::GET, "/no/such/page", 404),
        (Method::GET, "/matches/none", 404),
        (Method::GET, "/organise", 403),
        (Method::GET, "/sign-out", 405),
        (Method::GET, "/join/nothing", 410),
        (Method::POST, "/matches/none/end", 404),
    ];
    for (method, path, status) in wrong {
        let text = html(rita.send(method.clone(), path, &[]).await, status).await;
        assert!(is_signed_in(&text), "{method} {path}: {text}");
        assert!(
            !text.contains("aria-current"),
            "{path} is none of the pages: {text}"
        );
        let answer = stranger.send(method, path, &[]).await;
        if answer.status() != 303 {
            let text = html(answer, status).await;
            assert!(
                text.contains("href=\"/sign-in\"") && !text.contains("sign-out"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_of_another_website_is_refused_with_our_own_page() {
    let world = world().await;
    let (rita, _) = captain(&world).await;
    let sent = world
        .request(Method::POST, "/sign-out")
        .header(header::COOKIE, rita.cookie.clone().unwrap())
        .header("sec-fetch-site", "cross-site");
    assert!(is_signed_in(&html(sent.send().await.unwrap(), 403).await));
}

#[tokio::test]
async fn without_a_database_there_are_still_errors_and_nobody_is_taken_for_a_stranger() {
    let world = world().await;
    let (mut rita, token) = captain(&world).await;
    world.app.db.close().await;
    let text = html(rita.get("/no/such/page").await, 404).await;
    assert!(
        !text.contains("href=\"/sign-in\"") && !text.contains("rita"),
        "it is not known who asks: {text}"
    );
    let text = html(rita.get("/account").await, 500).await;
    assert!(text.contains("It is our fault"), "{text}");
    // Pages for strangers, too, know that they do not know; a stranger may read them.
    for path in ["/", "/sign-in"] {
        let text = html(rita.get(path).await, 500).await;
        assert!(text.contains("It is our fault"), "{path}: {text}");
    }
    let stranger = Browser::new(&world.url).get("/sign-in").await;
    assert_eq!(stranger.status(), 200);
    let answer = world.get(&token, "/clans").await;
    assert_eq!(answer.status, 500, "not 401: the token is good");
    assert_eq!(answer.kind, "application/problem+json");
}
