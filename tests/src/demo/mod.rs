//! `./run demo`: a world on this machine, one match in it from booking to end, and each claim about it checked.

pub mod checks;
mod directory;
mod measure;
mod service;
pub mod sources;
mod summary;

pub use directory::{Listing, look_up};
pub use measure::{answers, listed};
pub use service::visit_wiki;

use crate::{
    client::Outcome,
    fleet::{Account, Api, Clan, Fleet, Options, Ready, text, wait},
    namespace::PREFIX,
    players,
};
use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use sources::Sources;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// What the demo is asked for.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "vmatrix-demo",
    about = "A world of hosts and players on this machine, and a match in it"
)]
pub struct Args {
    /// Play one match to its end, check every claim, write target/demo/summary.json, and leave nothing behind.
    #[arg(long)]
    pub once: bool,
    /// The world.
    #[arg(long, default_value = "tests/worlds/atlantic.toml")]
    world: PathBuf,
    /// Where the snapshots of the images are.
    #[arg(long, env = "VMATRIX_SNAPSHOTS", default_value = "target/snapshots")]
    snapshots: PathBuf,
    /// Port of the website.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the summary and the programs' output go.
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
}

/// Runs the demo.
pub async fn run(args: Args) -> Result<()> {
    let say = Story::new();
    let _ = std::fs::remove_dir_all(args.out.join("logs"));
    let options = Options {
        world: args.world.clone(),
        port: args.port,
        snapshots: ["openarena", "wiki"].map(|name| args.snapshots.join(name)).into(),
        database: None,
        serve: Vec::new(),
        agent: Vec::new(),
        logs: args.out.join("logs"),
    };
    let fleet = Fleet::up(options, &|line| say.tell(line)).await?;
    let people = People::enter(&fleet).await?;
    say.tell("clans and players are entered; booking a match that starts now");
    let id = fleet.book_now(&people.organiser, &people.clans).await?;
    let ready = fleet
        .ready(&people.organiser, &id, &|line| say.tell(line))
        .await?;
    if args.once {
        return once(&fleet, &people, ready, &args, &say).await;
    }
    let sources = sources::book(&fleet, &people.organiser, &|line| say.tell(line)).await?;
    let base = fleet.operator.base();
    let operator = (
        fleet.account.clone(),
        "operator: everything, also hosts and services".to_owned(),
    );
    println!("\nThe match:  {base}/matches/{id}\nHosts, VMs: {base}/ops");
    println!(
        "Measured by browser, by name server, by pings: {base}/matches/{}",
        sources.id
    );
    println!("To join:    {}", text(&ready.view, "/connect/line")?);
    if let Some(player) = people.clans.iter().flat_map(|clan| &clan.players).next() {
        println!("{}", look_in(&player.name, ready.server));
    }
    println!();
    for (account, role) in people.accounts.iter().chain([&operator]) {
        println!(
            "  sign in as {:10} with {}   {role}",
            account.name, account.password
        );
    }
    println!("\nCtrl-C ends it and removes everything.");
    std::future::pending().await
}

/// Why the game does not answer on this machine itself, and how one gets to where it does.
fn look_in(player: &str, server: SocketAddr) -> String {
    format!(
        "            only inside the emulated world, from where its players are; to look in, as root:\n            \
         ip netns exec {PREFIX}{player} ping {}\n            ip netns exec {PREFIX}{player} quakestat -R -P -q3s {server}",
        server.ip()
    )
}

/// One match from *ready* to its end.
async fn once(fleet: &Fleet, people: &People, ready: Ready, args: &Args, say: &Story) -> Result<()> {
    let (api, server) = (&people.organiser, ready.server);
    let names: Vec<&str> = people
        .clans
        .iter()
        .flat_map(|clan| &clan.players)
        .map(|player| player.name.as_str())
        .collect();
    let first = *names.first().context("no players")?;
    let mut checked: Vec<String> = Vec::new();

    let listing = look_up(fleet, first, server).await?;
    say.tell(&format!(
        "the directory {} lists {server}; quakestat shows: {}",
        listing.directory, listing.quakestat
    ));
    checked.push("the directory lists the server, and quakestat shows it".into());
    say.tell("every player asks the game for its status, from their own city");
    let measured = players::measure_getinfo(&fleet.running, &names, server, checks::FEWEST_ANSWERS)?;
    checked.extend(real_client(fleet, first, &ready, say)?);
    let view = wait(
        Duration::from_secs(60),
        "the server has seen the listing",
        async || {
            let view = api.get(&format!("/matches/{}", ready.id)).await?;
            let seen = view["directory"]["listed"] == true;
            Ok(if seen {
                Ok(view)
            } else {
                Err(view["directory"].clone())
            })
        },
    )
    .await?;
    checked.push("the server has seen the listing itself".into());
    visit_wiki(fleet, first, &ready.host, &|line| say.tell(line)).await?;
    checked.push("a wiki on another host is read through the NAT of its host, and put back".into());

    say.tell("the organiser ends the match");
    let seen = checks::Seen {
        hosts: fleet.hosts().into_iter().collect(),
        server,
        measured,
        ended: Timestamp::now(),
    };
    let over = fleet.end(api, &ready.id, &|line| say.tell(line)).await?;
    let median = |name: &str| seen.measured.get(name).and_then(players::RoundTrips::median_ms);
    let summary = summarise(view, &over, median);
    let path = args.out.join("summary.json");
    std::fs::create_dir_all(&args.out)?;
    std::fs::write(&path, serde_json::to_string_pretty(&summary)?)?;
    nothing_is_left(fleet, &ready.host, first, server)?;
    say.tell("the port is closed, and nothing of the VM is left on the host");
    checked.push("after the match its port is closed, and nothing of its VM is left on the host".into());

    let faults = checks::faults(&summary, &seen);
    if !faults.is_empty() {
        bail!(
            "not all is as it should be (see {}):\n  {}",
            path.display(),
            faults.join("\n  ")
        );
    }
    checked.splice(0..0, checks::CLAIMS.map(|(claim, _)| claim.to_owned()));
    let sources = in_other_ways(fleet, api, args, say).await?;
    checked.extend(sources::check(fleet, api, &sources).await?);
    report(&summary, &sources.view, &checked);
    say.tell(&format!(
        "every claim was checked and is true; see {}",
        path.display()
    ));
    Ok(())
}

