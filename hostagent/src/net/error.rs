//! What can go wrong with a slot network, and what the user network needs of QEMU.

use crate::command::CommandError;
use std::future::Future;
use std::net::IpAddr;

/// A network step that failed. All are worth trying again except [`NetError::Ipv6`].
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Another program on this host has the public port.
    #[error("port {0} of the host is taken by another program")]
    PortTaken(u16),
    /// The slot must be wired first.
    #[error("slot {0} is not wired")]
    NotWired(u16),
    /// Guests speak IPv4 only.
    #[error("{0} is an IPv6 address; guests are reached by IPv4")]
    Ipv6(IpAddr),
    /// More slots than this agent can make networks for.
    #[error("{asked} slots are more than {most}")]
    TooMany {
        /// Wanted.
        asked: u16,
        /// Possible.
        most: u16,
    },
    /// No address of this host leads outside.
    #[error("no address of this host leads outside: {0}")]
    NoAddress(#[source] std::io::Error),
    /// What was made as root is to be removed without.
    #[error(
        "an agent has made namespaces and firewall rules here, which cannot be removed now: that needs root, nftables, iproute2 and /dev/net/tun. Nothing was changed"
    )]
    Unable,
    /// On QEMU's user network nobody counts packets.
    #[error("packets are not counted on the user network")]
    Uncounted,
    /// `ip`, `nft` or `nsenter` failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// QEMU refused a forwarding.
    #[error("QEMU's monitor: {0}")]
    Monitor(String),
    /// A program printed what was not expected.
    #[error("{what} is not understood: {text:?}")]
    Odd {
        /// Of what.
        what: &'static str,
        /// The text, cut.
        text: String,
    },
    /// A socket or file of the network could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// Why a monitor command could not be carried out at all.
pub type HmpError = Box<dyn std::error::Error + Send + Sync>;

/// QEMU's human monitor, which alone can change forwardings of the user network (`human-monitor-command` in QMP).
pub trait Hmp: Sync {
    /// Runs one command and gives what it printed; a command that is refused prints why and is not an error here.
    fn hmp(&self, command: &str) -> impl Future<Output = Result<String, HmpError>> + Send;
}
