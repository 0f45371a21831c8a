//! One's own account: tokens for programs, and the password.

use super::{Chrome, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::{tokens, users},
    app::App,
    auth::{Viewer, session},
    domain::{ApiTokenId, Name, Role, Time, User},
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
#[template(path = "account.html")]
struct Account {
    chrome: Chrome,
    user: String,
    role: &'static str,
    tokens: Vec<TokenLine>,
    /// A token that was just made.
    created: Option<String>,
    /// What was entered as a token's name.
    name: String,
    done: Option<&'static str>,
    errors: Errors,
}

struct TokenLine {
    id: ApiTokenId,
    name: String,
    created_at: Time,
}

async fn page(app: &App, user: &User) -> Result<Account, PageError> {
    let all = tokens::list_tokens(app, user).await?;
    Ok(Account {
        chrome: Chrome::of(user, "/account"),
        user: user.name.to_string(),
        role: match user.role {
            Role::ClanAdmin(_) => "Captain of a clan",
            Role::Organiser => "Organiser",
            Role::Operator => "Operator",
        },
        tokens: all
            .into_iter()
            .map(|(id, name, created_at)| TokenLine { id, name, created_at })
            .collect(),
        created: None,
        name: String::new(),
        done: None,
        errors: Errors::default(),
    })
}

/// `GET /account`
pub(crate) async fn show(State(app): State<App>, Viewer(user): Viewer) -> Result<Response, PageError> {
    Ok(page(&app, &user).await?.into_response())
}

/// `POST /account/tokens`: shows the new token in the answer, this once.
pub(crate) async fn create_token(
    State(app): State<App>,
    Viewer(user): Viewer,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let Ok(name) = Name::entered(fields.one("name")) else {
        let mut page = page(&app, &user).await?;
        page.errors = Errors::field("name", "1 to 40 characters that say what it is for");
        fields.one("name").clone_into(&mut page.name);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let made = tokens::create_token(&app, &user, &name).await;
    let mut page = page(&app, &user).await?;
    match made {
        Ok((_, token)) => page.created = Some(token.reveal().to_owned()),
        Err(error) => {
            page.errors = Errors::of(error)?;
            name.as_str().clone_into(&mut page.name);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    }
    Ok(page.into_response())
}

/// `POST /account/tokens/{id}/revoke`
pub(crate) async fn revoke_token(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id = id.parse().map_err(|_| PageError::not_found())?;
    tokens::delete_token(&app, &user, id).await?;
    Ok(Redirect::to("/account"))
}

/// `POST /account/password`: this browser stays signed in, all others do not.
pub(crate) async fn change_password(
    State(app): State<App>,
    Viewer(user): Viewer,
    session: Session,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let (old, new) = (
        Secret::new(fields.exact("password")),
        Secret::new(fields.exact("new_password")),
    );
    let changed = users::change_password(&app, &user, &old, &new).await;
    let mut page = page(&app, &user).await?;
    let Err(error) = changed else {
        let epoch = users::epoch_of(&app, user.id).await?;
        session::sign_in(&session, &user, epoch)
            .await
            .map_err(|error| PageError::internal(&error))?;
        page.done = Some(
            "Your password is changed, and your other browsers are signed out. Tokens stay good until you revoke them.",
        );
        return Ok(page.into_response());
    };
    page.errors = Errors::of(error)?
        .renamed("old", "password")
        .renamed("new", "new_password");
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
