//! With a single host, the server looks for itself.

use super::world::World;
use crate::{
    oracle,
    store::{hosts, testing::sqlite},
};
use std::net::IpAddr;
use tokio::net::UdpSocket;

#[tokio::test]
async fn the_server_is_its_own_witness_where_there_is_no_other_host() {
    let mut world = World::new(sqlite().await, &[]).await;
    // Something on loopback that answers beacons and the game's query, as a host and its VM would.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let answers = tokio::spawn(async move {
        let mut packet = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let heard = &packet[..length];
            let answer = if heard.starts_with(b"vmatrix-beacon ") {
                heard
            } else {
                b"\xff\xff\xff\xffinfoResponse\n\\a\\b"
            };
            socket.send_to(answer, from).await.unwrap();
        }
    });
    world
        .join_with(1, &[10, 20, 30, 40], |host| {
            host.public_address = IpAddr::from([127, 0, 0, 1]);
            host.ports = format!("{port}-{port}").parse().unwrap();
        })
        .await;
    let host = world.hosts[0].host.id;
    world.ticks(2).await;
    oracle::witness::step(&world.app).await;
    let mut tx = world.app.db.read().await.unwrap();
    assert!(
        hosts::get(&mut tx, host)
            .await
            .unwrap()
            .unwrap()
            .reached_at
            .is_some()
    );
    drop(tx);

    let id = world.book_now().await;
    world.ticks(15).await;
    assert_eq!(world.view(id).await.booked.state, "waking");
    oracle::witness::step(&world.app).await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.connect.unwrap().address, format!("127.0.0.1:{port}"));
    answers.abort();
}
