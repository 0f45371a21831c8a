//! QEMU's user network: needs no root.
//!
//! A game has one forwarding at a time, the agent's own while it is closed and the public one while it is open: with two,
//! QEMU sends the guest's UDP answers out by whichever it finds first, so from a port that nobody asked.

use super::guard::Guard;
use super::rules::{GUEST, Wiring};
use super::{Hmp, NetError, Transport, state};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct UserSlot {
    index: u16,
    file: PathBuf,
    now: Mutex<Option<Wiring>>,
}

impl UserSlot {
    pub(super) fn new(index: u16, file: PathBuf) -> Self {
        let now = Mutex::new(state::read(&file));
        Self { index, file, now }
    }

    fn now(&self) -> MutexGuard<'_, Option<Wiring>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wired(&self) -> Result<Wiring, NetError> {
        self.now().clone().ok_or(NetError::NotWired(self.index))
    }

    fn keep(&self, wiring: Wiring) -> Result<(), NetError> {
        state::write(&self.file, Some(&wiring))?;
        *self.now() = Some(wiring);
        Ok(())
    }

    pub(super) fn netdev(&self) -> String {
        match &*self.now() {
            Some(wiring) => netdev(wiring),
            None => "user,id=net0,restrict=on".to_owned(),
        }
    }

    pub(super) fn inside(&self) -> SocketAddr {
        let port = |wiring: &Wiring| match wiring {
            Wiring {
                transport: Transport::Udp,
                opened: Some(port),
                ..
            } => *port,
            _ => wiring.inside_port,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.now().as_ref().map_or(0, port)))
    }

    pub(super) fn wire(
        &self,
        guest_port: u16,
        transport: Transport,
        masters: &[SocketAddr],
    ) -> Result<(), NetError> {
        let old = self.now().clone();
        // The port of a VM that goes on is held by its QEMU, so it must stay; another VM's wiring is made anew.
        let kept = old.filter(|old| old.guest_port == guest_port && old.transport == transport);
        let (inside_port, opened) = match kept {
            Some(old) => (old.inside_port, old.opened),
            None => (free_port(transport)?, None),
        };
        self.keep(Wiring {
            guest_port,
            transport,
            masters: masters.to_vec(),
            opened,
            zone: 0,
            inside_port,
        })
    }

    pub(super) async fn open<M: Hmp>(&self, port: u16, monitor: &M) -> Result<(), NetError> {
        let wiring = self.wired()?;
        let transport = wiring.transport;
        if !has_forwarding(&ask(monitor, "info usernet").await?, transport, port) {
            // QEMU must bind it itself, so this only looks; QEMU's own refusal is the answer that counts.
            drop(Guard::take(port, transport)?);
            if transport == Transport::Udp {
                // An agent that was killed may have removed it already.
                ask(monitor, &format!("hostfwd_remove net0 {}", inside(&wiring))).await?;
            }
            if let Err(error) =
                forward(monitor, &format!("{}::{port}", transport.name()), port, &wiring).await
            {
                if transport == Transport::Udp {
                    forward(monitor, &inside(&wiring), wiring.inside_port, &wiring).await?;
                }
                return Err(error);
            }
        }
        self.keep(Wiring {
            opened: Some(port),
            ..wiring
        })
    }

    pub(super) async fn close<M: Hmp>(&self, monitor: Option<&M>) -> Result<(), NetError> {
        let Ok(wiring) = self.wired() else { return Ok(()) };
        let Some(port) = wiring.opened else { return Ok(()) };
        if let Some(monitor) = monitor {
            let transport = wiring.transport;
            if has_forwarding(&ask(monitor, "info usernet").await?, transport, port) {
                let said = ask(
                    monitor,
                    &format!("hostfwd_remove net0 {}::{port}", transport.name()),
                )
                .await?;
                if !said.contains("removed") {
                    return Err(NetError::Monitor(said));
                }
            }
            if transport == Transport::Udp {
                forward(monitor, &inside(&wiring), wiring.inside_port, &wiring).await?;
            }
        }
        self.keep(Wiring {
            opened: None,
            ..wiring
        })
    }

    pub(super) fn unwire(&self) -> Result<(), NetError> {
        state::write(&self.file, None)?;
        *self.now() = None;
        Ok(())
    }
}

