//! A match of the world's guests, each of whom is measured in another way: by echo requests over IPv4 or IPv6, by their own
//! browser, by the name server of their provider.

use crate::{
    browser::Browser,
    fleet::{Api, Fleet, text, wait},
};
use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Measuring, joining, and measuring again, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// What came of it.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The match's id.
    pub id: String,
    /// All that the server says of it.
    pub view: Value,
    /// The link of the guest who came by browser.
    pub link: String,
    /// What their page said of the hosts.
    pub seen: Vec<String>,
}

/// The guest who is only to be measured by their browser.
pub const BY_BROWSER: &str = "vixen";

/// Books a match of the guests that starts in an hour, has one of them come by the players' link, and waits until a host is
/// reserved by all that was measured.
pub async fn book(fleet: &Fleet, organiser: &Api, say: &dyn Fn(&str)) -> Result<Sources> {
    let mut clans: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for guest in &fleet.running.world().guests {
        if !clans.contains_key(&guest.clan) {
            let made = organiser.post("/clans", json!({ "name": guest.clan })).await?;
            clans.insert(guest.clan.clone(), (text(&made, "/id")?.to_owned(), Vec::new()));
        }
        let (clan, players) = clans.get_mut(&guest.clan).context("a clan just made is gone")?;
        if guest.name == BY_BROWSER {
            continue;
        }
        let address = fleet.running.main_address(&guest.name)?.to_string();
        let body = json!({ "name": guest.name, "address": address });
        let made = organiser.post(&format!("/clans/{clan}/players"), body).await?;
        players.push(text(&made, "/id")?.to_owned());
    }
    let start = Timestamp::now() + SignedDuration::from_hours(1);
    let rosters: Vec<Value> = clans
        .values()
        .map(|(clan, players)| json!({ "clan": clan, "players": players }))
        .collect();
    let booking = json!({
        "image": "openarena",
        "start": start.to_string(),
        "length_minutes": 30,
        "rosters": rosters,
    });
    let view = organiser.post("/matches", booking).await?;
    let id = text(&view, "/match/id")?.to_owned();
    let guests = fleet.running.world().guests.iter();
    let clan = guests
        .filter(|guest| guest.name == BY_BROWSER)
        .find_map(|guest| clans.get(&guest.clan));
    let (clan, _) = clan.with_context(|| format!("{BY_BROWSER} is no guest"))?;
    let made = organiser
        .post(&format!("/matches/{id}/player-links"), json!({ "clan": clan }))
        .await?;
    say(&format!(
        "{BY_BROWSER} opens the players' link in a browser of their own, from behind a router that drops echo requests"
    ));
    let link = text(&made, "/link")?.to_owned();
    let seen = come(fleet, &link, Has::Everything)?;
    let view = reserved(organiser, &id, fleet.running.world().guests.len()).await?;
    tell(&view, say);
    Ok(Sources { id, view, link, seen })
}

/// What a guest's browser has that may be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// All that Chromium has.
    Everything,
    /// No WebTransport, as some browsers have none.
    NoWebTransport,
}

/// The guest's browser, in their namespace, from the link to the roster; over https, by an authority that it trusts. Gives what the
/// page says of the hosts, a line each.
pub fn come(fleet: &Fleet, link: &str, has: Has) -> Result<Vec<String>> {
    let path = link.find("/play/").and_then(|at| link.get(at..));
    let base = format!("https://{}", fleet.website()?.ip());
    let page = format!("{base}{}", path.with_context(|| format!("{link} leads nowhere"))?);
    let home = fleet.authority.home(&format!("{BY_BROWSER}-{has:?}"))?;
    let pictures = fleet.pictures();
    let visit = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let browser = Browser::start_at(&base, pictures, Some(home)).await?;
            browser.open(&page).await?;
            browser.picture("play").await?;
            if has == Has::NoWebTransport {
                browser.run("delete window.WebTransport").await?;
            }
            browser.fill("name", BY_BROWSER).await?;
            browser.click_on("#play button[type=submit]").await?;
            // Nobody expects them the first time, so they are asked.
            let said = browser
                .text_within("#joined, #as-new:not([hidden])", PATIENCE)
                .await?;
            if said.contains("new player") {
                browser.click_on("#as-new label").await?;
                browser.click_on("#play button[type=submit]").await?;
                browser.text_within("#joined", PATIENCE).await?;
            }
            browser.picture("played").await?;
            let hosts = browser.text_of("#hosts").await?;
            browser.close().await?;
            Ok(hosts.lines().map(str::to_owned).collect())
        })
    };
    fleet.running.in_namespace(BY_BROWSER, visit)?
}

