//! A website with the two scripts and nothing else, under as strict a policy as the real one.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the page of an invite link must allow.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self' https: wss:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const TEST: &str = "import { measureAll, measureHost } from './measure.js'; Object.assign(window, { measureAll, measureHost });";

const PLAY: &str = r#"<!DOCTYPE html><title>Play</title><script type="module" src="/play.js"></script>
<form id="play" data-begin="/begin" data-result="/result"><input name="name" value="akela"><input type="checkbox" name="may_ping">
<button type="submit">Go</button></form><output id="progress"></output><ol id="hosts"></ol>"#;

#[derive(Clone)]
pub struct Website {
    pub base: String,
    begin: Value,
    /// What was sent as the result.
    pub result: Arc<Mutex<Option<Value>>>,
}

impl Website {
    /// `begin` is what the server answers there. A result of the name `taken` is refused.
    pub async fn start(begin: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let website = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            begin,
            result: Arc::default(),
        };
        let serving = website.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let website = serving.clone();
                tokio::spawn(async move { website.answer(stream).await });
            }
        });
        website
    }

    async fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let (line, body) = request(&mut stream).await?;
        let (status, kind, text) = match line.as_str() {
            "GET /" => (
                "200 OK",
                "text/html",
                "<!DOCTYPE html><title>Test</title><script type=module src=/test.js></script>".to_owned(),
            ),
            "GET /play" => ("200 OK", "text/html", PLAY.to_owned()),
            "GET /test.js" => ("200 OK", "text/javascript", TEST.to_owned()),
            "GET /play.js" => (
                "200 OK",
                "text/javascript",
                include_str!("../../../static/play.js").to_owned(),
            ),
            "GET /measure.js" => (
                "200 OK",
                "text/javascript",
                include_str!("../../../static/measure.js").to_owned(),
            ),
            "POST /begin" => ("200 OK", "application/json", self.begin.to_string()),
            "POST /result" => self.take(serde_json::from_slice(&body).unwrap()),
            _ => ("404 Not Found", "text/plain", String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncontent-security-policy: {POLICY}\r\nconnection: close\r\n\r\n",
            text.len()
        );
        stream.write_all((head + &text).as_bytes()).await.ok()
    }

    fn take(&self, result: Value) -> (&'static str, &'static str, String) {
        if result["name"] == "taken" {
            let problem =
                json!({ "title": "Unprocessable", "status": 422, "detail": "name: \"taken\" is taken" });
            return (
                "422 Unprocessable Entity",
                "application/problem+json",
                problem.to_string(),
            );
        }
        let measured = result["hosts"].as_array().map_or(0, Vec::len);
        let said = json!({ "player": result["name"], "measured": measured });
        *self.result.lock().unwrap() = Some(result);
        ("200 OK", "application/json", said.to_string())
    }
}

/// `METHOD PATH`, and the body.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&part[..length]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let wanted = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if bytes.len() >= end + 4 + wanted.unwrap_or(0) {
            let line = String::from_utf8_lossy(&bytes[..end]).lines().next()?.to_owned();
            let words: Vec<&str> = line.split(' ').take(2).collect();
            return Some((words.join(" "), bytes[end + 4..].to_vec()));
        }
    }
}
