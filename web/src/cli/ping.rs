//! `vmatrix ping`: how far hosts are, by their UDP echoes (docs/echo.md); for players without a browser. With an invite link
//! it measures to all hosts of the match and sends the result in. Needs no server of its own and no database.
//!
//! Exit codes: 0 somebody answered, 1 nobody did or something failed, 2 it was asked for in a wrong way.

mod asking;
mod link;
mod table;

use crate::domain::Name;
use anyhow::Context;
use asking::{Asking, Plan};
use clap::Args;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};
use url::Url;
use vmatrix_wire::echo;

/// Questions before those that count.
const WARM_UP: u16 = 3;
/// What comes back later than this is lost.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug, Args)]
#[command(override_usage = "vmatrix ping [--samples N] [--interval MS] <HOST[:PORT]>...
       vmatrix ping --link <URL> --name <NAME> [--may-ping] [--new]")]
pub(super) struct Ping {
    /// Names or addresses of hosts, with a port if their echo has another than 27900
    #[arg(
        value_name = "HOST[:PORT]",
        required_unless_present = "link",
        conflicts_with = "link",
        value_parser = target
    )]
    hosts: Vec<Target>,
    /// Questions to each host, after three that do not count. Not with --link: there the server says how many
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with = "link")]
    samples: u16,
    /// Milliseconds between two questions to one host. Not with --link
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(20..=10_000), conflicts_with = "link")]
    interval: u16,
    /// The private invite link of your clan in a match: measures to all its hosts, sends in the result, and puts you on the roster
    #[arg(long, value_name = "URL", requires = "name")]
    link: Option<Url>,
    /// Who you are, as your clan knows you
    #[arg(long, requires = "link", conflicts_with = "hosts", value_parser = Name::entered)]
    name: Option<Name>,
    /// Agree that the match's hosts ping the address that you come from (ICMP). Without it nothing is said of pings, and what you
    /// said before from that address stays
    #[arg(long, requires = "link", conflicts_with = "hosts")]
    may_ping: bool,
    /// Join as a new player, where others are expected
    #[arg(long, requires = "link", conflicts_with = "hosts")]
    new: bool,
}

