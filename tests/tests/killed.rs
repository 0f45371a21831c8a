//! Killing any program at any step, and starting it again, leads to the same end.

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::time::Duration;
use vmatrix_tests::{
    demo::answers,
    fleet::{Api, Clan, Fleet, Options, text, wait},
};

fn say(line: &str) {
    println!("{line}");
}

/// Who is killed, once the match is in which state or just past it, after how many milliseconds more. (In its own tests an
/// agent is killed exactly at each of its steps.)
const KILLS: [(&str, &str, u64); 11] = [
    ("server", "probing", 300),
    ("server", "reserved", 0),
    ("server", "waking", 0),
    ("server", "waking", 400),
    ("server", "ready", 0),
    ("agent", "waking", 0),
    ("agent", "waking", 150),
    ("agent", "waking", 400),
    ("agent", "waking", 900),
    ("agent", "ready", 0),
    ("agent", "ending", 0),
];

#[tokio::test]
async fn a_match_ends_the_same_whoever_is_killed_at_whatever_step() -> Result<()> {
    let Some(options) = Options::for_test("killed") else {
        return Ok(());
    };
    let mut fleet = Fleet::up(options, &say).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let undisturbed = play(&mut fleet, &api, &clans, None).await?;
    for kill in KILLS {
        let host = play(&mut fleet, &api, &clans, Some(kill))
            .await
            .with_context(|| format!("{kill:?}"))?;
        assert_eq!(host, undisturbed, "{kill:?}");
    }
    a_guest_that_dies_is_resumed_on_the_same_address(&fleet, &api, &clans).await?;
    a_host_that_disappears_is_left_for_the_next_best(&mut fleet, &api, &clans, &undisturbed).await
}

/// Plays a match, kills as told, and gives the host that it was played on.
async fn play(
    fleet: &mut Fleet,
    api: &Api,
    clans: &[Clan],
    kill: Option<(&str, &str, u64)>,
) -> Result<String> {
    println!("--- {kill:?}");
    let player = &clans[0].players[0].name;
    let id = fleet.book_now(api, clans).await?;
    if let Some((who, state, more)) = kill.filter(|kill| kill.1 != "ending") {
        let host = reach(api, &id, state).await?["chosen"]["host"]
            .as_str()
            .map(str::to_owned);
        tokio::time::sleep(Duration::from_millis(more)).await;
        kill_and_start(fleet, who, host).await?;
    }
    let ready = fleet.ready(api, &id, &say).await?;
    ensure!(
        fleet.guests()?.len() == 1,
        "{} guests run for one match",
        fleet.guests()?.len()
    );
    ensure!(
        answers(&fleet.running, player, ready.server, 5)?,
        "{} does not answer",
        ready.server
    );
    if let Some((who, "ending", more)) = kill {
        api.post(&format!("/matches/{id}/end"), json!({})).await?;
        tokio::time::sleep(Duration::from_millis(more)).await;
        kill_and_start(fleet, who, Some(ready.host.clone())).await?;
        fleet
            .follow(api, &id, &["over"], Duration::from_secs(90), &say)
            .await?;
    } else {
        fleet.end(api, &id, &say).await?;
    }
    ensure!(fleet.guests()?.is_empty(), "a guest is left");
    ensure!(
        !answers(&fleet.running, player, ready.server, 2)?,
        "{} still answers",
        ready.server
    );
    Ok(ready.host)
}

/// Waits until the match is in that state, or is already past it.
async fn reach(api: &Api, id: &str, state: &str) -> Result<Value> {
    const ORDER: [&str; 4] = ["probing", "reserved", "waking", "ready"];
    let place = |state: &str| ORDER.iter().position(|known| *known == state);
    loop {
        let view = api.get(&format!("/matches/{id}")).await?;
        let now = text(&view, "/match/state")?;
        if place(now).with_context(|| format!("match {id} is {now}: {view}"))? >= place(state).unwrap_or(0) {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn kill_and_start(fleet: &mut Fleet, who: &str, host: Option<String>) -> Result<()> {
    if who == "server" {
        fleet.kill("server")?;
        return fleet.start_server().await;
    }
    let host = host.context("no host is chosen yet")?;
    fleet.kill(&host)?;
    fleet.start_agent(&host)
}

async fn a_guest_that_dies_is_resumed_on_the_same_address(
    fleet: &Fleet,
    api: &Api,
    clans: &[Clan],
) -> Result<()> {
    println!("--- the guest is killed");
    let id = fleet.book_now(api, clans).await?;
    let ready = fleet.ready(api, &id, &say).await?;
    let guests = fleet.guests()?;
    let guest = Pid::from_raw(i32::try_from(*guests.first().context("no guest")?)?);
    kill(guest, Signal::SIGKILL)?;
    wait(Duration::from_secs(60), "the guest is resumed", async || {
        let hosts = fleet.operator.get("/hosts").await?;
        let own = hosts
            .as_array()
            .into_iter()
            .flatten()
            .find(|seen| seen["name"] == *ready.host);
        let vm = own.map(|own| own["vms"][0].clone()).unwrap_or_default();
        Ok(if vm["revived"] == 1 && vm["phase"] == "open" {
            Ok(())
        } else {
            Err(vm)
        })
    })
    .await?;
    // The same address, and the same password.
    let _playing = fleet.join(&clans[0].players[0].name, &ready)?;
    fleet.end(api, &id, &say).await?;
    Ok(())
}

async fn a_host_that_disappears_is_left_for_the_next_best(
    fleet: &mut Fleet,
    api: &Api,
    clans: &[Clan],
    first: &str,
) -> Result<()> {
    println!("--- the chosen host disappears");
    let id = fleet.book_now(api, clans).await?;
    reach(api, &id, "reserved").await?;
    fleet.kill(first)?;
    let ready = fleet.ready(api, &id, &say).await?;
    ensure!(
        ready.host != first,
        "the match is still on the lost host: {}",
        ready.view
    );
    let hosts = ready.view["hosts"].as_array().context("no hosts")?;
    let lost = hosts
        .iter()
        .find(|host| host["host"] == first)
        .context("the lost host is not explained")?;
    ensure!(
        lost["verdict"] != "chosen" && !text(lost, "/reason")?.is_empty(),
        "{lost}"
    );
    fleet.end(api, &id, &say).await?;
    Ok(())
}
