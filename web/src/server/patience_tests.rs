//! How long a connection may take for the head of a request. The connection is a pipe in memory and the clock is the test's,
//! which moves on while everybody waits: nothing here depends on the speed of a machine.

use super::*;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, sleep},
};

/// A connection that the server has taken.
fn connected() -> DuplexStream {
    let (here, there) = tokio::io::duplex(4096);
    let router: Router = Router::new().route("/", get(async || "well"));
    tokio::spawn(async move {
        let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
        set_patience(&mut http);
        let service = TowerToHyperService::new(router);
        // How it ends is for the other side to see.
        let _ = http.serve_connection(TokioIo::new(there), service).await;
    });
    here
}

/// How long until the server closes, and what it said before.
async fn closed_after(stream: &mut DuplexStream) -> (Duration, String) {
    let (begun, mut said) = (Instant::now(), Vec::new());
    stream.read_to_end(&mut said).await.unwrap();
    (begun.elapsed(), String::from_utf8(said).unwrap())
}

fn about(wanted: Duration, took: Duration) -> bool {
    (wanted..wanted + Duration::from_secs(1)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn who_connects_and_says_nothing_is_cut_off() {
    let (took, said) = closed_after(&mut connected()).await;
    assert!(about(HEAD_WITHIN, took), "{took:?}");
    assert_eq!(said, "");
}

#[tokio::test(start_paused = true)]
async fn who_sends_a_head_letter_by_letter_is_cut_off() {
    let (mut stream, begun) = (connected(), Instant::now());
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    while stream.write_all(b"a").await.is_ok() {
        assert!(begun.elapsed() < 2 * HEAD_WITHIN, "still listened to");
        sleep(Duration::from_secs(1)).await;
    }
    let took = begun.elapsed();
    assert!(
        (HEAD_WITHIN..=HEAD_WITHIN + Duration::from_secs(2)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_used_now_and_then_is_kept() {
    let mut stream = connected();
    for _ in 0..3 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        while !answer.ends_with("well") {
            let byte = stream.read_u8().await.unwrap();
            answer.push(char::from(byte));
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        sleep(HEAD_WITHIN / 2).await;
    }
    let (took, said) = closed_after(&mut stream).await;
    assert!(about(HEAD_WITHIN / 2, took) && said.is_empty(), "{took:?} {said}");
}
