//! The nest's chunks: files named by the digest of what they hold, compressed by zstd.
//!
//! ```text
//!   DATA/nest/chunks/ab/abcdef….zst      complete, checked; replaced only by the same bytes
//!   DATA/nest/chunks/.new-<random>       being written; removed at the next start
//! ```
//!
//! A chunk is checked before it gets its name, so a name is a promise. What the disk does to it later is found by the
//! agents, which check again, and by whoever pushes: a chunk whose bytes are wrong is [missing](Nest::missing), and
//! putting it again repairs it.

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;
use vmatrix_wire::{Digest, Manifest};

/// Chunks that are read and digested on another thread before the loop is asked whether anybody still wants to know.
const FEW: usize = 32;

/// The store of chunks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Nest {
    chunks: Arc<Path>,
    /// Held by whoever has many chunks digested: it takes a core, so only one at a time.
    checking: Arc<Mutex<()>>,
}

/// Why a chunk was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NestError {
    /// Its bytes are other bytes.
    #[error("the chunk should have digest {expected}, its bytes have digest {found}")]
    Corrupt {
        /// The name it was sent under.
        expected: Digest,
        /// What its bytes have.
        found: Digest,
    },
    /// It is not zstd.
    #[error("chunk {0} is not zstd")]
    NotZstd(Digest),
    /// It holds more than a chunk may.
    #[error("chunk {0} holds more than {most} bytes", most = Manifest::CHUNK)]
    TooLarge(Digest),
    /// The work was broken off.
    #[error("nest: {0}")]
    Task(String),
    /// The disk did not take or give it.
    #[error("nest: {step} of chunk {digest}: {source}")]
    Io {
        /// `write`, `read` …
        step: &'static str,
        /// Which chunk.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
}

impl Nest {
    /// The most bytes that a compressed chunk may have: zstd makes nothing longer than this.
    pub const COMPRESSED: usize = (Manifest::CHUNK + Manifest::CHUNK / 128 + 1024) as usize;

    /// The nest below a data directory. Nothing is touched yet.
    #[must_use]
    pub fn below(data: &Path) -> Self {
        Self {
            chunks: data.join("nest").join("chunks").into(),
            checking: Arc::default(),
        }
    }

    /// Makes the directories, and removes what a killed server left half written.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn prepare(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.chunks)?;
        for entry in std::fs::read_dir(&self.chunks)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".new-") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether a chunk is here, whatever the disk has done to it since. Looks at the disk: not for the event loop.
    #[must_use]
    pub fn has(&self, digest: Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Those of these chunks that have to be put, each once, in the order given: they are not here, or what is here
    /// has other bytes. All of them are read, one call after the other; a call that is dropped ends soon.
    ///
    /// # Errors
    /// If the work was broken off.
    pub async fn missing(&self, digests: &[Digest]) -> Result<Vec<Digest>, NestError> {
        let _turn = self.checking.lock().await;
        let mut seen = HashSet::new();
        let each: Vec<Digest> = digests
            .iter()
            .copied()
            .filter(|digest| seen.insert(*digest))
            .collect();
        let mut missing = Vec::new();
        for few in each.chunks(FEW) {
            let (nest, mut few) = (self.clone(), few.to_vec());
            let look = move || {
                few.retain(|digest| !nest.is_whole(*digest));
                few
            };
            let lacks = tokio::task::spawn_blocking(look).await;
            missing.extend(lacks.map_err(|error| NestError::Task(error.to_string()))?);
        }
        Ok(missing)
    }

    /// Whether a chunk is here with the bytes that its name promises. What cannot be read is not.
    fn is_whole(&self, digest: Digest) -> bool {
        let checked = std::fs::read(self.path(digest)).map(|zstd| unpacked_digest(digest, &zstd));
        match checked {
            Ok(Ok(found)) if found == digest => return true,
            Ok(Ok(found)) => {
                tracing::warn!(chunk = %digest, %found, "the disk has spoilt a chunk of the nest")
            }
            Ok(Err(error)) => tracing::warn!(%error, "the disk has spoilt a chunk of the nest"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(chunk = %digest, %error, "a chunk of the nest cannot be read"),
        }
        false
    }

    /// Takes a chunk, after a check of its bytes. Twice is once. Works hard: not for the event loop.
    ///
    /// # Errors
    /// If it is not what its name says, or the disk refuses.
    pub fn put(&self, digest: Digest, zstd: &[u8]) -> Result<(), NestError> {
        let found = unpacked_digest(digest, zstd)?;
        if found != digest {
            return Err(NestError::Corrupt {
                expected: digest,
                found,
            });
        }
        // Also over one that is here: the disk may have spoilt it, and this is how it is repaired.
        self.write(digest, zstd).map_err(|source| NestError::Io {
            step: "write",
            digest,
            source,
        })
    }

    fn write(&self, digest: Digest, zstd: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let new = self
            .chunks
            .join(format!(".new-{}", uuid::Uuid::now_v7().simple()));
        let written = std::fs::File::create_new(&new)
            .and_then(|mut file| file.write_all(zstd).and_then(|()| file.sync_data()))
            .and_then(|()| std::fs::rename(&new, &path));
        if written.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&new);
        }
        written
    }

    /// A chunk's compressed bytes; `None` if it is not here.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn read(&self, digest: Digest) -> Result<Option<Vec<u8>>, NestError> {
        match tokio::fs::read(self.path(digest)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(NestError::Io {
                step: "read",
                digest,
                source,
            }),
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.chunks.join(&name[..2]).join(format!("{name}.zst"))
    }
}

/// The digest of what a zstd stream holds, reading no more of it than a chunk may hold.
fn unpacked_digest(digest: Digest, zstd: &[u8]) -> Result<Digest, NestError> {
    let not_zstd = |_| NestError::NotZstd(digest);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(zstd).map_err(not_zstd)?;
    // A window of 8 MiB is more than any chunk needs; a larger one is somebody's wish for our memory.
    decoder.window_log_max(23).map_err(not_zstd)?;
    let mut bytes = Vec::with_capacity(Manifest::CHUNK as usize);
    decoder
        .take(Manifest::CHUNK + 1)
        .read_to_end(&mut bytes)
        .map_err(not_zstd)?;
    if bytes.len() as u64 > Manifest::CHUNK {
        return Err(NestError::TooLarge(digest));
    }
    Ok(Digest(*blake3::hash(&bytes).as_bytes()))
}

#[cfg(test)]
mod tests;
