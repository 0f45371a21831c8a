//! The proxy before a WebSocket door: takes TLS off with a certificate of its own, and is far away from its players.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;

/// The proxy, before it is started.
pub struct Proxy {
    config: Arc<ServerConfig>,
    /// Digest of its key, by which a browser that is told so takes its certificate.
    pub key: String,
}

impl Proxy {
    pub fn new() -> Self {
        vmatrix_hostagent::tls::install();
        let key = KeyPair::generate().unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        Self {
            config: Arc::new(config),
            key: BASE64_STANDARD.encode(digest),
        }
    }

    /// Starts it before a door; its own address comes back.
    pub async fn start(&self, door: SocketAddr, delay: Duration) -> SocketAddr {
        let front = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = front.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        tokio::spawn(async move {
            while let Ok((client, _)) = front.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    client.set_nodelay(true).ok()?;
                    let client = acceptor.accept(client).await.ok()?;
                    let inside = TcpStream::connect(door).await.ok()?;
                    inside.set_nodelay(true).ok()?;
                    let (from_client, to_client) = split(client);
                    let (from_door, to_door) = split(inside);
                    carry(from_client, to_door, delay);
                    carry(from_door, to_client, delay);
                    Some(())
                });
            }
        });
        address
    }
}

fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    delay: Duration,
) {
    let (sender, mut line) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if sender
                .send((Instant::now() + delay, buffer[..length].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, bytes)) = line.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
}
