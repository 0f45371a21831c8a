//! What is wrong, for programs: problem details (RFC 9457). Every answer of the API that is not a success is one.

use crate::{actions::ActionError, domain::Refusal};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;

/// A problem. `type` is `about:blank`: the status says the kind, `errors` says which field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What is wrong, in a sentence for people.
    detail: String,
    /// Which fields are wrong, what they held, and what would be right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Refusal>,
    /// Whether the answer says how to be recognised.
    #[serde(skip)]
    challenge: bool,
    /// How long to wait before trying again.
    #[serde(skip)]
    wait: Option<Duration>,
}

impl Problem {
    /// Any problem.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            challenge: false,
            wait: None,
        }
    }

    /// Fields that are wrong (422).
    pub fn invalid(errors: Vec<Refusal>) -> Self {
        let detail = errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// Nobody was recognised (401).
    pub fn unauthorised() -> Self {
        Self {
            challenge: true,
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "Send a token that is known here: Authorization: Bearer …",
            )
        }
    }

    /// Somebody was recognised who may not (403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// No such thing (404).
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// Too much at once (429).
    pub fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        Self {
            wait: Some(wait),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// Something is wrong here; the cause goes to the log only (500).
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::broken()
    }

    /// The same, if the cause is in the log already.
    pub fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here; it has been written down, and nothing was half done.",
        )
    }
}

impl From<ActionError> for Problem {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Invalid(refusals) => Self::invalid(refusals),
            ActionError::NotFound { .. } | ActionError::NoChoice(_) => Self::not_found(error.to_string()),
            ActionError::Forbidden(detail) => Self::forbidden(detail),
            ActionError::Full(refusal) => Self {
                errors: vec![refusal.clone()],
                ..Self::new(StatusCode::CONFLICT, refusal.to_string())
            },
            ActionError::Unsure { field, question } => Self {
                errors: vec![Refusal::new(field, "false", "true, if that is meant")],
                ..Self::new(StatusCode::CONFLICT, question)
            },
            ActionError::Busy { wait, .. } => Self::too_many(error.to_string(), wait),
            ActionError::Conflict(detail) => Self::new(StatusCode::CONFLICT, detail),
            ActionError::Store(_)
            | ActionError::Password(_)
            | ActionError::Nest(_)
            | ActionError::Task(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if self.challenge {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds(wait).into());
        }
        response
    }
}

/// Whole seconds, rounded up: who waits so long has waited long enough.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// There is nothing at this path.
pub(crate) async fn missing() -> Problem {
    Problem::not_found("There is nothing at this path.")
}

/// There is something at this path, but not for this method.
pub(crate) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This path does not take this method; the header Allow says which it does.",
    )
}
