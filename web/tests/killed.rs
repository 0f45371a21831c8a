//! The server is killed at every step of a match, and started again: the end is the same.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Line, Person, digest, enrolment, manifest, openarena,
    program::{Serving, printed, run, serve_with},
    scripted::Scripted,
    send,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use vmatrix_wire::Secret;

struct Fleet {
    line: Line,
    oscar: Person,
    hosts: Vec<Scripted>,
    rosters: Value,
}

/// Everything up to the booking, by the command line and the API alone.
async fn fleet(data: &Path, serving: &Serving) -> Fleet {
    let line = Line::to(&serving.url);
    printed(&run(data, &["admin", "user", "olga", "--role", "operator"]));
    let oscar = Person::with_token(&printed(&run(data, &["admin", "token", "olga"])));
    let chunk = b"game";
    let put = |path: String, body: Vec<u8>| {
        line.request(Method::PUT, &path)
            .bearer_auth(oscar.token())
            .body(body)
    };
    let packed = zstd::encode_all(&chunk[..], 1).unwrap();
    send(put(format!("/api/v1/nest/chunks/{}", digest(chunk)), packed))
        .await
        .expect(204);
    let bytes = serde_json::to_vec(&manifest("openarena", openarena(), chunk)).unwrap();
    send(put(format!("/api/v1/nest/manifests/{}", digest(&bytes)), bytes))
        .await
        .expect(201);
    let mut hosts = Vec::new();
    for name in ["mad-1", "par-1"] {
        let token = Secret::new(printed(&run(data, &["admin", "join-token"])));
        let joined = line.enrol(&enrolment(name, &token)).await.expect(201);
        let secret = Person::with_token(joined["secret"].as_str().unwrap());
        hosts.push(Scripted::with_secret(secret, |_| Some(40_000)));
    }
    let mut rosters = Vec::new();
    for (clan, address) in [("Reds", "10.77.0.11"), ("Blues", "10.77.0.21")] {
        let clan = line
            .api(&oscar, Method::POST, "/clans", Some(json!({ "name": clan })))
            .await
            .expect(201);
        let path = format!("/clans/{}/players", clan["id"].as_str().unwrap());
        let player = Some(json!({ "name": "One", "address": address }));
        let player = line.api(&oscar, Method::POST, &path, player).await.expect(201);
        rosters.push(json!({ "clan": clan["id"], "players": [player["id"]] }));
    }
    let rosters = rosters.into();
    Fleet {
        line,
        oscar,
        hosts,
        rosters,
    }
}

impl Fleet {
    async fn turn(&mut self) {
        for host in &mut self.hosts {
            host.turn(&self.line).await;
        }
    }

    /// Until each host was seen from outside.
    async fn until_reached(&mut self) {
        for _ in 0..100 {
            self.turn().await;
            let hosts = self
                .line
                .api(&self.oscar, Method::GET, "/hosts", None)
                .await
                .expect(200);
            if hosts
                .as_array()
                .unwrap()
                .iter()
                .all(|host| host["reached_at"].is_string())
            {
                return;
            }
        }
        panic!("the hosts never saw each other");
    }
}

#[tokio::test]
async fn a_server_killed_at_every_turn_still_gets_the_match_ready_once() {
    let dir = tempfile::tempdir().unwrap();
    // Each life is on the same address, as agents know no other; one that no other test has, so that nobody takes it
    // in between.
    let [.., b, c, d] = std::process::id().to_be_bytes();
    let address = format!("127.{b}.{c}.{d}:18080");
    let masters = "10.77.9.9:27950";
    let flags = [
        "--allow-private-addresses",
        "--masters",
        masters,
        "--listen",
        &address,
    ];
    let mut serving = serve_with(dir.path(), &flags);
    let mut fleet = fleet(dir.path(), &serving).await;
    fleet.until_reached().await;
    let booking =
        json!({ "image": "openarena", "start": "now", "length_minutes": 30, "rosters": fleet.rosters });
    let booked = fleet
        .line
        .api(&fleet.oscar, Method::POST, "/matches", Some(booking))
        .await
        .expect(201);
    let path = format!("/matches/{}", booked["match"]["id"].as_str().unwrap());

    let mut lives = 0;
    for _ in 0..100 {
        drop(serving);
        serving = serve_with(dir.path(), &flags);
        lives += 1;
        fleet.turn().await;
        let now = fleet
            .line
            .api(&fleet.oscar, Method::GET, &path, None)
            .await
            .expect(200);
        let ordered: usize = fleet.hosts.iter().map(Scripted::ordered).sum();
        assert!(ordered <= 1, "{ordered} VMs for one match");
        if now["match"]["state"] == "ready" {
            assert_eq!(ordered, 1);
            assert!(lives > 2, "it was ready before it was killed twice");
            return;
        }
    }
    let now = fleet.line.api(&fleet.oscar, Method::GET, &path, None).await;
    panic!("never ready: {}", now.text);
}
