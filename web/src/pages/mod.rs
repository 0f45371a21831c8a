//! The website for clans and organisers. A handler parses, calls one action, and fills a page's struct; templates show.

mod account;
pub(crate) mod assets;
mod book;
mod booking;
mod chrome;
mod clan;
mod compare;
pub mod error;
pub(crate) mod fields;
pub(crate) mod form;
mod home;
mod join;
pub(crate) mod live;
mod match_page;
mod match_plot;
mod matches;
mod measured;
mod organise;
pub(crate) mod play;
mod player;
mod players_link;
pub(crate) mod plot;
mod plot_sign;
mod rules;
mod scatter;
pub(crate) mod seats;
pub(crate) mod show;
mod sign_in;

use crate::app::App;
use axum::{
    Router,
    routing::{get, post},
};

pub(crate) use chrome::Chrome;

/// What a page may load: files of this website, and nothing written into the page itself.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// All pages but the operators', and the files they load. Wants the session layer around it.
pub fn router() -> Router<App> {
    Router::new()
        .merge(play::router())
        .route("/", get(home::home))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/join/{token}", get(join::show).post(join::accept))
        .route("/account", get(account::show))
        .route("/account/tokens", post(account::create_token))
        .route("/account/tokens/{id}/revoke", post(account::revoke_token))
        .route("/account/password", post(account::change_password))
        .route("/clan", get(clan::show))
        .route("/clan/players", post(clan::add_player))
        .route("/clan/players/{player}", get(player::show).post(player::change))
        .route("/clan/players/{player}/remove", post(clan::remove_own_player))
        .route("/clan/invite", post(clan::invite))
        .route("/organise", get(organise::show))
        .route("/organise/clans", post(organise::create_clan))
        .route("/organise/invite", post(organise::invite))
        .route("/organise/clans/{clan}", get(clan::show))
        .route("/organise/clans/{clan}/players", post(clan::add_player))
        .route(
            "/organise/clans/{clan}/players/{player}/remove",
            post(clan::remove_player),
        )
        .route("/organise/clans/{clan}/players/{player}/vouch", post(clan::vouch))
        .route("/matches", get(matches::list))
        .route("/matches/new", get(book::show).post(book::book))
        .route("/matches/{id}", get(matches::show))
        .route("/matches/{id}/live", get(matches::live))
        .route("/matches/{id}/rosters/{clan}", post(matches::set_roster))
        .route("/matches/{id}/rosters/{clan}/link", post(players_link::make))
        .route(
            "/matches/{id}/rosters/{clan}/complete",
            post(players_link::complete),
        )
        .route(
            "/matches/{id}/rosters/{clan}/link/revoke",
            post(players_link::revoke),
        )
        .route("/matches/{id}/end", post(matches::end))
        .route("/matches/{id}/retry", post(matches::retry))
        .route("/matches/{id}/rematch", post(matches::rematch))
        .route("/static/{tag}/{*path}", get(assets::serve))
        .fallback(error::missing)
}
