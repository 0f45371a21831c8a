//! A nest on loopback, and an agent's directory.

use super::super::*;
use crate::images::samples;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use vmatrix_wire::{FileIndex, PROTOCOL, Secret};

/// What the server does with the next requests for a part.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mood {
    Lie,
    CutOff,
    Fail,
    Lack,
}

/// A nest on loopback.
#[derive(Default)]
pub(super) struct Nest {
    pub(super) parts: Mutex<HashMap<Digest, Vec<u8>>>,
    pub(super) moods: Mutex<HashMap<Digest, Vec<Mood>>>,
    pub(super) asked: Mutex<Vec<Digest>>,
    pub(super) bad_requests: AtomicUsize,
    /// Answers wait for these, if it is closed to begin with.
    pub(super) gate: Option<Semaphore>,
}

impl Nest {
    pub(super) fn asked(&self, digest: Digest) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| **asked == digest)
            .count()
    }

    pub(super) fn all_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(super) fn will(&self, digest: Digest, moods: &[Mood]) {
        self.moods
            .lock()
            .unwrap()
            .insert(digest, moods.iter().rev().copied().collect());
    }

    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let nest = Arc::clone(&self);
            tokio::spawn(async move { nest.answer(stream).await });
        }
    }

    /// One request a connection.
    pub(super) async fn answer(&self, stream: TcpStream) -> Option<()> {
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

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) nest: Arc<Nest>,
    pub(super) server: Server,
}

pub(super) async fn world_with(nest: Nest) -> World {
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

pub(super) async fn world() -> World {
    world_with(Nest::default()).await
}

/// Chunks that differ from each other.
pub(super) fn chunk(seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; chunks::CHUNK];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

pub(super) fn contents(disk: &[Vec<u8>]) -> [(&'static str, Vec<u8>); 4] {
    let memory = [chunk(1), vec![0; chunks::CHUNK], chunk(1)].concat();
    [
        ("disk", disk.concat()),
        ("memory", memory),
        ("state", vec![5; 1000]),
        ("kernel", vec![6; chunks::CHUNK + 7]),
    ]
}

impl World {
    pub(super) fn fetcher(&self) -> Fetcher {
        Fetcher::with_spare(self.dir.path(), self.server.clone(), 0).unwrap()
    }

    /// Puts a snapshot of these files into the nest.
    pub(super) fn publish(&self, contents: &[(&str, Vec<u8>)]) -> (SnapshotId, Manifest) {
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
        let manifest = samples::manifest(files.collect());
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let id = chunks::digest(&bytes);
        parts.insert(id, bytes);
        (id, manifest)
    }

    pub(super) fn publish_one(&self) -> SnapshotId {
        self.publish(&contents(&[chunk(2), chunk(3)])).0
    }

    pub(super) fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("snapshots")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}
