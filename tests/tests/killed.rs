//! Killing any program at any step, and starting it again, leads to the same end.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use vmatrix_tests::{
    client::{self, Join, Outcome},
    demo::answers,
    fleet::{Api, Clan, Fleet, Options, text, wait},
};
use vmatrix_wire::Secret;

/// Who is killed, once the match is in which state, after how many milliseconds more.
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
    let mut fleet = Fleet::up(options, &|line| println!("{line}")).await?;
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
    let id = fleet.book_now(api, clans).await?;
    if let Some((who, state, more)) = kill.filter(|kill| kill.1 != "ending") {
        let host = reach(api, &id, state).await?["chosen"]["host"]
            .as_str()
            .map(str::to_owned);
        tokio::time::sleep(Duration::from_millis(more)).await;
        kill_and_start(fleet, who, host).await?;
    }
    let patience = Duration::from_secs(180);
    let view = fleet
        .follow(api, &id, &["ready"], patience, &|line| println!("{line}"))
        .await?;
    let host = text(&view, "/chosen/host")?.to_owned();
    let server = text(&view, "/connect/address")?.parse()?;
    ensure!(
        fleet.guests()?.len() == 1,
        "{} guests run for one match",
        fleet.guests()?.len()
    );
    ensure!(
        answers(&fleet.running, &clans[0].players[0].name, server, 5)?,
        "{server} does not answer"
    );
    api.post(&format!("/matches/{id}/end"), json!({})).await?;
    if let Some((who, "ending", more)) = kill {
        tokio::time::sleep(Duration::from_millis(more)).await;
        kill_and_start(fleet, who, Some(host.clone())).await?;
    }
    fleet
        .follow(api, &id, &["over"], Duration::from_secs(90), &|line| {
            println!("{line}")
        })
        .await?;
    ensure!(fleet.guests()?.is_empty(), "a guest is left");
    ensure!(
        !answers(&fleet.running, &clans[0].players[0].name, server, 2)?,
        "{server} still answers"
    );
    Ok(host)
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
    let view = fleet
        .follow(api, &id, &["ready"], Duration::from_secs(180), &|line| {
            println!("{line}")
        })
        .await?;
    let host = text(&view, "/chosen/host")?.to_owned();
    let guests = fleet.guests()?;
    let guest = guests.first().context("no guest")?;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(*guest)?),
        nix::sys::signal::Signal::SIGKILL,
    )?;
    wait(Duration::from_secs(60), "the guest is resumed", async || {
        let hosts = fleet.operator.get("/hosts").await?;
        let own = hosts
            .as_array()
            .into_iter()
            .flatten()
            .find(|seen| seen["name"] == *host)
            .cloned()
            .unwrap_or_default();
        let vm = &own["vms"][0];
        Ok(if vm["revived"] == 1 && vm["phase"] == "open" {
            Ok(())
        } else {
            Err(own)
        })
    })
    .await?;
    let player = &clans[0].players[0].name;
    let join = Join {
        server: text(&view, "/connect/address")?.parse()?,
        name: player.clone(),
        password: Some(Secret::new(text(&view, "/connect/password")?)),
        patience: Duration::from_secs(20),
    };
    let outcome = client::join(&fleet.running, player, &join)?;
    ensure!(
        matches!(outcome, Outcome::Playing { .. }),
        "the password of the match is no more valid"
    );
    api.post(&format!("/matches/{id}/end"), json!({})).await?;
    fleet
        .follow(api, &id, &["over"], Duration::from_secs(60), &|line| {
            println!("{line}")
        })
        .await?;
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
    let view = fleet
        .follow(api, &id, &["ready"], Duration::from_secs(180), &|line| {
            println!("{line}")
        })
        .await?;
    let hosts = view["hosts"].as_array().context("no hosts")?;
    let lost = hosts
        .iter()
        .find(|host| host["host"] == first)
        .context("the lost host is not explained")?;
    ensure!(
        lost["verdict"] != "chosen" && !text(lost, "/reason")?.is_empty(),
        "{lost}"
    );
    ensure!(
        view["chosen"]["host"] != first,
        "the match is still on the lost host: {view}"
    );
    api.post(&format!("/matches/{id}/end"), json!({})).await?;
    fleet
        .follow(api, &id, &["over"], Duration::from_secs(60), &|line| {
            println!("{line}")
        })
        .await?;
    Ok(())
}
