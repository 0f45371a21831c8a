//! Connections that say nothing are not kept by the real listener either; how long exactly they are, is for the server's own
//! tests to say. The clock is a test's: it moves on while everybody waits.
#![allow(clippy::unwrap_used)]

mod common;

use common::world;
use tokio::{io::AsyncReadExt, net::TcpStream, time::Instant};
use vmatrix_web::domain::limits::HEAD_WITHIN;

#[tokio::test]
async fn who_connects_and_says_nothing_is_cut_off_in_the_end_and_not_before() {
    // The database needs the real clock to open.
    let world = world().await;
    tokio::time::pause();
    let begun = Instant::now();
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let mut said = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut said).await;
    // No upper bound: the clock may run ahead of what the system has yet to hand over.
    assert!(begun.elapsed() >= HEAD_WITHIN, "{:?}", begun.elapsed());
    assert_eq!(said, b"");
}
