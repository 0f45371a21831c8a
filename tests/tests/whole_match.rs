//! A whole match in a world of cities: real ICMP, real nftables, a real VM, a real game.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use vmatrix_tests::{
    client::{self, Join, Outcome},
    demo,
    fleet::{Fleet, Options, text},
};
use vmatrix_wire::Secret;

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
    let args = demo::Args::parse_from([
        "vmatrix-demo",
        "--once",
        "--port",
        &options.port.to_string(),
        "--world",
        &path(&options.world),
        "--snapshots",
        &path(snapshots),
        "--out",
        &path(out.path()),
    ]);
    demo::run(args).await?;
    let summary: Value = serde_json::from_slice(&std::fs::read(out.path().join("summary.json"))?)?;
    assert_eq!(demo::checks::faults(&summary), Vec::<String>::new());
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
    let fleet = Fleet::up(options, &|line| println!("{line}")).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let id = fleet.book_now(&api, &clans).await?;
    let say = |line: &str| println!("{line}");
    let view = fleet
        .follow(&api, &id, &["ready"], Duration::from_secs(180), &say)
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
        "{player} could not join"
    );
    api.post(&format!("/matches/{id}/end"), json!({})).await?;
    fleet
        .follow(&api, &id, &["over"], Duration::from_secs(60), &say)
        .await?;
    assert_eq!(fleet.guests()?, Vec::<u32>::new());
    Ok(())
}

/// A database of its own on the server of `url`.
fn new_database(url: &str) -> Result<String> {
    let name = format!("vmatrix_{}", uuid::Uuid::now_v7().simple());
    vmatrix_tests::fleet::run(std::process::Command::new("psql").args([
        url,
        "-qc",
        &format!("create database {name}"),
    ]))?;
    let (server, _) = url.rsplit_once('/').context("a URL without a database")?;
    Ok(format!("{server}/{name}"))
}
