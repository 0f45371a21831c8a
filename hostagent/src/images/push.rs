//! Brings a snapshot into the server's nest: first the chunks that are not there, then the manifest that makes it one.

use super::{chunks, local};
use crate::agent::{Server, ServerError};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use url::Url;
use vmatrix_wire::{Digest, Manifest, Secret, SnapshotId};

/// Chunks that are sent at once.
const AT_ONCE: usize = 4;
/// Chunks that are asked about at once: a gigabyte, which the server reads and digests before it answers.
const BATCH: usize = 1_000;
/// Pauses before a request that failed is made again.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Why a snapshot is not in the nest. What was sent stays there, and the next push goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A file of the snapshot could not be read.
    #[error("can not read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory holds no snapshot.
    #[error("{path}: {reason}")]
    Manifest {
        /// Its manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file has changed since the snapshot was made.
    #[error(
        "{path} has changed since the snapshot was made: chunk {n} should have digest {digest}, it has {found}"
    )]
    Changed {
        /// Which.
        path: PathBuf,
        /// Number of the chunk.
        n: usize,
        /// What the manifest says.
        digest: Digest,
        /// What is there.
        found: Digest,
    },
    /// The server did not take it.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The snapshot's name.
    pub id: SnapshotId,
    /// Chunks that it has.
    pub chunks: usize,
    /// Chunks that had to be sent.
    pub sent: usize,
    /// Bytes that went over the wire for them.
    pub sent_bytes: u64,
}

impl fmt::Display for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            chunks,
            sent,
            sent_bytes,
        } = self;
        write!(
            f,
            "snapshot {id}: {sent} of {chunks} chunks sent, {} MB compressed",
            sent_bytes.div_ceil(1 << 20)
        )
    }
}

#[derive(Deserialize)]
struct Missing {
    missing: Vec<Digest>,
}

/// Pushes the snapshot in `dir`. Twice is once.
///
/// `say` is told of steps that take long.
///
/// # Errors
/// The first thing that failed.
pub async fn push(
    dir: &Path,
    server: &Url,
    insecure: bool,
    token: Secret,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Pushed, PushError> {
    let server = Server::new(server, insecure, Some(token))?;
    let path = dir.join(local::MANIFEST);
    let bytes = fs::read(&path).map_err(|source| PushError::Read {
        path: path.clone(),
        source,
    })?;
    let manifest = local::parse_manifest(&bytes).map_err(|reason| PushError::Manifest { path, reason })?;
    let id = chunks::digest(&bytes);
    let all = manifest.chunks();
    let mut missing = Vec::new();
    for batch in all.chunks(BATCH) {
        let answer: Missing = server
            .post("api/v1/nest/missing", &json!({ "chunks": batch }))
            .await?;
        missing.extend(answer.missing);
    }
    say(&format!(
        "snapshot {}: sending {} of {} chunks",
        manifest.contract.name,
        missing.len(),
        all.len()
    ));
    let sent_bytes = send(&server, dir, &manifest, &missing).await?;
    server
        .put(&format!("api/v1/nest/manifests/{id}"), "application/json", bytes)
        .await?;
    Ok(Pushed {
        id,
        chunks: all.len(),
        sent: missing.len(),
        sent_bytes,
    })
}

async fn send(
    server: &Server,
    dir: &Path,
    manifest: &Manifest,
    missing: &[Digest],
) -> Result<u64, PushError> {
    let places = places(dir, manifest);
    let sent = AtomicU64::new(0);
    // A server that asks for what was not offered is not served.
    let places: Vec<_> = missing
        .iter()
        .filter_map(|digest| Some((*digest, places.get(digest)?.clone())))
        .collect();
    stream::iter(places)
        .map(|(digest, place)| {
            let sent = &sent;
            async move {
                let packed = tokio::task::spawn_blocking(move || place.packed(digest))
                    .await
                    .map_err(|error| ServerError::Odd(error.to_string()))??;
                sent.fetch_add(packed.len() as u64, Ordering::Relaxed);
                put(server, digest, packed).await.map_err(PushError::from)
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(sent.into_inner())
}

async fn put(server: &Server, digest: Digest, packed: Vec<u8>) -> Result<(), ServerError> {
    let path = format!("api/v1/nest/chunks/{digest}");
    for pause in PAUSES {
        match server.put(&path, "application/zstd", packed.clone()).await {
            Err(ServerError::Unreachable(_)) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    server.put(&path, "application/zstd", packed).await
}

/// Where a chunk is.
#[derive(Clone)]
struct Place {
    path: PathBuf,
    size: u64,
    n: usize,
}

impl Place {
    /// The chunk, checked and compressed.
    fn packed(&self, digest: Digest) -> Result<Vec<u8>, PushError> {
        let failed = |source| PushError::Read {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(failed)?;
        let bytes = chunks::read(&file, self.size, self.n).map_err(failed)?;
        let found = chunks::digest(&bytes);
        if found != digest {
            return Err(PushError::Changed {
                path: self.path.clone(),
                n: self.n,
                digest,
                found,
            });
        }
        chunks::pack(&bytes).map_err(failed)
    }
}

fn places(dir: &Path, manifest: &Manifest) -> HashMap<Digest, Place> {
    let mut places = HashMap::new();
    for file in &manifest.files {
        for (n, digest) in file.chunks.iter().enumerate() {
            if let Some(digest) = digest {
                places.insert(
                    *digest,
                    Place {
                        path: dir.join(&file.name),
                        size: file.size,
                        n,
                    },
                );
            }
        }
    }
    places
}

#[cfg(test)]
mod tests;