/// Waits until a host is reserved, and everybody is in its choice.
async fn reserved(organiser: &Api, id: &str, guests: usize) -> Result<Value> {
    wait(
        PATIENCE,
        "a host is reserved by all that was measured",
        async || {
            let view = organiser.get(&format!("/matches/{id}")).await?;
            let players = view["players"].as_array().map_or(0, Vec::len);
            let all = view["players"]
                .as_array()
                .into_iter()
                .flatten()
                .all(|player| player["predicted_ms"].is_f64());
            let settled = view["match"]["state"] == "reserved" && !view["chosen"].is_null();
            Ok(if settled && all && players == guests {
                Ok(view)
            } else {
                Err(view["match"].clone())
            })
        },
    )
    .await
}

fn tell(view: &Value, say: &dyn Fn(&str)) {
    for player in view["sources"].as_array().into_iter().flatten() {
        let name = player["player"].as_str().unwrap_or("?");
        let source = player["here"]["source"].as_str().unwrap_or("?");
        let ms = predicted_ms(view, name).unwrap_or(f64::NAN);
        let error = player["here"]["error_ms"].as_f64().unwrap_or(f64::NAN);
        say(&format!(
            "{name}: {ms:.1} ms to the chosen host, by {source}, ± {error:.1} ms"
        ));
    }
}

fn predicted_ms(view: &Value, name: &str) -> Option<f64> {
    let mut players = view["players"].as_array().into_iter().flatten();
    players.find(|player| player["name"] == name)?["predicted_ms"].as_f64()
}

/// Checks that each guest was measured in the way that is left to them, and not far from the truth. Gives what was found true.
pub async fn check(fleet: &Fleet, organiser: &Api, sources: &Sources) -> Result<Vec<String>> {
    let mut checked = Vec::new();
    let host = text(&sources.view, "/chosen/host")?;
    for (name, source, within_ms) in [
        (BY_BROWSER, "browser", 5.0),
        ("reynard", "icmp", 5.0),
        ("bubo", "icmp", 5.0),
        // By ICMPv6: there is no other address.
        ("corsac", "icmp", 5.0),
        // What King does not see is the last mile.
        ("strix", "king", 30.0),
    ] {
        let mut all = sources.view["sources"].as_array().into_iter().flatten();
        let own = all.find(|player| player["player"] == name);
        let own = own.with_context(|| format!("{name} is not in the match"))?;
        ensure!(own["here"]["source"] == source, "{name} was measured so: {own}");
        let ms = predicted_ms(&sources.view, name).context("no figure")?;
        let truth = fleet.running.world().rtt_ms(host, name).context("no truth")?;
        ensure!(
            (ms - truth).abs() <= within_ms,
            "{name} to {host}: {ms} ms by {source}, in truth {truth} ms"
        );
        checked.push(format!(
            "{name} is measured in the way that is left to them, {source}, within {within_ms} ms of the truth"
        ));
    }
    let between = async |from: &str, to: &str| {
        let (from, to) = (fleet.running.address(from)?, fleet.running.address(to)?);
        organiser.get(&format!("/latency?from={from}&to={to}")).await
    };
    // Two addresses of which neither is a host's: the recursive name server near one asks the other's for us.
    for (from, to, source, within_ms) in [("reynard", "strix", "king", 60.0), (host, "bubo", "icmp", 5.0)] {
        let said = between(from, to).await?;
        let truth = fleet.running.world().rtt_ms(from, to).context("no truth")?;
        let ms = said["rtt_ms"].as_f64().unwrap_or(f64::NAN);
        ensure!(
            said["source"] == source && (ms - truth).abs() <= within_ms,
            "{from} to {to}: {said}, in truth {truth} ms"
        );
        checked.push(format!(
            "the time between {from} and {to}, by {source}, is within {within_ms} ms of the truth"
        ));
    }
    Ok(checked)
}
