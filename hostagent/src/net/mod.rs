//! How VMs reach the network: one *slot network* per VM that may run, made at the agent's start so that there is next
//! to nothing left to do when orders come. See [`SlotNet`] for the order of calls.

mod error;
mod guard;
mod host;
mod names;
mod removal;
mod router;
mod rules;
mod slot;
mod state;
mod tap;
mod user;

pub use error::{Hmp, HmpError, NetError};
pub use host::{HostNet, HostNetConfig};
pub use removal::Removed;
pub use router::Forwarding;
pub use slot::{SlotNet, Transport};

/// What the user network cannot do, for people.
pub const USER_NETWORK: &str = "QEMU's user network: the guest sees all players as one, and nothing limits to whom a game's \
    guest may speak: it reaches every address that this host reaches, and services on the host's own loopback. \
    For a network and a firewall of its own run as root, with nftables, iproute2 and /dev/net/tun";
