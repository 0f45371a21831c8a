//! A match whose players come by their clans' links.

use super::{Answer, Person, World, facts, publish_game, report, send};
use reqwest::Method;
use serde_json::{Value, json};

/// Of the Reds' player.
pub const SECRET_ADDRESS: &str = "10.9.0.77";

/// A match between two clans with a player each, a host with doors, and Reds' captain.
pub struct Evening {
    pub world: World,
    pub red: Person,
    pub blue: Person,
    pub id: String,
    pub reds: String,
    pub host: String,
}

/// As [`Evening`] says, in this world.
pub async fn evening(world: World) -> Evening {
    let operator = world.operator().await;
    publish_game(&world).await;
    let agent = world.host("newyork").await;
    let mut doors = facts();
    doors["doors"] = json!({"echo": 27900, "webtransport": {"port": 27901, "hashes": ["ab".repeat(32)]}});
    let mut told = report(1, 1);
    told["facts"] = doors;
    let answer = send(world.agent(&agent, Method::POST, "/report").json(&told)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let hosts = world.get(&operator, "/hosts").await.expect(200);
    let host = hosts[0]["id"].as_str().unwrap().to_owned();
    let (reds, red) = world.clan_with_admin("Reds").await;
    let (blues, blue) = world.clan_with_admin("Blues").await;
    let mut rosters = Vec::new();
    for (clan, by, name, address) in [
        (reds, &red, "Ruby", SECRET_ADDRESS),
        (blues, &blue, "Basil", "10.9.0.78"),
    ] {
        let player = json!({"name": name, "address": address});
        let player = world
            .post(by, &format!("/clans/{clan}/players"), player)
            .await
            .expect(201);
        assert_eq!(player["consent"], "typed");
        rosters.push(json!({"clan": clan, "players": [player["id"]]}));
    }
    let booking = json!({"image": "openarena", "start": "now", "length_minutes": 30, "rosters": rosters});
    let booked = world.post(&operator, "/matches", booking).await.expect(201);
    let id = booked["match"]["id"].as_str().unwrap().to_owned();
    Evening {
        red,
        blue,
        id,
        reds: reds.to_string(),
        host,
        world,
    }
}

impl Evening {
    /// The path of a new link for Reds' players.
    pub async fn link(&self) -> String {
        let path = format!("/matches/{}/player-links", self.id);
        let answer = self
            .world
            .post(&self.red, &path, json!({"clan": self.reds}))
            .await
            .expect(201);
        let link = answer["link"].as_str().unwrap().to_owned();
        link.strip_prefix(&self.world.url).unwrap().to_owned()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.world.request(Method::POST, path).json(body)).await
    }

    pub async fn begin(&self, link: &str) -> Value {
        self.post(&format!("{link}/begin"), &json!({})).await.expect(200)
    }

    pub fn result(&self, begun: &Value, name: &str) -> Value {
        json!({
            "nonce": begun["nonce"], "name": name, "new": true, "may_ping": true, "via": "browser",
            "hosts": [{"id": self.host, "way": "webtransport", "sent": 15, "rtts_us": vec![41_000; 15]}]
        })
    }
}
