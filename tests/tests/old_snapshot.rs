//! A snapshot from 30 days ago is still played: the guest's clock must not be moved past what the game can count.

use anyhow::{Result, ensure};
use vmatrix_tests::fleet::{Fleet, Options};

fn say(line: &str) {
    println!("{line}");
}

#[tokio::test]
async fn a_snapshot_thirty_days_old_still_plays() -> Result<()> {
    let Some(mut options) = Options::for_test("old-snapshot") else {
        return Ok(());
    };
    // For the agents, and the guests that they start, it is 30 days later; time passes as ever.
    options.agent = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+30d"]
        .map(str::to_owned)
        .into();
    let fleet = Fleet::up(options, &say).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let id = fleet.book_now(&api, &clans).await?;
    let ready = fleet.ready(&api, &id, &say).await?;
    for guest in fleet.guests()? {
        let environment = std::fs::read(format!("/proc/{guest}/environ"))?;
        ensure!(
            String::from_utf8_lossy(&environment).contains("FAKETIME=+30d"),
            "the guest's host is not 30 days on"
        );
    }
    // To join takes game frames: a game that has stopped still answers queries.
    let (_playing, ping_ms) = fleet.join(&clans[1].players[0].name, &ready)?;
    ensure!(ping_ms > 0 && ping_ms < 999, "a ping of {ping_ms} ms is none");
    fleet.end(&api, &id, &say).await?;
    Ok(())
}
