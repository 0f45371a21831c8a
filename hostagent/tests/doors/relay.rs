//! Delays UDP packets between a client and a door, so that the truth is known: plain threads, one queue each way.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

struct Waiting {
    due: Instant,
    bytes: Vec<u8>,
    by: Arc<UdpSocket>,
    to: SocketAddr,
}

/// Starts a relay to a door; its own address comes back. Its threads end with the test.
pub fn relay(door: SocketAddr, delay: Duration) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let address = front.local_addr().unwrap();
    let (there, back) = (line(), line());
    thread::spawn(move || {
        let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut buffer = [0; 2_000];
        while let Ok((length, client)) = front.recv_from(&mut buffer) {
            let by = clients.entry(client).or_insert_with(|| {
                let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
                let (from, front, back) = (socket.clone(), front.clone(), back.clone());
                thread::spawn(move || carry(&from, &front, client, delay, &back));
                socket
            });
            let waiting = Waiting {
                due: Instant::now() + delay,
                bytes: buffer[..length].to_vec(),
                by: by.clone(),
                to: door,
            };
            there.send(waiting).unwrap();
        }
    });
    address
}

fn carry(from: &UdpSocket, by: &Arc<UdpSocket>, to: SocketAddr, delay: Duration, line: &Sender<Waiting>) {
    let mut buffer = [0; 2_000];
    while let Ok(length) = from.recv(&mut buffer) {
        let waiting = Waiting {
            due: Instant::now() + delay,
            bytes: buffer[..length].to_vec(),
            by: by.clone(),
            to,
        };
        if line.send(waiting).is_err() {
            return;
        }
    }
}

fn line() -> Sender<Waiting> {
    let (sender, receiver): (Sender<Waiting>, Receiver<Waiting>) = channel();
    thread::spawn(move || {
        for waiting in receiver {
            thread::sleep(waiting.due.saturating_duration_since(Instant::now()));
            let _ = waiting.by.send_to(&waiting.bytes, waiting.to);
        }
    });
    sender
}

/// The smallest round trip of a bare UDP echo through such a relay.
pub fn truth(delay: Duration) -> Duration {
    let echo = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let there = relay(echo.local_addr().unwrap(), delay);
    thread::spawn(move || {
        let mut buffer = [0; 100];
        while let Ok((length, from)) = echo.recv_from(&mut buffer) {
            let _ = echo.send_to(&buffer[..length], from);
        }
    });
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let round_trip = |number: u8| {
        let start = Instant::now();
        client.send_to(&[number; 16], there).unwrap();
        client.recv(&mut [0; 100]).unwrap();
        start.elapsed()
    };
    (0..15).map(round_trip).min().unwrap()
}
