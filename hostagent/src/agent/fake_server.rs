//! A server on the loopback that gives each request to the test and sends back what the test says.

use super::super::Server;
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use vmatrix_wire::{Report, Secret};

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    requests: mpsc::Receiver<Asked>,
    /// Requests that were taken while waiting for others.
    put_by: VecDeque<Asked>,
}

pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    stream: TcpStream,
}

impl Asked {
    pub(super) async fn answer(self, status: &str, body: &str) {
        let kind = if status.starts_with('2') {
            "application/json"
        } else {
            "application/problem+json"
        };
        self.answer_as(status, kind, body).await;
    }

    /// With this `content-type`.
    pub(super) async fn answer_as(mut self, status: &str, kind: &str, body: &str) {
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // The agent may have been ended meanwhile.
        let _ = self.stream.write_all(format!("{head}{body}").as_bytes()).await;
    }

    pub(super) fn report(&self) -> Report {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        crate::tls::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, requests) = mpsc::channel(100);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Some(asked) = read(stream).await else { continue };
                if send.send(asked).await.is_err() {
                    return;
                }
            }
        });
        Self {
            address,
            requests,
            put_by: VecDeque::new(),
        }
    }

    pub(super) fn server(&self) -> Server {
        let base = format!("http://{}", self.address).parse().unwrap();
        Server::new(&base, false, Some(Secret::new("hush"))).unwrap()
    }

    /// The next request whose first line has these words; others are kept for later.
    pub(super) async fn next(&mut self, words: &str) -> Asked {
        if let Some(at) = self.put_by.iter().position(|asked| asked.head.contains(words)) {
            return self.put_by.remove(at).unwrap();
        }
        loop {
            let asked = self.requests.recv().await.unwrap();
            if asked.head.contains(words) {
                return asked;
            }
            self.put_by.push_back(asked);
        }
    }

    /// Answers reports until one is as wished.
    pub(super) async fn report(&mut self, wished: impl Fn(&Report) -> bool) -> Report {
        loop {
            let asked = self.next("POST /agent/v1/report").await;
            let report = asked.report();
            asked.answer("204 No Content", "").await;
            if wished(&report) {
                return report;
            }
        }
    }
}

async fn read(mut stream: TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or(0) {
        (stream.read_buf(&mut body).await.ok()? > 0).then_some(())?;
    }
    Some(Asked { head, body, stream })
}
