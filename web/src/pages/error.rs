//! Errors as pages: what is wrong in words for people, and a way out. What is wrong here is logged, not shown.
//!
//! An error does not know who asked: it becomes a page for anybody at once, and `with_chrome`, around all pages, makes it one
//! for whoever asked, if that can be known. So an error can be shown also if nothing else works.

use super::Chrome;
use crate::{
    actions::ActionError,
    api::seconds,
    app::App,
    auth::{Known, who},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// How long an error waits to know who is to read it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A page instead of the one that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct PageError {
    status: StatusCode,
    title: &'static str,
    text: String,
    way: Option<(String, &'static str)>,
    /// How long to wait before trying again.
    wait: Option<Duration>,
}

impl PageError {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            title,
            text: text.into(),
            way: None,
            wait: None,
        }
    }

    /// There is nothing here, or nothing for this user.
    pub(crate) fn not_found() -> Self {
        let text = "What you asked for does not exist, or it is not for you to see.";
        Self::new(StatusCode::NOT_FOUND, "There is nothing here", text)
    }

    /// It was there, and cannot be used any more.
    pub(crate) fn gone(text: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "This is no longer good", text)
    }

    /// The user may not.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "That is not for you", text)
    }

    /// There is something, but it is not to be looked at, or not to be sent to.
    fn wrong_method() -> Self {
        let text =
            "Forms are sent to this address, or pages are read from it, and this was the other of the two.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "There is no such page", text)
    }

    /// It cannot be done as things are now.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "That cannot be done now", text)
    }

    /// The request makes no sense.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "That cannot be taken", text)
    }

    /// Too much at once.
    pub(crate) fn too_many(text: impl Into<String>, wait: Option<Duration>) -> Self {
        Self {
            wait,
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Not so fast", text)
        }
    }

    /// Something is wrong here. The cause goes to the log only.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a page failed");
        Self::broken()
    }

    /// The same, if the cause is in the log already.
    pub(crate) fn broken() -> Self {
        let text =
            "It is our fault, it has been written down, and nothing was half done. Try again in a moment.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here",
            text,
        )
    }

    /// The same, with a way that leads back first.
    pub(crate) fn with_way(mut self, href: String, text: &'static str) -> Self {
        self.way = Some((href, text));
        self
    }
}

impl From<ActionError> for PageError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::NotFound { .. } | ActionError::NoChoice(_) => Self::not_found(),
            ActionError::Forbidden(text) => Self::forbidden(text),
            ActionError::Full(refusal) => Self::conflict(refusal.to_string()),
            ActionError::Busy { wait, .. } => Self::too_many(error.to_string(), Some(wait)),
            ActionError::Conflict(text) | ActionError::Unsure { question: text, .. } => Self::conflict(text),
            ActionError::Invalid(refusals) => Self::invalid(
                refusals
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            cause => Self::internal(&cause),
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(cause: askama::Error) -> Self {
        Self::internal(&cause)
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "message.html")]
struct Message {
    chrome: Chrome,
    status: String,
    title: &'static str,
    text: String,
    ways: Vec<(String, &'static str)>,
}

impl PageError {
    fn page(self, chrome: Chrome) -> Response {
        let page = Message {
            chrome,
            status: self.status.to_string(),
            title: self.title,
            text: self.text,
            ways: self
                .way
                .into_iter()
                .chain([
                    ("/".into(), "To the start"),
                    ("/matches".into(), "To the matches"),
                ])
                .collect(),
        };
        let mut response = (self.status, page).into_response();
        if let Some(wait) = self.wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds(wait).into());
        }
        response
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.clone().page(Chrome::of_error());
        response.extensions_mut().insert(self);
        response
    }
}

/// An error's page gets the same top as all others. Wants the session layer around it.
pub(crate) async fn with_chrome(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let known = request.extensions_mut().get_or_insert_default::<Known>().clone();
    let (mut asker, ()) = axum::http::Request::new(()).into_parts();
    asker.extensions = request.extensions().clone();
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<PageError>() else {
        return response;
    };
    // Of a server that is in trouble nothing more is asked, and of none for long.
    if known.get().is_none() && !error.status.is_server_error() {
        let _ = tokio::time::timeout(PATIENCE, who(&mut asker, &app)).await;
    }
    match known.get() {
        Some(Some(user)) => error.page(Chrome::of(user, "error")),
        Some(None) => error.page(Chrome::of_visitor("")),
        None => response,
    }
}

/// The fallback: no such page.
pub(crate) async fn missing() -> PageError {
    PageError::not_found()
}

/// The fallback for a method that a path does not take.
pub(crate) async fn wrong_method() -> PageError {
    PageError::wrong_method()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn what_went_wrong_here_is_not_shown() {
        let error = PageError::from(ActionError::Store(StoreError::Url("postgres://secret".into())));
        assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.text.contains("secret"));
    }
}
