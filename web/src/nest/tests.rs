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
    assert_eq!(nest.missing(&[name, name]).await.unwrap(), vec![name]);
    assert!(nest.read(name).await.unwrap().is_none());
    nest.put(name, &packed(b"a chunk")).unwrap();
    nest.put(name, &packed(b"a chunk")).unwrap();
    assert_eq!(nest.missing(&[name]).await.unwrap(), vec![]);
    assert_eq!(nest.read(name).await.unwrap(), Some(packed(b"a chunk")));
}

#[tokio::test]
async fn a_chunk_that_the_disk_spoilt_is_missing_and_repaired_by_putting_it_again() {
    let (_dir, nest) = nest();
    let (name, other) = (digest(b"a chunk"), digest(b"b chunk"));
    let whole = packed(b"a chunk");
    nest.put(name, &whole).unwrap();
    nest.put(other, &packed(b"b chunk")).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for rotten in [
        &b"rotten"[..],
        b"",
        &whole[..whole.len() - 1],
        &flipped,
        &packed(b"b chunk"),
    ] {
        std::fs::write(nest.path(name), rotten).unwrap();
        assert_eq!(nest.missing(&[other, name]).await.unwrap(), [name], "{rotten:?}");
        nest.put(name, &whole).unwrap();
        assert_eq!(nest.missing(&[other, name]).await.unwrap(), []);
        assert_eq!(nest.read(name).await.unwrap(), Some(whole.clone()));
    }
    // What cannot be read at all, as with a broken sector, is put again, too.
    std::fs::remove_file(nest.path(name)).unwrap();
    std::fs::create_dir(nest.path(name)).unwrap();
    assert_eq!(nest.missing(&[other, name]).await.unwrap(), [name]);
}

#[tokio::test]
async fn many_chunks_are_looked_at_in_parts_and_keep_their_order() {
    let (_dir, nest) = nest();
    let all: Vec<[u8; 2]> = (0..FEW * 3)
        .map(|n| u16::try_from(n).unwrap().to_be_bytes())
        .collect();
    for bytes in all.iter().step_by(2) {
        nest.put(digest(bytes), &packed(bytes)).unwrap();
    }
    let names: Vec<Digest> = all.iter().map(|bytes| digest(bytes)).collect();
    let expected: Vec<Digest> = names.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(nest.missing(&names).await.unwrap(), expected);
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
