//! Pushing snapshots into the nest, and what there is to book.

use super::{
    Problem,
    body::{At, Body, bytes, created},
};
use crate::{
    actions::nest,
    app::App,
    auth::{Operator, Viewer},
    domain::{Snapshot, SnapshotId, Time},
    nest::Nest,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    response::Response,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use vmatrix_wire::{Contract, Digest, LoadKey};

/// The largest list of chunks, and the largest manifest, in bytes: 67 a chunk, so some hundred GiB of snapshot.
const LARGEST_LIST: usize = 16 << 20;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/images", get(images))
        .route(
            "/nest/missing",
            post(missing).layer(DefaultBodyLimit::max(LARGEST_LIST)),
        )
        .route(
            "/nest/chunks/{digest}",
            put(put_chunk).layer(DefaultBodyLimit::max(Nest::COMPRESSED)),
        )
        .route(
            "/nest/manifests/{digest}",
            put(put_manifest).layer(DefaultBodyLimit::max(LARGEST_LIST)),
        )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunks {
    chunks: Vec<Digest>,
}

#[derive(Serialize)]
struct Missing {
    missing: Vec<Digest>,
}

async fn missing(
    State(app): State<App>,
    Operator(user): Operator,
    Body(body): Body<Chunks>,
) -> Result<Json<Missing>, Problem> {
    let missing = nest::missing_chunks(&app, &user, body.chunks).await?;
    Ok(Json(Missing { missing }))
}

async fn put_chunk(
    State(app): State<App>,
    Operator(user): Operator,
    At(digest): At<Digest>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let zstd = bytes(request, &app).await?;
    nest::put_chunk(&app, &user, digest, zstd.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_manifest(
    State(app): State<App>,
    Operator(user): Operator,
    At(digest): At<SnapshotId>,
    request: Request,
) -> Result<Response, Problem> {
    let manifest = bytes(request, &app).await?;
    Ok(created(ImageAnswer::from(
        nest::publish(&app, &user, digest, manifest.into()).await?,
    )))
}

/// What can be booked.
#[derive(Serialize)]
struct ImageAnswer {
    name: String,
    title: String,
    snapshot: SnapshotId,
    /// `game` or `service`.
    kind: &'static str,
    /// What can load it.
    key: LoadKey,
    memory_mb: u64,
    disk_mb: u64,
    boot_ms: u64,
    bytes: u64,
    published_at: Time,
}

impl From<Snapshot> for ImageAnswer {
    fn from(snapshot: Snapshot) -> Self {
        let facts = snapshot.facts;
        // Field by field: the contract holds the remote-console password of the frozen guest.
        let Contract {
            name,
            title,
            needs,
            game,
            ..
        } = facts.contract;
        Self {
            name,
            title,
            snapshot: snapshot.id,
            kind: if game.is_some() { "game" } else { "service" },
            key: facts.key,
            memory_mb: needs.memory_mb,
            disk_mb: needs.disk_mb,
            boot_ms: facts.boot_ms,
            bytes: facts.bytes,
            published_at: snapshot.created_at,
        }
    }
}

async fn images(State(app): State<App>, Viewer(user): Viewer) -> Result<Json<Vec<ImageAnswer>>, Problem> {
    let all = nest::list_images(&app, &user).await?;
    Ok(Json(all.into_iter().map(ImageAnswer::from).collect()))
}
