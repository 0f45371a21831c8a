//! A match, as those see it who book and play it.

use super::{Api, Clan, Fleet, text, wait};
use crate::client::{self, Client, Join, Outcome};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use vmatrix_wire::Secret;

/// Enough for measuring, fetching and waking on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// A real client loads its data and draws by software.
const CLIENT_PATIENCE: Duration = Duration::from_secs(90);

/// A match that can be joined.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its id.
    pub id: String,
    /// All that the server said of it at that time.
    pub view: Value,
    /// Name of the chosen host.
    pub host: String,
    /// Where players connect.
    pub server: SocketAddr,
    /// What players need.
    pub password: Secret,
}

impl Fleet {
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
        // Told before, by an earlier call.
        let before = self
            .told
            .lock()
            .map_or(0, |told| told.get(id).copied().unwrap_or(0));
        let mut told = before;
        let what = format!("match {id} is {}", states.join(" or "));
        wait(limit, &what, async || {
            let view = api.get(&format!("/matches/{id}")).await?;
            let story = view["story"].as_array().map_or(&[][..], Vec::as_slice);
            for sentence in story.iter().skip(told) {
                say(sentence["text"].as_str().unwrap_or_default());
            }
            told = story.len().max(told);
            if let Ok(mut all) = self.told.lock() {
                all.insert(id.to_owned(), told);
            }
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

    /// Waits until the match can be joined.
    pub async fn ready(&self, api: &Api, id: &str, say: &dyn Fn(&str)) -> Result<Ready> {
        let view = self.follow(api, id, &["ready"], PATIENCE, say).await?;
        Ok(Ready {
            id: id.to_owned(),
            host: text(&view, "/chosen/host")?.to_owned(),
            server: text(&view, "/connect/address")?.parse()?,
            password: Secret::new(text(&view, "/connect/password")?),
            view,
        })
    }

    /// Ends a match, waits until nothing is left of it, and gives its last view.
    pub async fn end(&self, api: &Api, id: &str, say: &dyn Fn(&str)) -> Result<Value> {
        api.post(&format!("/matches/{id}/end"), json!({})).await?;
        self.follow(api, id, &["over"], PATIENCE, say).await
    }

    /// A player's real client joins with the match password; it leaves when the client is dropped. Gives its ping too.
    pub fn join(&self, player: &str, ready: &Ready) -> Result<(Client, u32)> {
        match self.knock(player, ready.server, Some(ready.password.clone()))? {
            Outcome::Playing { ping_ms, client } => Ok((client, ping_ms)),
            Outcome::Refused { message } => bail!("{player} was refused with the match password: {message}"),
        }
    }

    /// What a player's real client is told with that password, or with none.
    pub fn knock(&self, player: &str, server: SocketAddr, password: Option<Secret>) -> Result<Outcome> {
        let join = Join {
            server,
            name: player.to_owned(),
            password,
            patience: CLIENT_PATIENCE,
        };
        Ok(client::join(&self.running, player, &join)?)
    }
}
