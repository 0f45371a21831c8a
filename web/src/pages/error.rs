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
}

impl PageError {
    /// There is nothing here, or nothing for this user.
    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            text: "What you asked for does not exist, or it is not for you to see.".into(),
        }
    }

    /// The user may not.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            title: "That is not for you",
            text: text.into(),
        }
    }

    /// It cannot be done as things are now.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            title: "That cannot be done now",
            text: text.into(),
        }
    }

    /// The request makes no sense.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            title: "That cannot be taken",
            text: text.into(),
        }
    }

    /// Something is wrong here. The cause goes to the log only.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a page failed");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "Something went wrong here",
            text:
                "It is our fault, it has been written down, and nothing was half done. Try again in a moment."
                    .into(),
        }
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
    ways: Vec<(&'static str, &'static str)>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = Message {
            chrome: Chrome::of_error(),
            status: self.status.to_string(),
            title: self.title,
            text: self.text,
            ways: vec![("/", "To the start"), ("/matches", "To the matches")],
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
