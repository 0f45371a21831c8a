//! In and out.

use super::{Chrome, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::users,
    app::App,
    auth::{MaybeViewer, session},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;
use vmatrix_wire::Secret;

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn {
    chrome: Chrome,
    user: String,
    next: String,
    errors: Errors,
}

/// Where to go afterwards: only a path of this website.
fn next(fields: &Fields) -> &str {
    let path = fields.one("next");
    let own = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r']);
    if own { path } else { "/" }
}

/// `GET /sign-in`
pub(crate) async fn show(MaybeViewer(user): MaybeViewer, Query(query): Query<Fields>) -> Response {
    let next = next(&query).to_owned();
    if user.is_some() {
        return Redirect::to(&next).into_response();
    }
    let chrome = Chrome::of_visitor("/sign-in");
    SignIn {
        chrome,
        user: String::new(),
        next,
        errors: Errors::default(),
    }
    .into_response()
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(app): State<App>,
    session: Session,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let password = Secret::new(fields.exact("password"));
    let Some(user) = users::sign_in(&app, fields.one("user"), &password).await? else {
        let page = SignIn {
            chrome: Chrome::of_visitor("/sign-in"),
            user: fields.one("user").to_owned(),
            next: next(&fields).to_owned(),
            errors: Errors::general("Name or password is wrong."),
        };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let epoch = users::epoch_of(&app, user.id).await?;
    session::sign_in(&session, &user, epoch)
        .await
        .map_err(|error| PageError::internal(&error))?;
    Ok(Redirect::to(next(&fields)).into_response())
}

/// `POST /sign-out`
pub(crate) async fn sign_out(session: Session) -> Result<Redirect, PageError> {
    session::sign_out(&session)
        .await
        .map_err(|error| PageError::internal(&error))?;
    Ok(Redirect::to("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_no_other_website() {
        for (asked, given) in [
            ("/matches/7", "/matches/7"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(next(&Fields::new(&[("next", asked)])), given, "{asked}");
        }
    }
}
