//! Clans and players of a world, as the server knows them, and the matches that they play.

use super::{Api, Fleet, text, wait};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody who can sign in on the website.
#[derive(Debug, Clone)]
pub struct Account {
    /// Name to sign in with.
    pub name: String,
    /// Password to sign in with.
    pub password: String,
}

/// A clan with its players.
#[derive(Debug, Clone)]
pub struct Clan {
    /// Id in the server.
    pub id: String,
    /// As in the world's file.
    pub name: String,
    /// Its players.
    pub players: Vec<Player>,
}

/// A player.
#[derive(Debug, Clone)]
pub struct Player {
    /// Id in the server.
    pub id: String,
    /// As in the world's file; the namespace is `vmx-<name>`.
    pub name: String,
}

impl Clan {
    /// As a roster of a booking, with all its players.
    #[must_use]
    pub fn roster(&self) -> Value {
        let players: Vec<&str> = self.players.iter().map(|player| player.id.as_str()).collect();
        json!({ "clan": self.id, "players": players })
    }
}

impl Fleet {
    /// Enters all clans and players of the world, as an organiser would.
    pub async fn enter_clans(&self, api: &Api) -> Result<Vec<Clan>> {
        let mut clans: Vec<Clan> = Vec::new();
        for node in &self.running.world().players {
            if !clans.iter().any(|clan| clan.name == node.clan) {
                let made = api.post("/clans", json!({ "name": node.clan })).await?;
                clans.push(Clan {
                    id: text(&made, "/id")?.to_owned(),
                    name: node.clan.clone(),
                    players: Vec::new(),
                });
            }
            let clan = clans
                .iter_mut()
                .find(|clan| clan.name == node.clan)
                .context("a clan just made is gone")?;
            let body = json!({ "name": node.name, "address": self.running.address(&node.name)?.to_string() });
            let made = api.post(&format!("/clans/{}/players", clan.id), body).await?;
            clan.players.push(Player {
                id: text(&made, "/id")?.to_owned(),
                name: node.name.clone(),
            });
        }
        Ok(clans)
    }

    /// Books a match that starts now between the first two clans; gives its id.
    pub async fn book_now(&self, api: &Api, clans: &[Clan]) -> Result<String> {
        let [home, away, ..] = clans else {
            bail!("a match needs two clans")
        };
        let booking = json!({
            "image": "openarena",
            "start": "now",
            "length_minutes": 30,
            "rosters": [home.roster(), away.roster()],
        });
        Ok(text(&api.post("/matches", booking).await?, "/match/id")?.to_owned())
    }

    /// Waits until the match is in one of `states`, and gives its whole view. Each new sentence of its story goes to `say`.
    pub async fn follow(
        &self,
        api: &Api,
        id: &str,
        states: &[&str],
        limit: Duration,
        say: &dyn Fn(&str),
    ) -> Result<Value> {
        let mut told = 0;
        let what = format!("match {id} is {}", states.join(" or "));
        wait(limit, &what, async || {
            let view = api.get(&format!("/matches/{id}")).await?;
            let story = view["story"].as_array().map_or(&[][..], Vec::as_slice);
            for sentence in story.iter().skip(told) {
                say(sentence["text"].as_str().unwrap_or_default());
            }
            told = story.len().max(told);
            let state = text(&view, "/match/state")?.to_owned();
            let stuck = ["failed", "unplaced", "cancelled", "over"].contains(&state.as_str());
            if states.contains(&state.as_str()) {
                return Ok(Ok(view));
            }
            if stuck {
                bail!("match {id} is {state}: {view}");
            }
            Ok(Err(json!({ "state": state, "story": view["story"] })))
        })
        .await
    }
}
