//! Doors on the loopback, of an agent whose directory is thrown away afterwards.

use std::net::{Ipv4Addr, SocketAddr};
use vmatrix_hostagent::agent::Home;
use vmatrix_hostagent::doors::{Doors, DoorsConfig, WebSocketConfig};
use vmatrix_wire::{Pass, Secret};

/// A ticket like those of the server.
pub const TICKET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

/// Some port of the loopback.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub struct House {
    pub doors: Doors,
    pub open: vmatrix_wire::Doors,
    pub dir: tempfile::TempDir,
}

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(ANY).unwrap();
    listener.local_addr().unwrap().port()
}

impl House {
    /// All three doors.
    pub async fn open() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        Self::with(DoorsConfig {
            webtransport: Some(ANY),
            webrtc: Some(ANY),
            websocket: Some(WebSocketConfig {
                listen,
                url: format!("wss://{listen}").parse().unwrap(),
            }),
        })
        .await
    }

    pub async fn with(config: DoorsConfig) -> Self {
        Self::with_dir(tempfile::tempdir().unwrap(), config).await
    }

    pub async fn with_dir(dir: tempfile::TempDir, config: DoorsConfig) -> Self {
        vmatrix_hostagent::tls::install();
        let doors = Doors::open(Home::open(dir.path()).unwrap(), config).await;
        let mut open = vmatrix_wire::Doors::default();
        doors.describe(&mut open);
        let house = Self { doors, open, dir };
        house.admit(&[TICKET]);
        house
    }

    pub fn admit(&self, tickets: &[&str]) {
        let pass = |ticket: &&str| Pass {
            ticket: Secret::new(*ticket),
        };
        self.doors.intend(&tickets.iter().map(pass).collect::<Vec<_>>());
    }

    pub fn webtransport(&self) -> SocketAddr {
        let door = self.open.webtransport.as_ref().unwrap();
        (Ipv4Addr::LOCALHOST, door.port).into()
    }

    /// As its proxy reaches it.
    pub fn websocket(&self) -> SocketAddr {
        let url = self.open.websocket.as_ref().unwrap();
        url.trim_start_matches("wss://").parse().unwrap()
    }

    pub fn webrtc(&self) -> SocketAddr {
        let door = self.open.webrtc.as_ref().unwrap();
        (Ipv4Addr::LOCALHOST, door.port).into()
    }

    /// Waits until so many are inside. What ends a visit may be told by the other end, or by a clock.
    pub async fn wait_for(&self, visits: usize) {
        for _ in 0..4_000 {
            if self.doors.visits() == visits {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{} are inside", self.doors.visits());
    }
}
