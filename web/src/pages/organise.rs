//! For organisers: all clans, and links for their captains.

use super::{Chrome, clan::make_link, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::{clans, players},
    app::App,
    auth::Organiser,
    domain::{Clan, Name, User},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "organise.html")]
struct Organise {
    chrome: Chrome,
    clans: Vec<ClanLine>,
    name: String,
    /// A link that was just made, and for whom.
    invited: Option<(String, String)>,
    errors: Errors,
}

struct ClanLine {
    clan: Clan,
    players: usize,
}

async fn page(app: &App, user: &User) -> Result<Organise, PageError> {
    let mut lines = Vec::new();
    for clan in clans::list_clans(app, user).await? {
        let players = players::list_players(app, user, clan.id).await?.len();
        lines.push(ClanLine { clan, players });
    }
    Ok(Organise {
        chrome: Chrome::of(user, "/organise"),
        clans: lines,
        name: String::new(),
        invited: None,
        errors: Errors::default(),
    })
}

/// `GET /organise`
pub(crate) async fn show(State(app): State<App>, Organiser(user): Organiser) -> Result<Response, PageError> {
    Ok(page(&app, &user).await?.into_response())
}

/// `POST /organise/clans`
pub(crate) async fn create_clan(
    State(app): State<App>,
    Organiser(user): Organiser,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let errors = match Name::entered(fields.one("name")) {
        Ok(name) => match clans::create_clan(&app, &user, name).await {
            Ok(clan) => return Ok(Redirect::to(&format!("/organise/clans/{}", clan.id)).into_response()),
            Err(error) => Errors::of(error)?,
        },
        Err(_) => Errors::field("name", "1 to 40 characters, none invisible"),
    };
    let mut page = page(&app, &user).await?;
    page.errors = errors;
    fields.one("name").clone_into(&mut page.name);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// `POST /organise/invite`: shows the link in the answer, this once.
pub(crate) async fn invite(
    State(app): State<App>,
    Organiser(user): Organiser,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let made = make_link(&app, &user, fields.one("clan")).await?;
    let mut page = page(&app, &user).await?;
    match made {
        Ok(invited) => page.invited = Some(invited),
        Err(errors) => page.errors = errors,
    }
    Ok(page.into_response())
}
