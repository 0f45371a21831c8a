use super::*;

fn nest() -> (tempfile::TempDir, Nest) {
    let dir = tempfile::tempdir().unwrap();
    let nest = Nest::below(dir.path());
    nest.prepare().unwrap();
    (dir, nest)
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[tokio::test]
async fn a_chunk_comes_back_as_it_was_sent() {
    let (_dir, nest) = nest();
    let name = digest(b"a chunk");
    assert_eq!(nest.missing(&[name, name]), vec![name]);
    assert!(nest.read(name).await.unwrap().is_none());
    nest.put(name, &packed(b"a chunk")).unwrap();
    nest.put(name, &packed(b"a chunk")).unwrap();
    assert_eq!(nest.missing(&[name]), vec![]);
    assert_eq!(nest.read(name).await.unwrap(), Some(packed(b"a chunk")));
}

#[tokio::test]
async fn a_chunk_that_the_disk_spoilt_is_repaired_by_putting_it_again() {
    let (_dir, nest) = nest();
    let name = digest(b"a chunk");
    nest.put(name, &packed(b"a chunk")).unwrap();
    std::fs::write(nest.path(name), b"rotten").unwrap();
    nest.put(name, &packed(b"a chunk")).unwrap();
    assert_eq!(nest.read(name).await.unwrap(), Some(packed(b"a chunk")));
}

#[test]
fn a_chunk_of_other_bytes_is_refused_with_both_digests() {
    let (_dir, nest) = nest();
    let (name, other) = (digest(b"a chunk"), digest(b"b chunk"));
    let error = nest.put(name, &packed(b"b chunk")).unwrap_err().to_string();
    assert!(
        error.contains(&name.to_string()) && error.contains(&other.to_string()),
        "{error}"
    );
    assert!(!nest.has(name));
    assert!(!nest.has(other));
}

#[test]
fn a_small_chunk_that_unpacks_to_too_much_is_refused() {
    let (_dir, nest) = nest();
    let bomb = vec![0; Manifest::CHUNK as usize + 1];
    assert!(packed(&bomb).len() < 1000);
    let refused = nest.put(digest(&bomb), &packed(&bomb));
    assert!(matches!(refused, Err(NestError::TooLarge(_))), "{refused:?}");
    let largest = &bomb[1..];
    nest.put(digest(largest), &packed(largest)).unwrap();
}

#[test]
fn what_is_no_zstd_is_refused() {
    let (_dir, nest) = nest();
    let refused = nest.put(digest(b"plain"), b"plain");
    assert!(matches!(refused, Err(NestError::NotZstd(_))), "{refused:?}");
}

#[test]
fn the_worst_chunk_still_fits_when_compressed() {
    // Random bytes do not compress.
    let mut seed = blake3::Hasher::new().finalize_xof();
    let mut bytes = vec![0; Manifest::CHUNK as usize];
    seed.fill(&mut bytes);
    assert!(packed(&bytes).len() <= Nest::COMPRESSED);
}

#[test]
fn what_a_killed_server_left_half_written_is_removed() {
    let (_dir, nest) = nest();
    let left = nest.chunks.join(".new-left");
    std::fs::write(&left, b"half").unwrap();
    nest.prepare().unwrap();
    assert!(!left.exists());
}
