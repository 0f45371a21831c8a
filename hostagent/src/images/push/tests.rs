//! Pushing to a server that is real, on a socket, and remembers what it was sent.

use super::*;
use crate::images::samples;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A nest on loopback.
#[derive(Default)]
struct Nest {
    /// Paths behind `/api/v1/nest/`, in order, with their bodies.
    puts: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Nest {
    fn has(&self, digest: Digest) -> bool {
        self.puts
            .lock()
            .unwrap()
            .iter()
            .any(|(path, _)| *path == format!("chunks/{digest}"))
    }

    fn names(&self) -> Vec<String> {
        self.puts
            .lock()
            .unwrap()
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    async fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).await.ok()? > 0).then_some(())?;
        }
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        let path = head.split(' ').nth(1)?.strip_prefix("/api/v1/nest/")?.to_owned();
        let (status, answer) = if !head.to_lowercase().contains("authorization: bearer t0ken") {
            ("401 Unauthorized", r#"{"detail":"Send a token."}"#.to_owned())
        } else if head.starts_with("POST") {
            let asked: serde_json::Value = serde_json::from_slice(&body).ok()?;
            let asked: Vec<Digest> = serde_json::from_value(asked["chunks"].clone()).ok()?;
            let missing: Vec<Digest> = asked.into_iter().filter(|digest| !self.has(*digest)).collect();
            ("200 OK", json!({ "missing": missing }).to_string())
        } else {
            self.puts.lock().unwrap().push((path, body));
            ("204 No Content", String::new())
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all((head + &answer).as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }
}

struct World {
    dir: tempfile::TempDir,
    nest: Arc<Nest>,
    url: Url,
}

impl World {
    async fn up() -> Self {
        crate::tls::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let nest = Arc::new(Nest::default());
        let server = Arc::clone(&nest);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let nest = Arc::clone(&server);
                tokio::spawn(async move { nest.answer(stream).await });
            }
        });
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
            nest,
            url,
        };
        let one = vec![1; chunks::CHUNK];
        world.write("disk", &[&one[..], &vec![0; chunks::CHUNK], &one].concat());
        world.write("memory", &vec![2; chunks::CHUNK + 5]);
        world.write("state", b"state");
        world.write("kernel", b"kernel");
        let files = Manifest::FILES.map(|name| chunks::index(name, &world.dir.path().join(name)).unwrap());
        world.write(
            local::MANIFEST,
            &serde_json::to_vec(&samples::manifest(files.to_vec())).unwrap(),
        );
        world
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.dir.path().join(name), bytes).unwrap();
    }

    async fn push(&self, token: &str) -> Result<Pushed, PushError> {
        push(self.dir.path(), &self.url, false, Secret::new(token), &|_| ()).await
    }
}

#[tokio::test]
async fn every_chunk_is_sent_once_and_the_manifest_last() {
    let world = World::up().await;
    let pushed = world.push("t0ken").await.unwrap();
    assert_eq!((pushed.chunks, pushed.sent), (5, 5));
    let puts = world.nest.puts.lock().unwrap().clone();
    assert_eq!(puts.len(), 6);
    assert_eq!(puts[5].0, format!("manifests/{}", pushed.id));
    assert_eq!(chunks::digest(&puts[5].1), pushed.id);
    let sent = puts[..5].iter().map(|(_, body)| body.len() as u64).sum::<u64>();
    assert_eq!(pushed.sent_bytes, sent);
    for (path, body) in &puts[..5] {
        let digest = path.strip_prefix("chunks/").unwrap().parse().unwrap();
        chunks::unpack(digest, body).unwrap();
    }
}

#[tokio::test]
async fn pushing_twice_sends_no_chunk_twice() {
    let world = World::up().await;
    let first = world.push("t0ken").await.unwrap();
    let second = world.push("t0ken").await.unwrap();
    assert_eq!(
        second,
        Pushed {
            sent: 0,
            sent_bytes: 0,
            ..first
        }
    );
    assert_eq!(world.nest.names().len(), 7);
}

#[tokio::test]
async fn a_file_that_has_changed_is_named_and_makes_no_snapshot() {
    let world = World::up().await;
    world.write("memory", &[&vec![2; chunks::CHUNK][..], b"other"].concat());
    match world.push("t0ken").await.unwrap_err() {
        PushError::Changed {
            path,
            n,
            digest,
            found,
        } => {
            assert_eq!((path, n), (world.dir.path().join("memory"), 1));
            assert_eq!(
                (digest, found),
                (chunks::digest(&[2; 5]), chunks::digest(b"other"))
            );
        }
        other => panic!("{other}"),
    }
    assert!(
        !world
            .nest
            .names()
            .iter()
            .any(|path| path.starts_with("manifests/"))
    );
}

#[tokio::test]
async fn a_wrong_token_and_a_directory_without_a_snapshot_are_refused() {
    let world = World::up().await;
    let refused = world.push("wrong").await.unwrap_err();
    assert!(
        matches!(refused, PushError::Server(ServerError::Unknown(ref why)) if why == "Send a token."),
        "{refused}"
    );
    world.write(local::MANIFEST, b"{}");
    assert!(matches!(
        world.push("t0ken").await,
        Err(PushError::Manifest { .. })
    ));
    fs::remove_file(world.dir.path().join(local::MANIFEST)).unwrap();
    assert!(matches!(world.push("t0ken").await, Err(PushError::Read { .. })));
    assert_eq!(world.nest.names(), [""; 0]);
}
