//! What an image promises and what a snapshot is made of.

use crate::{Accelerator, Digest, Secret};
use serde::{Deserialize, Serialize};

/// What an image promises and needs, written by its maker as `contract.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Name of the image: `openarena`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The virtual machine.
    pub machine: Machine,
    /// What it needs of a host.
    pub needs: Need,
    /// The one port inside the guest that users reach.
    pub port: u16,
    /// What proves that it is up.
    pub proof: Proof,
    /// What happens to the guest's clock at resume.
    pub clock: Clock,
    /// Present if the guest is a game server that is configured at each resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<Game>,
}

/// The virtual machine that an image runs on. All of it is part of the snapshot's [`LoadKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Versioned machine type, never an alias: `pc-q35-10.0`.
    pub machine_type: String,
    /// A named CPU model, never `max` or `host`.
    pub cpu: String,
    /// Virtual cores.
    pub cores: u16,
    /// Guest memory in MiB.
    pub memory_mb: u64,
    /// Kernel command line, without the console.
    pub cmdline: String,
}

/// What an image needs of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Free memory in MiB while one VM runs.
    pub memory_mb: u64,
    /// Free disk in MiB for the snapshot and one overlay.
    pub disk_mb: u64,
}

/// What proves that the guest serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "lowercase", deny_unknown_fields)]
pub enum Proof {
    /// UDP; answers `getinfo`, and a game frame passes.
    Quake3,
    /// TCP; answers a GET of `path` with a status below 400.
    Http {
        /// Absolute path.
        path: String,
    },
}

/// What happens to the guest's clock at resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The guest goes on from the time of the snapshot. Right for games that stall when time jumps.
    Keep,
    /// The guest is told the present time by its guest agent.
    Step,
}

/// How a game server of the Quake III family is configured at resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Game {
    /// `gamename` that master servers file it under: `Quake3Arena`.
    pub gamename: String,
    /// Game protocol number: 71.
    pub protocol: u32,
    /// The remote-console password that is frozen in the snapshot; replaced by the first command after resume.
    pub boot_rcon: Secret,
    /// Map to play when the booking names none.
    pub map: String,
}

/// What must be equal for a snapshot to load: QEMU refuses, or worse, if it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadKey {
    /// `qemu`.
    pub vmm: String,
    /// What ran the guest.
    pub accelerator: Accelerator,
    /// Versioned machine type.
    pub machine_type: String,
    /// CPU model.
    pub cpu: String,
    /// Digest of the device arguments, network backend left out.
    pub devices: Digest,
}

/// A snapshot: the files that QEMU resumes from, as lists of chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u16,
    /// The image's contract.
    pub contract: Contract,
    /// What can load it.
    pub key: LoadKey,
    /// When the guest was frozen, milliseconds UTC.
    pub frozen_at_ms: i64,
    /// Cold boot of the image to its first answer, milliseconds.
    pub boot_ms: u64,
    /// `disk`, `memory`, `state` and `kernel`, in this order.
    pub files: Vec<FileIndex>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileIndex {
    /// One of [`Manifest::FILES`]: never a path.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// Digests of the uncompressed chunks of [`Manifest::CHUNK`] bytes (the last may be shorter); `None` is all zeros.
    pub chunks: Vec<Option<Digest>>,
}

/// A manifest that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A format from another time.
    #[error("manifest format {0} is not {expected}", expected = Manifest::FORMAT)]
    Format(u16),
    /// Files missing, repeated, in another order, or of another name.
    #[error("manifest has files {0:?}, it should have {expected:?}", expected = Manifest::FILES)]
    Files(Vec<String>),
    /// A chunk list that does not fit the file's length.
    #[error("file {file}: {chunks} chunks do not fit {size} bytes")]
    Chunks {
        /// Name of the file.
        file: String,
        /// Length it claims.
        size: u64,
        /// Chunks it lists.
        chunks: usize,
    },
}

impl Manifest {
    /// The format that this version writes.
    pub const FORMAT: u16 = 1;
    /// Bytes of a chunk: a multiple of the page size, so that equal pages at equal places are one chunk.
    pub const CHUNK: u64 = 1 << 20;
    /// The files of a snapshot.
    pub const FILES: [&'static str; 4] = ["disk", "memory", "state", "kernel"];

    /// Checks what the type cannot say.
    ///
    /// # Errors
    /// The first thing that is wrong, with its value.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.format != Self::FORMAT {
            return Err(ManifestError::Format(self.format));
        }
        let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        if names != Self::FILES {
            return Err(ManifestError::Files(
                names.into_iter().map(|n| n.chars().take(80).collect()).collect(),
            ));
        }
        for file in &self.files {
            if file.size.div_ceil(Self::CHUNK) != file.chunks.len() as u64 {
                return Err(ManifestError::Chunks {
                    file: file.name.clone(),
                    size: file.size,
                    chunks: file.chunks.len(),
                });
            }
        }
        Ok(())
    }

    /// Every chunk that must be present, each once, in order of first use.
    #[must_use]
    pub fn chunks(&self) -> Vec<Digest> {
        let mut seen = std::collections::HashSet::new();
        self.files
            .iter()
            .flat_map(|f| f.chunks.iter().flatten())
            .filter(|d| seen.insert(**d))
            .copied()
            .collect()
    }
}
