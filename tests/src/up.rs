//! A world that is up.

use crate::addresses::{address_of, address6_of, addresses_of, control_of, given_to};
use crate::devices::{device, tun};
use crate::namespace::{self, PREFIX};
use crate::turn::Turn;
use crate::wan::{Counters, End, Wan, Way};
use crate::world::{Kind, Placed, World};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The management bridge: a wire beside the emulated internet, between agents and the website.
const BRIDGE: &str = "vmx-ctl";
/// The website's device on the emulated internet, in the root namespace, where the server runs.
const WEBSITE: &str = "vmx-wan";
/// Prefix of the bridge's ends of the hosts' wires.
const WIRE: &str = "vmx-c";

/// Where the website listens, in the root namespace.
pub const CONTROL: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);

/// What went wrong with a world.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// There is no such node.
    #[error("no {name:?} in this world")]
    NoNode {
        /// The name.
        name: String,
    },
    /// Something did not work.
    #[error("{what}: {reason}")]
    Io {
        /// What.
        what: String,
        /// Why.
        reason: std::io::Error,
    },
    /// `ip` refused.
    #[error("ip: {says} (in: {commands})")]
    Ip {
        /// What it was asked.
        commands: String,
        /// What it said.
        says: String,
    },
    /// Another world is up.
    #[error("another world is up on this machine")]
    Busy,
}

impl UpError {
    /// Says what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |reason| Self::Io { what, reason }
    }
}

