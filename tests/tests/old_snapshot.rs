//! A snapshot from 30 days ago is still played: the guest's clock must not be moved past what the game can count.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use vmatrix_tests::{
    client::{self, Join, Outcome},
    fleet::{Fleet, Options, text},
};
use vmatrix_wire::Secret;

#[tokio::test]
async fn a_snapshot_thirty_days_old_still_plays() -> Result<()> {
    let Some(mut options) = Options::for_test("old-snapshot") else {
        return Ok(());
    };
    // For the agents, and the guests that they start, it is 30 days later; time passes as ever.
    options.agent = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+30d"]
        .map(str::to_owned)
        .into();
    let fleet = Fleet::up(options, &|line| println!("{line}")).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let id = fleet.book_now(&api, &clans).await?;
    let view = fleet
        .follow(&api, &id, &["ready"], Duration::from_secs(180), &|line| {
            println!("{line}")
        })
        .await?;
    let player = &clans[1].players[0].name;
    let join = Join {
        server: text(&view, "/connect/address")?.parse()?,
        name: player.clone(),
        password: Some(Secret::new(text(&view, "/connect/password")?)),
        patience: Duration::from_secs(20),
    };
    // To join takes game frames: a game that has stopped still answers queries.
    let outcome = client::join(&fleet.running, player, &join)?;
    ensure!(
        matches!(outcome, Outcome::Playing { ping_ms, .. } if ping_ms > 0),
        "{player} could not play"
    );
    api.post(&format!("/matches/{id}/end"), json!({})).await?;
    fleet
        .follow(&api, &id, &["over"], Duration::from_secs(60), &|line| {
            println!("{line}")
        })
        .await?;
    Ok(())
}
