//! What all rounds share: the pace and the sockets.

use super::pace::Pace;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use surge_ping::{Client, Config, ICMP, PingSequence};
use tokio::time::{Instant, sleep_until};

/// The turns of all rounds of a host.
pub(super) struct Turns {
    start: Instant,
    pace: Mutex<Pace>,
    /// Numbers echo requests of all rounds: on unprivileged sockets nothing else tells two requests to one address
    /// apart. It comes back to the same number after half a minute at full pace, when all before are lost long since.
    number: AtomicU16,
    sockets: Mutex<Sockets>,
}

/// A socket per family, while there are rounds: a raw one is woken by each ICMP packet that the host receives.
#[derive(Default)]
struct Sockets {
    v4: Option<Client>,
    v6: Option<Client>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            pace: Mutex::default(),
            number: AtomicU16::new(rand::random()),
            sockets: Mutex::default(),
        }
    }
}

impl Turns {
    /// Ok: when a request may be sent to this address; it is promised. Err: when to ask again.
    pub(super) fn book(&self, address: IpAddr) -> Result<Instant, Instant> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let booked = pace.book(address, self.start.elapsed());
        booked.map(|at| self.start + at).map_err(|at| self.start + at)
    }

    /// Comes back when a request may be sent to this address.
    pub(super) async fn turn(&self, address: IpAddr) {
        loop {
            let booked = self.book(address);
            let (Ok(at) | Err(at)) = booked;
            sleep_until(at).await;
            if booked.is_ok() {
                return;
            }
        }
    }

    /// A number that no request on its way has.
    pub(super) fn number(&self) -> PingSequence {
        PingSequence(self.number.fetch_add(1, Ordering::Relaxed))
    }

    /// The socket of an address's family. `None` if the system gives none: all targets of that family stay unknown.
    pub(super) fn socket(&self, address: IpAddr) -> Option<Client> {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = if address.is_ipv6() {
            &mut sockets.v6
        } else {
            &mut sockets.v4
        };
        if slot.is_none() {
            *slot = open(if address.is_ipv6() { ICMP::V6 } else { ICMP::V4 });
        }
        slot.clone()
    }

    /// Nothing is measured any more.
    pub(super) fn close(&self) {
        *self.sockets.lock().unwrap_or_else(PoisonError::into_inner) = Sockets::default();
    }
}

/// An unprivileged datagram socket where the system lets us, else a raw one.
fn open(kind: ICMP) -> Option<Client> {
    match Client::new(&Config::builder().kind(kind).build()) {
        Ok(client) => {
            tracing::debug!(kind = ?client.get_socket().get_type(), "echo socket");
            Some(client)
        }
        Err(error) => {
            tracing::warn!(%error, "no echo socket: nothing can be measured from here");
            None
        }
    }
}