/// Runs a batch of `ip` commands, in a namespace or outside.
fn ip(namespace: Option<&str>, commands: &str) -> Result<(), UpError> {
    let mut command = Command::new("ip");
    if let Some(namespace) = namespace {
        command.args(["-netns", namespace]);
    }
    command
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(UpError::io("ip"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(commands.as_bytes()).map_err(UpError::io("ip"))?;
    }
    let done = child.wait_with_output().map_err(UpError::io("ip"))?;
    if done.status.success() {
        return Ok(());
    }
    let says = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(UpError::Ip {
        commands: commands.trim().replace('\n', "; "),
        says,
    })
}

/// The namespace of a node.
fn namespace_of(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// A world that is up: namespaces, forwarder, management bridge. Dropped, it kills what runs in it and removes all.
pub struct Running {
    world: World,
    wan: Option<Wan>,
    turn: Turn,
}

impl Running {
    /// Waits for any other world on this machine to end, removes what a killed one left, and sets this one up.
    ///
    /// # Errors
    /// Without root, or if the kernel refuses; nothing is left then.
    pub fn start(world: World) -> Result<Self, UpError> {
        Self::start_in(Turn::wait(&|line| tracing::info!("{line}"))?, world)
    }

    /// The same for whoever has waited already.
    ///
    /// # Errors
    /// Without root, or if the kernel refuses; nothing is left then.
    pub fn start_in(mut turn: Turn, world: World) -> Result<Self, UpError> {
        remove(&mut turn)?;
        let mut running = Self {
            world,
            wan: None,
            turn,
        };
        running.set_up()?;
        Ok(running)
    }

    fn set_up(&mut self) -> Result<(), UpError> {
        let nodes = self.world.nodes();
        let names: Vec<String> = nodes
            .iter()
            .filter(|node| node.kind != Kind::Website)
            .map(|node| namespace_of(node.name))
            .collect();
        self.turn.note(names.iter().map(String::as_str))?;
        let adds: String = names.iter().map(|name| format!("netns add {name}\n")).collect();
        ip(None, &adds)?;
        let mut bridge = format!(
            "link add {BRIDGE} type bridge\naddr add {CONTROL}/24 dev {BRIDGE}\nlink set {BRIDGE} up\n"
        );
        let mut ends = Vec::new();
        for node in &nodes {
            let namespace = namespace_of(node.name);
            let addresses = addresses_of(node);
            if node.kind == Kind::Website {
                ends.push(End {
                    device: device(WEBSITE).map_err(UpError::io(WEBSITE))?,
                    addresses,
                });
                bridge += &given_to(node, WEBSITE);
                continue;
            }
            ends.push(End {
                device: tun(&namespace)?,
                addresses,
            });
            let mut inside = format!("link set lo up\n{}", given_to(node, "wan0"));
            if node.kind == Kind::Host {
                let outer = wire_of(node);
                ip(
                    None,
                    &format!("link add {outer} type veth peer name ctl0 netns {namespace}"),
                )?;
                bridge += &format!("link set {outer} master {BRIDGE}\nlink set {outer} up\n");
                inside += &format!("addr add {}/24 dev ctl0\nlink set ctl0 up\n", control_of(node));
            }
            ip(Some(&namespace), &inside)?;
        }
        ip(None, &bridge)?;
        for player in self.world.everybody().filter(|player| player.firewalled) {
            self.close_to_pings(&player.name)?;
        }
        let way = |a: &Placed, b: &Placed| {
            self.world
                .between(a, b)
                .map_or_else(Way::default, |rtt| Way::half(rtt.ms, rtt.deviation_ms))
        };
        let ways = nodes
            .iter()
            .map(|a| nodes.iter().map(|b| way(a, b)).collect())
            .collect();
        self.wan = Some(Wan::start(ends, ways).map_err(UpError::io("the emulated internet"))?);
        Ok(())
    }

    fn close_to_pings(&self, player: &str) -> Result<(), UpError> {
        let mut command = Command::new("nft");
        let rules = "add table inet home; add chain inet home in { type filter hook input priority 0; }; \
                     add rule inet home in icmp type echo-request drop; \
                     add rule inet home in icmpv6 type echo-request drop";
        let done = self.spawn_in(player, command.arg(rules))?.wait();
        match done {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(UpError::io(format!("nft in {player}"))(std::io::Error::other(
                status.to_string(),
            ))),
            Err(error) => Err(UpError::io(format!("nft in {player}"))(error)),
        }
    }

    /// The world as its file tells it.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Leaves everything as a killed process would: for the test that the next world cleans up.
    pub fn abandon(self) {
        if let Err(error) = self.turn.give_up() {
            tracing::warn!("{error}");
        }
        std::mem::forget(self);
    }

    /// Names of all nodes: the directory, hosts, players.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.world
            .nodes()
            .iter()
            .map(|node| node.name.to_owned())
            .collect()
    }

    /// What the forwarder has done so far.
    #[must_use]
    pub fn counters(&self) -> Option<&Counters> {
        self.wan.as_ref().map(|wan| wan.counters.as_ref())
    }

    fn node<T>(&self, name: &str, of: impl Fn(&Placed) -> Option<T>) -> Result<T, UpError> {
        let nodes = self.world.nodes();
        let found = nodes.iter().find(|node| node.name == name).and_then(of);
        found.ok_or_else(|| UpError::NoNode {
            name: name.to_owned(),
        })
    }

    /// A node's IPv6 address on the emulated internet.
    ///
    /// # Errors
    /// There is no such node.
    pub fn address6(&self, name: &str) -> Result<Ipv6Addr, UpError> {
        self.node(name, |node| Some(address6_of(node)))
    }

    /// The address by which a captain enters a node: of IPv4, where it has one.
    ///
    /// # Errors
    /// There is no such node.
    pub fn main_address(&self, name: &str) -> Result<IpAddr, UpError> {
        self.node(name, |node| addresses_of(node).first().copied())
    }

    /// A node's IPv4 address on the emulated internet; one that has none keeps its number free.
    ///
    /// # Errors
    /// There is no such node.
    pub fn address(&self, name: &str) -> Result<Ipv4Addr, UpError> {
        self.node(name, |node| Some(address_of(node)))
    }

    /// A host's address on the management bridge.
    ///
    /// # Errors
    /// There is no such host.
    pub fn control_address(&self, host: &str) -> Result<Ipv4Addr, UpError> {
        self.node(host, |node| (node.kind == Kind::Host).then(|| control_of(node)))
    }

    /// Where a node's namespace is, for `nsenter --net=…`.
    ///
    /// # Errors
    /// There is no such node.
    pub fn namespace(&self, name: &str) -> Result<PathBuf, UpError> {
        self.node(name, |node| Some(namespace::path(&namespace_of(node.name))))
    }

    /// Does some work on a thread inside a node's namespace. Sockets and programs made there stay there.
    ///
    /// # Errors
    /// There is no such node, or its namespace is gone.
    pub fn in_namespace<T: Send>(&self, name: &str, work: impl FnOnce() -> T + Send) -> Result<T, UpError> {
        let namespace = self.node(name, |node| Some(namespace_of(node.name)))?;
        namespace::within(&namespace, work).map_err(UpError::io(namespace))
    }

    /// Starts a program inside a node's namespace. It is killed at the latest when the world goes down.
    ///
    /// # Errors
    /// There is no such node or program.
    pub fn spawn_in(&self, name: &str, command: &mut Command) -> Result<Child, UpError> {
        let what = format!("{:?} in {name}", command.get_program());
        self.in_namespace(name, || command.spawn())?
            .map_err(UpError::io(what))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // While packets still flow, so that what is killed does not wait for any.
        if let Err(error) = remove(&mut self.turn) {
            tracing::warn!("a part of the world is left, and removed by the next one: {error}");
        }
    }
}

/// Removes what a killed run left, unless a world is up.
///
/// # Errors
/// A world is up, or the kernel refuses.
pub fn clean() -> Result<(), UpError> {
    remove(&mut Turn::now()?)
}

/// Removes the namespaces that the lock file names, those that agents made behind them, and the bridge. Namespaces
/// of an agent that really works on this machine are left alone.
fn remove(turn: &mut Turn) -> Result<(), UpError> {
    let left = turn.left()?;
    let ours: Vec<&str> = left.iter().map(String::as_str).collect();
    let is_ours = |name: &String| ours.contains(&name.as_str()) || hangs_on(name, &ours);
    let namespaces: Vec<String> = namespace::all().into_iter().filter(is_ours).collect();
    namespace::kill_all(&namespaces);
    for namespace in &namespaces {
        if ip(None, &format!("netns delete {namespace}")).is_err() {
            // A file that is no namespace any more, after a restart of the machine's container.
            let path = namespace::path(namespace);
            std::fs::remove_file(&path).map_err(UpError::io(path.display().to_string()))?;
        }
    }
    // A namespace goes in its own time, and its wires with it; ours must be free at once.
    for link in links().filter(|link| link == BRIDGE || link == WEBSITE || is_wire(link)) {
        delete_link(&link)?;
    }
    turn.forget()
}

/// Deletes a device, unless its namespace is just taking it along: then waits, two seconds at most, until it is gone.
fn delete_link(link: &str) -> Result<(), UpError> {
    let deleted = ip(None, &format!("link delete {link}"));
    for _ in 0..100 {
        if deleted.is_ok() || links().all(|left| left != link) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    deleted
}

/// All devices of the root namespace.
fn links() -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// The bridge's end of a host's wire.
fn wire_of(node: &Placed) -> String {
    format!("{WIRE}{}", node.number)
}

fn is_wire(link: &str) -> bool {
    link.strip_prefix(WIRE)
        .is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Whether a namespace's uplink ends in one of these, or has ended in one that is gone.
fn hangs_on(namespace: &str, ours: &[&str]) -> bool {
    let links = Command::new("ip")
        .args(["-netns", namespace, "-oneline", "link", "show", "type", "veth"])
        .output();
    let Ok(links) = links else { return false };
    let text = String::from_utf8_lossy(&links.stdout);
    let mut uplinks = text
        .split_whitespace()
        .skip_while(|word| *word != "link-netns")
        .skip(1);
    match uplinks.next() {
        Some(other) => ours.contains(&other),
        None => links.status.success() && text.trim().is_empty() && !ours.is_empty(),
    }
}
