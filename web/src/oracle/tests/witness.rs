//! With a single host, the server looks for itself.

use super::world::World;
use crate::{
    oracle,
    store::{hosts, testing::sqlite},
};
use std::net::IpAddr;
use tokio::net::UdpSocket;
use vmatrix_wire::quake3::{Packet, ServerList};

const INFO: &[u8] = b"\xff\xff\xff\xffinfoResponse\n\\challenge\\vmatrix\\protocol\\71\\hostname\\x\\mapname\\oa_dm1\\clients\\0\\sv_maxclients\\8\\gamename\\Quake3Arena";

#[tokio::test]
async fn the_server_is_its_own_witness_where_there_is_no_other_host() {
    let mut world = World::new(sqlite().await, &[]).await;
    // Something on loopback that answers beacons and the game's query, as a host and its VM would.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    // It is its own directory too.
    let masters = vec![socket.local_addr().unwrap()];
    world.app.settings = std::sync::Arc::new(crate::app::Settings {
        masters,
        ..(*world.app.settings).clone()
    });
    let answers = tokio::spawn(async move {
        let mut packet = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let heard = &packet[..length];
            let answer = match Packet::parse(heard) {
                Ok(Packet::GetInfo { .. }) => INFO.to_vec(),
                Ok(Packet::GetServers(_)) => {
                    ServerList::packets(true, &[socket.local_addr().unwrap()]).remove(0)
                }
                _ => heard.to_vec(),
            };
            socket.send_to(&answer, from).await.unwrap();
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
    oracle::witness::step(&world.app).await.unwrap();
    let mut tx = world.app.db.read().await.unwrap();
    let seen = hosts::get(&mut tx, host).await.unwrap().unwrap().reached;
    assert_eq!(seen.map(|(_, by)| by), Some(crate::domain::Onlooker::Server));
    drop(tx);

    let id = world.book_now().await;
    world.ticks(15).await;
    assert_eq!(world.view(id).await.booked.state, "waking");
    oracle::witness::step(&world.app).await.unwrap();
    let view = world.until(id, "ready").await;
    assert!(view.directory.listed);
    assert_eq!(view.connect.unwrap().address, format!("127.0.0.1:{port}"));
    answers.abort();
}
