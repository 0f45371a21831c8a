//! A snapshot on this host's disk.
//!
//! ```text
//!   DATA/snapshots/<digest>/          whole and checked, never written again
//!     disk, memory, state, kernel     what QEMU resumes from
//!     overlay.qcow2                   empty, backed by `disk`: copied for each VM, so that nothing is made when orders come
//!     manifest.json                   its bytes have the digest
//!     fetch.json                      how long it took to get here
//!   DATA/snapshots/.part-<digest>/    on its way; gone on with after a kill
//!   DATA/snapshots/.gone-<digest>/    being removed
//! ```

use super::chunks;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use vmatrix_wire::{Manifest, SnapshotId};

/// Name of the empty disk overlay in a snapshot's directory.
pub(crate) const OVERLAY: &str = "overlay.qcow2";
/// Name of the manifest.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Name of the note on how long the way took, milliseconds.
pub(crate) const FETCH: &str = "fetch.json";

/// A snapshot that is here, whole.
#[derive(Debug, Clone)]
pub struct LocalSnapshot {
    /// Which.
    pub id: SnapshotId,
    /// Absolute path of its directory, with `disk`, `memory`, `state`, `kernel` and `overlay.qcow2`.
    pub dir: PathBuf,
    /// What it is.
    pub manifest: Arc<Manifest>,
    /// How long it took to get here, milliseconds; unknown if nothing had to be fetched.
    pub fetch_ms: Option<f64>,
}

impl LocalSnapshot {
    /// The snapshot in `dir`, if all of it is there. What its files hold was checked when they came.
    pub(crate) fn read(dir: &Path, id: SnapshotId) -> Option<Self> {
        let manifest = read_manifest(dir, id).ok()?;
        let here = Self {
            id,
            dir: dir.to_owned(),
            manifest: Arc::new(manifest),
            fetch_ms: fs::read(dir.join(FETCH))
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        };
        here.is_whole().then_some(here)
    }

    /// Whether all files are there, with their lengths.
    pub(crate) fn is_whole(&self) -> bool {
        let is = |name: &str, size: u64| {
            self.dir
                .join(name)
                .metadata()
                .is_ok_and(|meta| meta.len() == size)
        };
        self.dir.join(OVERLAY).is_file() && self.manifest.files.iter().all(|file| is(&file.name, file.size))
    }

    /// Bytes that had to come: all but zeros.
    pub(crate) fn bytes(&self) -> u64 {
        bytes(&self.manifest)
    }
}

/// Bytes of a snapshot's chunks, zeros left out.
pub(crate) fn bytes(manifest: &Manifest) -> u64 {
    let places = manifest.files.iter().flat_map(|file| {
        file.chunks
            .iter()
            .enumerate()
            .map(|(n, chunk)| chunk.map_or(0, |_| chunks::length(file.size, n)))
    });
    places.map(|length| length as u64).sum()
}

/// The manifest in `dir`, if its bytes have the digest and make sense.
pub(crate) fn read_manifest(dir: &Path, id: SnapshotId) -> io::Result<Manifest> {
    let bytes = fs::read(dir.join(MANIFEST))?;
    if chunks::digest(&bytes) != id {
        return Err(io::ErrorKind::InvalidData.into());
    }
    parse_manifest(&bytes).map_err(io::Error::other)
}

/// A manifest from its bytes, whose digest has been checked.
///
/// # Errors
/// In words for people.
pub(crate) fn parse_manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    manifest.check().map_err(|error| error.to_string())?;
    Ok(manifest)
}
