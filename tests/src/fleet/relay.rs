//! The website on loopback too: the server itself listens on the management network, where the agents reach it.
//!
//! Plain threads, so that a test that waits for a program does not hold it up.

use crate::up::CONTROL;
use anyhow::{Context, Result};
use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Passes connections on until it is dropped.
pub(super) struct Relay {
    here: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Relay {
    /// From a port on loopback to the same port of the server.
    pub(super) fn start(port: u16) -> Result<Self> {
        let here = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = TcpListener::bind(here).with_context(|| format!("the website's address {here}"))?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // A server that is away is a connection that ends.
                if let Ok(server) = TcpStream::connect((CONTROL, port)) {
                    let _ = join(&visitor, &server);
                }
            }
        });
        Ok(Self { here, over })
    }
}

/// Both ways, until each side has said its last.
fn join(visitor: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for (from, to) in [(visitor, server), (server, visitor)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        to.set_nodelay(true)?;
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the one who waits for visitors.
        let _ = TcpStream::connect(self.here);
    }
}
