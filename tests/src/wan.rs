//! The emulated internet: packets between TUN devices, each held back for its pair's delay.
//!
//! One plain thread, and no timers of a runtime: it sleeps in `ppoll` to the nanosecond. It asks for real-time
//! priority, as on two busy cores an ordinary thread wakes up milliseconds late.

use crate::hurry::{Hurry, hurry};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tun_rs::SyncDevice;

/// Packets under way at most; more are dropped, as a router would.
const MOST: usize = 65_536;
/// Packets read from one device before the others have their turn.
const TURN: usize = 64;

/// With so many packets under way, waking up for each would cost more than the packets: then it wakes up once in a
/// `CYCLE`, and is early as often as it is late.
const BUSY: usize = 1_024;
const CYCLE: Duration = Duration::from_micros(200);

/// Devices that are looked at in one turn.
const MOST_READY: usize = 64;

/// One way between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Way {
    /// Mean delay.
    pub delay: Duration,
    /// The delay is evenly spread this much around the mean.
    pub jitter: Duration,
}

impl Way {
    /// Half a round trip with mean `ms` and mean deviation `deviation_ms`: the sum of two even spreads of ±a has a
    /// mean deviation of 2a/3.
    pub(crate) fn half(ms: f64, deviation_ms: f64) -> Self {
        let delay = Duration::from_secs_f64(ms / 2000.0);
        Self {
            delay,
            jitter: Duration::from_secs_f64(1.5 * deviation_ms / 1000.0).min(delay),
        }
    }
}

/// One end.
pub(crate) struct End {
    pub device: SyncDevice,
    /// All that it is reached by: packets to any of them take the same way.
    pub addresses: Vec<IpAddr>,
}

/// What went through so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Packets delivered.
    pub forwarded: AtomicU64,
    /// Packets to nobody, or too many at once.
    pub dropped: AtomicU64,
}

/// A running forwarder; dropped, it stops.
pub(crate) struct Wan {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    pub counters: Arc<Counters>,
}

impl Wan {
    /// Starts to forward between `ends`; `ways[from][to]`.
    pub(crate) fn start(ends: Vec<End>, ways: Vec<Vec<Way>>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let counters = Arc::new(Counters::default());
        let (stopped, counted) = (stop.clone(), counters.clone());
        let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (number, end) in (0..).zip(&ends) {
            ready.add(&end.device, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        }
        let forward = move || {
            hurry(Hurry::Internet);
            Forwarder::new(ends, ways, counted).run(&ready, &stopped);
        };
        let thread = std::thread::Builder::new()
            .name("vmatrix-wan".into())
            .spawn(forward)?;
        Ok(Self {
            stop,
            thread: Some(thread),
            counters,
        })
    }
}

impl Drop for Wan {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Packet {
    to: usize,
    bytes: Vec<u8>,
}

struct Forwarder {
    ends: Vec<End>,
    ways: Vec<Vec<Way>>,
    by_address: HashMap<IpAddr, usize>,
    /// When the last packet of each pair is due: a later one is never due earlier.
    last: Vec<Vec<Instant>>,
    /// Due time, then order of arrival, then place in `packets`.
    due: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    packets: Vec<Packet>,
    free: Vec<usize>,
    arrived: u64,
    random: StdRng,
    counters: Arc<Counters>,
}

impl Forwarder {
    fn new(ends: Vec<End>, ways: Vec<Vec<Way>>, counters: Arc<Counters>) -> Self {
        let by_address = ends
            .iter()
            .enumerate()
            .flat_map(|(index, end)| end.addresses.iter().map(move |address| (*address, index)))
            .collect();
        let now = Instant::now();
        Self {
            last: ways.iter().map(|row| vec![now; row.len()]).collect(),
            ends,
            ways,
            by_address,
            due: BinaryHeap::new(),
            packets: Vec::new(),
            free: Vec::new(),
            arrived: 0,
            random: StdRng::seed_from_u64(1),
            counters,
        }
    }

    fn run(mut self, ready: &Epoll, stop: &AtomicBool) {
        let mut buffer = vec![0; 65_536];
        while !stop.load(Ordering::Relaxed) {
            let half = if self.due.len() > BUSY {
                CYCLE / 2
            } else {
                Duration::ZERO
            };
            self.deliver(half);
            for from in self.readable(ready, half) {
                for _ in 0..TURN {
                    let Some(end) = self.ends.get(from) else { break };
                    let Ok(length) = end.device.recv(&mut buffer) else {
                        break;
                    };
                    self.take(
                        from,
                        buffer.get(..length).unwrap_or_default(),
                        Instant::now() - half,
                    );
                }
            }
        }
    }

