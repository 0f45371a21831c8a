//! The door for browsers that have WebTransport: QUIC datagrams, sent back as they came.

use super::certificate::{Certificate, CertificateError};
use super::gate::{AT_ONCE, Door, IDLE, LONGEST_VISIT, Refusal, Verdict};
use super::porter::{Porter, Visit};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use wtransport::config::{InvalidIdleTimeout, QuicTransportConfig};
use wtransport::endpoint::{IncomingSession, SessionRequest, endpoint_side::Server};
use wtransport::{Connection, Endpoint, ServerConfig, VarInt};

/// From the first packet of somebody whose address is proved to what they ask for.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a refusal may take to reach who is refused.
const FAREWELL: Duration = Duration::from_secs(2);
/// Connections at once, those included that were refused and do not go: the library cannot close them by force.
const CONNECTIONS: usize = 2 * AT_ONCE;

/// Why the door cannot be opened or take another certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebTransportError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    #[error("idle timeout of {IDLE:?} is not possible")]
    Idle,
}

impl From<InvalidIdleTimeout> for WebTransportError {
    fn from(_: InvalidIdleTimeout) -> Self {
        Self::Idle
    }
}

#[derive(Clone)]
pub(super) struct WebTransport {
    endpoint: Arc<Endpoint<Server>>,
    porter: Porter,
}

impl WebTransport {
    pub(super) fn open(
        socket: UdpSocket,
        certificate: &Certificate,
        porter: Porter,
    ) -> Result<Self, WebTransportError> {
        let config = ServerConfig::builder()
            .with_bind_socket(socket)
            .with_custom_tls_and_transport(certificate.tls()?, transport());
        let config = config.max_idle_timeout(Some(IDLE))?.allow_migration(false);
        Ok(Self {
            endpoint: Arc::new(Endpoint::server(config.build())?),
            porter,
        })
    }

    /// Shows this certificate to those who come from now on.
    pub(super) fn show(&self, certificate: &Certificate) -> Result<(), WebTransportError> {
        // The address is not used: the socket stays.
        let config = ServerConfig::builder()
            .with_bind_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .with_custom_tls_and_transport(certificate.tls()?, transport());
        let config = config.max_idle_timeout(Some(IDLE))?.allow_migration(false);
        Ok(self.endpoint.reload_config(config.build(), false)?)
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self) {
        loop {
            let incoming = self.endpoint.accept().await;
            if self.endpoint.open_connections() >= CONNECTIONS {
                incoming.ignore();
            } else if !incoming.remote_address_validated() {
                // Smaller than what was asked, and nothing is kept for it: who forges addresses gains nothing here.
                incoming.retry();
            } else if self
                .porter
                .knock(Door::WebTransport, Some(incoming.remote_address().ip()))
            {
                tokio::spawn(welcome(incoming, self.porter.clone()));
            } else {
                incoming.refuse();
            }
        }
    }
}

/// Little memory for each: a visit is one request and some datagrams. HTTP/3 needs three streams of one direction.
fn transport() -> QuicTransportConfig {
    let mut transport = QuicTransportConfig::default();
    transport
        .max_concurrent_bidi_streams(4_u8.into())
        .max_concurrent_uni_streams(8_u8.into())
        .stream_receive_window(16_384_u16.into())
        .receive_window(65_535_u16.into())
        .send_window(65_536)
        .datagram_receive_buffer_size(Some(16_384))
        .datagram_send_buffer_size(16_384);
    transport
}

async fn welcome(incoming: IncomingSession, porter: Porter) {
    let from = incoming.remote_address().ip();
    let Ok(Ok(request)) = timeout(HANDSHAKE, incoming).await else {
        return;
    };
    let Some(ticket) = request.path().strip_prefix(super::PATH) else {
        let _ = timeout(FAREWELL, request.not_found()).await;
        return;
    };
    match porter.enter(ticket, Some(from)) {
        Ok(visit) => receive(request, &visit).await,
        Err(refusal) => {
            tracing::debug!(%refusal, "WebTransport");
            let _ = timeout(FAREWELL, refuse(request, refusal)).await;
        }
    }
}

async fn refuse(request: SessionRequest, refusal: Refusal) {
    match refusal {
        Refusal::NoTicket => request.forbidden().await,
        Refusal::Ticket | Refusal::Prefix | Refusal::Full => request.too_many_requests().await,
    }
}

async fn receive(request: SessionRequest, visit: &Visit) {
    if let Ok(Ok(connection)) = timeout(HANDSHAKE, request.accept()).await {
        let _ = timeout(LONGEST_VISIT, echo(&connection, visit)).await;
        connection.close(VarInt::from_u32(0), b"");
    }
}

async fn echo(connection: &Connection, visit: &Visit) {
    while let Ok(Ok(datagram)) = timeout(IDLE, connection.receive_datagram()).await {
        match visit.hear(datagram.len()) {
            Verdict::Answer => {
                let _ = connection.send_datagram(datagram.payload());
            }
            Verdict::Drop => {}
            Verdict::Leave => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmatrix_wire::{Pass, Secret};
    use wtransport::ClientConfig;
    use wtransport::tls::Sha256Digest;

    async fn connect(port: u16, trusting: &Certificate) -> bool {
        let config = ClientConfig::builder()
            .with_bind_default()
            .with_server_certificate_hashes([Sha256Digest::new(trusting.digest())])
            .build();
        let client = Endpoint::client(config).unwrap();
        let url = format!("https://127.0.0.1:{port}/measure/ticket");
        client.connect(url).await.is_ok()
    }

    #[tokio::test]
    async fn who_comes_after_a_renewal_sees_the_new_certificate() {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let made = || Certificate::make(i64::try_from(now).unwrap()).unwrap();
        let (first, next) = (made(), made());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let porter = Porter::default();
        porter.intend(&[Pass {
            ticket: Secret::new("ticket"),
        }]);
        let door = WebTransport::open(socket, &first, porter).unwrap();
        let serving = tokio::spawn(door.clone().serve());
        assert!(connect(port, &first).await && !connect(port, &next).await);
        door.show(&next).unwrap();
        assert!(connect(port, &next).await && !connect(port, &first).await);
        serving.abort();
    }
}
