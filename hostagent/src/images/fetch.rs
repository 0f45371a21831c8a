//! Brings snapshots from the nest to this host: each once at a time, shared by all who wait, gone on with after a kill.
//! What somebody began to fetch is fetched to its end, also if nobody waits any more.

use super::{
    chunks::{self, Corrupt},
    local::{self, LocalSnapshot},
    parts::Parts,
    room::{self, Room},
};
use crate::agent::{Server, ServerError};
use crate::command::run;
use crate::facts::disk_free_mb;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use vmatrix_wire::{Digest, Manifest, Problem, SnapshotId};

/// Chunks that are asked for at once.
const AT_ONCE: usize = 8;
/// Pauses before a request that failed is made again; then the fetch fails, and is gone on with by the next.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// Disk that fetching leaves free, for overlays and logs of VMs that run.
const SPARE: u64 = 256 << 20;

type Outcome = Result<LocalSnapshot, Problem>;

/// Brings snapshots here. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    snapshots: PathBuf,
    server: Server,
    spare: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    running: HashMap<SnapshotId, watch::Receiver<Option<Outcome>>>,
    here: HashMap<SnapshotId, LocalSnapshot>,
    /// Bytes so far and in all.
    progress: HashMap<SnapshotId, (u64, u64)>,
    /// Nothing is removed before this has been said once.
    wanted: Option<HashSet<SnapshotId>>,
}

