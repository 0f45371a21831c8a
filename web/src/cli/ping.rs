//! `vmatrix ping`: how far hosts are, by their UDP echoes (docs/echo.md); for players without a browser. With an invite link
//! it measures to all hosts of the match and sends the result in. Needs no server of its own and no database.
//!
//! Exit codes: 0 somebody answered, 1 nobody did or something failed, 2 it was asked for in a wrong way.

mod asking;
mod link;
mod table;

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
pub(super) struct Ping {
    /// Names or addresses of hosts, with a port if their echo has another than 27900
    #[arg(
        value_name = "HOST[:PORT]",
        required_unless_present = "link",
        conflicts_with = "link"
    )]
    hosts: Vec<String>,
    /// Questions to each host, after three that do not count
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with = "link")]
    samples: u16,
    /// Milliseconds between two questions to one host
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(20..=10_000), conflicts_with = "link")]
    interval: u16,
    /// The private invite link of your clan in a match: measures to all its hosts, sends in the result, and puts you on the roster
    #[arg(long, value_name = "URL", requires = "name")]
    link: Option<Url>,
    /// Who you are, as your clan knows you
    #[arg(long, requires = "link", conflicts_with = "hosts")]
    name: Option<String>,
    /// Do not let the match's hosts measure to you by ping (ICMP) as well
    #[arg(long, requires = "link", conflicts_with = "hosts")]
    no_ping: bool,
}

impl Ping {
    pub(super) async fn carry_out(self) -> anyhow::Result<ExitCode> {
        let answered = match (self.link, self.name) {
            (Some(link), Some(name)) => link::join(&link, &name, !self.no_ping).await?,
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
async fn ask_hosts(plan: Plan, names: Vec<String>) -> anyhow::Result<bool> {
    let mut addresses = Vec::new();
    for name in &names {
        addresses.push(address_of(name).await?);
    }
    let asking = measure(plan, &addresses).await?;
    tell(&asking, &names)?;
    Ok((0..names.len()).any(|index| !asking.rtts_us(index).is_empty()))
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

/// Of `192.0.2.1`, `192.0.2.1:27901`, `2001:db8::1`, `[2001:db8::1]:27901`, `host.example` or `host.example:27901`.
async fn address_of(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, echo::PORT));
    }
    let (name, port) = match text.split_once(':') {
        None => (text, echo::PORT),
        Some((name, port)) => {
            let number = port.parse().ok().filter(|port| *port > 0);
            (
                name,
                number.with_context(|| format!("{text}: port {port:?} is no number from 1 to 65535"))?,
            )
        }
    };
    let mut found = tokio::net::lookup_host((name, port))
        .await
        .with_context(|| format!("{name} cannot be looked up"))?;
    found.next().with_context(|| format!("{name} has no address"))
}

#[cfg(test)]
#[path = "ping/tests.rs"]
mod tests;
