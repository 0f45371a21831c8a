//! Errors as pages: what is wrong in words for people, and a way out. What is wrong here is logged, not shown.

use super::Chrome;
use crate::actions::ActionError;
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// A page instead of the one that was asked for.
#[derive(Debug)]
pub(crate) struct PageError {
    status: StatusCode,
    title: &'static str,
    text: String,
    way: Option<(String, &'static str)>,
}

impl PageError {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            title,
            text: text.into(),
            way: None,
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

    /// It cannot be done as things are now.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "That cannot be done now", text)
    }

    /// The request makes no sense.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "That cannot be taken", text)
    }

    /// Too many tries from one address.
    pub(crate) fn too_many() -> Self {
        let text = "That was tried too often from your address. Wait a minute, then try again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Not so fast", text)
    }

    /// Something is wrong here. The cause goes to the log only.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a page failed");
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
            ActionError::NotFound { .. } => Self::not_found(),
            ActionError::Forbidden(text) => Self::forbidden(text),
            ActionError::Conflict(text) => Self::conflict(text),
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

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = Message {
            chrome: Chrome::of_error(),
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
        (self.status, page).into_response()
    }
}

/// The fallback: no such page.
pub(crate) async fn missing() -> PageError {
    PageError::not_found()
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
