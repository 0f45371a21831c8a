//! Answers one frame on one port while the server has somebody check from outside that this host's public address is
//! really this host. Says nothing to who does not know the nonce, and never more than it was asked.

use std::net::Ipv6Addr;
use std::time::Duration;
use tokio::{net::UdpSocket, task::AbortHandle};
use vmatrix_wire::{Beacon, Digest};

/// The frame that is asked and answered.
pub(crate) fn frame(nonce: &Digest) -> Vec<u8> {
    format!("vmatrix-beacon {nonce}").into_bytes()
}

/// The beacon of this host: lit while it is ordered.
#[derive(Default)]
pub struct Beacons {
    lit: Option<(Beacon, AbortHandle)>,
}

impl Beacons {
    /// Takes the whole intention.
    pub fn intend(&mut self, beacon: Option<&Beacon>) {
        if self.lit.as_ref().map(|(beacon, _)| beacon) == beacon {
            return;
        }
        if let Some((_, task)) = self.lit.take() {
            task.abort();
        }
        self.lit = beacon.map(|beacon| (beacon.clone(), tokio::spawn(shine(beacon.clone())).abort_handle()));
    }
}

impl Drop for Beacons {
    fn drop(&mut self) {
        self.intend(None);
    }
}

async fn shine(beacon: Beacon) {
    let frame = frame(&beacon.nonce);
    loop {
        match bind(beacon.port).await {
            Ok(socket) => answer(&socket, &frame).await,
            Err(error) => tracing::warn!(port = beacon.port, %error, "the beacon's port cannot be bound"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Both families where the system has IPv6, else IPv4.
async fn bind(port: u16) -> std::io::Result<UdpSocket> {
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(socket) => Ok(socket),
        Err(_) => UdpSocket::bind(("0.0.0.0", port)).await,
    }
}

async fn answer(socket: &UdpSocket, frame: &[u8]) {
    // One byte more than the frame, so that a longer packet is seen to be longer.
    let mut buffer = vec![0; frame.len() + 1];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if &buffer[..length] == frame {
            let _ = socket.send_to(frame, from).await;
        }
    }
}
