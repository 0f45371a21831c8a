//! A world as its file tells it.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longest name of a node: its namespace and devices get it too.
const LONGEST_NAME: usize = 12;
/// Longest round-trip time that makes sense, milliseconds.
const MAX_MS: f64 = 10_000.0;

/// A file that is no world.
#[derive(Debug, thiserror::Error)]
pub enum BadWorld {
    /// It cannot be read.
    #[error("world {path}: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It is not the TOML that it should be.
    #[error("world {path}: {reason}")]
    Form {
        /// Which file.
        path: PathBuf,
        /// What and where.
        reason: Box<toml::de::Error>,
    },
    /// A node's name cannot be a namespace's.
    #[error("{name:?} is no name of a node: 1 to {LONGEST_NAME} of a-z and 0-9")]
    Name {
        /// The name.
        name: String,
    },
    /// Two nodes have one name.
    #[error("{name:?} is there twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A player's name server is none of the world.
    #[error("there is no name server {name:?}")]
    NameServer {
        /// The name.
        name: String,
    },
    /// There is no figure for a pair of cities.
    #[error("no round-trip time between {a} and {b}")]
    NoRtt {
        /// One.
        a: String,
        /// The other.
        b: String,
    },
    /// A figure cannot be.
    #[error("{what} cannot be {value} milliseconds")]
    Figure {
        /// Of what.
        what: String,
        /// The figure.
        value: f64,
    },
}

/// Somewhere that something real stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name; the namespace is `vmx-<name>`.
    pub name: String,
    /// Where.
    pub city: String,
}

/// A machine for agents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name; the namespace is `vmx-<name>`.
    pub name: String,
    /// Where.
    pub city: String,
    /// The hosting network that it stands in.
    pub site: String,
}

/// Somebody who plays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// Name; the namespace is `vmx-<name>`.
    pub name: String,
    /// For whom.
    pub clan: String,
    /// Where.
    pub city: String,
    /// Added to every round trip.
    pub last_mile_ms: f64,
    /// Drops echo requests, as many home routers do.
    #[serde(default)]
    pub firewalled: bool,
    /// Has no IPv4 address.
    #[serde(default)]
    pub ipv6_only: bool,
    /// The name server that the reverse zone of the address is on; without one there is no such zone.
    pub name_server: Option<String>,
}

/// Between two cities.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rtt {
    /// Mean round trip, milliseconds.
    pub ms: f64,
    /// Its mean deviation, milliseconds.
    pub deviation_ms: f64,
}

/// Hosts, players, a directory, and how far they are apart. Valid: names differ, all figures are there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Its name.
    pub name: String,
    /// Round trip within one city, milliseconds.
    pub same_city_ms: f64,
    /// The game's master server.
    pub directory: Node,
    /// Where the website is reached from the emulated internet.
    pub website: Node,
    /// Name servers of providers; the first also knows which reverse zone is on which.
    #[serde(default)]
    pub name_servers: Vec<Node>,
    /// Machines for agents.
    pub hosts: Vec<Host>,
    /// People.
    pub players: Vec<Player>,
    /// More people, for what those do not show.
    #[serde(default)]
    pub guests: Vec<Player>,
    /// By city and city, each pair once.
    rtt: BTreeMap<String, BTreeMap<String, Rtt>>,
}

impl World {
    /// Reads a world.
    ///
    /// # Errors
    /// Names what is wrong in the file.
    pub fn load(path: &Path) -> Result<Self, BadWorld> {
        let unreadable = |reason| BadWorld::Unreadable {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let form = |reason| BadWorld::Form {
            path: path.to_owned(),
            reason: Box::new(reason),
        };
        let world: Self = toml::from_str(&text).map_err(form)?;
        world.check()?;
        Ok(world)
    }

    /// As many hosts and players as wanted in the same cities, in turn; last miles of 1 to 25 ms.
    ///
    /// # Errors
    /// Too many for names.
    pub fn crowded(&self, hosts: usize, players: usize) -> Result<Self, BadWorld> {
        let host = |(n, like): (usize, &Host)| Host {
            name: format!("h{n}"),
            ..like.clone()
        };
        let player = |((n, like), mile): ((usize, &Player), u32)| Player {
            name: format!("p{n}"),
            last_mile_ms: f64::from(1 + mile % 25),
            firewalled: false,
            name_server: None,
            ..like.clone()
        };
        let crowd = Self {
            hosts: self
                .hosts
                .iter()
                .cycle()
                .take(hosts)
                .enumerate()
                .map(host)
                .collect(),
            players: self
                .players
                .iter()
                .cycle()
                .take(players)
                .enumerate()
                .zip((0..).step_by(7))
                .map(player)
                .collect(),
            guests: Vec::new(),
            name_servers: Vec::new(),
            ..self.clone()
        };
        crowd.check()?;
        Ok(crowd)
    }

    fn check(&self) -> Result<(), BadWorld> {
        let mut seen = BTreeSet::new();
        let nodes = self.nodes();
        for node in &nodes {
            let name = node.name.to_owned();
            let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            if !letters || name.is_empty() || name.len() > LONGEST_NAME {
                return Err(BadWorld::Name { name });
            }
            if !seen.insert(node.name) {
                return Err(BadWorld::Twice { name });
            }
            figure(|| format!("the last mile of {name}"), node.last_mile_ms, 0.0)?;
        }
        for name in self.everybody().filter_map(|player| player.name_server.as_ref()) {
            if !self.name_servers.iter().any(|server| server.name == *name) {
                return Err(BadWorld::NameServer { name: name.clone() });
            }
        }
        figure(|| "same_city_ms".into(), self.same_city_ms, 0.05)?;
        for (index, a) in nodes.iter().enumerate() {
            for b in nodes.iter().skip(index + 1) {
                let missing = || BadWorld::NoRtt {
                    a: a.city.into(),
                    b: b.city.into(),
                };
                let rtt = self.between_cities(a.city, b.city).ok_or_else(missing)?;
                let what = || format!("the round trip between {} and {}", a.city, b.city);
                figure(what, rtt.ms, 0.05)?;
                figure(|| format!("the deviation of {}", what()), rtt.deviation_ms, 0.0)?;
            }
        }
        Ok(())
    }

    /// All nodes: the directory, the website, hosts, players, name servers, in this order.
    pub(crate) fn nodes(&self) -> Vec<Placed<'_>> {
        let first = [
            Placed::of(Kind::Directory, 0, &self.directory),
            Placed::of(Kind::Website, 0, &self.website),
        ];
        let hosts = self
            .hosts
            .iter()
            .enumerate()
            .map(|(n, h)| Placed::new(Kind::Host, n, &h.name, &h.city, 0.0));
        let players = self.everybody().enumerate();
        let players = players.map(|(n, p)| Placed {
            ipv6_only: p.ipv6_only,
            ..Placed::new(Kind::Player, n, &p.name, &p.city, p.last_mile_ms)
        });
        let name_servers = self.name_servers.iter().enumerate();
        let name_servers = name_servers.map(|(n, server)| Placed::of(Kind::NameServer, n, server));
        first
            .into_iter()
            .chain(hosts)
            .chain(players)
            .chain(name_servers)
            .collect()
    }

