//! Matches.

use super::{
    Problem,
    body::{At, Body, created},
};
use crate::{
    actions::matches::{self, Booking, Roster, Start},
    app::App,
    auth::Viewer,
    domain::{
        BadTime, ClanId, MatchId, PlayerId, Refusal,
        view::{MatchLine, MatchView},
    },
};
use axum::{
    Json, Router,
    extract::State,
    response::Response,
    routing::{get, post, put},
};
use serde::Deserialize;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/matches", get(list).post(book))
        .route("/matches/{id}", get(view))
        .route("/matches/{id}/rosters/{clan}", put(set_roster))
        .route("/matches/{id}/end", post(end))
        .route("/matches/{id}/retry", post(retry))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookingBody {
    image: String,
    #[serde(default)]
    map: Option<String>,
    /// `now`, or RFC 3339.
    start: String,
    length_minutes: i64,
    rosters: Vec<RosterBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RosterBody {
    clan: ClanId,
    players: Vec<PlayerId>,
}

impl TryFrom<BookingBody> for Booking {
    type Error = Problem;
    fn try_from(body: BookingBody) -> Result<Self, Problem> {
        let start = match body.start.as_str() {
            "now" => Start::Now,
            text => Start::At(text.parse().map_err(|_: BadTime| {
                let expected = "\"now\", or a time such as 2026-11-21T20:00:00Z";
                Problem::invalid(vec![Refusal::new("start", text, expected)])
            })?),
        };
        let roster = |roster: RosterBody| Roster {
            clan: roster.clan,
            players: roster.players,
        };
        Ok(Self {
            image: body.image,
            map: body.map,
            start,
            length_minutes: body.length_minutes,
            rosters: body.rosters.into_iter().map(roster).collect(),
        })
    }
}

async fn book(
    State(app): State<App>,
    Viewer(user): Viewer,
    Body(body): Body<BookingBody>,
) -> Result<Response, Problem> {
    let id = matches::book_match(&app, &user, body.try_into()?).await?;
    Ok(created(matches::view_match(&app, &user, id).await?))
}

async fn list(State(app): State<App>, Viewer(user): Viewer) -> Result<Json<Vec<MatchLine>>, Problem> {
    Ok(Json(matches::list_matches(&app, &user).await?))
}

async fn view(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
) -> Result<Json<MatchView>, Problem> {
    Ok(Json(matches::view_match(&app, &user, id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Players {
    players: Vec<PlayerId>,
}

async fn set_roster(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((id, clan)): At<(MatchId, ClanId)>,
    Body(body): Body<Players>,
) -> Result<Json<MatchView>, Problem> {
    matches::set_roster(&app, &user, id, clan, &body.players).await?;
    Ok(Json(matches::view_match(&app, &user, id).await?))
}

async fn end(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
) -> Result<Json<MatchView>, Problem> {
    matches::end_match(&app, &user, id).await?;
    Ok(Json(matches::view_match(&app, &user, id).await?))
}

async fn retry(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
) -> Result<Json<MatchView>, Problem> {
    matches::retry_match(&app, &user, id).await?;
    Ok(Json(matches::view_match(&app, &user, id).await?))
}
