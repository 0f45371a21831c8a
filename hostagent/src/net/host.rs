//! Makes the slot networks of a host and removes what a killed agent left of them.

use super::names::{self, MOST_SLOTS, Names};
use super::router::Router;
use super::slot::{Kind, SlotNet};
use super::tap::TapSlot;
use super::user::UserSlot;
use super::{NetError, removal};
use crate::command::{self, run};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use vmatrix_wire::{HostId, Network};

pub(super) const NAMESPACES: &str = "/run/netns";

/// What slot networks are made from.
#[derive(Debug, Clone)]
pub struct HostNetConfig {
    /// Whose they are; parts of it are in all names.
    pub host: HostId,
    /// How many.
    pub slots: u16,
    /// The address that players use; need not be on this machine (1:1 NAT).
    pub public_address: IpAddr,
    /// The directory in which the wiring is kept; made if it is missing.
    pub state: PathBuf,
    /// Which kind; [`HostNet::detect`] knows what is possible here.
    pub network: Network,
}

/// All slot networks of this host. Dropping it removes nothing, as VMs outlive their agent.
#[derive(Clone)]
pub struct HostNet {
    config: HostNetConfig,
    slots: Vec<SlotNet>,
}

impl HostNet {
    /// Which kind of network this process can make.
    pub async fn detect() -> Network {
        let root = nix::unistd::geteuid().is_root();
        let tun = std::path::Path::new("/dev/net/tun").exists();
        if root
            && tun
            && run("nft", &["list", "tables"], None).await.is_ok()
            && run("ip", &["netns", "list"], None).await.is_ok()
        {
            Network::Tap
        } else {
            Network::User
        }
    }

    /// Makes all slot networks, closed. What an earlier run of the same agent left is removed, except the
    /// networks in which a VM still runs: they stay as they are, opened if they were. Twice is the same as once.
    ///
    /// # Errors
    /// Too many slots, an IPv6 address, or a program that failed.
    pub async fn prepare(config: HostNetConfig) -> Result<Self, NetError> {
        if config.slots > MOST_SLOTS {
            return Err(NetError::TooMany {
                asked: config.slots,
                most: MOST_SLOTS,
            });
        }
        let IpAddr::V4(public) = config.public_address else {
            return Err(NetError::Ipv6(config.public_address));
        };
        std::fs::create_dir_all(&config.state).map_err(|source| NetError::Io {
            what: config.state.display().to_string(),
            source,
        })?;
        let mut slots = Vec::new();
        match config.network {
            Network::User => {
                for index in 0..config.slots {
                    let slot = UserSlot::new(index, config.state.join(format!("slot{index}.json")));
                    slots.push(SlotNet(Arc::new(Kind::User(slot))));
                }
            }
            Network::Tap => {
                let agent = names::short(config.host);
                removal::note(&config.state)?;
                remove_beyond(&agent, config.slots).await?;
                let router = Router::new(&agent, &config.state);
                router.switch_on().await?;
                let outside = outside(public)?;
                for index in 0..config.slots {
                    let file = config.state.join(format!("slot{index}.json"));
                    let slot =
                        TapSlot::prepare(Names::new(&agent, index), outside, file, router.clone()).await?;
                    slots.push(SlotNet(Arc::new(Kind::Tap(slot))));
                }
            }
        }
        Ok(Self { config, slots })
    }

    /// The network of slot `index`, counted from 0; `None` if there are not so many.
    #[must_use]
    pub fn slot(&self, index: u16) -> Option<SlotNet> {
        self.slots.get(usize::from(index)).cloned()
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> u16 {
        self.config.slots
    }

    /// Which kind they are.
    #[must_use]
    pub fn network(&self) -> Network {
        self.config.network
    }
}

/// The address that VMs speak from: the public one if it is on this machine, else the one that leads outside.
fn outside(public: Ipv4Addr) -> Result<Ipv4Addr, NetError> {
    if UdpSocket::bind((public, 0)).is_ok() {
        return Ok(public);
    }
    let find = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Connecting a datagram socket sends nothing; 192.0.2.1 is nobody's (RFC 5737).
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        match socket.local_addr()?.ip() {
            IpAddr::V4(address) => Ok(address),
            IpAddr::V6(_) => Err(std::io::Error::other("not IPv4")),
        }
    };
    find().map_err(NetError::NoAddress)
}

/// The slots of this agent whose namespaces exist, lowest first.
pub(super) fn found(agent: &str) -> Result<Vec<u16>, NetError> {
    let prefix = names::namespaces(agent);
    let mut indices = Vec::new();
    let entries = match std::fs::read_dir(NAMESPACES) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(indices),
        Err(source) => {
            return Err(NetError::Io {
                what: NAMESPACES.to_owned(),
                source,
            });
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let index: Option<u16> = name
            .to_str()
            .and_then(|name| name.strip_prefix(&prefix))
            .and_then(|k| k.parse().ok());
        indices.extend(index);
    }
    indices.sort_unstable();
    Ok(indices)
}

/// Removes dead slots beyond the present number.
async fn remove_beyond(agent: &str, slots: u16) -> Result<(), NetError> {
    for index in found(agent)?.into_iter().filter(|index| *index >= slots) {
        let names = Names::new(agent, index);
        if !is_live(&names).await {
            remove_slot(&names).await?;
        }
    }
    Ok(())
}

/// Whether a VM still uses the slot's network: a process is in its namespace, or somebody holds its tap.
pub(super) async fn is_live(names: &Names) -> bool {
    let namespace = names.namespace();
    let pids = run("ip", &["netns", "pids", &namespace], None).await;
    if pids.is_ok_and(|pids| !pids.stdout.is_empty()) {
        return true;
    }
    let link = run("ip", &["-n", &namespace, "link", "show", "dev", "tap0"], None).await;
    link.is_ok_and(|link| link.stdout.contains("LOWER_UP"))
}

/// Removes namespace, link and rules of a slot, as far as they are there.
pub(super) async fn remove_slot(names: &Names) -> Result<(), NetError> {
    let (namespace, link, table) = (names.namespace(), names.link(), names.table());
    // "add" first makes deleting what is not there succeed, in one batch.
    nft(&format!("add table ip {table}\ndelete table ip {table}\n")).await?;
    // The link goes first: a namespace that was deleted takes its links away only some time later.
    if link_exists(&link).await {
        run("ip", &["link", "delete", &link], None).await?;
    }
    if std::path::Path::new(NAMESPACES).join(&namespace).exists() {
        run("ip", &["netns", "delete", &namespace], None).await?;
    }
    Ok(())
}

async fn link_exists(link: &str) -> bool {
    run("ip", &["link", "show", "dev", link], None).await.is_ok()
}

/// Applies one batch of rules in this namespace.
pub(super) async fn nft(text: &str) -> Result<command::Output, NetError> {
    Ok(run("nft", &["-f", "-"], Some(text.as_bytes())).await?)
}
