//! A player of one's own clan, to be corrected: who moves house plays from elsewhere.

use super::{Chrome, clan::which, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::players::{self, NewPlayer, PlayerSeen},
    app::App,
    auth::Viewer,
    domain::{PlayerId, User},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "player.html")]
pub(crate) struct PlayerPage {
    chrome: Chrome,
    id: PlayerId,
    /// As they are called now.
    player: String,
    name: String,
    address: String,
    errors: Errors,
}

/// Whom a path of the own clan names.
async fn find(app: &App, user: &User, id: &str) -> Result<PlayerSeen, PageError> {
    let (clan, _) = which(user, None)?;
    let id: PlayerId = id.parse().map_err(|_| PageError::not_found())?;
    let all = players::list_players(app, user, clan).await?;
    let found = all.into_iter().find(|player| player.id == id);
    found.ok_or_else(PageError::not_found)
}

/// `GET /clan/players/{player}`
pub(crate) async fn show(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<PlayerPage, PageError> {
    let player = find(&app, &user, &id).await?;
    Ok(PlayerPage {
        chrome: Chrome::of(&user, "/clan"),
        id: player.id,
        player: player.name.to_string(),
        name: player.name.to_string(),
        address: player.address.unwrap_or_default(),
        errors: Errors::default(),
    })
}

/// `POST /clan/players/{player}`: what cannot be taken comes back in the form as it was sent.
pub(crate) async fn change(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let (clan, base) = which(&user, None)?;
    let player = find(&app, &user, &id).await?;
    let new = NewPlayer {
        name: fields.one("name").into(),
        address: fields.one("address").into(),
    };
    let Err(error) = players::change_player(&app, &user, clan, player.id, new.clone()).await else {
        return Ok(Redirect::to(&base).into_response());
    };
    let page = PlayerPage {
        chrome: Chrome::of(&user, "/clan"),
        id: player.id,
        player: player.name.to_string(),
        name: new.name,
        address: new.address,
        errors: Errors::of(error)?,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