impl Fetcher {
    /// For an agent's data directory. Makes `snapshots` in it.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn new(data: &Path, server: Server) -> io::Result<Self> {
        Self::with_spare(data, server, SPARE)
    }

    pub(super) fn with_spare(data: &Path, server: Server, spare: u64) -> io::Result<Self> {
        let snapshots = data.join("snapshots");
        fs::create_dir_all(&snapshots)?;
        // Overlays name their backing file by its absolute path.
        let snapshots = snapshots.canonicalize()?;
        room::sweep(&snapshots)?;
        Ok(Self(Arc::new(Inner {
            snapshots,
            server,
            spare,
            known: Mutex::default(),
        })))
    }

    /// The snapshot, fetched if it is not here. Whoever stops waiting stops nothing.
    ///
    /// # Errors
    /// What keeps it from coming. What has come is kept, and the next call goes on with it.
    pub async fn fetch(&self, id: SnapshotId) -> Result<LocalSnapshot, Problem> {
        if let Some(here) = self.local(id).await {
            return Ok(here);
        }
        let mut outcome = self.start(id);
        let done = outcome
            .wait_for(Option::is_some)
            .await
            .map(|outcome| outcome.clone());
        done.ok().flatten().unwrap_or_else(|| {
            self.known().running.remove(&id);
            Err(failed("the work was broken off", id))
        })
    }

    /// The snapshot, if it is here. Asks nobody.
    pub async fn local(&self, id: SnapshotId) -> Option<LocalSnapshot> {
        let remembered = self.known().here.get(&id).cloned();
        if let Some(here) = remembered.filter(LocalSnapshot::is_whole) {
            return Some(here);
        }
        let dir = self.0.home(id);
        let here = self
            .0
            .blocking(move || Ok(LocalSnapshot::read(&dir, id)))
            .await
            .ok()
            .flatten()?;
        let bytes = here.bytes();
        let mut known = self.known();
        known.progress.insert(id, (bytes, bytes));
        known.here.insert(id, here.clone());
        Some(here)
    }

    /// Bytes of the snapshot here and in all: equal when it is here, both 0 while that is not known.
    #[must_use]
    pub fn progress(&self, id: SnapshotId) -> (u64, u64) {
        self.known().progress.get(&id).copied().unwrap_or_default()
    }

    /// Says which snapshots are wanted or in use: all others may be removed, oldest first, when the disk is short.
    pub fn retain(&self, wanted: &[SnapshotId]) {
        self.known().wanted = Some(wanted.iter().copied().collect());
    }

    /// What [`retain`](Self::retain) was last told.
    #[cfg(test)]
    pub(crate) fn retained(&self) -> Option<HashSet<SnapshotId>> {
        self.known().wanted.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, id: SnapshotId) -> watch::Receiver<Option<Outcome>> {
        let mut known = self.known();
        if let Some(running) = known.running.get(&id) {
            return running.clone();
        }
        let (sender, receiver) = watch::channel(None);
        known.running.insert(id, receiver.clone());
        let this = self.clone();
        tokio::spawn(async move {
            let outcome = this.bring(id).await;
            if let Err(problem) = &outcome {
                tracing::warn!(snapshot = id.short(), %problem, "snapshot not fetched");
            }
            this.known().running.remove(&id);
            sender.send_replace(Some(outcome));
        });
        receiver
    }

    async fn bring(&self, id: SnapshotId) -> Outcome {
        // Another fetch may have ended since the caller looked.
        if let Some(here) = self.local(id).await {
            return Ok(here);
        }
        let (inner, home) = (&self.0, self.0.home(id));
        let part = inner.snapshots.join(format!("{}{id}", room::PART));
        let made = part.clone();
        self.0.blocking(move || room::begin(&home, &made)).await?;
        let manifest = Arc::new(self.manifest(id, &part).await?);
        let (dir, snapshots, copy) = (part.clone(), inner.snapshots.clone(), Arc::clone(&manifest));
        let parts = self
            .0
            .blocking(move || Parts::open(&dir, copy, &snapshots))
            .await?;
        let all = local::bytes(&manifest);
        self.known()
            .progress
            .insert(id, (all.saturating_sub(parts.missing_bytes), all));
        self.make_room(id, parts.missing_bytes).await?;
        let took = self.fill(id, parts).await?;
        self.finish(id, &part, &manifest, took).await?;
        tracing::info!(
            snapshot = id.short(),
            bytes = all,
            seconds = took.as_secs_f64(),
            "snapshot fetched"
        );
        self.local(id)
            .await
            .ok_or_else(|| failed("the files are not there after all", id))
    }

    /// The manifest: what an earlier fetch left of it, or the server's.
    async fn manifest(&self, id: SnapshotId, part: &Path) -> Result<Manifest, Problem> {
        let dir = part.to_owned();
        if let Some(manifest) = self
            .0
            .blocking(move || Ok(local::read_manifest(&dir, id).ok()))
            .await?
        {
            return Ok(manifest);
        }
        let mut bytes = self.get(id, Server::manifest).await?;
        if chunks::digest(&bytes) != id {
            tracing::warn!(snapshot = id.short(), "the manifest came corrupt, asking again");
            bytes = self.get(id, Server::manifest).await?;
        }
        let found = chunks::digest(&bytes);
        if found != id {
            return Err(Problem::Corrupt { digest: id, found });
        }
        let manifest = local::parse_manifest(&bytes)
            .map_err(|reason| failed("the manifest is not understood", reason))?;
        let path = part.join(local::MANIFEST);
        self.0.blocking(move || fs::write(path, bytes)).await?;
        Ok(manifest)
    }

    async fn make_room(&self, id: SnapshotId, bytes: u64) -> Result<(), Problem> {
        let inner = Arc::clone(&self.0);
        let needed = bytes.saturating_add(inner.spare);
        let keep = {
            let known = self.known();
            known.wanted.as_ref().map(|wanted| {
                let running = known.running.keys().copied();
                wanted
                    .iter()
                    .copied()
                    .chain(running)
                    .chain([id])
                    .collect::<HashSet<_>>()
            })
        };
        let (room, removed) = self
            .0
            .blocking(move || room::make(&inner.snapshots, needed, keep.as_ref()))
            .await?;
        for gone in removed {
            let mut known = self.known();
            known.here.remove(&gone);
            known.progress.remove(&gone);
        }
        match room {
            Room::Enough => Ok(()),
            Room::Only(free) => Err(Problem::DiskFull {
                needed_mb: needed.div_ceil(1 << 20),
                free_mb: free >> 20,
            }),
        }
    }

    /// Fetches what is missing, and says how long that took.
    async fn fill(&self, id: SnapshotId, parts: Parts) -> Result<Duration, Problem> {
        let began = Instant::now();
        let parts = Arc::new(parts);
        stream::iter(parts.missing.clone())
            .map(|digest| self.fill_chunk(id, digest, Arc::clone(&parts)))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let took = began.elapsed();
        self.0.blocking(move || parts.sync()).await?;
        Ok(took)
    }

    async fn fill_chunk(&self, id: SnapshotId, digest: Digest, parts: Arc<Parts>) -> Result<(), Problem> {
        let nearby = Arc::clone(&parts);
        let written = match self.0.blocking(move || nearby.take_nearby(digest)).await? {
            Some(written) => written,
            None => self.fetch_chunk(digest, &parts).await?,
        };
        if let Some((here, _)) = self.known().progress.get_mut(&id) {
            *here += written;
        }
        Ok(())
    }

    async fn fetch_chunk(&self, digest: Digest, parts: &Arc<Parts>) -> Result<u64, Problem> {
        let mut again = false;
        loop {
            let packed = self.get(digest, Server::chunk).await?;
            let parts = Arc::clone(parts);
            let put = move || match chunks::unpack(digest, &packed) {
                Ok(bytes) => parts.put(digest, &bytes).map(Ok),
                Err(corrupt) => Ok(Err(corrupt)),
            };
            match self.0.blocking(put).await? {
                Ok(written) => return Ok(written),
                Err(Corrupt { digest, found }) if again => return Err(Problem::Corrupt { digest, found }),
                Err(corrupt) => tracing::warn!(%corrupt, "asking again"),
            }
            again = true;
        }
    }

    /// Asks the server, patiently; but not again for what it does not have or does not give.
    async fn get<'a, F>(
        &'a self,
        digest: Digest,
        ask: impl Fn(&'a Server, Digest) -> F,
    ) -> Result<Vec<u8>, Problem>
    where
        F: Future<Output = Result<Vec<u8>, ServerError>> + 'a,
    {
        let mut pauses = PAUSES.iter();
        loop {
            let error = match ask(&self.0.server, digest).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            match (&error, pauses.next()) {
                (ServerError::Missing, _) => return Err(Problem::Missing { digest }),
                (ServerError::Unreachable(_) | ServerError::Status { .. }, Some(pause)) => {
                    tracing::info!(digest = digest.short(), %error, "asking again");
                    tokio::time::sleep(*pause).await;
                }
                (error, _) => return Err(failed(error.short(), error)),
            }
        }
    }

    /// Gives the directory its name, after which it is a promise.
    async fn finish(
        &self,
        id: SnapshotId,
        part: &Path,
        manifest: &Manifest,
        took: Duration,
    ) -> Result<(), Problem> {
        let home = self.0.home(id);
        let disk = manifest
            .files
            .iter()
            .find(|file| file.name == "disk")
            .map_or(0, |file| file.size);
        make_overlay(&home.join("disk"), disk, &part.join(local::OVERLAY)).await?;
        let part = part.to_owned();
        self.0
            .blocking(move || {
                fs::write(
                    part.join(local::FETCH),
                    serde_json::to_vec(&(took.as_secs_f64() * 1000.0))?,
                )?;
                fs::rename(&part, &home)
            })
            .await
    }
}

