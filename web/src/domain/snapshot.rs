//! Snapshots, as far as decisions need them.

use super::{SnapshotId, Time};
use serde::{Deserialize, Serialize};
use vmatrix_wire::{Contract, LoadKey, Manifest};

/// A snapshot in the nest: its manifest without the chunk lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Digest of the manifest's bytes.
    pub id: SnapshotId,
    /// What is in it.
    pub facts: SnapshotFacts,
    /// Since when it is here.
    pub created_at: Time,
}

/// What a manifest says beside its chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotFacts {
    /// What the image promises and needs.
    pub contract: Contract,
    /// What can load it.
    pub key: LoadKey,
    /// When the guest was frozen, milliseconds UTC.
    pub frozen_at_ms: i64,
    /// Cold boot of the image to its first answer, milliseconds.
    pub boot_ms: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

impl From<&Manifest> for SnapshotFacts {
    fn from(manifest: &Manifest) -> Self {
        Self {
            contract: manifest.contract.clone(),
            key: manifest.key.clone(),
            frozen_at_ms: manifest.frozen_at_ms,
            boot_ms: manifest.boot_ms,
            bytes: manifest.files.iter().map(|file| file.size).sum(),
        }
    }
}
