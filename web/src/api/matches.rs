//! Matches.

use super::{
    Problem,
    body::{At, Body, created},
    policy::named_or_whole,
    seat::{SeatBody, seats},
};
use crate::{
    actions::{
        matches::{self, Again, Booking, Roster, Start},
        placements,
        player_links::{self, path_of},
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
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde::{Deserialize, Serialize};
use vmatrix_placement::Policy;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/matches", get(list).post(book))
        .route("/matches/{id}", get(view))
        .route("/matches/{id}/rosters/{clan}", put(set_roster))
        .route("/matches/{id}/rosters/{clan}/complete", post(complete_roster))
        .route("/matches/{id}/player-links", post(make_player_link))
        .route("/matches/{id}/player-links/{clan}", delete(revoke_player_link))
        .route("/matches/{id}/end", post(end))
        .route("/matches/{id}/retry", post(retry))
        .route("/matches/{id}/rematch", post(rematch))
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
    #[serde(default)]
    freeze: bool,
    rosters: Vec<RosterBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RosterBody {
    clan: ClanId,
    players: Vec<SeatBody>,
    /// They come by a link.
    #[serde(default)]
    by_link: bool,
}

impl BookingBody {
    /// As what is booked, with what is wrong with its start: then with another in its place, to be checked and not booked.
    fn read(self) -> (Booking, Option<Refusal>) {
        let (start, wrong) = match start(&self.start) {
            Ok(start) => (start, None),
            Err(wrong) => (Start::Now, Some(wrong)),
        };
        let roster = |roster: RosterBody| Roster {
            clan: roster.clan,
            players: seats(roster.players),
            by_link: roster.by_link,
        };
        let booking = Booking {
            image: self.image,
            map: self.map,
            policy: self.policy,
            start,
            zone: None,
            length_minutes: self.length_minutes,
            freeze: self.freeze,
            rosters: self.rosters.into_iter().map(roster).collect(),
        };
        (booking, wrong)
    }
}

fn start(text: &str) -> Result<Start, Refusal> {
    if text == "now" {
        return Ok(Start::Now);
    }
    text.parse().map(Start::At).map_err(|BadTime(_)| {
        let expected = "\"now\", or a time such as 2026-11-21T20:00:00Z";
        Refusal::new("start", text, expected)
    })
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

async fn complete_roster(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((id, clan)): At<(MatchId, ClanId)>,
) -> Result<Json<MatchView>, Problem> {
    player_links::complete_roster(&app, &user, id, clan).await?;
    Ok(Json(matches::view_match(&app, &user, id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    clan: ClanId,
}

#[derive(Serialize)]
struct LinkAnswer {
    /// Shown once; good for all players of the clan until the match is over.
    link: String,
}

async fn make_player_link(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
    Body(body): Body<LinkBody>,
) -> Result<Response, Problem> {
    let token = player_links::make_player_link(&app, &user, id, body.clan).await?;
    let link = format!("{}{}", app.settings.public_url, path_of(&token));
    Ok(created(LinkAnswer { link }))
}

async fn revoke_player_link(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((id, clan)): At<(MatchId, ClanId)>,
) -> Result<StatusCode, Problem> {
    player_links::revoke_player_link(&app, &user, id, clan).await?;
    Ok(StatusCode::NO_CONTENT)
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

/// All of it may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RematchBody {
    /// `now`, or RFC 3339; now if absent.
    #[serde(default)]
    start: Option<String>,
    /// As long as before if absent.
    #[serde(default)]
    length_minutes: Option<i64>,
}

async fn rematch(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
    body: Option<Body<RematchBody>>,
) -> Result<Response, Problem> {
    let Body(body) = body.unwrap_or(Body(RematchBody::default()));
    let again = Again {
        start: body
            .start
            .as_deref()
            .map_or(Ok(Start::Now), start)
            .map_err(|wrong| Problem::invalid(vec![wrong]))?,
        length_minutes: body.length_minutes,
    };
    let id = matches::rematch(&app, &user, id, again).await?;
    Ok(created(matches::view_match(&app, &user, id).await?))
}

async fn report(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<MatchId>,
) -> Result<Response, Problem> {
    let report = placements::report(&app, &user, id).await?;
    Ok(([(CONTENT_TYPE, "application/json")], report).into_response())
}
