//! The whole of what a host should be doing.

use crate::{Digest, HostId, ProbeId, Proof, Secret, SnapshotId, TargetId, VmId};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// Everything that one host should be doing, not a change to it. What is not listed is to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// [`crate::PROTOCOL`] of the server.
    pub protocol: u16,
    /// For whom.
    pub host: HostId,
    /// Grows with every change.
    pub generation: u64,
    /// The VMs that should be here.
    pub vms: Vec<VmOrder>,
    /// The latencies to measure, each round once.
    pub probes: Vec<ProbeOrder>,
    /// What to look at from here, for others.
    pub lookouts: Vec<Lookout>,
    /// Present while somebody checks this host's public address from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<Beacon>,
    /// Who may measure by this host's doors now; everybody else is not answered there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<Pass>,
}

/// Lets one player's browser measure by a host's doors, until it is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// 32 of `a-z`, `A-Z` and `0-9`: what the browser shows. By WebRTC it is user fragment and password of the host's half of ICE.
    pub ticket: Secret,
}

impl Orders {
    /// Orders to do nothing.
    #[must_use]
    pub fn empty(host: HostId, generation: u64) -> Self {
        Self {
            protocol: crate::PROTOCOL,
            host,
            generation,
            vms: Vec::new(),
            probes: Vec::new(),
            lookouts: Vec::new(),
            beacon: None,
            passes: Vec::new(),
        }
    }
}

/// One VM that should be on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmOrder {
    /// Its id.
    pub vm: VmId,
    /// The snapshot that it is resumed from.
    pub snapshot: SnapshotId,
    /// How far it should be.
    pub goal: Goal,
    /// The port of the host's public address that it is opened on.
    pub port: u16,
    /// Present for games.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<MatchSettings>,
}

/// How far a VM should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Its snapshot is here; nothing runs.
    Fetched,
    /// It runs, is configured, and is open to the outside.
    Open,
    /// It is frozen on this host with what it has become, and closed.
    Suspended,
}

/// What a game server is told from the inside after each resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchSettings {
    /// Name in the game's directory; printable ASCII without `"`, `;`, `\` and `%`.
    pub server_name: String,
    /// Password that players need.
    pub password: Secret,
    /// Remote-console password from now on.
    pub rcon: Secret,
    /// Map to start with: `a-z`, `A-Z`, `0-9`, `_` and `-`.
    pub map: String,
    /// Master servers to register with; the only outside addresses that the VM may speak to first.
    pub masters: Vec<SocketAddr>,
    /// Said to the players before the VM is taken away; same letters as `server_name`.
    pub farewell: String,
}

/// One round of latency measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeOrder {
    /// The round.
    pub probe: ProbeId,
    /// Echo requests per target.
    pub samples: u16,
    /// Pause between two requests to one target, milliseconds.
    pub interval_ms: u64,
    /// A request is lost after this long, milliseconds.
    pub timeout_ms: u64,
    /// Whom to measure, all at once.
    pub targets: Vec<Target>,
}

/// Somebody to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name in the report.
    pub target: TargetId,
    /// Where to.
    pub address: IpAddr,
    /// How.
    #[serde(default, skip_serializing_if = "Way::is_icmp")]
    pub by: Way,
}

/// How a target is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case", deny_unknown_fields)]
pub enum Way {
    /// By echo requests: the address is the player's own, or they have consented.
    #[default]
    Icmp,
    /// By queries, without recursion, to the name server with this address for the SOA record of this zone, which it
    /// serves: an estimate for players near it (King).
    Dns {
        /// Fully qualified.
        zone: String,
    },
}

impl Way {
    fn is_icmp(&self) -> bool {
        *self == Self::Icmp
    }
}

/// Something to look at from here on behalf of the server, again and again until it is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookout {
    /// Name in the report.
    pub lookout: LookoutId,
    /// The public address to ask.
    pub address: SocketAddr,
    /// What to ask.
    pub ask: Ask,
}

/// The VM whose public address is looked at, or the host whose beacon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookoutId {
    /// Is this VM reachable?
    Vm(VmId),
    /// Is this host reachable?
    Host(HostId),
}

/// What a lookout asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ask {
    /// The VM's proof of life; for games also whether these masters list the address.
    Vm {
        /// What proves it.
        proof: Proof,
        /// `gamename` and protocol to ask masters for; empty for services.
        gamename: String,
        /// Game protocol number.
        game_protocol: u32,
        /// Masters to ask.
        masters: Vec<SocketAddr>,
    },
    /// The host's beacon must answer with this nonce.
    Beacon {
        /// What the beacon was told to answer.
        nonce: Digest,
    },
}

/// Answer the frame `vmatrix-beacon <nonce>` on this UDP port with the same frame, until withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// A port of the host's range that no VM uses.
    pub port: u16,
    /// What to answer to.
    pub nonce: Digest,
}