/// A second match, of players who are measured in other ways.
async fn in_other_ways(fleet: &Fleet, api: &Api, args: &Args, say: &Story) -> Result<Sources> {
    say.tell("a second match, of players who are measured in other ways");
    let sources = sources::book(fleet, api, &|line| say.tell(line)).await?;
    std::fs::write(
        args.out.join("sources.json"),
        serde_json::to_string_pretty(&sources.view)?,
    )?;
    Ok(sources)
}

/// A real client is refused without the match password, and plays with it. Gives what was found true.
fn real_client(fleet: &Fleet, player: &str, ready: &Ready, say: &Story) -> Result<[String; 2]> {
    match fleet.knock(player, ready.server, None)? {
        Outcome::Refused { message } => {
            say.tell(&format!(
                "{player}'s client without the password is refused: {}",
                message.trim()
            ));
        }
        Outcome::Playing { .. } => bail!("{player} could join without the match password"),
    }
    let (_client, ping_ms) = fleet.join(player, ready)?;
    say.tell(&format!(
        "{player}'s client with the password plays, with a ping of {ping_ms} ms"
    ));
    Ok([
        "a player's client is refused without the password".into(),
        "a player's client with the password plays".into(),
    ])
}

/// What the server said during the match, its last state, and what the players measured.
fn summarise(mut view: Value, over: &Value, measured: impl Fn(&str) -> Option<f64>) -> Value {
    view["match"] = over["match"].clone();
    view["story"] = over["story"].clone();
    if let Some(players) = view["players"].as_array_mut() {
        for player in players {
            let name = player["name"].as_str().unwrap_or_default().to_owned();
            player["measured_ms"] = json!(measured(&name));
            // What the game said last is known when the match is over.
            let mut seen = over["players"].as_array().into_iter().flatten();
            if let Some(seen) = seen.find(|seen| seen["name"] == *name) {
                player["in_game_ms"] = seen["measured_ms"].clone();
            }
        }
    }
    // The password is of no more use, and still nobody's business.
    if let Some(view) = view.as_object_mut() {
        view.remove("connect");
    }
    view
}

fn nothing_is_left(fleet: &Fleet, host: &str, player: &str, server: SocketAddr) -> Result<()> {
    ensure!(
        !answers(&fleet.running, player, server, 2)?,
        "the game still answers on {server}"
    );
    let vms = fleet.agent_data(host).join("vms");
    let left = std::fs::read_dir(&vms)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    ensure!(
        left.as_ref().map_or(true, Vec::is_empty),
        "left on {host}: {left:?}"
    );
    Ok(())
}

/// What came of both matches, and what was found true.
fn report(played: &Value, by_sources: &Value, checked: &[String]) {
    println!("\nThe match that was played\n\n{}", summary::fairness(played));
    println!("{}", summary::times(played));
    println!(
        "The match of players who are measured in other ways\n\n{}",
        summary::fairness(by_sources)
    );
    println!("What was checked");
    for claim in checked {
        println!("  * {claim}");
    }
    println!();
}

/// Who uses the demo.
struct People {
    organiser: Api,
    /// With what they may do, in words.
    accounts: Vec<(Account, String)>,
    clans: Vec<Clan>,
}

impl People {
    async fn enter(fleet: &Fleet) -> Result<Self> {
        let (organiser, account) = fleet.organiser("otto")?;
        let mut accounts = vec![(account, "organiser: clans, and all matches".to_owned())];
        let clans = fleet.enter_clans(&organiser).await?;
        for clan in &clans {
            let name = clan.name.to_lowercase();
            let captain = fleet.admin_user(&name, &["--role", "clan_admin", "--clan", &clan.name])?;
            accounts.push((
                captain,
                format!("captain of {}: its players and matches", clan.name),
            ));
        }
        Ok(Self {
            organiser,
            accounts,
            clans,
        })
    }
}

/// Prints what happens, with the time since the start.
struct Story(std::time::Instant);

impl Story {
    fn new() -> Self {
        Self(std::time::Instant::now())
    }

    fn tell(&self, line: &str) {
        println!("{:6.1} s  {line}", self.0.elapsed().as_secs_f64());
    }
}
