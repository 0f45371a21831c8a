//! A private link: whoever has it makes the account that it is for, once.

use super::{Chrome, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::{links, users},
    app::App,
    auth::session,
    domain::{Clan, Link},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;
use vmatrix_wire::Secret;

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "join.html")]
struct Join {
    chrome: Chrome,
    heading: String,
    lead: &'static str,
    user: String,
    errors: Errors,
}

async fn page(app: &App, token: &str) -> Result<Join, PageError> {
    let (_, clan): (Link, Option<Clan>) = links::look_at(app, token).await.map_err(|_| {
        PageError::gone("This link was used already, is too old, or was not copied whole. Ask for a new one.")
    })?;
    let (heading, lead) = match clan {
        Some(clan) => (
            format!("Welcome, captain of {}", clan.name),
            "Choose a name and a password. Then enter your players, and you can be challenged.",
        ),
        None => (
            "Welcome to your vMatrix".to_owned(),
            "You are the first here: choose a name and a password. You will be the operator.",
        ),
    };
    Ok(Join {
        chrome: Chrome::of_visitor("error"),
        heading,
        lead,
        user: String::new(),
        errors: Errors::default(),
    })
}

/// `GET /join/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Response, PageError> {
    Ok(page(&app, &token).await?.into_response())
}

/// `POST /join/{token}`
pub(crate) async fn accept(
    State(app): State<App>,
    session: Session,
    Path(token): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let mut page = page(&app, &token).await?;
    fields.one("user").clone_into(&mut page.user);
    let password = Secret::new(fields.exact("new_password"));
    page.errors = match users::parse_name("user", fields.one("user")) {
        Err(error) => {
            let password = users::check_password("new_password", &password)
                .map_or_else(Errors::of, |()| Ok(Errors::default()));
            Errors::of(error)?.and(password?)
        }
        Ok(name) => match links::accept(&app, &token, name, &password).await {
            Ok((user, to)) => {
                let epoch = users::epoch_of(&app, user.id).await?;
                session::sign_in(&session, &user, epoch)
                    .await
                    .map_err(|error| PageError::internal(&error))?;
                let to = to.map_or_else(|| "/".to_owned(), |id| format!("/matches/{id}"));
                return Ok(Redirect::to(&to).into_response());
            }
            Err(error) => Errors::of(error)?
                .renamed("name", "user")
                .renamed("password", "new_password"),
        },
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