/// The agent's own forwarding, as the monitor names it.
fn inside(wiring: &Wiring) -> String {
    format!("{}:127.0.0.1:{}", wiring.transport.name(), wiring.inside_port)
}

/// Adds a forwarding to the guest's port.
async fn forward<M: Hmp>(monitor: &M, from: &str, port: u16, wiring: &Wiring) -> Result<(), NetError> {
    let said = ask(
        monitor,
        &format!("hostfwd_add net0 {from}-{GUEST}:{}", wiring.guest_port),
    )
    .await?;
    if said.contains("ould not set up host forwarding") {
        return Err(NetError::PortTaken(port));
    }
    if !said.trim().is_empty() {
        return Err(NetError::Monitor(said));
    }
    Ok(())
}

async fn ask<M: Hmp>(monitor: &M, command: &str) -> Result<String, NetError> {
    monitor
        .hmp(command)
        .await
        .map_err(|error| NetError::Monitor(error.to_string()))
}

fn netdev(wiring: &Wiring) -> String {
    // Without masters the guest need not speak to anybody first. A restricted user network drops also the guest's
    // UDP answers to those who came by a forwarding, so a game cannot be restricted.
    let restrict = if wiring.masters.is_empty() && wiring.transport == Transport::Tcp {
        "restrict=on,"
    } else {
        ""
    };
    format!(
        "user,id=net0,{restrict}hostfwd={}-{GUEST}:{}",
        inside(wiring),
        wiring.guest_port
    )
}

/// Whether `info usernet` shows a forwarding from `port` on all addresses.
fn has_forwarding(table: &str, transport: Transport, port: u16) -> bool {
    let kind = format!("{}[HOST_FORWARD]", transport.name().to_uppercase());
    table.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(kind.as_str())
            && matches!(words.nth(1), Some("*" | "0.0.0.0"))
            && words.next().and_then(|word| word.parse().ok()) == Some(port)
    })
}

/// A loopback port that was free a moment ago.
fn free_port(transport: Transport) -> Result<u16, NetError> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    match transport {
        Transport::Udp => std::net::UdpSocket::bind(any).and_then(|socket| socket.local_addr()),
        Transport::Tcp => std::net::TcpListener::bind(any).and_then(|socket| socket.local_addr()),
    }
    .map(|address| address.port())
    .map_err(|source| NetError::Io {
        what: "finding a free loopback port".to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Hub 0 (net0):\r
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r
  UDP[HOST_FORWARD]  12       127.0.0.1 40001       10.0.2.15 27960     0     0\r
  UDP[HOST_FORWARD]  15               * 27961       10.0.2.15 27960     0     0\r
";

    #[test]
    fn a_forwarding_is_found_by_protocol_address_and_port() {
        assert!(has_forwarding(TABLE, Transport::Udp, 27961));
        assert!(!has_forwarding(TABLE, Transport::Tcp, 27961));
        assert!(
            !has_forwarding(TABLE, Transport::Udp, 40001),
            "a loopback forwarding is not an opening"
        );
    }

    #[test]
    fn a_slot_that_is_wired_again_keeps_its_inside_port() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("slot0.json");
        let slot = UserSlot::new(0, file.clone());
        slot.wire(80, Transport::Tcp, &[]).unwrap();
        let inside = slot.inside();
        assert_eq!(
            slot.netdev(),
            format!("user,id=net0,restrict=on,hostfwd=tcp:{inside}-10.0.2.15:80")
        );
        let restarted = UserSlot::new(0, file);
        restarted
            .wire(80, Transport::Tcp, &["127.0.0.1:27950".parse().unwrap()])
            .unwrap();
        assert_eq!(restarted.inside(), inside);
        assert_eq!(
            restarted.netdev(),
            format!("user,id=net0,hostfwd=tcp:{inside}-10.0.2.15:80")
        );
    }

    #[test]
    fn a_games_answers_are_not_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let slot = UserSlot::new(0, dir.path().join("slot0.json"));
        slot.wire(27960, Transport::Udp, &[]).unwrap();
        assert!(!slot.netdev().contains("restrict"));
    }
}
