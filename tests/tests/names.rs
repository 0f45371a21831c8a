//! The world's name servers know which zone is where, and answer from where they stand. Needs root.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};
use vmatrix_tests::{name_servers, up::Running, world::World};

/// A question for the SOA record of a zone.
fn question(zone: &str, recursive: bool) -> Vec<u8> {
    let mut packet = vec![7, 7, u8::from(recursive), 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in zone.split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, 6, 0, 1]);
    packet
}

/// Response code and number of answers, and how long it took.
fn ask(running: &Running, from: &str, server: &str, packet: &[u8]) -> Option<(u8, u8, Duration)> {
    let address = running.address(server).unwrap();
    let asked = || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let begun = Instant::now();
        socket.send_to(packet, (address, 53)).unwrap();
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).ok()?;
        assert!(length > 12 && answer[..2] == [7, 7]);
        Some((answer[3] & 15, answer[7], begun.elapsed()))
    };
    running.in_namespace(from, asked).unwrap()
}

#[test]
fn each_zone_is_found_from_above_and_answers_from_where_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/worlds/atlantic.toml");
    let running = Running::start(World::load(Path::new(path)).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut started = name_servers::start(&running, dir.path(), dir.path()).unwrap();
    let [_, _, network, _] = running.address("strix").unwrap().octets();
    let zone = format!("{network}.77.10.in-addr.arpa");
    let waited = Instant::now();
    // The one above asks the one in Vienna, which has to be up for that.
    while ask(&running, "miami", "nsamerica", &question(&zone, true)).is_none_or(|(code, ..)| code != 0) {
        assert!(waited.elapsed() < Duration::from_secs(60), "no answer from above");
    }
    let truth = running.world().rtt_ms("miami", "nseurope").unwrap();
    let asked: Vec<_> = (0..10)
        .filter_map(|_| ask(&running, "miami", "nseurope", &question(&zone, false)))
        .collect();
    assert!(
        asked.iter().all(|(code, answers, _)| (*code, *answers) == (0, 1)),
        "{asked:?}"
    );
    let quickest = asked
        .iter()
        .map(|(.., took)| took.as_secs_f64() * 1000.0)
        .fold(f64::MAX, f64::min);
    // No machine makes a packet early; how late the quickest of ten comes depends on the machine.
    assert!(
        quickest > truth - 5.0 && quickest < truth + 50.0,
        "{quickest} ms, {truth} ms told"
    );
    for (_, server) in &mut started {
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
