//! A whole match in a world of cities: real ICMP, real nftables, a real VM, a real game, a real client.

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::Value;
use std::{path::Path, process::Command, time::Duration};
use vmatrix_tests::{
    demo,
    fleet::{Fleet, Options, run, wait},
};

fn say(line: &str) {
    println!("{line}");
}

#[tokio::test]
async fn a_match_is_played_from_its_booking_to_its_end_and_every_claim_about_it_is_true() -> Result<()> {
    let Some(options) = Options::for_test("whole-match") else {
        return Ok(());
    };
    let snapshots = options
        .snapshots
        .first()
        .and_then(|path| path.parent())
        .context("no snapshots")?;
    let out = tempfile::tempdir()?;
    let path = |path: &Path| path.display().to_string();
    let (port, world) = (options.port.to_string(), path(&options.world));
    let (snapshots, folder) = (path(snapshots), path(out.path()));
    let words = [
        "demo",
        "--once",
        "--port",
        &port,
        "--world",
        &world,
        "--snapshots",
        &snapshots,
        "--out",
        &folder,
    ];
    // It fails if any claim is not true.
    demo::run(demo::Args::parse_from(words)).await?;
    let summary: Value = serde_json::from_slice(&std::fs::read(out.path().join("summary.json"))?)?;
    assert!(
        summary["matrix_ms"]
            .as_object()
            .is_some_and(|rows| rows.len() == 8),
        "{summary}"
    );
    Ok(())
}

#[tokio::test]
async fn a_match_on_postgresql_ends_as_it_does_on_sqlite() -> Result<()> {
    let Some(mut options) = Options::for_test("whole-match-postgresql") else {
        return Ok(());
    };
    let server = std::env::var("VMATRIX_TEST_POSTGRES").context("VMATRIX_TEST_POSTGRES names no server")?;
    options.database = Some(new_database(&server)?);
    let fleet = Fleet::up(options, &say).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let id = fleet.book_now(&api, &clans).await?;
    let ready = fleet.ready(&api, &id, &say).await?;
    let player = &clans[0].players[0].name;
    let (_playing, _) = fleet.join(player, &ready)?;
    // The game's own word of who plays, by way of its host's agent.
    let observed = wait(Duration::from_secs(60), "the game has said a ping", async || {
        let view = api.get(&format!("/matches/{id}")).await?;
        let all = view["players"].as_array().into_iter().flatten();
        let mut own = all.filter(|one| one["name"] == player.as_str());
        let ping = own.next().and_then(|one| one["measured_ms"].as_f64());
        Ok(ping.ok_or(view["players"].clone()))
    });
    let (observed, truth) = (
        observed.await?,
        fleet
            .running
            .world()
            .rtt_ms(&ready.host, player)
            .context("no truth")?,
    );
    // Of frames: the game's of 50 ms, and the client's ten a second; and what a busy machine adds. Not less than the way itself.
    assert!(
        observed > truth - 50.0 && observed < 900.0,
        "{player} to {}: {observed} ms in the game, {truth} ms",
        ready.host
    );
    fleet.end(&api, &id, &say).await?;
    assert_eq!(fleet.guests()?, Vec::<u32>::new());
    Ok(())
}

/// A database of its own on the server of `url`.
fn new_database(url: &str) -> Result<String> {
    let name = format!("vmatrix_{}", uuid::Uuid::now_v7().simple());
    run(Command::new("psql").args([url, "-qc", &format!("create database {name}")]))?;
    let (server, _) = url.rsplit_once('/').context("a URL without a database")?;
    Ok(format!("{server}/{name}"))
}
