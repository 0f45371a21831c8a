//! Players with IPv6: one who has nothing else is measured by real ICMPv6 and placed by it; one who has both and comes to the link
//! by IPv6 keeps the other address.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use vmatrix_tests::{
    browser::Browser,
    fleet::{Api, Fleet, Options, text, wait},
};

const ONLY_IPV6: &str = "corsac";
const BOTH: &str = "bubo";

/// The clans of some guests, as an organiser enters them.
async fn enter(fleet: &Fleet, api: &Api) -> Result<BTreeMap<String, (String, Vec<String>)>> {
    let mut clans = BTreeMap::new();
    for guest in &fleet.running.world().guests {
        if ![ONLY_IPV6, "reynard", BOTH].contains(&guest.name.as_str()) {
            continue;
        }
        if !clans.contains_key(&guest.clan) {
            let made = api.post("/clans", json!({ "name": guest.clan })).await?;
            clans.insert(guest.clan.clone(), (text(&made, "/id")?.to_owned(), Vec::new()));
        }
        let (clan, players) = clans.get_mut(&guest.clan).context("a clan just made is gone")?;
        let address = fleet.running.main_address(&guest.name)?.to_string();
        let body = json!({ "name": guest.name, "address": address });
        let made = api.post(&format!("/clans/{clan}/players"), body).await?;
        players.push(text(&made, "/id")?.to_owned());
    }
    Ok(clans)
}

#[tokio::test]
async fn who_has_ipv6_alone_is_measured_by_it_and_who_comes_by_it_keeps_the_other_address() -> Result<()> {
    let Some(options) = Options::for_test("ipv6") else {
        return Ok(());
    };
    let fleet = Fleet::up(options, &|line| println!("{line}")).await?;
    let (api, account) = fleet.organiser("otto")?;
    let clans = enter(&fleet, &api).await?;
    let rosters: Vec<Value> = clans
        .values()
        .map(|(clan, players)| json!({ "clan": clan, "players": players }))
        .collect();
    let start = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let booking = json!({ "image": "openarena", "start": start, "length_minutes": 30, "rosters": rosters });
    let view = api.post("/matches", booking).await?;
    let id = text(&view, "/match/id")?.to_owned();
    let view = wait(Duration::from_secs(120), "a host is reserved", async || {
        let view = api.get(&format!("/matches/{id}")).await?;
        let settled = view["match"]["state"] == "reserved" && !view["chosen"].is_null();
        Ok(if settled {
            Ok(view)
        } else {
            Err(view["match"].clone())
        })
    })
    .await?;
    measured_by_icmpv6(&fleet, &view)?;
    shown(&fleet, &account.name, &account.password, &id).await?;

    let (owls, _) = clans.values().next_back().context("no clans")?;
    let made = api
        .post(&format!("/matches/{id}/player-links"), json!({ "clan": owls }))
        .await?;
    let said = fleet.come_by_ipv6(BOTH, text(&made, "/link")?)?;
    ensure!(said.contains("round-trip times to 8 hosts"), "{said}");
    let captain = ["--role", "clan_admin", "--clan", "Owls"];
    fleet.admin_user("carla", &captain)?;
    let captain = fleet.operator.as_user(&fleet.admin(&["token", "carla"])?);
    let all = captain.get(&format!("/clans/{owls}/players")).await?;
    let own = all
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == BOTH);
    let own = own.with_context(|| format!("{all}"))?;
    let both = format!(
        "{} {}",
        fleet.running.address(BOTH)?,
        fleet.running.address6(BOTH)?
    );
    ensure!(own["address"] == both.as_str(), "{own}");
    ensure!(
        own["consent"] == "vouched" && own["ipv6_consent"] == "own",
        "{own}"
    );
    Ok(())
}

/// To each host as far as it is in truth, as all others.
fn measured_by_icmpv6(fleet: &Fleet, view: &Value) -> Result<()> {
    let mut all = view["sources"].as_array().into_iter().flatten();
    let own = all.find(|player| player["player"] == ONLY_IPV6);
    let own = own.context("their source is not told")?;
    ensure!(own["here"]["source"] == "icmp", "{own}");
    let matrix = view["matrix_ms"].as_object().context("no values")?;
    ensure!(matrix.len() == 8, "{matrix:?}");
    for (host, row) in matrix {
        for name in [ONLY_IPV6, BOTH] {
            let ms = row[name]
                .as_f64()
                .with_context(|| format!("{name} to {host}: nothing"))?;
            let truth = fleet.running.world().rtt_ms(host, name).context("no truth")?;
            ensure!(
                (ms - truth).abs() <= 5.0,
                "{name} to {host}: {ms} ms, in truth {truth} ms"
            );
        }
    }
    Ok(())
}

/// The match page says where the value is from, and no address.
async fn shown(fleet: &Fleet, name: &str, password: &str, id: &str) -> Result<()> {
    let browser = Browser::start(fleet.operator.base(), fleet.pictures()).await?;
    browser.sign_in(name, password).await?;
    browser.open(&format!("/matches/{id}")).await?;
    let page = browser.text().await?;
    browser.picture("ipv6").await?;
    browser.close().await?;
    ensure!(
        page.contains(ONLY_IPV6) && page.contains("ping from the machines"),
        "{page}"
    );
    ensure!(!page.contains("fd77:"), "{page}");
    Ok(())
}
