//! Fetching from a server that is real, on a socket, and does what it is told to: lie, cut off, fail.

use super::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use vmatrix_wire::{
    Accelerator, Clock, Contract, FileIndex, LoadKey, Machine, Need, PROTOCOL, Proof, Secret,
};

/// What the server does with the next requests for a part.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Lie,
    CutOff,
    Fail,
    Lack,
}

/// A nest on loopback.
#[derive(Default)]
struct Nest {
    parts: Mutex<HashMap<Digest, Vec<u8>>>,
    moods: Mutex<HashMap<Digest, Vec<Mood>>>,
    asked: Mutex<Vec<Digest>>,
    bad_requests: AtomicUsize,
    /// Answers wait for these, if it is closed to begin with.
    gate: Option<Semaphore>,
}

impl Nest {
    fn asked(&self, digest: Digest) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| **asked == digest)
            .count()
    }

    fn all_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn will(&self, digest: Digest, moods: &[Mood]) {
        self.moods
            .lock()
            .unwrap()
            .insert(digest, moods.iter().rev().copied().collect());
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let nest = Arc::clone(&self);
            tokio::spawn(async move { nest.answer(stream).await });
        }
    }

    /// One request a connection.
    async fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).await.ok()? > 0).then_some(())?;
        }
        let head = head.to_lowercase();
        let path = head.split(' ').nth(1)?;
        let digest: Digest = path.rsplit('/').next()?.parse().ok()?;
        let shown = head.contains("authorization: bearer s3cret")
            && head.contains(&format!("x-vmatrix-protocol: {PROTOCOL}"));
        if !shown {
            self.bad_requests.fetch_add(1, Ordering::Relaxed);
        }
        self.asked.lock().unwrap().push(digest);
        if let Some(gate) = &self.gate {
            gate.acquire().await.ok()?.forget();
        }
        let mood = self.moods.lock().unwrap().get_mut(&digest).and_then(Vec::pop);
        let body = self.parts.lock().unwrap().get(&digest).cloned();
        let (status, body) = match (mood, body) {
            (Some(Mood::Lack), _) | (None, None) => ("404 Not Found", Vec::new()),
            (Some(Mood::Fail), _) => ("503 Service Unavailable", Vec::new()),
            (Some(Mood::Lie), _) => ("200 OK", chunks::pack(b"something else").unwrap()),
            (_, Some(body)) => ("200 OK", body),
            (_, None) => return None,
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let sent = if mood == Some(Mood::CutOff) {
            body.len() / 2
        } else {
            body.len()
        };
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&body[..sent]).await.ok()?;
        stream.shutdown().await.ok()?;
        // Until the client has gone: closing with something unread would take the answer back.
        let _ = stream.read(&mut [0; 1]).await;
        Some(())
    }
}

struct World {
    dir: tempfile::TempDir,
    nest: Arc<Nest>,
    server: Server,
}

async fn world_with(nest: Nest) -> World {
    crate::tls::install();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let nest = Arc::new(nest);
    tokio::spawn(Arc::clone(&nest).serve(listener));
    let server = Server::new(&url, false, Some(Secret::new("s3cret"))).unwrap();
    World {
        dir: tempfile::tempdir().unwrap(),
        nest,
        server,
    }
}

async fn world() -> World {
    world_with(Nest::default()).await
}

/// Chunks that differ from each other.
fn chunk(seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; chunks::CHUNK];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn contents(disk: &[Vec<u8>]) -> [(&'static str, Vec<u8>); 4] {
    let memory = [chunk(1), vec![0; chunks::CHUNK], chunk(1)].concat();
    [
        ("disk", disk.concat()),
        ("memory", memory),
        ("state", vec![5; 1000]),
        ("kernel", vec![6; chunks::CHUNK + 7]),
    ]
}

impl World {
    fn fetcher(&self) -> Fetcher {
        Fetcher::with_spare(self.dir.path(), self.server.clone(), 0).unwrap()
    }

    /// Puts a snapshot of these files into the nest.
    fn publish(&self, contents: &[(&str, Vec<u8>)]) -> (SnapshotId, Manifest) {
        let mut parts = self.nest.parts.lock().unwrap();
        let files = contents.iter().map(|(name, bytes)| {
            let chunks = bytes.chunks(chunks::CHUNK).map(|chunk| {
                let digest = chunks::name_of(chunk)?;
                parts.insert(digest, chunks::pack(chunk).unwrap());
                Some(digest)
            });
            FileIndex {
                name: (*name).to_owned(),
                size: bytes.len() as u64,
                chunks: chunks.collect(),
            }
        });
        let manifest = Manifest {
            format: Manifest::FORMAT,
            contract: contract(),
            key: key(),
            frozen_at_ms: 0,
            boot_ms: 15_000,
            files: files.collect(),
        };
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let id = chunks::digest(&bytes);
        parts.insert(id, bytes);
        (id, manifest)
    }

    fn publish_one(&self) -> SnapshotId {
        self.publish(&contents(&[chunk(2), chunk(3)])).0
    }

    fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("snapshots")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn contract() -> Contract {
    Contract {
        name: "wiki".into(),
        title: "A wiki".into(),
        machine: Machine {
            machine_type: "pc-q35-10.0".into(),
            cpu: "qemu64".into(),
            cores: 1,
            memory_mb: 3,
            cmdline: String::new(),
        },
        needs: Need {
            memory_mb: 3,
            disk_mb: 2,
        },
        port: 80,
        proof: Proof::Http { path: "/".into() },
        clock: Clock::Step,
        game: None,
    }
}

fn key() -> LoadKey {
    LoadKey {
        vmm: "qemu".into(),
        accelerator: Accelerator::Tcg,
        machine_type: "pc-q35-10.0".into(),
        cpu: "qemu64".into(),
        devices: Digest([0; 32]),
    }
}

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
