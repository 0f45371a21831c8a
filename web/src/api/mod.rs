//! The API: the same verbs as the website, for programs, with a token of a user. `docs/api.md` has an example of each.
//!
//! ```text
//!   clans             POST GET           /clans            players  POST GET PUT DELETE  /clans/{id}/players[/{id}]
//!   matches           POST GET           /matches[/{id}]   roster   PUT                  /matches/{id}/rosters/{clan}
//!   player links      POST               /matches/{id}/player-links                      DELETE …/player-links/{clan}
//!                     POST               /matches/{id}/end, /retry, /rematch       GET /matches/{id}/report
//!   invitations       POST               /invitations      tokens   GET POST DELETE      /tokens[/{id}]
//!   hosts             GET DELETE         /hosts[/{id}]     join     POST                 /join-tokens
//!   services          POST GET DELETE    /services[/{id}], POST /services/{id}/suspend, /services/{id}/wake
//!   placements        POST               /placements:preview
//!   images            GET                /images           nest     POST PUT             /nest/…
//!   latency           GET                /latency
//! ```

mod body;
mod clans;
mod hosts;
mod index;
mod latency;
mod matches;
mod nest;
mod placements;
mod policy;
mod problem;
mod rtt;
mod seat;
mod services;
mod users;

pub(crate) use body::{Body, bytes, parse};
pub use problem::Problem;
pub(crate) use problem::{missing, seconds, wrong_method};

use crate::{app::App, auth::Door, domain::limits::BODY};
use axum::{Extension, Router, extract::DefaultBodyLimit};

/// All of `/api/v1`.
pub fn router() -> Router<App> {
    let small = Router::new()
        .merge(index::router())
        .merge(clans::router())
        .merge(matches::router())
        .merge(hosts::router())
        .merge(latency::router())
        .merge(services::router())
        .merge(users::router())
        .layer(DefaultBodyLimit::max(BODY))
        .merge(placements::router())
        .layer(Extension(Door::Api));
    Router::new()
        .merge(small)
        .merge(nest::router().layer(Extension(Door::Nest)))
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
}
