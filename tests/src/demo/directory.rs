//! Is the server found where players look for it?

use super::measure::listed;
use crate::fleet::{Fleet, wait};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{net::SocketAddr, process::Command, process::Stdio, time::Duration};
use vmatrix_wire::quake3::{GAMENAME, PROTOCOL, ServersQuery};

/// A server as players find it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Which directory.
    pub directory: SocketAddr,
    /// The line that quakestat, a real server browser, prints for it.
    pub quakestat: String,
}

/// Waits until the directory lists the server by `getserversExt`, then asks quakestat too, both from a player's place.
pub async fn look_up(fleet: &Fleet, player: &str, server: SocketAddr) -> Result<Listing> {
    let directory = fleet.master()?;
    let query = ServersQuery::all(GAMENAME, PROTOCOL);
    wait(
        Duration::from_secs(20),
        "the directory lists the server",
        async || {
            let servers = listed(&fleet.running, player, directory, &query)?;
            Ok(if servers.contains(&server) {
                Ok(())
            } else {
                Err(json!(servers))
            })
        },
    )
    .await?;
    let mut line = None;
    // quakestat asks the server itself, whose answers are rationed: it may have to ask twice.
    for _ in 0..3 {
        let printed = quakestat(fleet, player, directory)?;
        line = printed
            .lines()
            .find(|line| line.contains(&server.to_string()) && !line.contains("no response"))
            .map(str::to_owned);
        if line.is_some() {
            break;
        }
    }
    let line = line.with_context(|| format!("quakestat does not show {server} from {directory}"))?;
    let quakestat = line.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Listing { directory, quakestat })
}

fn quakestat(fleet: &Fleet, player: &str, directory: SocketAddr) -> Result<String> {
    let mut command = Command::new("quakestat");
    command
        .args([format!("-q3m,{PROTOCOL}"), directory.to_string()])
        .arg("-nh");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = fleet.running.spawn_in(player, &mut command)?.wait_with_output()?;
    ensure!(
        output.status.success(),
        "quakestat failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