    /// Sends what is due, or will be in `early`.
    fn deliver(&mut self, early: Duration) {
        while let Some(Reverse((due, _, slot))) = self.due.peek().copied() {
            if due > Instant::now() + early {
                break;
            }
            self.due.pop();
            self.free.push(slot);
            let Some(packet) = self.packets.get(slot) else {
                continue;
            };
            let Some(end) = self.ends.get(packet.to) else {
                continue;
            };
            let sent = end.device.send(&packet.bytes);
            let counter = if sent.is_ok() {
                &self.counters.forwarded
            } else {
                &self.counters.dropped
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sleeps until something comes in or is due, or for twice `half`, if that is something; which devices have something.
    fn readable(&self, ready: &Epoll, half: Duration) -> Vec<usize> {
        if half > Duration::ZERO {
            std::thread::sleep(2 * half);
        } else {
            let longest = Duration::from_millis(50);
            let next = self
                .due
                .peek()
                .map(|Reverse((due, ..))| due.saturating_duration_since(Instant::now()));
            let wait = TimeSpec::from_duration(next.map_or(longest, |next| next.min(longest)));
            // Of some hundred devices few have something; and epoll's own patience is counted in milliseconds.
            let mut any = [PollFd::new(ready.0.as_fd(), PollFlags::POLLIN)];
            if !ppoll(&mut any, Some(wait), None).is_ok_and(|some| some > 0) {
                return Vec::new();
            }
        }
        let mut events = [EpollEvent::empty(); MOST_READY];
        let some = ready.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        let numbers = events
            .iter()
            .take(some)
            .map(|event| usize::try_from(event.data()));
        numbers.filter_map(Result::ok).collect()
    }

    /// Puts a packet on its way.
    fn take(&mut self, from: usize, bytes: &[u8], now: Instant) {
        let to = destination(bytes).and_then(|address| self.by_address.get(&address).copied());
        let way = to.and_then(|to| Some((to, self.ways.get(from)?.get(to).copied()?)));
        let (Some((to, way)), true) = (way, self.due.len() < MOST) else {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let jitter = way.jitter.mul_f64(2.0 * self.random.random::<f64>());
        let mut due = now + way.delay + jitter - way.jitter;
        if let Some(last) = self.last.get_mut(from).and_then(|row| row.get_mut(to)) {
            due = due.max(*last);
            *last = due;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.packets.push(Packet {
                to,
                bytes: Vec::new(),
            });
            self.packets.len() - 1
        });
        if let Some(packet) = self.packets.get_mut(slot) {
            packet.to = to;
            packet.bytes.clear();
            packet.bytes.extend_from_slice(bytes);
        }
        self.due.push(Reverse((due, self.arrived, slot)));
        self.arrived += 1;
    }
}

/// Where a packet goes.
fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => {
            let address: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
            Some(Ipv4Addr::from(address).into())
        }
        6 => {
            let address: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
            Some(Ipv6Addr::from(address).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn jitter_never_makes_a_delay_negative() {
        let way = Way::half(0.8, 5.0);
        assert_eq!(
            (way.delay, way.jitter),
            (Duration::from_micros(400), Duration::from_micros(400))
        );
        assert_eq!(Way::half(80.0, 0.4).jitter, Duration::from_micros(600));
    }

    #[test]
    fn packets_of_both_kinds_to_one_node_take_the_same_way() {
        let (four, six) = (
            Ipv4Addr::new(10, 77, 1, 1),
            Ipv6Addr::new(0xfd77, 0, 1, 0, 0, 0, 0, 1),
        );
        let mut packets = [vec![0x45; 20], vec![0x60; 40]];
        packets[0][16..20].copy_from_slice(&four.octets());
        packets[1][24..40].copy_from_slice(&six.octets());
        assert_eq!(destination(&packets[0]), Some(four.into()));
        assert_eq!(destination(&packets[1]), Some(six.into()));
        let ways = vec![vec![Way::half(20.0, 0.0); 2]; 2];
        let mut forwarder = Forwarder::new(Vec::new(), ways, Arc::default());
        forwarder.by_address = [(IpAddr::from(four), 1), (six.into(), 1)].into();
        let now = Instant::now();
        for packet in &packets {
            forwarder.take(0, packet, now);
        }
        let due: Vec<_> = forwarder
            .due
            .iter()
            .map(|Reverse((due, ..))| *due - now)
            .collect();
        assert_eq!(due, [Duration::from_millis(10); 2]);
        assert!(forwarder.packets.iter().all(|packet| packet.to == 1));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = destination(&bytes);
        }

        #[test]
        fn packets_of_one_pair_keep_their_order(gaps in proptest::collection::vec(0u64..2_000, 1..50)) {
            let ways = vec![vec![Way::half(20.0, 4.0)]];
            let mut forwarder = Forwarder::new(Vec::new(), ways, Arc::default());
            let to = Ipv4Addr::new(10, 77, 1, 1);
            forwarder.by_address.insert(to.into(), 0);
            let mut packet = vec![0x45; 20];
            packet[16..20].copy_from_slice(&to.octets());
            let mut now = Instant::now();
            for (index, gap) in gaps.iter().enumerate() {
                now += Duration::from_micros(*gap);
                packet[0] = 0x45;
                packet[1] = u8::try_from(index).unwrap();
                forwarder.take(0, &packet, now);
            }
            let mut order = Vec::new();
            while let Some(Reverse((due, _, slot))) = forwarder.due.pop() {
                order.push(forwarder.packets[slot].bytes[1]);
                prop_assert!(due >= now - Duration::from_micros(gaps.iter().sum()));
            }
            prop_assert!(order.is_sorted() && order.len() == gaps.len());
        }
    }
}
