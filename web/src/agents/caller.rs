//! Which agent asks.

use crate::{actions::hosts, api::Problem, app::App, auth::bearer, domain::HostId};
use axum::{extract::FromRequestParts, http::request::Parts};
use vmatrix_wire::Secret;

/// An agent that showed its host's secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agent {
    pub(super) host: HostId,
}

impl FromRequestParts<App> for Agent {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let secret = bearer(&parts.headers)
            .map(Secret::new)
            .ok_or_else(Problem::unauthorised)?;
        let host = hosts::host_of(app, &secret)
            .await?
            .ok_or_else(Problem::unauthorised)?;
        Ok(Self { host })
    }
}
