//! Fetching from a server that is real, on a socket, and does what it is told to: lie, cut off, fail.

mod nest;

use super::*;
use nest::{Mood, Nest, chunk, contents, world, world_with};
use std::sync::atomic::Ordering;
use tokio::sync::Semaphore;

fn holds(here: &LocalSnapshot, contents: &[(&str, Vec<u8>)]) -> bool {
    contents
        .iter()
        .all(|(name, bytes)| fs::read(here.dir.join(name)).unwrap() == *bytes)
}

/// qemu-img makes the overlay.
macro_rules! need_qemu {
    () => {
        if run("qemu-img", &["--version"], None).await.is_err() {
            return println!("skipped: qemu-img is not installed");
        }
    };
}

#[tokio::test]
async fn a_snapshot_comes_whole_each_chunk_once_and_is_then_had_without_asking() {
    need_qemu!();
    let world = world().await;
    let files = contents(&[chunk(2), chunk(2), chunk(1), vec![0; 10]]);
    let (id, manifest) = world.publish(&files);
    let fetcher = world.fetcher();
    assert!(fetcher.local(id).await.is_none());
    assert_eq!(fetcher.progress(id), (0, 0));
    let here = fetcher.fetch(id).await.unwrap();
    assert!(holds(&here, &files));
    assert_eq!(*here.manifest, manifest);
    assert!(here.fetch_ms.is_some_and(|ms| ms > 0.0));
    let bytes = here.bytes();
    assert_eq!(fetcher.progress(id), (bytes, bytes));
    assert_eq!(world.entries(), [id.to_string()]);
    for digest in manifest.chunks() {
        assert_eq!(world.nest.asked(digest), 1);
    }
    let asked = world.nest.all_asked();
    assert_eq!(fetcher.fetch(id).await.unwrap().dir, here.dir);
    // Another agent's start finds it, too.
    let again = world.fetcher().local(id).await.unwrap();
    assert_eq!((again.fetch_ms, again.bytes()), (here.fetch_ms, bytes));
    assert_eq!(world.nest.all_asked(), asked);
    assert_eq!(world.nest.bad_requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_overlay_shows_the_snapshots_disk() {
    need_qemu!();
    let world = world().await;
    let id = world.publish_one();
    let here = world.fetcher().fetch(id).await.unwrap();
    let (overlay, raw) = (here.dir.join(local::OVERLAY), here.dir.join("raw"));
    let args = [
        "convert",
        "-f",
        "qcow2",
        "-O",
        "raw",
        overlay.to_str().unwrap(),
        raw.to_str().unwrap(),
    ];
    run("qemu-img", &args, None).await.unwrap();
    assert!(fs::read(raw).unwrap() == fs::read(here.dir.join("disk")).unwrap());
}

#[tokio::test]
async fn a_wrong_chunk_is_fetched_once_more_and_then_refused_with_both_digests() {
    need_qemu!();
    let world = world().await;
    let id = world.publish_one();
    let wrong = chunks::digest(&chunk(3));
    world.nest.will(wrong, &[Mood::Lie, Mood::Lie]);
    let fetcher = world.fetcher();
    let found = chunks::digest(b"something else");
    assert_eq!(
        fetcher.fetch(id).await.unwrap_err(),
        Problem::Corrupt { digest: wrong, found }
    );
    assert_eq!(world.nest.asked(wrong), 2);
    assert!(fetcher.local(id).await.is_none());
    // The next fetch goes on, and one lie is forgiven.
    world.nest.will(wrong, &[Mood::Lie]);
    let asked = world.nest.all_asked();
    fetcher.fetch(id).await.unwrap();
    assert!(
        world.nest.all_asked() - asked <= 5,
        "what was there was fetched again"
    );
    assert_eq!(world.nest.asked(id), 1);
}

#[tokio::test]
async fn a_wrong_manifest_is_fetched_once_more_and_then_refused_with_both_digests() {
    need_qemu!();
    let world = world().await;
    let id = world.publish_one();
    world.nest.will(id, &[Mood::Lie, Mood::Lie]);
    let found = chunks::digest(&chunks::pack(b"something else").unwrap());
    assert_eq!(
        world.fetcher().fetch(id).await.unwrap_err(),
        Problem::Corrupt { digest: id, found }
    );
    world.nest.will(id, &[Mood::Lie]);
    world.fetcher().fetch(id).await.unwrap();
}

#[tokio::test]
async fn what_the_nest_lacks_is_named() {
    let world = world().await;
    let unknown = chunks::digest(b"unknown");
    assert_eq!(
        world.fetcher().fetch(unknown).await.unwrap_err(),
        Problem::Missing { digest: unknown }
    );
    let id = world.publish_one();
    let lacks = chunks::digest(&chunk(2));
    world.nest.will(lacks, &[Mood::Lack]);
    assert_eq!(
        world.fetcher().fetch(id).await.unwrap_err(),
        Problem::Missing { digest: lacks }
    );
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_fails_is_asked_for_again() {
    need_qemu!();
    let world = world().await;
    let id = world.publish_one();
    world.nest.will(id, &[Mood::Fail]);
    world.nest.will(chunks::digest(&chunk(2)), &[Mood::CutOff]);
    world
        .nest
        .will(chunks::digest(&chunk(3)), &[Mood::Fail, Mood::CutOff]);
    let here = world.fetcher().fetch(id).await.unwrap();
    assert!(holds(&here, &contents(&[chunk(2), chunk(3)])));
}

#[tokio::test]
async fn a_killed_fetch_is_gone_on_with_and_every_byte_that_it_left_is_checked() {
    need_qemu!();
    let world = world().await;
    let files = contents(&[chunk(2), chunk(3), chunk(4)]);
    let (id, _) = world.publish(&files);
    let dir = world
        .dir
        .path()
        .join("snapshots")
        .join(format!("{}{id}", room::PART));
    fs::create_dir_all(&dir).unwrap();
    // The first chunk is there, of the second a half; what should be a hole holds something; one file is too long.
    let half = [&chunk(2)[..], &chunk(3)[..chunks::CHUNK / 2]].concat();
    fs::write(dir.join("disk"), half).unwrap();
    fs::write(dir.join("memory"), [chunk(9), chunk(9), chunk(1)].concat()).unwrap();
    fs::write(dir.join("state"), vec![5; 4000]).unwrap();
    let here = world.fetcher().fetch(id).await.unwrap();
    assert!(holds(&here, &files));
    let asked = |bytes: &[u8]| world.nest.asked(chunks::digest(bytes));
    assert_eq!((asked(&chunk(2)), asked(&[5; 1000])), (0, 0));
    assert_eq!((asked(&chunk(3)), asked(&chunk(4)), asked(&chunk(1))), (1, 1, 1));
}

#[tokio::test]
async fn a_snapshot_that_lost_a_file_is_mended() {
    need_qemu!();
    let world = world().await;
    let id = world.publish_one();
    let here = world.fetcher().fetch(id).await.unwrap();
    let fetcher = world.fetcher();
    fetcher.local(id).await.unwrap();
    fs::remove_file(here.dir.join("memory")).unwrap();
    assert!(fetcher.local(id).await.is_none());
    let asked = world.nest.all_asked();
    let mended = fetcher.fetch(id).await.unwrap();
    assert!(holds(&mended, &contents(&[chunk(2), chunk(3)])));
    assert_eq!(world.nest.all_asked() - asked, 1);
}

#[tokio::test]
async fn chunks_of_another_snapshot_here_are_not_fetched_and_not_trusted() {
    need_qemu!();
    let world = world().await;
    let first = world.publish_one();
    let fetcher = world.fetcher();
    let here = fetcher.fetch(first).await.unwrap();
    // One of its chunks goes bad on this disk.
    let disk = fs::File::options()
        .write(true)
        .open(here.dir.join("disk"))
        .unwrap();
    chunks::write(&disk, 1, b"bad").unwrap();
    let files = contents(&[chunk(2), chunk(3), chunk(4)]);
    let (second, _) = world.publish(&files);
    let asked = world.nest.all_asked();
    assert!(holds(&fetcher.fetch(second).await.unwrap(), &files));
    // Its manifest, the new chunk, and the one that had gone bad.
    assert_eq!(world.nest.all_asked() - asked, 3);
}

#[tokio::test]
async fn all_who_want_a_snapshot_wait_for_one_fetch_which_nobody_can_stop() {
    need_qemu!();
    let world = world_with(Nest {
        gate: Some(Semaphore::new(0)),
        ..Nest::default()
    })
    .await;
    let id = world.publish_one();
    let fetcher = world.fetcher();
    let impatient = tokio::spawn({
        let fetcher = fetcher.clone();
        async move { fetcher.fetch(id).await }
    });
    while world.nest.all_asked() == 0 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    world.nest.gate.as_ref().unwrap().add_permits(100);
    let (one, two) = tokio::join!(fetcher.fetch(id), fetcher.fetch(id));
    assert_eq!(one.unwrap().dir, two.unwrap().dir);
    assert_eq!(world.nest.asked(id), 1);
}

#[tokio::test]
async fn a_full_disk_is_said_before_anything_comes() {
    let world = world().await;
    let (id, manifest) = world.publish(&contents(&[chunk(2)]));
    let spare = 1 << 60;
    let fetcher = Fetcher::with_spare(world.dir.path(), world.server.clone(), spare).unwrap();
    let problem = fetcher.fetch(id).await.unwrap_err();
    let needed = (spare + local::bytes(&manifest)).div_ceil(1 << 20);
    assert!(
        matches!(problem, Problem::DiskFull { needed_mb, free_mb } if needed_mb == needed && free_mb < needed)
    );
    assert_eq!(world.nest.all_asked(), 1);
}

#[tokio::test]
async fn a_disk_that_fills_up_meanwhile_is_told_with_its_numbers() {
    let world = world().await;
    let fetcher = Fetcher::with_spare(world.dir.path(), world.server.clone(), 3 << 20).unwrap();
    let full = || Err::<(), _>(io::ErrorKind::StorageFull.into());
    let problem = fetcher.0.blocking(full).await.unwrap_err();
    let free = disk_free_mb(world.dir.path()).unwrap();
    // Others write to that disk, too.
    assert!(
        matches!(problem, Problem::DiskFull { needed_mb: 3, free_mb } if free_mb > 0 && free_mb.abs_diff(free) < 1_000),
        "{problem:?}"
    );
}

#[tokio::test]
async fn when_the_disk_is_short_only_what_nobody_wants_is_removed() {
    need_qemu!();
    let world = world().await;
    let [kept, old, new] = [2, 3, 4].map(|seed| world.publish(&contents(&[chunk(seed)])).0);
    world.fetcher().fetch(kept).await.unwrap();
    world.fetcher().fetch(old).await.unwrap();
    let short = Fetcher::with_spare(world.dir.path(), world.server.clone(), 1 << 60).unwrap();
    // Before it is known what is wanted, all is.
    short.fetch(new).await.unwrap_err();
    assert!(short.local(old).await.is_some());
    short.retain(&[kept]);
    short.fetch(new).await.unwrap_err();
    assert!(short.local(old).await.is_none());
    assert!(short.local(kept).await.is_some());
    assert!(
        world.entries().contains(&format!("{}{new}", room::PART)),
        "what is being fetched was removed"
    );
}
