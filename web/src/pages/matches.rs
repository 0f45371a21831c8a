//! Matches: the list, one match and what is done with it, and its live part.

use super::{
    Chrome,
    error::PageError,
    fields::Fields,
    live,
    match_page::{MatchPage, picked},
};
use crate::{
    actions::{ActionError, matches, players},
    app::App,
    auth::Viewer,
    domain::{MatchId, Seat, User, view::MatchLine},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};

/// Everything that the list shows.
#[derive(Template, WebTemplate)]
#[template(path = "matches.html")]
pub(crate) struct Matches {
    chrome: Chrome,
    lines: Vec<MatchLine>,
}

/// `GET /matches`
pub(crate) async fn list(State(app): State<App>, Viewer(user): Viewer) -> Result<Matches, PageError> {
    let lines = matches::list_matches(&app, &user).await?;
    Ok(Matches {
        chrome: Chrome::of(&user, "/matches"),
        lines,
    })
}

async fn page(app: &App, user: &User, id: MatchId) -> Result<MatchPage, PageError> {
    let view = matches::view_match(app, user, id).await?;
    let mut own = Vec::new();
    for roster in &view.rosters {
        let may = user.role.is_staff() || user.role.clan() == Some(roster.clan.id);
        own.push(if may {
            players::list_players(app, user, roster.clan.id).await?
        } else {
            Vec::new()
        });
    }
    Ok(MatchPage::of(
        Chrome::of(user, "/matches"),
        user.role,
        view,
        &own,
    )?)
}

fn parse(id: &str) -> Result<MatchId, PageError> {
    id.parse().map_err(|_| PageError::not_found())
}

/// `GET /matches/{id}`; with `?watch` without forms, so that it can reload itself.
pub(crate) async fn show(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
    Query(query): Query<Fields>,
) -> Result<MatchPage, PageError> {
    let page = page(&app, &user, parse(&id)?).await?;
    Ok(if query.has("watch") {
        page.without_forms()
    } else {
        page
    })
}

/// `GET /matches/{id}/live`: the live part, again each time that it differs.
pub(crate) async fn live(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id = parse(&id)?;
    page(&app, &user, id).await?;
    let open = live::open(&app, &user)?;
    let changes = app.changes.subscribe();
    Ok(live::stream(open, changes, move || {
        let (app, user) = (app.clone(), user.clone());
        async move {
            let page = page(&app, &user, id).await?;
            Ok(live::Part {
                html: page.live()?,
                last: !page.follows(),
            })
        }
    })
    .into_response())
}

/// `POST /matches/{id}/rosters/{clan}`
pub(crate) async fn set_roster(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((id, clan)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, PageError> {
    let id = parse(&id)?;
    let clan = clan.parse().map_err(|_| PageError::not_found())?;
    let players =
        picked(&fields, "players").map_err(|_| PageError::invalid("Choose players from the list."))?;
    let players: Vec<_> = players.into_iter().map(|id| (id, Seat::default())).collect();
    back(id, matches::set_roster(&app, &user, id, clan, &players).await)
}

/// `POST /matches/{id}/end`
pub(crate) async fn end(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id = parse(&id)?;
    back(id, matches::end_match(&app, &user, id).await)
}

/// `POST /matches/{id}/retry`
pub(crate) async fn retry(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id = parse(&id)?;
    back(id, matches::retry_match(&app, &user, id).await)
}

/// To the match's page, or to an error with a way back to it.
fn back(id: MatchId, done: Result<(), ActionError>) -> Result<Redirect, PageError> {
    let page = format!("/matches/{id}");
    match done {
        Ok(()) => Ok(Redirect::to(&page)),
        Err(error) => Err(PageError::from(error).with_way(page, "Back to the match")),
    }
}
