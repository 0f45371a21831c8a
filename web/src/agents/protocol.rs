//! Server and agent speak the same version or say so.

use crate::api::{Problem, parse};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use serde::Deserialize;
use serde_json::Value;
use vmatrix_wire::PROTOCOL;

const HEADER: &str = "x-vmatrix-protocol";

/// A request without a body, in our version by its header.
#[derive(Debug)]
pub(super) struct Spoken;

impl<S: Send + Sync> FromRequestParts<S> for Spoken {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let said = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        match said.map(str::trim) {
            Some(text) if text.parse() == Ok(PROTOCOL) => Ok(Self),
            Some(text) => Err(other(text)),
            None => Err(other("no version (header x-vmatrix-protocol)")),
        }
    }
}

/// A body in our version by its field `protocol`; whatever else is in it.
pub(super) fn check_body(body: &[u8]) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Version {
        protocol: Option<Value>,
    }
    match parse::<Version>(body)?.protocol {
        Some(value) if value == PROTOCOL => Ok(()),
        Some(value) => Err(other(&value.to_string())),
        None => Err(other("no version (field protocol)")),
    }
}

fn other(said: &str) -> Problem {
    let said: String = said.chars().take(80).collect();
    Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        format!(
            "This server speaks protocol {PROTOCOL}, the agent speaks {said}: update the older of the two."
        ),
    )
}
