//! A captain's link for the players of a match: shown in the answer, this once.

use super::{Chrome, error::PageError};
use crate::{
    actions::player_links::{self, path_of},
    app::App,
    auth::Viewer,
    domain::{ClanId, MatchId},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    extract::{Path, State},
    response::Redirect,
};

#[derive(Template, WebTemplate)]
#[template(path = "players_link.html")]
pub(crate) struct LinkPage {
    chrome: Chrome,
    link: String,
    back: String,
}

fn parse(id: &str, clan: &str) -> Result<(MatchId, ClanId), PageError> {
    let not_found = |_| PageError::not_found();
    Ok((id.parse().map_err(not_found)?, clan.parse().map_err(not_found)?))
}

/// `POST /matches/{id}/rosters/{clan}/link`
pub(crate) async fn make(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((id, clan)): Path<(String, String)>,
) -> Result<LinkPage, PageError> {
    let (id, clan) = parse(&id, &clan)?;
    let back = format!("/matches/{id}");
    let token = player_links::make_player_link(&app, &user, id, clan)
        .await
        .map_err(|error| PageError::from(error).with_way(back.clone(), "Back to the match"))?;
    Ok(LinkPage {
        chrome: Chrome::of(&user, "/matches"),
        link: format!("{}{}", app.settings.public_url, path_of(&token)),
        back,
    })
}

/// `POST /matches/{id}/rosters/{clan}/link/revoke`
pub(crate) async fn revoke(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((id, clan)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (id, clan) = parse(&id, &clan)?;
    let back = format!("/matches/{id}");
    player_links::revoke_player_link(&app, &user, id, clan)
        .await
        .map_err(|error| PageError::from(error).with_way(back.clone(), "Back to the match"))?;
    Ok(Redirect::to(&back))
}

/// `POST /matches/{id}/rosters/{clan}/complete`
pub(crate) async fn complete(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((id, clan)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (id, clan) = parse(&id, &clan)?;
    let back = format!("/matches/{id}");
    player_links::complete_roster(&app, &user, id, clan)
        .await
        .map_err(|error| PageError::from(error).with_way(back.clone(), "Back to the match"))?;
    Ok(Redirect::to(&back))
}
