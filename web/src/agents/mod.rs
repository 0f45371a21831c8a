//! What agents ask: see the picture in `vmatrix_wire`.
//!
//! ```text
//!   curl -H 'authorization: Bearer vma_…' -H 'x-vmatrix-protocol: 1' $SERVER/agent/v1/orders?since=0
//! ```
//!
//! The version is looked at before anything else is: an agent of another version gets 426 with both named, and not
//! a complaint about a field that it cannot know.

mod caller;
mod orders;
mod protocol;

use crate::{
    actions::{hosts, nest},
    api::{Problem, bytes, missing, parse, wrong_method},
    app::App,
    domain::SnapshotId,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use caller::Agent;
use protocol::Spoken;
use serde_json::json;
use vmatrix_wire::{Digest, Enrolment, Report};

/// The largest enrolment, in bytes.
const LARGEST_ENROLMENT: usize = 64 << 10;
/// The largest report, in bytes: a few thousand latencies.
const LARGEST_REPORT: usize = 8 << 20;

/// All of `/agent/v1`.
pub fn router() -> Router<App> {
    Router::new()
        .route(
            "/enrol",
            post(enrol)
                .layer(DefaultBodyLimit::max(LARGEST_ENROLMENT))
                .delete(leave),
        )
        .route("/orders", get(orders::wait))
        .route(
            "/report",
            post(report).layer(DefaultBodyLimit::max(LARGEST_REPORT)),
        )
        .route("/chunks/{digest}", get(chunk))
        .route("/manifests/{digest}", get(manifest))
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
}

/// Open to strangers: the join token in the body is the authorisation, and the action checks it.
async fn enrol(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let body = bytes(request, &app).await?;
    protocol::check_body(&body)?;
    let enrolment: Enrolment = parse(&body)?;
    let enrolled = hosts::enrol_host(&app, enrolment).await?;
    Ok((StatusCode::CREATED, Json(enrolled)).into_response())
}

async fn leave(State(app): State<App>, _: Spoken, agent: Agent) -> Result<StatusCode, Problem> {
    hosts::leave(&app, agent.host).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn report(State(app): State<App>, agent: Agent, request: Request) -> Result<Response, Problem> {
    let body = bytes(request, &app).await?;
    protocol::check_body(&body)?;
    let report: Report = parse(&body)?;
    let taken = hosts::take_report(&app, agent.host, &report).await?;
    metrics::counter!("vmatrix_reports_total", "taken" => if taken { "yes" } else { "no" }).increment(1);
    Ok(Json(json!({ "taken": taken })).into_response())
}

async fn chunk(
    State(app): State<App>,
    _: Spoken,
    _agent: Agent,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    let bytes = match digest.parse::<Digest>() {
        Ok(digest) => nest::chunk(&app, digest).await?,
        Err(_) => None,
    };
    let bytes = bytes.ok_or_else(|| Problem::not_found("The nest has no chunk of this digest."))?;
    metrics::counter!("vmatrix_nest_sent_bytes_total").increment(bytes.len() as u64);
    Ok(([(header::CONTENT_TYPE, "application/zstd")], bytes).into_response())
}

async fn manifest(
    State(app): State<App>,
    _: Spoken,
    _agent: Agent,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    let text = match digest.parse::<SnapshotId>() {
        Ok(id) => nest::manifest(&app, id).await?,
        Err(_) => None,
    };
    let text = text.ok_or_else(|| Problem::not_found("The nest has no manifest of this digest."))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
