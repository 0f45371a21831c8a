//! What goes into the nest and out of it. Operators push; agents fetch.

use super::ActionError;
use crate::{
    app::App,
    domain::{Refusal, Snapshot, SnapshotId, User},
    nest::NestError,
    store::snapshots,
};
use vmatrix_wire::{Digest, Manifest};

/// Those of these chunks that have to be put: the nest lacks them, or the disk has spoilt them. Operators only.
///
/// # Errors
/// `Forbidden`.
pub async fn missing_chunks(app: &App, by: &User, digests: Vec<Digest>) -> Result<Vec<Digest>, ActionError> {
    super::operators_only(by)?;
    app.nest.missing(&digests).await.map_err(ActionError::Nest)
}

/// Takes a chunk, after a check of its bytes. Operators only.
///
/// # Errors
/// `Forbidden`; `Invalid` with both digests if it is not what its name says.
pub async fn put_chunk(app: &App, by: &User, digest: Digest, zstd: Vec<u8>) -> Result<(), ActionError> {
    super::operators_only(by)?;
    let nest = app.nest.clone();
    off_the_loop(move || nest.put(digest, &zstd))
        .await?
        .map_err(refusal)
}

fn refusal(error: NestError) -> ActionError {
    match &error {
        NestError::Corrupt { expected, found } => {
            ActionError::invalid("chunk", found, format!("bytes with digest {expected}"))
        }
        NestError::NotZstd(digest) => ActionError::invalid("chunk", digest, "bytes compressed by zstd"),
        NestError::TooLarge(digest) => {
            ActionError::invalid("chunk", digest, format!("at most {} bytes", Manifest::CHUNK))
        }
        NestError::Io { .. } | NestError::Task(_) => ActionError::Nest(error),
    }
}

/// Publishes a snapshot: from now on its image's bookings use it. Operators only. Twice is once.
///
/// # Errors
/// `Forbidden`; `Invalid` if the bytes are not a manifest of this digest; `Conflict` while a chunk is missing.
pub async fn publish(app: &App, by: &User, id: SnapshotId, bytes: Vec<u8>) -> Result<Snapshot, ActionError> {
    super::operators_only(by)?;
    let (text, manifest) = read_manifest(id, bytes)?;
    let (nest, mut missing) = (app.nest.clone(), manifest.chunks());
    // Only whether they are there: each was checked when it came, and a snapshot of many gigabytes would take minutes.
    let missing = off_the_loop(move || {
        missing.retain(|chunk| !nest.has(*chunk));
        missing
    })
    .await?;
    if let Some(first) = missing.first() {
        return Err(ActionError::Conflict(format!(
            "{} chunks of this snapshot are not in the nest, the first is {first}",
            missing.len()
        )));
    }
    let mut tx = app.db.begin().await?;
    snapshots::insert(&mut tx, id, &text, &manifest, app.now()).await?;
    let snapshot = snapshots::get(&mut tx, id)
        .await?
        .ok_or_else(|| ActionError::not_found("snapshot", id))?;
    tx.commit().await?;
    tracing::info!(snapshot = %id, image = manifest.contract.name, "snapshot published");
    app.changed();
    Ok(snapshot)
}

fn read_manifest(id: SnapshotId, bytes: Vec<u8>) -> Result<(String, Manifest), ActionError> {
    let found = Digest(*blake3::hash(&bytes).as_bytes());
    if found != id {
        let expected = format!("bytes with digest {id}");
        return Err(ActionError::invalid("manifest", found, expected));
    }
    let wrong = |what: String| ActionError::Invalid(vec![Refusal::new("manifest", id, what)]);
    let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    manifest.check().map_err(|error| wrong(error.to_string()))?;
    Ok((text, manifest))
}

/// A chunk as it is kept, for agents; `None` if it is not here.
///
/// # Errors
/// Only the disk's.
pub async fn chunk(app: &App, digest: Digest) -> Result<Option<Vec<u8>>, ActionError> {
    app.nest.read(digest).await.map_err(ActionError::Nest)
}

/// A manifest's very text, for agents; `None` if it is not here.
///
/// # Errors
/// Only the store's.
pub async fn manifest(app: &App, id: SnapshotId) -> Result<Option<String>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(snapshots::manifest(&mut tx, id).await?)
}

/// All snapshots by image, newest first; anybody signed in may see what can be booked.
///
/// # Errors
/// Only the store's.
pub async fn list_images(app: &App, _user: &User) -> Result<Vec<Snapshot>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(snapshots::list(&mut tx).await?)
}

/// Runs what works hard or waits for the disk on another thread.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ActionError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ActionError::Nest(NestError::Task(error.to_string())))
}
