//! Talks to a guest that is not a game: waits for its web application's answer, steps its clock.

use super::arguments::AGENT;
use super::game::ANSWER_LIMIT;
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
    time::{Instant, sleep, timeout},
};

/// One request may take this long: a web application's first page after a resume is slow where guests are translated.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until a GET of `path` is answered with a status below 400. False if it never is.
pub(super) async fn answers_soon(inside: SocketAddr, path: &str) -> bool {
    let deadline = Instant::now() + ANSWER_LIMIT;
    while Instant::now() < deadline {
        if answers(inside, path).await {
            return true;
        }
        sleep(PAUSE).await;
    }
    false
}

/// Whether a GET of `path` is answered now with a status below 400.
pub(super) async fn answers(inside: SocketAddr, path: &str) -> bool {
    timeout(PATIENCE, status(inside, path))
        .await
        .ok()
        .flatten()
        .is_some_and(|status| status < 400)
}

async fn status(inside: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = BufReader::new(TcpStream::connect(inside).await.ok()?);
    let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", inside.ip());
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    // HTTP/1.1 200 OK
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
}

/// Tells the guest's agent what time it is.
///
/// # Errors
/// Why it was not told.
pub(super) async fn step_clock(dir: &Path, now: std::time::Duration) -> Result<(), String> {
    let told = async {
        let stream = UnixStream::connect(dir.join(AGENT))
            .await
            .map_err(|error| error.to_string())?;
        let mut stream = BufReader::new(stream);
        let nanoseconds = i64::try_from(now.as_nanos()).map_err(|error| error.to_string())?;
        let command = json!({ "execute": "guest-set-time", "arguments": { "time": nanoseconds } });
        stream
            .write_all(format!("{command}\n").as_bytes())
            .await
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        stream
            .read_line(&mut line)
            .await
            .map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        match answer.get("error") {
            None => Ok(()),
            Some(error) => Err(error.to_string()),
        }
    };
    timeout(PATIENCE, told)
        .await
        .unwrap_or_else(|_| Err(format!("the guest agent was silent for {PATIENCE:?}")))
}
