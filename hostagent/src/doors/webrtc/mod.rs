//! The door for browsers without WebTransport: a WebRTC data channel, whose messages are sent back as they came.
//!
//! Nothing is signalled. The page writes this end's answer itself: its address, its certificate's fingerprint, and the
//! ticket as user fragment and password of ICE. So the first packet of a browser, a STUN request that is signed with
//! the ticket, says all that is needed to know it.

mod session;
mod sessions;

use super::porter::Porter;
use sessions::{Packet, Sessions};
use std::net::SocketAddr;
use std::time::Instant;
use str0m::config::DtlsCert;
use tokio::net::UdpSocket;
use tokio::sync::watch;

/// Longer packets are none of ours: a data channel keeps within it.
const LONGEST_PACKET: usize = 1_500;

/// Answers until it is dropped. New sessions are shown the newest certificate.
pub(super) async fn serve(socket: UdpSocket, porter: Porter, certificate: watch::Receiver<DtlsCert>) {
    let mut sessions = Sessions::new(porter);
    let mut buffer = [0; LONGEST_PACKET + 1];
    let mut out = Vec::new();
    loop {
        let due = sessions.due();
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => Some(received),
            () = until(due) => None,
        };
        let now = Instant::now();
        match received {
            Some(Ok((length, from))) if length <= LONGEST_PACKET => {
                let bytes = buffer.get(..length).unwrap_or_default();
                sessions.receive(now, canonical(from), bytes, &certificate.borrow(), &mut out);
            }
            // Too long; or an error of an earlier packet, that somebody has closed their port.
            Some(_) => {}
            None => sessions.elapse(now, &mut out),
        }
        for Packet { to, bytes } in out.drain(..) {
            let _ = socket.send_to(&bytes, as_sent(&socket, to)).await;
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A socket of both families wants IPv4 in IPv6's clothes.
fn as_sent(socket: &UdpSocket, to: SocketAddr) -> SocketAddr {
    let both = socket.local_addr().is_ok_and(|local| local.is_ipv6());
    match to {
        SocketAddr::V4(to) if both => (to.ip().to_ipv6_mapped(), to.port()).into(),
        to => to,
    }
}
