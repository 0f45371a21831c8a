//! Matches: the list, one match and what is done with it, and its live part.

use super::{
    Chrome,
    error::PageError,
    fields::Fields,
    form::Errors,
    live,
    match_page::{Choice, MatchPage, Sent},
    seats::seats,
};
use crate::{
    actions::{
        ActionError,
        matches::{self, Again, Start},
        players,
    },
    app::App,
    auth::{Lasting, Viewer},
    domain::{
        ClanId, MatchId, User,
        view::{MatchLine, RosterPlayer},
    },
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
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

async fn page(app: &App, user: &User, id: MatchId, sent: Option<Sent<'_>>) -> Result<MatchPage, PageError> {
    let view = matches::view_match(app, user, id).await?;
    let before = match view.booked.rematch_of {
        Some(before) if view.booked.state == "gathering" => {
            matches::view_match(app, user, before).await?.rosters
        }
        _ => Vec::new(),
    };
    let played = |clan: ClanId| -> Vec<RosterPlayer> {
        let roster = before.iter().find(|roster| roster.clan.id == clan);
        roster.map(|roster| roster.players.clone()).unwrap_or_default()
    };
    let mut own = Vec::new();
    for roster in &view.rosters {
        let may = user.role.is_staff() || user.role.clan() == Some(roster.clan.id);
        own.push(if may {
            Choice {
                players: players::list_players(app, user, roster.clan.id).await?,
                before: played(roster.clan.id),
            }
        } else {
            Choice::default()
        });
    }
    Ok(MatchPage::of(
        Chrome::of(user, "/matches"),
        user.role,
        view,
        &own,
        sent,
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
    let page = page(&app, &user, parse(&id)?, None).await?;
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
    lasting: Lasting,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id = parse(&id)?;
    page(&app, &user, id, None).await?;
    let open = live::open(&app, &user)?;
    let changes = app.changes.subscribe();
    Ok(live::stream(open, changes, move || {
        let app = app.clone();
        async move {
            let user = lasting.user(&app).await?;
            let page = page(&app, &user, id, None).await?;
            Ok(live::Part {
                html: page.live()?,
                last: !page.follows(),
            })
        }
    })
    .into_response())
}

/// `POST /matches/{id}/rosters/{clan}`: what cannot be taken comes back in the form as it was sent.
pub(crate) async fn set_roster(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((id, clan)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let id = parse(&id)?;
    let clan = clan.parse().map_err(|_| PageError::not_found())?;
    let (players, wrong) = seats(&fields, "players", "");
    let errors = if wrong.is_empty() {
        match matches::set_roster(&app, &user, id, clan, &players).await {
            Err(ActionError::Invalid(refusals)) => Errors::from(refusals),
            done => return Ok(back(id, done)?.into_response()),
        }
    } else {
        wrong
    };
    let sent = Sent {
        clan,
        fields: &fields,
        errors,
    };
    let page = page(&app, &user, id, Some(sent)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
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

/// `POST /matches/{id}/rematch`: to the page of the new match.
pub(crate) async fn rematch(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id = parse(&id)?;
    let again = Again {
        start: Start::Now,
        length_minutes: None,
    };
    match matches::rematch(&app, &user, id, again).await {
        Ok(new) => Ok(Redirect::to(&format!("/matches/{new}"))),
        Err(error) => back(id, Err(error)),
    }
}

/// To the match's page, or to an error with a way back to it.
fn back(id: MatchId, done: Result<(), ActionError>) -> Result<Redirect, PageError> {
    let page = format!("/matches/{id}");
    match done {
        Ok(()) => Ok(Redirect::to(&page)),
        Err(error) => Err(PageError::from(error).with_way(page, "Back to the match")),
    }
}
