//! A world as written in `tests/worlds/*.toml`: cities with round-trip times, and who lives where.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

/// A world file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    /// Round-trip time between two nodes of one city, milliseconds.
    pub same_city_ms: f64,
    /// `"City - City" = [mean, mean deviation]`, milliseconds.
    rtt: BTreeMap<String, (f64, f64)>,
    /// Real machines that run an agent.
    #[serde(rename = "host")]
    pub hosts: Vec<Node>,
    /// Players.
    #[serde(rename = "player")]
    pub players: Vec<Node>,
    /// Master servers.
    #[serde(rename = "directory", default)]
    pub directories: Vec<Node>,
}

/// Somebody with a network namespace of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique: `a-z`, `0-9`; the namespace is `vmx-<name>`.
    pub name: String,
    /// One of the cities of `rtt`.
    pub city: String,
    /// For players.
    #[serde(default)]
    pub clan: String,
    /// Added to each round trip, milliseconds.
    #[serde(default)]
    pub last_mile_ms: f64,
    /// On the emulated wide area; given by [`WorldFile::load`].
    #[serde(skip, default = "nowhere")]
    pub address: Ipv4Addr,
    /// On the management network; given by [`WorldFile::load`].
    #[serde(skip, default = "nowhere")]
    pub control: Ipv4Addr,
}

fn nowhere() -> Ipv4Addr {
    Ipv4Addr::UNSPECIFIED
}

impl Node {
    /// Name of its network namespace.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("vmx-{}", self.name)
    }
}

impl WorldFile {
    /// Reads and checks a world.
    ///
    /// # Errors
    /// What is wrong, with the name of the node or the pair of cities.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("world file {}", path.display()))?;
        let mut world: Self = toml::from_str(&text).with_context(|| format!("world file {}", path.display()))?;
        for (kind, nodes) in [&mut world.hosts, &mut world.players, &mut world.directories].into_iter().enumerate() {
            ensure!(nodes.len() <= 250, "too many nodes of one kind");
            for (index, node) in nodes.iter_mut().enumerate() {
                let (kind, index) = (u8::try_from(kind + 1)?, u8::try_from(index + 1)?);
                node.address = Ipv4Addr::new(10, 77, kind, index);
                node.control = Ipv4Addr::new(10, 78, kind, index);
            }
        }
        world.check()?;
        Ok(world)
    }

    /// Hosts, players and directories.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.hosts.iter().chain(&self.players).chain(&self.directories)
    }

    /// Mean and mean deviation of the round trip between two nodes, milliseconds.
    ///
    /// # Errors
    /// If the world says nothing of the pair of cities.
    pub fn rtt_ms(&self, a: &Node, b: &Node) -> Result<(f64, f64)> {
        let last_miles = a.last_mile_ms + b.last_mile_ms;
        if a.city == b.city {
            return Ok((self.same_city_ms + last_miles, 0.0));
        }
        let pair = [format!("{} - {}", a.city, b.city), format!("{} - {}", b.city, a.city)];
        let Some((mean, deviation)) = pair.iter().find_map(|key| self.rtt.get(key)) else {
            bail!("no round-trip time for {}", pair[0]);
        };
        Ok((mean + last_miles, *deviation))
    }

    fn check(&self) -> Result<()> {
        let mut names = std::collections::HashSet::new();
        for node in self.nodes() {
            let plain = node.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            // A link's name has at most 15 characters, and each node has a link "vmx" + its name.
            ensure!(plain && (1..=12).contains(&node.name.len()), "name {:?}: 1 to 12 of a-z, 0-9", node.name);
            ensure!(names.insert(&node.name), "name {:?} is there twice", node.name);
            for other in self.nodes() {
                let (_, deviation) = self.rtt_ms(node, other)?;
                ensure!(deviation <= 3.0, "{} - {}: mean deviation {deviation} above 3 ms", node.city, other.city);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worlds_of_the_project_are_sound() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/worlds")).unwrap() {
            let world = WorldFile::load(&entry.unwrap().path()).unwrap();
            assert!(world.hosts.len() >= 2 && !world.players.is_empty());
        }
    }
}