/// Where an echo is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    At(SocketAddr),
    Named(String, u16),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) if address.port() == echo::PORT => address.ip().fmt(f),
            Self::At(address) => address.fmt(f),
            Self::Named(name, echo::PORT) => name.fmt(f),
            Self::Named(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Ping {
    pub(super) async fn carry_out(self) -> anyhow::Result<ExitCode> {
        let answered = match (self.link, self.name) {
            (Some(link), Some(name)) => {
                let visitor = link::Visitor {
                    name,
                    may_ping: self.may_ping,
                    new: self.new,
                };
                link::join(&link, &visitor).await?
            }
            _ => {
                let plan = Plan {
                    samples: self.samples,
                    warm_up: WARM_UP,
                    interval: Duration::from_millis(u64::from(self.interval)),
                    timeout: TIMEOUT,
                };
                ask_hosts(plan, self.hosts).await?
            }
        };
        Ok(if answered {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Whether anybody answered.
async fn ask_hosts(plan: Plan, hosts: Vec<Target>) -> anyhow::Result<bool> {
    let mut addresses = Vec::new();
    for host in &hosts {
        addresses.push(address_of(host).await?);
    }
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let asking = measure(plan, &addresses).await?;
    tell(&asking, &names)?;
    let silent = |index: &usize| asking.rtts_us(*index).is_empty();
    let mute: Vec<SocketAddr> = (0..)
        .zip(&addresses)
        .filter(|(index, _)| silent(index))
        .map(|(_, at)| *at)
        .collect();
    if !mute.is_empty() {
        eprintln!("vmatrix: {}", table::of_silence(&mute));
    }
    Ok(mute.len() < addresses.len())
}

/// Prints what came back. Names are in the order of the hosts asked.
fn tell(asking: &Asking, names: &[String]) -> std::io::Result<()> {
    std::io::stdout().write_all(table::of(asking, names).as_bytes())
}

/// Asks all of them, and comes back when the last answer is here or lost.
async fn measure(plan: Plan, hosts: &[SocketAddr]) -> std::io::Result<Asking> {
    let nonces: Vec<(SocketAddr, [u8; 16])> = hosts.iter().map(|host| (*host, rand::random())).collect();
    let mut asking = Asking::new(plan, &nonces);
    let v4 = socket(hosts, Ipv4Addr::UNSPECIFIED.into()).await?;
    let v6 = socket(hosts, Ipv6Addr::UNSPECIFIED.into()).await?;
    let mut unsent = None;
    let start = Instant::now();
    // One byte more than a frame, so that a longer packet is seen to be longer.
    let (mut four, mut six) = ([0; echo::LENGTH + 1], [0; echo::LENGTH + 1]);
    while let Some(until) = asking.wait_until(start.elapsed()) {
        tokio::select! {
            // Answers first: a question that goes out a little later harms nothing.
            biased;
            (length, from) = receive(v4.as_ref(), &mut four) => {
                asking.hear(from, four.get(..length).unwrap_or_default(), start.elapsed());
            }
            (length, from) = receive(v6.as_ref(), &mut six) => {
                asking.hear(from, six.get(..length).unwrap_or_default(), start.elapsed());
            }
            () = sleep_until(start + until) => {
                if let Some((to, frame)) = asking.ask(start.elapsed())
                    && let Some(socket) = if to.is_ipv4() { &v4 } else { &v6 }
                    && let Err(error) = socket.send_to(&frame, to).await
                {
                    unsent = Some((to, error));
                }
            }
        }
    }
    if let Some((to, error)) = unsent {
        eprintln!("vmatrix: not every question could be sent; the last that could not, to {to}: {error}");
    }
    Ok(asking)
}

/// A socket of this family, if any host is of it.
async fn socket(hosts: &[SocketAddr], any: IpAddr) -> std::io::Result<Option<UdpSocket>> {
    if hosts.iter().any(|host| host.is_ipv4() == any.is_ipv4()) {
        return UdpSocket::bind((any, 0)).await.map(Some);
    }
    Ok(None)
}

/// The next packet. Errors of earlier packets that some systems tell here are no packets.
async fn receive(socket: Option<&UdpSocket>, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let Some(socket) = socket else {
        return std::future::pending().await;
    };
    loop {
        match socket.recv_from(buffer).await {
            Ok(received) => return received,
            // Without a pause a lasting error would take the whole core.
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// Reads `192.0.2.1`, `192.0.2.1:27901`, `2001:db8::1`, `[2001:db8::1]:27901`, `host.example` or `host.example:27901`.
fn target(text: &str) -> Result<Target, String> {
    let named = match text.parse::<IpAddr>() {
        Ok(address) => return Ok(Target::At(SocketAddr::new(address, echo::PORT))),
        Err(_) => text.parse::<SocketAddr>().ok(),
    };
    let bad_port = |port: &str| format!("port {port:?} is no number from 1 to 65535");
    match (named, text.rsplit_once(':')) {
        (Some(address), _) if address.port() == 0 => Err(bad_port("0")),
        (Some(address), _) => Ok(Target::At(address)),
        (None, None) if !text.is_empty() => Ok(Target::Named(text.to_owned(), echo::PORT)),
        (None, Some((name, port))) if !name.is_empty() => {
            let number = port.parse().ok().filter(|port| *port > 0);
            Ok(Target::Named(
                name.to_owned(),
                number.ok_or_else(|| bad_port(port))?,
            ))
        }
        _ => Err("there is no name or address before the port".into()),
    }
}

async fn address_of(target: &Target) -> anyhow::Result<SocketAddr> {
    let (name, port) = match target {
        Target::At(address) => return Ok(*address),
        Target::Named(name, port) => (name, *port),
    };
    let mut found = tokio::net::lookup_host((name.as_str(), port))
        .await
        .with_context(|| format!("{name} cannot be looked up"))?;
    found.next().with_context(|| format!("{name} has no address"))
}

#[cfg(test)]
#[path = "ping/tests.rs"]
mod tests;
