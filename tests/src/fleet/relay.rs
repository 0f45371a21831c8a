//! The website on loopback too: the server itself listens on the management network, where the agents reach it.

use crate::up::CONTROL;
use anyhow::{Context, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Passes connections on until it is dropped.
pub(super) struct Relay(JoinHandle<()>);

impl Relay {
    /// From a port on loopback to the same port of the server.
    pub(super) async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port));
        let listener = listener
            .await
            .with_context(|| format!("port {port} of 127.0.0.1"))?;
        Ok(Self(tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // A server that is away is a connection that ends.
                    if let Ok(mut there) = TcpStream::connect((CONTROL, port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                    }
                });
            }
        })))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}
