//! Clans and their players.

use super::{
    Problem,
    body::{At, Body, created},
};
use crate::{
    actions::{
        clans,
        links::{self, path_of},
        players::{self, NewPlayer, PlayerSeen},
        users::parse_name,
    },
    app::App,
    auth::{Organiser, Viewer},
    domain::{Clan, ClanId, Consent, Name, PlayerId},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/clans", get(list).post(create))
        .route("/clans/{clan}", get(view))
        .route("/clans/{clan}/players", get(list_players).post(add_player))
        .route(
            "/clans/{clan}/players/{player}",
            put(change_player).delete(remove_player),
        )
        .route("/clans/{clan}/players/{player}/vouch", post(vouch))
        .route("/invitations", post(invite))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClan {
    name: String,
}

async fn list(State(app): State<App>, Viewer(user): Viewer) -> Result<Json<Vec<Clan>>, Problem> {
    Ok(Json(clans::list_clans(&app, &user).await?))
}

async fn view(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(clan): At<ClanId>,
) -> Result<Json<Clan>, Problem> {
    Ok(Json(clans::view_clan(&app, &user, clan).await?))
}

async fn create(
    State(app): State<App>,
    Organiser(user): Organiser,
    Body(new): Body<NewClan>,
) -> Result<Response, Problem> {
    let name = parse_name("name", &new.name)?;
    Ok(created(clans::create_clan(&app, &user, name).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayerBody {
    name: String,
    address: String,
}

impl From<PlayerBody> for NewPlayer {
    fn from(body: PlayerBody) -> Self {
        Self {
            name: body.name,
            address: body.address,
        }
    }
}

/// A player; the addresses are there for the own clan's admins only.
#[derive(Serialize)]
struct PlayerAnswer {
    id: PlayerId,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Whose word it is: `typed`, `vouched`, `own` or `declined`; of two addresses, that of IPv4.
    consent: &'static str,
    /// The same of their IPv6 address, if it stands beside another.
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_consent: Option<&'static str>,
}

impl From<PlayerSeen> for PlayerAnswer {
    fn from(player: PlayerSeen) -> Self {
        Self {
            id: player.id,
            name: player.name,
            address: player.address,
            consent: player.consent.name(),
            ipv6_consent: player.ipv6.map(Consent::name),
        }
    }
}

async fn list_players(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(clan): At<ClanId>,
) -> Result<Json<Vec<PlayerAnswer>>, Problem> {
    let all = players::list_players(&app, &user, clan).await?;
    Ok(Json(all.into_iter().map(PlayerAnswer::from).collect()))
}

async fn add_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(clan): At<ClanId>,
    Body(new): Body<PlayerBody>,
) -> Result<Response, Problem> {
    let player = players::add_player(&app, &user, clan, new.into()).await?;
    Ok(created(PlayerAnswer::from(player)))
}

async fn change_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((clan, player)): At<(ClanId, PlayerId)>,
    Body(new): Body<PlayerBody>,
) -> Result<Json<PlayerAnswer>, Problem> {
    let player = players::change_player(&app, &user, clan, player, new.into()).await?;
    Ok(Json(player.into()))
}

async fn remove_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    At((clan, player)): At<(ClanId, PlayerId)>,
) -> Result<StatusCode, Problem> {
    players::remove_player(&app, &user, clan, player).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn vouch(
    State(app): State<App>,
    Organiser(user): Organiser,
    At((clan, player)): At<(ClanId, PlayerId)>,
) -> Result<Json<PlayerAnswer>, Problem> {
    let player = players::vouch(&app, &user, clan, player).await?;
    Ok(Json(player.into()))
}

#[derive(Serialize)]
struct Invitation {
    clan: Clan,
    /// Shown once; good for one admin and a week.
    link: String,
}

async fn invite(
    State(app): State<App>,
    Viewer(user): Viewer,
    Body(new): Body<NewClan>,
) -> Result<Response, Problem> {
    let name = parse_name("name", &new.name)?;
    let (clan, token) = links::invite_clan(&app, &user, name, None).await?;
    let link = format!("{}{}", app.settings.public_url, path_of(&token));
    Ok(created(Invitation { clan, link }))
}
