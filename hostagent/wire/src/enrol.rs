//! How a host becomes one of the fleet.

use crate::{HostId, PortRange, Secret};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What an agent sends once, with the join token that an operator gave it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// [`crate::PROTOCOL`] of the agent.
    pub protocol: u16,
    /// The one-time join token.
    pub token: Secret,
    /// The host's own name: 1 to 63 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The site that it belongs to; made if there is none of that name.
    pub site: String,
    /// The address that players reach it by; may differ from the interface's (1:1 NAT).
    pub public_address: IpAddr,
    /// The ports of that address that VMs may use.
    pub ports: PortRange,
    /// How many VMs may run at once. 1 unless the operator says otherwise (thesis 3.1, 5.2.2).
    pub slots: u16,
    /// Production or loading chamber.
    pub role: Role,
    /// What the machine is.
    pub facts: Facts,
}

/// The answer to an [`Enrolment`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrolled {
    /// [`crate::PROTOCOL`] of the server.
    pub protocol: u16,
    /// The id that the host has from now on.
    pub host: HostId,
    /// The bearer secret that the host shows from now on. The server keeps only its hash.
    pub secret: Secret,
}

/// What a host's VMs are for (thesis 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Its VMs serve users.
    Production,
    /// Its VMs are run for their maintainers.
    Loading,
}

/// What a machine is and can do, as its agent found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Version of the agent.
    pub agent_version: String,
    /// Logical cores.
    pub cores: u16,
    /// Memory in MiB.
    pub memory_mb: u64,
    /// Free disk in the agent's data directory, in MiB.
    pub disk_free_mb: u64,
    /// Model name of the processor.
    pub cpu_model: String,
    /// The virtual machine monitor.
    pub vmm: Vmm,
    /// What runs guests: proved by booting one, not by the presence of a device file.
    pub accelerator: Accelerator,
    /// How VMs reach the network here.
    pub network: Network,
    /// Where players measure to this host.
    #[serde(default)]
    pub doors: Doors,
}

/// Where players measure to a host: ports of its public address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doors {
    /// UDP port of the echo beacon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<u16>,
    /// WebTransport, at `https://ADDRESS:PORT/measure/TICKET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webtransport: Option<WebTransportDoor>,
    /// A WebRTC data channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webrtc: Option<WebRtcDoor>,
    /// `wss://HOST[:PORT][/PATH]`, without `/measure/TICKET`, of a host that has a public certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub websocket: Option<String>,
}

/// See [`Doors::webtransport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebTransportDoor {
    /// UDP port.
    pub port: u16,
    /// SHA-256 of the certificates that it may show, in hexadecimal: the present one and, before it runs out, the next.
    pub hashes: Vec<String>,
}

/// See [`Doors::webrtc`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebRtcDoor {
    /// UDP port.
    pub port: u16,
    /// SHA-256 of its certificate as in a session description: pairs of hexadecimal digits with colons.
    pub fingerprint: String,
}

/// Name and version of a virtual machine monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vmm {
    /// `qemu`.
    pub name: String,
    /// Such as `10.0.2`.
    pub version: String,
}

/// What executes guest instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// Hardware virtualisation.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl Accelerator {
    /// The name that QEMU's `-accel` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

/// How VMs reach the network on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A namespace and tap per VM with nftables: players' addresses are kept. Needs root.
    Tap,
    /// QEMU's user network with forwarded ports: no root, but the guest sees all players as one address.
    User,
}
