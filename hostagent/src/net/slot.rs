//! One slot's network, as the task that owns the VM sees it.

use super::tap::TapSlot;
use super::user::UserSlot;
use super::{Hmp, NetError};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the guest's port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Games.
    Udp,
    /// Services.
    Tcp,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// The network of one slot. Cheap to clone; all clones are the same network.
///
/// Order: [`wire`](Self::wire), then QEMU with [`launcher`](Self::launcher) and [`netdev`](Self::netdev), then
/// [`open`](Self::open), then [`close`](Self::close), then [`unwire`](Self::unwire). Each is idempotent. For a VM that was adopted from
/// a killed agent call `wire` and `open` again with the same values: nothing is interrupted by that.
#[derive(Clone)]
pub struct SlotNet(pub(super) Arc<Kind>);

pub(super) enum Kind {
    Tap(TapSlot),
    User(UserSlot),
}

impl SlotNet {
    /// Words to put before QEMU's command line; may be none.
    #[must_use]
    pub fn launcher(&self) -> Vec<String> {
        match &*self.0 {
            Kind::Tap(slot) => slot.launcher(),
            Kind::User(_) => Vec::new(),
        }
    }

    /// The value of `-netdev`, with id `net0`. The device is `virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56`.
    /// Valid after [`wire`](Self::wire).
    #[must_use]
    pub fn netdev(&self) -> String {
        match &*self.0 {
            Kind::Tap(_) => "tap,id=net0,ifname=tap0,script=no,downscript=no,vnet_hdr=off".to_owned(),
            Kind::User(slot) => slot.netdev(),
        }
    }

    /// Where the agent reaches the guest's port from this host. Valid after [`wire`](Self::wire).
    #[must_use]
    pub fn inside(&self) -> SocketAddr {
        match &*self.0 {
            Kind::Tap(slot) => slot.inside(),
            Kind::User(slot) => slot.inside(),
        }
    }

    /// The local address to bind for queries.
    #[must_use]
    pub fn poll_from(&self) -> IpAddr {
        match &*self.0 {
            Kind::Tap(slot) => slot.poll_from(),
            Kind::User(_) => IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// The local address to bind for rcon: another one, as games limit what they answer per source address.
    #[must_use]
    pub fn rcon_from(&self) -> IpAddr {
        match &*self.0 {
            Kind::Tap(slot) => slot.rcon_from(),
            Kind::User(_) => IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// Prepares the way to `guest_port`, closed to the outside; the guest may then speak first to `masters` only.
    ///
    /// # Errors
    /// If the rules cannot be set.
    pub async fn wire(
        &self,
        guest_port: u16,
        transport: Transport,
        masters: &[SocketAddr],
    ) -> Result<(), NetError> {
        match &*self.0 {
            Kind::Tap(slot) => slot.wire(guest_port, transport, masters).await,
            Kind::User(slot) => slot.wire(guest_port, transport, masters),
        }
    }

    /// Opens the guest's port to the outside on `port` of the host.
    ///
    /// # Errors
    /// [`NetError::PortTaken`] if another program has it; [`NetError::NotWired`]; or the rules cannot be set.
    pub async fn open<M: Hmp>(&self, port: u16, monitor: &M) -> Result<(), NetError> {
        match &*self.0 {
            Kind::Tap(slot) => slot.open(port).await,
            Kind::User(slot) => slot.open(port, monitor).await,
        }
    }

    /// Closes the guest's port to the outside, also for those who are talking to it. Without a monitor QEMU is taken to be
    /// gone.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub async fn close<M: Hmp>(&self, monitor: Option<&M>) -> Result<(), NetError> {
        match &*self.0 {
            Kind::Tap(slot) => slot.close().await,
            Kind::User(slot) => slot.close(monitor).await,
        }
    }

    /// Forgets masters and guest port, after QEMU has ended. Closes, if that has not been done.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub async fn unwire(&self) -> Result<(), NetError> {
        match &*self.0 {
            Kind::Tap(slot) => slot.unwire().await,
            Kind::User(slot) => slot.unwire(),
        }
    }

    /// Packets that players have sent to the opened port since the slot was made; of a game, not the queries that anybody
    /// may send. If the slot's rules are gone, as after `nft flush ruleset`, they are applied anew.
    ///
    /// # Errors
    /// [`NetError::Uncounted`] on the user network; or the counter cannot be read.
    pub async fn players_packets(&self) -> Result<u64, NetError> {
        match &*self.0 {
            Kind::Tap(slot) => slot.players_packets().await,
            Kind::User(_) => Err(NetError::Uncounted),
        }
    }
}
