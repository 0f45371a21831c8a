//! Trouble that players make, on real parts: one who does not answer, and one who floods the game.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    net::UdpSocket,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use vmatrix_tests::{
    fleet::{Api, Clan, Fleet, Options, Ready, text},
    players,
};
use vmatrix_wire::quake3::Packet;

fn say(line: &str) {
    println!("{line}");
}

#[tokio::test]
async fn neither_a_silent_player_nor_a_flood_costs_anybody_a_match() -> Result<()> {
    let Some(options) = Options::for_test("trouble") else {
        return Ok(());
    };
    let fleet = Fleet::up(options, &say).await?;
    let (api, _) = fleet.organiser("otto")?;
    let clans = fleet.enter_clans(&api).await?;
    let id = a_player_who_does_not_answer_is_named(&fleet, &api, &clans).await?;
    let ready = fleet.ready(&api, &id, &say).await?;
    a_flood_of_queries_neither_restarts_the_game_nor_throws_anybody_out(&fleet, &clans, &ready).await?;
    fleet.end(&api, &id, &say).await?;
    Ok(())
}

/// Unknown is not zero: nothing is chosen, the page says who, and without that player the same match is played.
async fn a_player_who_does_not_answer_is_named(fleet: &Fleet, api: &Api, clans: &[Clan]) -> Result<String> {
    let ghost = json!({ "name": "ghost", "address": "10.77.200.200" });
    let ghost = api
        .post(&format!("/clans/{}/players", clans[0].id), ghost)
        .await?;
    let mut home = clans[0].roster();
    let players = home["players"].as_array_mut().context("no roster")?;
    players.push(ghost["id"].clone());
    let booking = json!({
        "image": "openarena", "start": "now", "length_minutes": 30, "rosters": [home, clans[1].roster()],
    });
    let booked = api.post("/matches", booking).await?;
    let id = text(&booked, "/match/id")?.to_owned();
    let view = fleet
        .follow(api, &id, &["unplaced"], Duration::from_secs(60), &say)
        .await?;
    let explanation = text(&view, "/match/explanation")?;
    ensure!(
        explanation.contains("ghost"),
        "who did not answer is not said: {explanation}"
    );
    for (host, row) in view["matrix_ms"].as_object().context("no matrix")? {
        ensure!(
            row["ghost"].is_null(),
            "{host} measured somebody who is not there: {row}"
        );
    }
    let path = format!("/matches/{id}/rosters/{}", clans[0].id);
    let players: Value = clans[0].roster()["players"].clone();
    api.put(&path, json!({ "players": players })).await?;
    Ok(id)
}

/// The game gives ten answers a second to the whole world: a flood silences it for everybody who asks, not for those who play.
async fn a_flood_of_queries_neither_restarts_the_game_nor_throws_anybody_out(
    fleet: &Fleet,
    clans: &[Clan],
    ready: &Ready,
) -> Result<()> {
    let player = &clans[0].players[0].name;
    let (mut client, _) = fleet.join(player, ready)?;
    let guests = fleet.guests()?;
    let over = AtomicBool::new(false);
    // Each address gets one answer a second, so it takes ten of them to use up what there is.
    let names = clans
        .iter()
        .flat_map(|clan| &clan.players)
        .map(|player| &player.name);
    let sockets: Vec<UdpSocket> = names
        .map(|name| {
            Ok(fleet
                .running
                .in_namespace(name, || UdpSocket::bind("0.0.0.0:0"))??)
        })
        .collect::<Result<_>>()?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let query = Packet::GetInfo {
                challenge: "flood".into(),
            }
            .encode();
            while !over.load(Ordering::Relaxed) {
                for socket in &sockets {
                    let _ = socket.send_to(&query, ready.server);
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        // Longer than anybody's patience with a silent game.
        thread::sleep(Duration::from_secs(45));
        over.store(true, Ordering::Relaxed);
    });
    ensure!(client.runs(), "the player's client has ended");
    ensure!(fleet.guests()? == guests, "the game was started anew");
    let status =
        players::status(&fleet.running, player, ready.server)?.context("the game is silent for good")?;
    let seen = status.players.iter().find(|seen| seen.plain_name() == *player);
    let ping = seen
        .with_context(|| format!("{player} was thrown out: {status:?}"))?
        .ping;
    ensure!(ping > 0 && ping < 999, "{player} plays with a ping of {ping} ms");
    Ok(())
}
