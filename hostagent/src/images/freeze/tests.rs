//! With real images, where `./run` has made them.

use super::*;

/// Where images and snapshots are, or `None`, said aloud.
fn made() -> Option<(PathBuf, PathBuf)> {
    let dir = |name| std::env::var_os(name).map(|path| PathBuf::from(path).join("openarena"));
    let both = dir("VMATRIX_IMAGES").zip(dir("VMATRIX_SNAPSHOTS"));
    if both.is_none() {
        println!("skipped: VMATRIX_IMAGES and VMATRIX_SNAPSHOTS name no images (./run test makes them)");
    }
    both
}

#[tokio::test]
async fn an_image_that_has_not_changed_is_not_booted_again() {
    let Some((image, out)) = made() else { return };
    let frozen = freeze(&image, &out, &|step| panic!("{step}")).await.unwrap();
    assert_eq!(frozen.suspend_ms, None);
    assert!(frozen.boot_ms > 0 && frozen.bytes > 0);
}

#[tokio::test]
async fn a_guest_that_dies_is_told_with_its_last_words_and_leaves_nothing() {
    let Some((image, _)) = made() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (bad, out) = (dir.path().join("image"), dir.path().join("out"));
    fs::create_dir(&bad).unwrap();
    // Without an initrd this kernel finds no root.
    for name in ["kernel", "contract.toml", "recipe.digest"] {
        fs::copy(image.join(name), bad.join(name)).unwrap();
    }
    fs::File::create(bad.join("disk"))
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    let error = freeze(&bad, &out, &|_| ()).await.unwrap_err();
    match error {
        FreezeError::Guest { how, console } => {
            assert!(how.starts_with("died"), "{how}");
            assert!(
                console.contains("Kernel panic") && console.contains("root"),
                "{console}"
            );
        }
        other => panic!("{other}"),
    }
    assert!(!out.exists());
}

#[tokio::test]
async fn a_directory_that_is_no_image_is_refused_by_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = freeze(dir.path(), &dir.path().join("out"), &|_| ())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("contract.toml"), "{error}");
}
