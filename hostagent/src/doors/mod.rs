//! Doors by which players' browsers measure to this host: whoever has a ticket gets small messages back as they came.
//!
//! ```text
//!   orders (passes) -> Porter: who may come in, and how much each may have answered
//!   WebTransport, WebRTC, WebSocket -> Porter; what is open -> facts
//!   Keeper: certificates, kept on disk, renewed; their hashes -> facts
//! ```
//!
//! A host needs no public certificate: a page is told the hash of the host's own by the server.

pub mod certificate;
pub mod gate;
mod keeper;
mod porter;
mod webrtc;
mod websocket;
mod webtransport;

use crate::agent::Home;
use keeper::Keeper;
use porter::Porter;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;
use vmatrix_wire::{Pass, WebRtcDoor, WebTransportDoor};
use webtransport::WebTransport;

/// What stands before the ticket in a path.
const PATH: &str = "/measure/";

/// How often it is looked whether a certificate must be renewed.
const RENEWALS: Duration = Duration::from_secs(600);

/// Which doors there are to be, and where.
#[derive(Debug, Clone, Default)]
pub struct DoorsConfig {
    /// UDP.
    pub webtransport: Option<SocketAddr>,
    /// UDP.
    pub webrtc: Option<SocketAddr>,
    /// TCP, behind a proxy that has a public certificate.
    pub websocket: Option<WebSocketConfig>,
}

/// See [`DoorsConfig::websocket`].
#[derive(Debug, Clone)]
pub struct WebSocketConfig {
    /// Where the proxy finds it.
    pub listen: SocketAddr,
    /// What the proxy is called by browsers: `wss://HOST[:PORT][/PATH]`.
    pub url: Url,
}

/// The doors of this host: open until this is dropped.
pub struct Doors {
    porter: Porter,
    open: watch::Sender<vmatrix_wire::Doors>,
    tasks: JoinSet<()>,
}

impl Doors {
    /// No doors.
    #[must_use]
    pub fn none() -> Self {
        Self {
            porter: Porter::default(),
            open: watch::Sender::new(vmatrix_wire::Doors::default()),
            tasks: JoinSet::new(),
        }
    }

    /// Opens the doors. One that cannot be opened is told in the log, and is missing from then on. Wants tokio's runtime.
    pub async fn open(home: Home, config: DoorsConfig) -> Self {
        let mut doors = Self::none();
        if let Some(websocket) = config.websocket {
            doors.open_websocket(websocket).await;
        }
        if config.webtransport.is_none() && config.webrtc.is_none() {
            return doors;
        }
        let keeper = match Keeper::open(home) {
            Ok(keeper) => keeper,
            Err(error) => {
                tracing::warn!(%error, "no door for browsers without a certificate");
                return doors;
            }
        };
        let webtransport = config
            .webtransport
            .and_then(|address| doors.open_webtransport(address, &keeper));
        if let Some(address) = config.webrtc {
            doors.open_webrtc(address, &keeper);
        }
        doors.tell(&keeper);
        doors.keep(keeper, webtransport);
        doors
    }

    /// Takes the whole intention: who may come in.
    pub fn intend(&self, passes: &[Pass]) {
        self.porter.intend(passes);
    }

    /// Writes into `facts` what is open here. What others have written stays.
    pub fn describe(&self, facts: &mut vmatrix_wire::Doors) {
        let open = self.open.borrow();
        facts.webtransport.clone_from(&open.webtransport);
        facts.webrtc.clone_from(&open.webrtc);
        facts.websocket.clone_from(&open.websocket);
    }

    /// Changes whenever what is open does, and whenever a certificate is renewed.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<vmatrix_wire::Doors> {
        self.open.subscribe()
    }

    /// How many are inside now.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.porter.visits()
    }

    async fn open_websocket(&mut self, config: WebSocketConfig) {
        match TcpListener::bind(config.listen).await {
            Ok(listener) => {
                tracing::info!(listen = %config.listen, url = %config.url, "door open: WebSocket");
                self.tasks.spawn(websocket::serve(listener, self.porter.clone()));
                let url = config.url.as_str().trim_end_matches('/').to_owned();
                self.open.send_modify(|open| open.websocket = Some(url));
            }
            Err(error) => {
                tracing::warn!(listen = %config.listen, %error, "no door for browsers by WebSocket")
            }
        }
    }

    fn open_webtransport(&mut self, address: SocketAddr, keeper: &Keeper) -> Option<WebTransport> {
        let opened = bind(address)
            .map_err(webtransport::WebTransportError::from)
            .and_then(|socket| {
                let port = socket.local_addr()?.port();
                let door = WebTransport::open(socket, keeper.shown(), self.porter.clone())?;
                Ok((port, door))
            });
        match opened {
            Ok((port, door)) => {
                tracing::info!(port, "door open: WebTransport");
                self.tasks.spawn(door.clone().serve());
                let hashes = Vec::new();
                self.open
                    .send_modify(|open| open.webtransport = Some(WebTransportDoor { port, hashes }));
                Some(door)
            }
            Err(error) => {
                tracing::warn!(port = address.port(), %error, "no door for browsers by WebTransport");
                None
            }
        }
    }

    fn open_webrtc(&mut self, address: SocketAddr, keeper: &Keeper) {
        let opened = bind(address).and_then(|socket| {
            let port = socket.local_addr()?.port();
            Ok((port, UdpSocket::from_std(socket)?))
        });
        match opened {
            Ok((port, socket)) => {
                tracing::info!(port, "door open: WebRTC");
                let serving = webrtc::serve(socket, self.porter.clone(), keeper.dtls());
                self.tasks.spawn(serving);
                let fingerprint = String::new();
                self.open
                    .send_modify(|open| open.webrtc = Some(WebRtcDoor { port, fingerprint }));
            }
            Err(error) => {
                tracing::warn!(port = address.port(), %error, "no door for browsers by WebRTC");
            }
        }
    }

    fn tell(&self, keeper: &Keeper) {
        self.open.send_modify(|open| told(open, keeper));
    }

    fn keep(&mut self, mut keeper: Keeper, webtransport: Option<WebTransport>) {
        let open = self.open.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::time::sleep(RENEWALS).await;
                if !keeper.renew() {
                    continue;
                }
                if let Some(Err(error)) = webtransport.as_ref().map(|door| door.show(keeper.shown())) {
                    tracing::error!(%error, "the door for WebTransport keeps its old certificate");
                }
                open.send_modify(|open| told(open, &keeper));
            }
        });
    }
}

fn told(open: &mut vmatrix_wire::Doors, keeper: &Keeper) {
    if let Some(door) = &mut open.webtransport {
        door.hashes = keeper.hashes();
    }
    if let Some(door) = &mut open.webrtc {
        door.fingerprint = keeper.shown().fingerprint();
    }
}

/// A UDP socket; where IPv6 is asked for, of both families, and of IPv4 alone where the system has no IPv6.
fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let bound = bind_to(address);
    match (bound, address.ip()) {
        (Err(error), IpAddr::V6(Ipv6Addr::UNSPECIFIED)) if error.kind() != io::ErrorKind::AddrInUse => {
            bind_to((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        (bound, _) => bound,
    }
}

fn bind_to(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}
