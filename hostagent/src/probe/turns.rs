//! What all rounds share: the pace, room for what is on its way, and the sockets.

use super::pace::Pace;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use surge_ping::{Client, Config, ICMP, PingSequence};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Most requests that wait for their answers at once, of all rounds. Those that are never answered count too, until they
/// are lost. The library's sockets have the system's default receive buffer, which holds about 270 answers: as requests
/// are paced, answers are, and so many are waiting to be read only when this process has stood still for long.
const IN_FLIGHT: usize = 1_024;

/// The turns of all rounds of a host.
pub(super) struct Turns {
    start: Instant,
    pace: Mutex<Pace>,
    room: Arc<Semaphore>,
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
            room: Arc::new(Semaphore::new(IN_FLIGHT)),
            number: AtomicU16::new(rand::random()),
            sockets: Mutex::default(),
        }
    }
}

impl Turns {
    /// Comes back when a request may be sent to this address. What it gives is to be kept until the answer is here or lost.
    pub(super) async fn turn(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room).acquire_owned().await.ok()?;
        loop {
            let booked = {
                let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
                pace.book(address, self.start.elapsed())
            };
            let (Ok(at) | Err(at)) = booked;
            sleep_until(self.start + at).await;
            if booked.is_ok() {
                return Some(room);
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
