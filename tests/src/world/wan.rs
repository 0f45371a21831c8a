//! The wide area between the namespaces: one process reads a TUN device per node, holds each packet for half the
//! pair's round-trip time with jitter, and writes it into the other's.
//!
//! Plain threads: a timer of an asynchronous runtime is a millisecond coarse, which is what we measure.

use crate::world::{WorldFile, enter};
use anyhow::{Context, Result};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
    net::Ipv4Addr,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tun_rs::{DeviceBuilder, SyncDevice};

/// Name of the device in each namespace.
pub const DEVICE: &str = "wan0";

/// One direction of one pair.
#[derive(Debug, Clone, Copy)]
struct Path {
    delay: Duration,
    deviation: Duration,
}

struct Packet {
    due: Instant,
    /// Keeps packets of equal time in the order of their arrival.
    number: u64,
    to: usize,
    bytes: Vec<u8>,
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Packet {}
impl PartialOrd for Packet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Packet {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

/// Forwards until the process is ended. Calls `ready` when all devices are open.
///
/// # Errors
/// If a device cannot be opened.
pub fn forward(world: &WorldFile, ready: impl FnOnce()) -> Result<()> {
    let nodes: Vec<_> = world.nodes().cloned().collect();
    let index: HashMap<Ipv4Addr, usize> = nodes.iter().enumerate().map(|(i, node)| (node.address, i)).collect();
    let mut paths = Vec::with_capacity(nodes.len());
    let mut devices = Vec::with_capacity(nodes.len());
    for from in &nodes {
        let row: Result<Vec<Path>> = nodes.iter().map(|to| path(world.rtt_ms(from, to)?)).collect();
        paths.push(row?);
        devices.push(Arc::new(open(&from.namespace())?));
    }
    let (sender, receiver) = mpsc::channel();
    for (from, device) in devices.iter().enumerate() {
        let (device, sender, index) = (Arc::clone(device), sender.clone(), index.clone());
        thread::spawn(move || read(&device, from, &index, &sender));
    }
    ready();
    schedule(&receiver, &paths, &devices);
    Ok(())
}

fn path((mean_ms, deviation_ms): (f64, f64)) -> Result<Path> {
    let one_way = |ms: f64| Duration::try_from_secs_f64(ms / 2000.0).with_context(|| format!("{ms} ms"));
    Ok(Path { delay: one_way(mean_ms)?, deviation: one_way(deviation_ms)? })
}

fn open(namespace: &str) -> Result<SyncDevice> {
    let inside = namespace.to_owned();
    enter(namespace, move || DeviceBuilder::new().name(DEVICE).inherit_enable_state().build_sync())?
        .with_context(|| format!("device {DEVICE} in {inside}"))
}

struct Arrival {
    at: Instant,
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

fn read(device: &SyncDevice, from: usize, index: &HashMap<Ipv4Addr, usize>, sender: &mpsc::Sender<Arrival>) {
    let mut buffer = [0; 2048];
    while let Ok(length) = device.recv(&mut buffer) {
        let at = Instant::now();
        let packet = &buffer[..length];
        let Some(to) = destination(packet).and_then(|address| index.get(&address)) else { continue };
        if sender.send(Arrival { at, from, to: *to, bytes: packet.to_vec() }).is_err() {
            return;
        }
    }
}

/// Where an IPv4 packet wants to go.
fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let [version, ..] = packet else { return None };
    let address: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    (version >> 4 == 4).then(|| Ipv4Addr::from(address))
}

fn schedule(arrivals: &mpsc::Receiver<Arrival>, paths: &[Vec<Path>], devices: &[Arc<SyncDevice>]) {
    let mut rng = StdRng::seed_from_u64(1);
    let mut waiting: BinaryHeap<Reverse<Packet>> = BinaryHeap::new();
    let mut last: HashMap<(usize, usize), Instant> = HashMap::new();
    let mut number = 0;
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(packet)| packet.due <= now) {
            if let Some(Reverse(packet)) = waiting.pop() {
                // A full or closed device loses the packet, as a real link does.
                let _ = devices[packet.to].send(&packet.bytes);
            }
        }
        let pause = waiting.peek().map_or(Duration::from_secs(3600), |Reverse(packet)| packet.due - now);
        let first = match arrivals.recv_timeout(pause) {
            Ok(arrival) => arrival,
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        for arrival in std::iter::once(first).chain(arrivals.try_iter()) {
            let delay = delay(paths[arrival.from][arrival.to], &mut rng);
            let previous = last.entry((arrival.from, arrival.to)).or_insert(arrival.at);
            // Jitter must not reorder a pair's packets: games and TCP would see a fault that the data do not have.
            let due = (arrival.at + delay).max(*previous);
            *previous = due;
            number += 1;
            waiting.push(Reverse(Packet { due, number, to: arrival.to, bytes: arrival.bytes }));
        }
    }
}

/// One way: normal jitter around the mean such that the mean deviation of the round trip is the world's.
fn delay(path: Path, rng: &mut impl Rng) -> Duration {
    if path.deviation.is_zero() {
        return path.delay;
    }
    // Mean absolute deviation = sigma * sqrt(2/pi); two independent halves add up in squares.
    let sigma = 2.0 * path.deviation.as_secs_f64() * (std::f64::consts::PI / 2.0).sqrt() / std::f64::consts::SQRT_2;
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    let mean = path.delay.as_secs_f64();
    Duration::from_secs_f64((mean + sigma * normal).clamp(mean * 0.8, mean * 1.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_has_the_deviation_of_the_world() {
        let path = path((100.0, 2.0)).unwrap();
        let mut rng = StdRng::seed_from_u64(7);
        let trips: Vec<f64> =
            (0..20_000).map(|_| (delay(path, &mut rng) + delay(path, &mut rng)).as_secs_f64() * 1000.0).collect();
        let mean = trips.iter().sum::<f64>() / trips.len() as f64;
        let deviation = trips.iter().map(|t| (t - mean).abs()).sum::<f64>() / trips.len() as f64;
        assert!((mean - 100.0).abs() < 0.1, "{mean}");
        assert!((deviation - 2.0).abs() < 0.1, "{deviation}");
    }

    #[test]
    fn what_is_not_ipv4_has_no_destination() {
        for packet in [&[][..], &[0x45; 10], &[0x60; 40]] {
            assert_eq!(destination(packet), None);
        }
    }
}
