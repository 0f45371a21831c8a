//! Files as lists of chunks, and back. A chunk of zeros is no chunk at all: it is a hole in the file.

use nix::{
    errno::Errno,
    unistd::{Whence, lseek},
};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};
use vmatrix_wire::{Digest, FileIndex, Manifest};

/// Bytes of a whole chunk.
pub(crate) const CHUNK: usize = Manifest::CHUNK as usize;

static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// A chunk that is not what its name says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chunk {digest} has bytes of digest {found}")]
pub(crate) struct Corrupt {
    /// The name it came under.
    pub digest: Digest,
    /// What its bytes have: the first that are too many included; of the packed ones, if they are not zstd.
    pub found: Digest,
}

/// The digest of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// Bytes of chunk `n` of a file of `size` bytes; 0 behind its end.
pub(crate) fn length(size: u64, n: usize) -> usize {
    let left = size.saturating_sub(offset(n)).min(Manifest::CHUNK);
    usize::try_from(left).unwrap_or(CHUNK)
}

fn offset(n: usize) -> u64 {
    (n as u64).saturating_mul(Manifest::CHUNK)
}

/// Reads a file and names its chunks. Holes are not read.
pub(crate) fn index(name: &str, path: &Path) -> io::Result<FileIndex> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let count = usize::try_from(size.div_ceil(Manifest::CHUNK)).map_err(io::Error::other)?;
    let mut chunks = vec![None; count];
    let mut bytes = vec![0; CHUNK];
    let mut next = next_data(&file, 0)?;
    while let Some((n, slot)) = next.and_then(|n| Some((n, chunks.get_mut(n)?))) {
        let bytes = &mut bytes[..length(size, n)];
        file.read_exact_at(bytes, offset(n))?;
        *slot = name_of(bytes);
        next = next_data(&file, n + 1)?;
    }
    Ok(FileIndex {
        name: name.to_owned(),
        size,
        chunks,
    })
}

/// The first chunk from `n` on that is not wholly a hole.
fn next_data(file: &File, n: usize) -> io::Result<Option<usize>> {
    let from = i64::try_from(offset(n)).map_err(io::Error::other)?;
    match lseek(file, from, Whence::SeekData) {
        Ok(at) => Ok(usize::try_from(at.unsigned_abs() / Manifest::CHUNK).ok()),
        Err(Errno::ENXIO) => Ok(None),
        Err(Errno::EINVAL) => Ok(Some(n)), // This file system knows no holes.
        Err(errno) => Err(errno.into()),
    }
}

/// What a chunk of these bytes is listed as: nothing if they are all zeros.
pub(crate) fn name_of(bytes: &[u8]) -> Option<Digest> {
    (ZEROS.get(..bytes.len()) != Some(bytes)).then(|| digest(bytes))
}

/// Chunk `n` of a file of `size` bytes.
pub(crate) fn read(file: &File, size: u64, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length(size, n)];
    file.read_exact_at(&mut bytes, offset(n))?;
    Ok(bytes)
}

/// Writes chunk `n`.
pub(crate) fn write(file: &File, n: usize, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, offset(n))
}

/// Makes chunk `n` of a file of `size` bytes zero.
pub(crate) fn clear(file: &File, size: u64, n: usize) -> io::Result<()> {
    write(file, n, &ZEROS[..length(size, n)])
}

/// Compresses a chunk for its way: quickly, as both ends wait for it.
pub(crate) fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, 2)
}

/// Decompresses a chunk and checks it, taking no more memory than a chunk may have.
///
/// # Errors
/// If its bytes are not those that its name promises.
pub(crate) fn unpack(digest: Digest, packed: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let bytes = inflate(packed);
    let found = self::digest(bytes.as_deref().unwrap_or(packed));
    match bytes {
        Ok(bytes) if found == digest => Ok(bytes),
        _ => Err(Corrupt { digest, found }),
    }
}

