//! Connections that say nothing, or too slowly, are not kept. The clock is a test's: it moves on while everybody waits.
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, world};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};
use vmatrix_web::domain::limits::HEAD_WITHIN;

/// A world whose clock is the test's from now on, and a connection to it.
async fn connected() -> (World, TcpStream) {
    // The database needs the real clock to open.
    let world = world().await;
    tokio::time::pause();
    let stream = TcpStream::connect(world.address()).await.unwrap();
    (world, stream)
}

/// How long until the server closes, and what it said before.
async fn closed_after(stream: &mut TcpStream) -> (Duration, String) {
    let (begun, mut said) = (Instant::now(), Vec::new());
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut said).await;
    (begun.elapsed(), String::from_utf8(said).unwrap())
}

fn about(wanted: Duration, took: Duration) -> bool {
    (wanted..wanted + Duration::from_secs(1)).contains(&took)
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_cut_off() {
    let (_world, mut stream) = connected().await;
    let (took, said) = closed_after(&mut stream).await;
    assert!(about(HEAD_WITHIN, took), "{took:?}");
    assert_eq!(said, "");
}

#[tokio::test]
async fn who_sends_a_head_letter_by_letter_is_cut_off() {
    let (_world, mut stream) = connected().await;
    let begun = Instant::now();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    while stream.write_all(b"a").await.is_ok() {
        assert!(begun.elapsed() < 3 * HEAD_WITHIN, "still listened to");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() >= HEAD_WITHIN);
}

#[tokio::test]
async fn a_connection_that_is_used_now_and_then_is_kept() {
    let (_world, mut stream) = connected().await;
    for _ in 0..3 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        sleep(HEAD_WITHIN / 2).await;
    }
    let (took, said) = closed_after(&mut stream).await;
    assert!(took < HEAD_WITHIN && said.is_empty(), "{took:?} {said}");
}
