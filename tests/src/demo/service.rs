//! The other half: a web application is put on a host by the same orders, agents and snapshots, and put back.

use crate::fleet::{Fleet, text, wait};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{
    process::{Command, Stdio},
    time::Duration,
};

/// Puts the wiki on a host other than `taken`, reads a page of it from a player's place, and removes it again.
pub async fn visit_wiki(fleet: &Fleet, player: &str, taken: &str, say: &dyn Fn(&str)) -> Result<()> {
    let hosts = fleet.operator.get("/hosts").await?;
    let hosts = hosts.as_array().context("no list of hosts")?;
    let host = hosts
        .iter()
        .find(|host| host["name"] != taken)
        .context("no second host")?;
    let name = text(host, "/name")?;
    say(&format!("a wiki is put on {name}"));
    let body = json!({ "name": "handbook", "image": "wiki", "host": text(host, "/id")? });
    let service = fleet.operator.post("/services", body).await?;
    let path = format!("/services/{}", text(&service, "/id")?);
    let view = wait(Duration::from_secs(120), "the wiki is ready", async || {
        let view = fleet.operator.get(&path).await?;
        let ready = view["goal"] == "open" && !view["vm"]["verified_at"].is_null();
        Ok(if ready { Ok(view) } else { Err(view) })
    })
    .await?;
    let address = text(&view, "/vm/address")?;
    let page = read(
        fleet,
        player,
        &format!("http://{address}/dokuwiki/doku.php?id=start"),
    )?;
    ensure!(
        page.contains("DokuWiki"),
        "http://{address} answered with something else: {page}"
    );
    say(&format!(
        "{player} reads the wiki at http://{address}, through the NAT of its host"
    ));
    fleet.operator.delete(&path).await?;
    let vms = fleet.agent_data(name).join("vms");
    wait(
        Duration::from_secs(60),
        "the wiki is gone from its host",
        async || {
            let left: Vec<_> = std::fs::read_dir(&vms)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .collect();
            Ok(if left.is_empty() { Ok(()) } else { Err(json!(left)) })
        },
    )
    .await?;
    say("the wiki is put back");
    Ok(())
}

fn read(fleet: &Fleet, player: &str, url: &str) -> Result<String> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--max-time", "30", url]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = fleet.running.spawn_in(player, &mut command)?.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{player} can not read {url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
