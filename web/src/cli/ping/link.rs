//! Measures by an invite link: asks the server which hosts there are, measures, sends in the result.

use super::asking::{Asking, Plan};
use crate::domain::Name;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;
use url::Url;

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer.
const MOST_BYTES: usize = 4 << 20;
/// What a server may ask of a player's machine; anything else is a mistake, or somebody who means harm.
const HOSTS: usize = 2_000;
const SAMPLES: RangeInclusive<u16> = 1..=100;
const WARM_UP: RangeInclusive<u16> = 0..=20;
const INTERVAL_MS: RangeInclusive<u16> = 20..=1_000;

/// What the server says at the beginning. It may say more.
#[derive(Debug, Deserialize)]
struct Begun {
    nonce: String,
    samples: u16,
    warm_up: u16,
    interval_ms: u16,
    hosts: Vec<Host>,
}

#[derive(Debug, Deserialize)]
struct Host {
    id: String,
    name: String,
    address: IpAddr,
    #[serde(default)]
    doors: Doors,
}

#[derive(Debug, Default, Deserialize)]
struct Doors {
    echo: Option<u16>,
}

/// Who comes.
#[derive(Debug)]
pub(super) struct Visitor {
    /// As their clan knows them.
    pub(super) name: Name,
    /// Whether they agree to pings; otherwise they say nothing of them.
    pub(super) may_ping: bool,
    /// They join although others are expected.
    pub(super) new: bool,
}

impl Visitor {
    /// What was said of pings, to who said it.
    fn said(&self) -> &'static str {
        if self.may_ping {
            "You agreed that the game hosts ping the address that you come from."
        } else {
            "You said nothing of pings: what you said before from this address stays. With --may-ping you agree to them."
        }
    }
}

/// What is sent in.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    nonce: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_ping: Option<bool>,
    new: bool,
    via: &'static str,
    hosts: Vec<Measured<'a>>,
}

#[derive(Debug, Serialize)]
struct Measured<'a> {
    id: &'a str,
    way: &'static str,
    sent: u16,
    rtts_us: Vec<u32>,
}

/// What the server says at the end.
#[derive(Debug, Deserialize)]
struct Joined {
    player: String,
    measured: u32,
}

/// Why a link is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// Another kind of URL.
    #[error("--link: {0} is no invite link: one looks like https://SERVER/play/…")]
    Shape(Url),
    /// No answer.
    #[error("the server {server} cannot be reached: {reason}")]
    Unreachable {
        /// Its name.
        server: String,
        /// Why not.
        reason: String,
    },
    /// A problem in the server's words.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// The same, of a name that nobody expects.
    #[error("the server refuses: {0} With --new you do")]
    NotExpected(String),
    /// No answer of a vMatrix server.
    #[error("{server} answered {status}, not in the words of a vMatrix server: is the link whole?")]
    Stranger {
        /// Its name.
        server: String,
        /// HTTP status.
        status: u16,
    },
    /// A success that is not understood.
    #[error("the server's answer is not understood: {0}")]
    Odd(String),
    /// Nowhere to measure to.
    #[error("none of the match's {hosts} hosts has a UDP echo: open the link in a browser instead")]
    NoEcho {
        /// How many there are.
        hosts: usize,
    },
    /// The network of this machine.
    #[error("no UDP socket: {0}")]
    Socket(#[from] std::io::Error),
}

/// Measures and joins. False if no host answered: nothing is sent in then.
pub(super) async fn join(link: &Url, visitor: &Visitor) -> Result<bool, LinkError> {
    let server = Server::of(link)?;
    let name = visitor.name.as_str();
    // Who cannot join under this name is told before they measure.
    let who = serde_json::json!({ "name": name, "new": visitor.new });
    let begun: Begun = server.post("begin", &who).await?;
    let plan = plan(&begun)?;
    let (hosts, addresses) = reachable(&begun)?;
    println!(
        "Measuring to {} host{}, {} questions each …",
        hosts.len(),
        if hosts.len() == 1 { "" } else { "s" },
        plan.samples
    );
    let asking = super::measure(plan, &addresses).await?;
    let names: Vec<String> = hosts.iter().map(|host| printable(&host.name)).collect();
    super::tell(&asking, &names)?;
    let measured = measured(&asking, &hosts);
    if measured.is_empty() {
        eprintln!(
            "vmatrix: no host answered, so nothing was sent in. UDP may be blocked here; open the link in a browser instead"
        );
        return Ok(false);
    }
    let outcome = Outcome {
        nonce: &begun.nonce,
        name,
        may_ping: visitor.may_ping.then_some(true),
        new: visitor.new,
        via: "udp",
        hosts: measured,
    };
    let joined: Joined = server.post("result", &outcome).await?;
    println!(
        "{} is on the roster, with round-trip times to {} hosts.",
        printable(&joined.player),
        joined.measured
    );
    println!("{}", visitor.said());
    Ok(true)
}

