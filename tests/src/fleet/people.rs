//! Clans and players of a world, as the server knows them.

use super::{Api, Fleet, programs::program, text};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

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
    /// A node comes by a players' link with their own program, `vmatrix ping --link`, over IPv6. Gives what it says.
    pub fn come_by_ipv6(&self, name: &str, link: &str) -> Result<String> {
        let path = link.find("/play/").and_then(|at| link.get(at..));
        let path = path.with_context(|| format!("{link} leads nowhere"))?;
        let mut command = Command::new(program("vmatrix")?);
        command
            .args(["ping", "--link", &format!("https://{}{path}", self.website6()?)])
            .args(["--name", name, "--may-ping"])
            .env("SSL_CERT_FILE", self.authority.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = self.running.spawn_in(name, &mut command)?.wait_with_output()?;
        let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "{name} could not come by the link: {}",
            said(&output.stderr)
        );
        Ok(said(&output.stdout))
    }

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
            let body =
                json!({ "name": node.name, "address": self.running.main_address(&node.name)?.to_string() });
            let made = api.post(&format!("/clans/{}/players", clan.id), body).await?;
            clan.players.push(Player {
                id: text(&made, "/id")?.to_owned(),
                name: node.name.clone(),
            });
        }
        Ok(clans)
    }
}
