//! The whole of what an agent sees.

use crate::{Digest, Facts, LookoutId, ProbeId, TargetId, VmId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Everything that an agent sees, not a change to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`crate::PROTOCOL`] of the agent.
    pub protocol: u16,
    /// How many times this agent has been started; kept on its disk.
    pub incarnation: u64,
    /// Grows within an incarnation. A report that is older by (incarnation, sequence) is dropped by the server.
    pub sequence: u64,
    /// The newest generation of orders that the agent has seen.
    pub generation: u64,
    /// What the machine is now.
    pub facts: Facts,
    /// Each VM that is here, ordered or not.
    pub vms: Vec<VmReport>,
    /// Each ordered round of probing, as far as it is.
    pub probes: Vec<ProbeReport>,
    /// Each ordered lookout.
    pub lookouts: Vec<LookoutReport>,
}

/// How far a VM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing is here yet.
    Absent,
    /// The snapshot is here.
    Fetched,
    /// Its network is there, closed to the outside.
    Wired,
    /// QEMU is up and the state is loaded; the guest does not run.
    Paused,
    /// The guest runs.
    Running,
    /// It answered on the inside, is configured, and a frame has passed.
    Answering,
    /// Opened to the outside.
    Open,
    /// Closed; players told; going away.
    Draining,
    /// Frozen on this host with what it has become.
    Suspended,
}

/// One VM as its host sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmReport {
    /// Which.
    pub vm: VmId,
    /// How far it is.
    pub phase: Phase,
    /// What keeps it from getting further, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// How often it was resumed again after it had died.
    pub revived: u32,
    /// How long its steps took, as far as they have been taken.
    pub times: VmTimes,
    /// The game as it last answered on the inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<GameSeen>,
    /// The game has not answered the agent's queries for a while although the VM runs.
    pub silent: bool,
    /// Bytes of the snapshot fetched so far and in all; equal when it is here.
    pub fetched_bytes: u64,
    /// See `fetched_bytes`.
    pub fetch_bytes: u64,
    /// The pings of those who play, as the game itself last gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pings: Option<GamePings>,
}

/// What a game says of its players' round trips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GamePings {
    /// Grows with each time that the game was asked; begins at a random number with each agent.
    pub number: u64,
    /// Those who play; bots and those who still connect are left out.
    pub players: Vec<PlayerPing>,
}

/// One player's ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayerPing {
    /// As the player calls themselves in the game, without colours.
    pub name: String,
    /// Milliseconds.
    pub ping_ms: u16,
}

/// How long the steps of the last resume took, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmTimes {
    /// From the first chunk asked for to the last one checked.
    pub fetch: Option<f64>,
    /// From the orders' arrival to QEMU's process started.
    pub order_to_vmm: Option<f64>,
    /// From QEMU's process started to the first valid answer.
    pub resume_to_answer: Option<f64>,
    /// From `cont` to the first valid answer.
    pub cont_to_answer: Option<f64>,
    /// From the first rcon packet to the confirmed map.
    pub configure: Option<f64>,
}

/// What keeps a VM from its goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Problem {
    /// Something else on the host has the port.
    #[error("port {port} of the host is taken by another program")]
    PortTaken {
        /// Which.
        port: u16,
    },
    /// The server does not have the snapshot or one of its chunks.
    #[error("snapshot part {digest} is missing in the nest")]
    Missing {
        /// Manifest or chunk.
        digest: Digest,
    },
    /// A part was fetched twice and is wrong both times.
    #[error("snapshot part {digest} is corrupt in the nest: its bytes have digest {found}")]
    Corrupt {
        /// What it should be.
        digest: Digest,
        /// What came.
        found: Digest,
    },
    /// The snapshot was frozen for another machine.
    #[error("the snapshot does not load here: {field} is {here}, the snapshot needs {needs}")]
    Key {
        /// Field of the load key.
        field: String,
        /// What this host has.
        here: String,
        /// What the snapshot was made on.
        needs: String,
    },
    /// Not enough room.
    #[error("disk full: {needed_mb} MB needed, {free_mb} MB free")]
    DiskFull {
        /// Needed.
        needed_mb: u64,
        /// Free.
        free_mb: u64,
    },
    /// All slots of the host are in use by other VMs.
    #[error("all {slots} slots of the host are in use")]
    NoSlot {
        /// How many there are.
        slots: u16,
    },
    /// Any other step that failed; it is tried again.
    #[error("{step} failed: {reason}")]
    Failed {
        /// Which step, in plain words.
        step: String,
        /// Why, without secrets and addresses.
        reason: String,
    },
}

impl Problem {
    /// Whether trying again on this host is pointless, so that another host must be taken.
    #[must_use]
    pub fn needs_another_host(&self) -> bool {
        matches!(
            self,
            Self::Key { .. } | Self::DiskFull { .. } | Self::NoSlot { .. }
        )
    }
}

/// A game as it last answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GameSeen {
    /// Map it plays.
    pub map: String,
    /// Players connected.
    pub clients: u16,
    /// Most players.
    pub max_clients: u16,
    /// Whether it asks for a password.
    pub needs_password: bool,
}

/// One round of probing at one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeReport {
    /// Which round.
    pub probe: ProbeId,
    /// Whether nothing more will come.
    pub done: bool,
    /// Per target, as far as measured.
    pub samples: Vec<RttSample>,
}

/// What was measured to one target. Times are microseconds; absent means that nothing came back, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RttSample {
    /// To whom.
    pub target: TargetId,
    /// Requests sent so far.
    pub sent: u16,
    /// Answers so far.
    pub received: u16,
    /// Smallest.
    pub min_us: Option<u32>,
    /// Median; of an even number, the mean of the middle two.
    pub median_us: Option<u32>,
    /// Mean absolute deviation from the median.
    pub deviation_us: Option<u32>,
    /// The smallest that at least nine in ten answers do not exceed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_us: Option<u32>,
    /// Mean absolute difference of one answer and the next, by the order of their requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_us: Option<u32>,
}

/// What a lookout has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookoutReport {
    /// Which.
    pub lookout: LookoutId,
    /// The address that was asked.
    pub address: SocketAddr,
    /// Milliseconds since the last valid answer at the time of the report; absent if there was none.
    pub answered_ms_ago: Option<u64>,
    /// Milliseconds since a master was last seen to list the address; absent if none was.
    pub listed_ms_ago: Option<u64>,
}