/// How to measure, if that is something that one asks of a player.
fn plan(begun: &Begun) -> Result<Plan, LinkError> {
    for (field, value, right) in [
        ("samples", begun.samples, SAMPLES),
        ("warm_up", begun.warm_up, WARM_UP),
        ("interval_ms", begun.interval_ms, INTERVAL_MS),
    ] {
        if !right.contains(&value) {
            let words = format!(
                "{field} is {value}, and cannot be outside {} to {}",
                right.start(),
                right.end()
            );
            return Err(LinkError::Odd(words));
        }
    }
    if begun.hosts.len() > HOSTS {
        let words = format!(
            "hosts has {} entries, and cannot have more than {HOSTS}",
            begun.hosts.len()
        );
        return Err(LinkError::Odd(words));
    }
    Ok(Plan {
        samples: begun.samples,
        warm_up: begun.warm_up,
        interval: Duration::from_millis(u64::from(begun.interval_ms)),
        timeout: super::TIMEOUT,
    })
}

/// The hosts that have an echo, and where.
fn reachable(begun: &Begun) -> Result<(Vec<&Host>, Vec<SocketAddr>), LinkError> {
    let door = |host: &'_ Host| Some(SocketAddr::new(host.address, host.doors.echo?));
    let found: (Vec<&Host>, Vec<SocketAddr>) = begun
        .hosts
        .iter()
        .filter_map(|host| Some((host, door(host)?)))
        .unzip();
    if found.0.is_empty() {
        let hosts = begun.hosts.len();
        return Err(LinkError::NoEcho { hosts });
    }
    Ok(found)
}

/// Those that answered: from silence nothing follows for a match, as UDP alone may be blocked.
fn measured<'a>(asking: &Asking, hosts: &[&'a Host]) -> Vec<Measured<'a>> {
    let one = |(index, host): (usize, &&'a Host)| Measured {
        id: &host.id,
        way: "udp",
        sent: asking.samples(),
        rtts_us: asking.rtts_us(index),
    };
    let all = hosts.iter().enumerate().map(one);
    all.filter(|host| !host.rtts_us.is_empty()).collect()
}

/// What came over the network is printed without what would steer a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

struct Server {
    http: reqwest::Client,
    link: Url,
}

impl Server {
    fn of(link: &Url) -> Result<Self, LinkError> {
        let link = invite(link)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("vmatrix-ping/", env!("CARGO_PKG_VERSION")))
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unreachable(&link, &error))?;
        Ok(Self { http, link })
    }

    fn unreachable(&self, error: &reqwest::Error) -> LinkError {
        unreachable(&self.link, error)
    }

    /// One request to `LINK/verb`.
    async fn post<A: DeserializeOwned>(&self, verb: &str, body: &impl Serialize) -> Result<A, LinkError> {
        let mut url = self.link.clone();
        url.set_path(&format!("{}/{verb}", self.link.path().trim_end_matches('/')));
        let sent = self.http.post(url).json(body).send().await;
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(LinkError::Odd(format!("it has more than {MOST_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| LinkError::Odd(error.to_string()));
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if problem.is_of("new") => Err(LinkError::NotExpected(problem.detail)),
            Ok(problem) => Err(LinkError::Refused(problem.detail)),
            Err(_) => Err(LinkError::Stranger {
                server: name(&self.link),
                status: status.as_u16(),
            }),
        }
    }
}

/// The link without what may hang on it.
fn invite(link: &Url) -> Result<Url, LinkError> {
    let segments: Vec<&str> = link.path_segments().into_iter().flatten().collect();
    let is_invite = matches!(segments.as_slice(), [.., "play", token] if !token.is_empty());
    if !is_invite || !matches!(link.scheme(), "http" | "https") || link.host().is_none() {
        return Err(LinkError::Shape(link.clone()));
    }
    let mut link = link.clone();
    link.set_query(None);
    link.set_fragment(None);
    Ok(link)
}

fn name(link: &Url) -> String {
    link.host_str().unwrap_or_default().to_owned()
}

fn unreachable(link: &Url, error: &reqwest::Error) -> LinkError {
    // The innermost cause says what happened; the outer ones repeat the URL, which is a secret.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let reason = if error.is_timeout() {
        format!("no answer within {PATIENCE:?}")
    } else {
        cause.to_string()
    };
    LinkError::Unreachable {
        server: name(link),
        reason,
    }
}

/// Problem details (RFC 9457), as far as they are told.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    errors: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    field: String,
}

impl Problem {
    /// Whether this field is what is wrong.
    fn is_of(&self, field: &str) -> bool {
        self.errors.iter().any(|wrong| wrong.field == field)
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
