//! Matches.

use super::{
    Problem,
    body::{At, Body, created},
    policy::named_or_whole,
    seat::{SeatBody, seats},
};
use crate::{
    actions::{
        matches::{self, Booking, Roster, Start},
        placements,
    },
    app::App,
    auth::Viewer,
    domain::{
        BadTime, ClanId, MatchId, Refusal,
        view::{MatchLine, MatchView},
    },
};
use axum::{
    Json, Router,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use vmatrix_placement::Policy;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/matches", get(list).post(book))
        .route("/matches/{id}", get(view))
        .route("/matches/{id}/rosters/{clan}", put(set_roster))
        .route("/matches/{id}/end", post(end))
        .route("/matches/{id}/retry", post(retry))
        .route("/matches/{id}/report", get(report))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookingBody {
    image: String,
    #[serde(default)]
    map: Option<String>,
    /// Name of a preset, or the whole rule; the thesis's if absent.
    #[serde(default, deserialize_with = "named_or_whole")]
    policy: Policy,
    /// `now`, or RFC 3339.
    start: String,
    length_minutes: i64,
    rosters: Vec<RosterBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RosterBody {
    clan: ClanId,
    players: Vec<SeatBody>,
}

impl BookingBody {
    /// As what is booked, with what is wrong with its start: then with another in its place, to be checked and not booked.
    fn read(self) -> (Booking, Option<Refusal>) {
        let (start, wrong) = match self.start.as_str() {
            "now" => (Start::Now, None),
            text => match text.parse() {
                Ok(time) => (Start::At(time), None),
                Err(BadTime(_)) => {
                    let expected = "\"now\", or a time such as 2026-11-21T20:00:00Z";
                    (Start::Now, Some(Refusal::new("start", text, expected)))
                }
            },
        };
        let roster = |roster: RosterBody| Roster {
            clan: roster.clan,
            players: seats(roster.players),
        };
        let booking = Booking {
            image: self.image,
            map: self.map,
            policy: self.policy,
            start,
            zone: None,
            length_minutes: self.length_minutes,
            rosters: self.rosters.into_iter().map(roster).collect(),
        };
        (booking, wrong)
    }
}

async fn book(
    State(app): State<App>,
    Viewer(user): Viewer,
    Body(body): Body<BookingBody>,
) -> Result<Response, Problem> {
    let (booking, wrong) = body.read();
    if let Some(wrong) = wrong {
        let rest = matches::wrong_with(&app, &user, &booking).await?;
        return Err(Problem::invalid([vec![wrong], rest].concat()));
    }
    let id = matches::book_match(&app, &user, booking).await?;
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
    players: Vec<SeatBody>,
}

async fn set_roster(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((id, clan)): At<(MatchId, ClanId)>,
    Body(body): Body<Players>,
) -> Result<Json<MatchView>, Problem> {
    matches::set_roster(&app, &user, id, clan, &seats(body.players)).await?;
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

async fn report(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
) -> Result<Response, Problem> {
    let report = placements::report(&app, &user, id).await?;
    Ok(([(CONTENT_TYPE, "application/json")], report).into_response())
}
