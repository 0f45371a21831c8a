//! Orders: held back until there are newer ones, then sent at once.

use super::{caller::Agent, protocol::Spoken};
use crate::{
    actions::hosts,
    api::Problem,
    app::App,
    domain::{HostId, Refusal},
};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::time::Duration;
use vmatrix_wire::HOLD_SECONDS;

/// Another server on the same database may have written orders, which this one does not hear of.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// The newest generation that the agent has; 0 if it has none.
    since: u64,
}

/// 200 with the orders the moment there are newer ones; 204 if there are none for some seconds, or if newer requests of
/// this host wait already: ask again.
pub(super) async fn wait(
    State(app): State<App>,
    _: Spoken,
    agent: Agent,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Since { since }) = since.map_err(|rejection| {
        Problem::invalid(vec![Refusal::new(
            "since",
            rejection.body_text(),
            "the newest generation seen, or 0",
        )])
    })?;
    let poll = app.limits.polls.begin(agent.host);
    tokio::select! {
        biased;
        orders = newer(&app, agent.host, since) => {
            Ok(([(header::CONTENT_TYPE, "application/json")], orders?).into_response())
        }
        () = poll.over() => Ok(StatusCode::NO_CONTENT.into_response()),
        () = tokio::time::sleep(Duration::from_secs(HOLD_SECONDS)) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Orders newer than `since`. Hears first and reads then, so that nothing falls between the two.
async fn newer(app: &App, host: HostId, since: u64) -> Result<String, Problem> {
    let mut written = app.orders.subscribe();
    loop {
        written.mark_unchanged();
        if let Some(orders) = hosts::orders_since(app, host, since).await? {
            return Ok(orders);
        }
        // An error says that the server is going away: then the pause only keeps this from spinning.
        let heard = tokio::time::timeout(LOOK_AGAIN, written.changed()).await;
        if matches!(heard, Ok(Err(_))) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
