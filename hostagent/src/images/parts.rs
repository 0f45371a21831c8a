//! The files of a snapshot while they come: what is still missing of them, and where each chunk belongs. Blocking I/O.

use super::{chunks, local};
use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use vmatrix_wire::{Digest, Manifest, SnapshotId};

/// Files on their way.
pub(crate) struct Parts {
    manifest: Arc<Manifest>,
    /// In the manifest's order.
    files: Vec<File>,
    /// Where each missing chunk belongs: file and chunk number.
    places: HashMap<Digest, Vec<(usize, usize)>>,
    /// The missing chunks, each once, in order of first use.
    pub missing: Vec<Digest>,
    /// Bytes that the missing chunks fill.
    pub missing_bytes: u64,
    /// Where chunks that are missing here can be had on this host.
    nearby: HashMap<Digest, (PathBuf, u64, usize)>,
}

impl Parts {
    /// Opens or makes the files in `dir`, and looks what they hold already. Every byte there is checked.
    pub fn open(dir: &Path, manifest: Arc<Manifest>, snapshots: &Path) -> io::Result<Self> {
        let mut parts = Self {
            manifest: Arc::clone(&manifest),
            files: Vec::new(),
            places: HashMap::new(),
            missing: Vec::new(),
            missing_bytes: 0,
            nearby: HashMap::new(),
        };
        for (f, wanted) in manifest.files.iter().enumerate() {
            let path = dir.join(&wanted.name);
            let file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)?;
            file.set_len(wanted.size)?;
            let here = chunks::index(&wanted.name, &path)?;
            for (n, (wanted_chunk, here)) in wanted.chunks.iter().zip(&here.chunks).enumerate() {
                match wanted_chunk {
                    wanted if wanted == here => {}
                    None => chunks::clear(&file, wanted.size, n)?,
                    Some(digest) => parts.lacks(*digest, f, n),
                }
            }
            parts.files.push(file);
        }
        if !parts.missing.is_empty() {
            parts.look_nearby(snapshots);
        }
        Ok(parts)
    }

    fn lacks(&mut self, digest: Digest, f: usize, n: usize) {
        let places = self.places.entry(digest).or_default();
        if places.is_empty() {
            self.missing.push(digest);
        }
        places.push((f, n));
        self.missing_bytes += chunks::length(self.manifest.files[f].size, n) as u64;
    }

    /// Snapshots of one image have much in common: most of the disk, and the kernel.
    fn look_nearby(&mut self, snapshots: &Path) {
        for entry in fs::read_dir(snapshots).into_iter().flatten().flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<SnapshotId>() else {
                continue;
            };
            let Ok(manifest) = local::read_manifest(&entry.path(), id) else {
                continue;
            };
            for file in &manifest.files {
                for (n, digest) in file.chunks.iter().enumerate() {
                    if let Some(digest) = digest.filter(|digest| self.places.contains_key(digest)) {
                        self.nearby
                            .insert(digest, (entry.path().join(&file.name), file.size, n));
                    }
                }
            }
        }
    }

    /// Takes a missing chunk from another snapshot on this host, if one has it unharmed.
    pub fn take_nearby(&self, digest: Digest) -> io::Result<Option<u64>> {
        let Some((path, size, n)) = self.nearby.get(&digest) else {
            return Ok(None);
        };
        match File::open(path).and_then(|file| chunks::read(&file, *size, *n)) {
            Ok(bytes) if chunks::digest(&bytes) == digest => self.put(digest, &bytes).map(Some),
            _ => Ok(None),
        }
    }

    /// Puts a checked chunk to all its places, and says how many bytes they are.
    pub fn put(&self, digest: Digest, bytes: &[u8]) -> io::Result<u64> {
        let mut written = 0;
        for (f, n) in self.places.get(&digest).into_iter().flatten() {
            if bytes.len() != chunks::length(self.manifest.files[*f].size, *n) {
                let what = format!(
                    "the manifest lists chunk {digest} where {} bytes do not fit",
                    bytes.len()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            chunks::write(&self.files[*f], *n, bytes)?;
            written += bytes.len() as u64;
        }
        Ok(written)
    }

    /// Makes sure that what was written survives a power cut, so that the name that the directory gets is a promise.
    pub fn sync(&self) -> io::Result<()> {
        self.files.iter().try_for_each(File::sync_data)
    }
}