    /// Players and guests.
    pub fn everybody(&self) -> impl Iterator<Item = &Player> {
        self.players.iter().chain(&self.guests)
    }

    fn between_cities(&self, a: &str, b: &str) -> Option<Rtt> {
        if a == b {
            return Some(Rtt {
                ms: self.same_city_ms,
                deviation_ms: 0.0,
            });
        }
        let one_way = |a: &str, b: &str| self.rtt.get(a).and_then(|to| to.get(b)).copied();
        one_way(a, b).or_else(|| one_way(b, a))
    }

    pub(crate) fn between(&self, a: &Placed, b: &Placed) -> Option<Rtt> {
        let cities = self.between_cities(a.city, b.city)?;
        Some(Rtt {
            ms: cities.ms + a.last_mile_ms + b.last_mile_ms,
            ..cities
        })
    }

    /// The round trip between two nodes, milliseconds: what a ping must show. `None` if one is not there.
    #[must_use]
    pub fn rtt_ms(&self, a: &str, b: &str) -> Option<f64> {
        self.rtt(a, b).map(|rtt| rtt.ms)
    }

    /// The same with its mean deviation.
    #[must_use]
    pub fn rtt(&self, a: &str, b: &str) -> Option<Rtt> {
        let nodes = self.nodes();
        let find = |name: &str| nodes.iter().find(|node| node.name == name);
        self.between(find(a)?, find(b)?)
    }
}

fn figure(what: impl Fn() -> String, value: f64, least: f64) -> Result<(), BadWorld> {
    if (least..=MAX_MS).contains(&value) {
        Ok(())
    } else {
        Err(BadWorld::Figure { what: what(), value })
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    Website,
    Host,
    Player,
    NameServer,
}

/// A node of any kind.
#[derive(Debug, Clone)]
pub(crate) struct Placed<'a> {
    pub kind: Kind,
    /// Counted from 0 within its kind.
    pub number: usize,
    pub name: &'a str,
    pub city: &'a str,
    pub last_mile_ms: f64,
    pub ipv6_only: bool,
}

impl<'a> Placed<'a> {
    fn of(kind: Kind, number: usize, node: &'a Node) -> Self {
        Self::new(kind, number, &node.name, &node.city, 0.0)
    }

    fn new(kind: Kind, number: usize, name: &'a str, city: &'a str, last_mile_ms: f64) -> Self {
        Self {
            kind,
            number,
            name,
            city,
            last_mile_ms,
            ipv6_only: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATLANTIC: &str = include_str!("../worlds/atlantic.toml");

    fn of(text: &str) -> Result<World, BadWorld> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        World::load(file.path())
    }

    #[test]
    fn the_atlantic_has_eight_hosts_and_two_clans_of_five() {
        let world = of(ATLANTIC).unwrap();
        let clan = |name: &str| world.players.iter().filter(|player| player.clan == name).count();
        assert_eq!((world.hosts.len(), clan("Wolves"), clan("Bears")), (8, 5, 5));
        assert_eq!(world.rtt_ms("newyork", "baloo"), Some(71.0 + 18.5));
        assert_eq!(world.rtt_ms("baloo", "newyork"), world.rtt_ms("newyork", "baloo"));
        assert_eq!(world.rtt_ms("london", "baloo"), Some(0.8 + 18.5));
        assert_eq!(world.rtt_ms("london", "nobody"), None);
    }

    #[test]
    fn a_broken_world_is_refused_by_what_is_broken() {
        let with = |from: &str, to: &str| of(&ATLANTIC.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(
            with("name = \"misha\"", "name = \"urs\""),
            "\"urs\" is there twice"
        );
        assert!(with("name = \"misha\"", "name = \"Mi sha\"").starts_with("\"Mi sha\" is no name"));
        assert!(with("Vienna.Warsaw", "Vienna.Atlantis").starts_with("no round-trip time between"));
        assert!(with("last_mile_ms = 5.5", "last_mile_ms = nan").contains("misha cannot be NaN"));
        assert!(with("ms = 28.86", "ms = -1").contains("cannot be -1"));
        assert!(with("clan = \"Bears\"", "klan = \"Bears\"").contains("klan"));
    }
}