fn inflate(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    // A window of 8 MiB is more than any chunk needs; a larger one is somebody's wish for our memory.
    decoder.window_log_max(23)?;
    let mut bytes = Vec::with_capacity(CHUNK);
    decoder.take(Manifest::CHUNK + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::MetadataExt;

    /// Files of some chunks, each of zeros or of one repeated byte, with a tail.
    fn files() -> impl Strategy<Value = Vec<u8>> {
        (prop::collection::vec(0..4_u8, 0..5), 0..CHUNK, 0..3_u8).prop_map(|(chunks, tail, last)| {
            let mut bytes: Vec<u8> = chunks.iter().flat_map(|byte| vec![*byte; CHUNK]).collect();
            bytes.resize(bytes.len() + tail, last);
            bytes
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_file_survives_being_cut_and_put_together(bytes in files()) {
            let dir = tempfile::tempdir().unwrap();
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            std::fs::write(&from, &bytes).unwrap();
            let index = index("disk", &from).unwrap();
            prop_assert_eq!(index.chunks.len() as u64, index.size.div_ceil(Manifest::CHUNK));
            let source = File::open(&from).unwrap();
            let target = File::create(&to).unwrap();
            target.set_len(index.size).unwrap();
            for (n, name) in index.chunks.iter().enumerate() {
                let chunk = read(&source, index.size, n).unwrap();
                prop_assert_eq!(name.is_none(), chunk.iter().all(|byte| *byte == 0));
                if let Some(name) = name {
                    write(&target, n, &unpack(*name, &pack(&chunk).unwrap()).unwrap()).unwrap();
                }
            }
            // Holes or not, the names are the same.
            prop_assert_eq!(&self::index("disk", &to).unwrap(), &index);
            prop_assert!(std::fs::read(&to).unwrap() == bytes);
            let present = index.chunks.iter().flatten().count() as u64;
            let blocks = target.metadata().unwrap().blocks() * 512;
            prop_assert!(blocks <= present * Manifest::CHUNK, "{blocks} bytes for {present} chunks");
        }

        #[test]
        fn no_bytes_make_unpacking_panic(bytes: Vec<u8>) {
            prop_assert!(unpack(digest(b"something"), &bytes).is_err());
        }
    }

    fn refused(name: &[u8], bytes: &[u8]) -> (Digest, Digest) {
        let corrupt = unpack(digest(name), &pack(bytes).unwrap()).unwrap_err();
        let text = corrupt.to_string();
        assert!(
            text.contains(&corrupt.digest.to_string()) && text.contains(&corrupt.found.to_string()),
            "{text}"
        );
        (corrupt.digest, corrupt.found)
    }

    #[test]
    fn a_wrong_short_or_long_chunk_is_refused_with_both_digests() {
        for other in [&b"a chunK"[..], b"a chun", b"a chunk and more", b""] {
            assert_eq!(refused(b"a chunk", other), (digest(b"a chunk"), digest(other)));
        }
    }

    #[test]
    fn a_chunk_that_was_cut_off_or_is_not_packed_is_refused() {
        let packed = pack(b"a chunk").unwrap();
        for bad in [&packed[..packed.len() - 2], b"a chunk"] {
            let corrupt = unpack(digest(b"a chunk"), bad).unwrap_err();
            assert_eq!(
                corrupt,
                Corrupt {
                    digest: digest(b"a chunk"),
                    found: digest(bad)
                }
            );
        }
    }

    #[test]
    fn what_unpacks_to_more_than_a_chunk_is_read_no_further() {
        let bomb = vec![0; 64 * CHUNK];
        let (_, found) = refused(&bomb, &bomb);
        assert_eq!(found, digest(&bomb[..=CHUNK]));
        let largest = &bomb[..CHUNK];
        assert_eq!(unpack(digest(largest), &pack(largest).unwrap()).unwrap(), largest);
    }

    #[test]
    fn a_cleared_chunk_is_a_hole_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![7; CHUNK + 100]).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        clear(&file, (CHUNK + 100) as u64, 1).unwrap();
        let index = index("disk", &path).unwrap();
        assert_eq!(index.size, (CHUNK + 100) as u64);
        assert_eq!(index.chunks, [Some(digest(&vec![7; CHUNK])), None]);
    }
}