impl Inner {
    fn home(&self, id: SnapshotId) -> PathBuf {
        self.snapshots.join(id.to_string())
    }

    /// Runs what waits for the disk or works hard on another thread.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| failed("the work was broken off", error))?;
        done.map_err(|error| match error.kind() {
            // There was room when it began: what is to stay free has been used up, too.
            io::ErrorKind::StorageFull => Problem::DiskFull {
                needed_mb: self.spare.div_ceil(1 << 20),
                free_mb: disk_free_mb(&self.snapshots).unwrap_or_default(),
            },
            _ => failed("the host's disk refused", error),
        })
    }
}

/// Makes an empty overlay on a raw disk that is going to be at `backing`.
async fn make_overlay(backing: &Path, size: u64, overlay: &Path) -> Result<(), Problem> {
    let (backing, overlay, size) = (
        backing.display().to_string(),
        overlay.display().to_string(),
        size.to_string(),
    );
    let args = [
        "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", &backing, &overlay, &size,
    ];
    run("qemu-img", &args, None)
        .await
        .map(drop)
        .map_err(|error| failed("its overlay could not be made", error))
}

/// `reason` is what clans may read; all of it is in the log.
fn failed(reason: &'static str, error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, reason, "fetching a snapshot failed");
    Problem::Failed {
        step: "fetching the snapshot".to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
