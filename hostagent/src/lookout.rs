//! Looks at other hosts from here, for the server: the witness that a VM or a host is reachable on its public
//! address. Level-triggered: what is ordered is asked again and again, gently, until it is withdrawn.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::UdpSocket, sync::watch, task::AbortHandle, time::Instant};
use vmatrix_wire::{
    Ask, Lookout, LookoutId, LookoutReport, Proof,
    quake3::{MAX_PACKET, Packet, ServersQuery},
};

/// One question's answer is waited for this long.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Pause until the first answer. The game answers ten queries a second in all, and players ask too.
const EAGER: Duration = Duration::from_millis(400);
/// Pause once everything that was asked for has been seen.
const CALM: Duration = Duration::from_secs(5);

/// All lookouts of this host.
pub struct Lookouts {
    watches: HashMap<LookoutId, Watch>,
    changed: watch::Sender<u64>,
    http: reqwest::Client,
}

struct Watch {
    lookout: Lookout,
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    answered: Option<Instant>,
    listed: Option<Instant>,
}

impl Lookouts {
    /// Nothing to look at yet.
    ///
    /// # Errors
    /// If there is no HTTP client to be had (no TLS provider is installed).
    pub fn new() -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { watches: HashMap::new(), changed: watch::Sender::new(0), http })
    }

    /// Grows whenever something is seen for the first time.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes the whole intention: starts what is new or different, ends what is not listed.
    pub fn intend(&mut self, lookouts: &[Lookout]) {
        self.watches.retain(|_, watch| lookouts.contains(&watch.lookout));
        for lookout in lookouts {
            if self.watches.contains_key(&lookout.lookout) {
                continue;
            }
            let seen = Arc::new(Mutex::new(Seen::default()));
            let work = look(lookout.clone(), Arc::clone(&seen), self.changed.clone(), self.http.clone());
            let task = tokio::spawn(work).abort_handle();
            self.watches.insert(lookout.lookout, Watch { lookout: lookout.clone(), seen, task });
        }
    }

    /// What has been seen so far, in the order of ids.
    #[must_use]
    pub fn observe(&self) -> Vec<LookoutReport> {
        let ago = |at: Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut reports: Vec<LookoutReport> = self
            .watches
            .iter()
            .map(|(id, watch)| {
                let seen = *watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
                LookoutReport {
                    lookout: *id,
                    address: watch.lookout.address,
                    answered_ms_ago: seen.answered.map(ago),
                    listed_ms_ago: seen.listed.map(ago),
                }
            })
            .collect();
        reports.sort_by_key(|report| report.lookout);
        reports
    }
}

async fn look(lookout: Lookout, seen: Arc<Mutex<Seen>>, changed: watch::Sender<u64>, http: reqwest::Client) {
    loop {
        let answered = ask(lookout.address, &lookout.ask, &http).await;
        let listed = match &lookout.ask {
            Ask::Vm { gamename, game_protocol, masters, .. } if answered => {
                listed(lookout.address, masters, &ServersQuery::all(gamename, *game_protocol)).await
            }
            _ => false,
        };
        let (first, complete) = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let first = (answered && seen.answered.is_none()) || (listed && seen.listed.is_none());
            seen.answered = answered.then(Instant::now).or(seen.answered);
            seen.listed = listed.then(Instant::now).or(seen.listed);
            let wants_list = matches!(&lookout.ask, Ask::Vm { masters, .. } if !masters.is_empty());
            (first, seen.answered.is_some() && (!wants_list || seen.listed.is_some()))
        };
        if first {
            changed.send_modify(|count| *count += 1);
        }
        tokio::time::sleep(if complete { CALM } else { EAGER }).await;
    }
}

async fn ask(address: SocketAddr, ask: &Ask, http: &reqwest::Client) -> bool {
    match ask {
        Ask::Vm { proof: Proof::Http { path }, .. } => {
            let answer = http.get(format!("http://{address}{path}")).send().await;
            answer.is_ok_and(|answer| answer.status().as_u16() < 400)
        }
        Ask::Vm { proof: Proof::Quake3, .. } => {
            let challenge = format!("{:08x}", rand::random::<u32>());
            let question = Packet::GetInfo { challenge: challenge.clone() }.encode();
            let is_it = |bytes: &[u8]| match Packet::parse(bytes) {
                Ok(Packet::Info(info)) => (info.challenge == challenge).then_some(()),
                _ => None,
            };
            exchange(address, &question, is_it).await.is_some()
        }
        Ask::Beacon { nonce } => {
            let frame = crate::beacon::frame(nonce);
            exchange(address, &frame, |bytes| (bytes == frame).then_some(())).await.is_some()
        }
    }
}

/// Whether one of the masters lists the address.
async fn listed(address: SocketAddr, masters: &[SocketAddr], query: &ServersQuery) -> bool {
    let question = Packet::GetServers(query.clone()).encode();
    for master in masters {
        let has_it = |bytes: &[u8]| match Packet::parse(bytes) {
            Ok(Packet::Servers(list)) if list.servers.contains(&address) => Some(true),
            Ok(Packet::Servers(list)) if list.last => Some(false),
            _ => None,
        };
        if exchange(*master, &question, has_it).await == Some(true) {
            return true;
        }
    }
    false
}

/// Sends one packet and takes answers from there, and only from there, until one is the right one.
async fn exchange<T>(to: SocketAddr, packet: &[u8], right: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let work = async {
        let socket = UdpSocket::bind(any).await.ok()?;
        socket.connect(to).await.ok()?;
        socket.send(packet).await.ok()?;
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            let length = socket.recv(&mut buffer).await.ok()?;
            if let Some(value) = right(&buffer[..length]) {
                return Some(value);
            }
        }
    };
    tokio::time::timeout(PATIENCE, work).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beacon::Beacons;
    use uuid::Uuid;
    use vmatrix_wire::{Beacon, Digest, HostId};

    fn beacon_lookout(address: SocketAddr, nonce: Digest) -> Lookout {
        Lookout { lookout: LookoutId::Host(HostId(Uuid::nil())), address, ask: Ask::Beacon { nonce } }
    }

    fn new() -> Lookouts {
        crate::tls::install();
        Lookouts::new().unwrap()
    }

    #[tokio::test]
    async fn a_beacon_is_seen_by_who_knows_its_nonce() {
        let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let nonce = Digest([7; 32]);
        let mut beacons = Beacons::default();
        beacons.intend(Some(&Beacon { port: address.port(), nonce }));
        let mut lookouts = new();
        let mut changed = lookouts.changed();
        lookouts.intend(&[beacon_lookout(address, nonce)]);
        changed.changed().await.unwrap();
        assert!(lookouts.observe()[0].answered_ms_ago.is_some());
        lookouts.intend(&[]);
        assert!(lookouts.observe().is_empty(), "what is withdrawn is no longer reported");
        assert!(!ask(address, &Ask::Beacon { nonce: Digest([8; 32]) }, &lookouts.http).await, "another nonce");
    }

    #[tokio::test]
    async fn the_same_intention_twice_goes_on_with_what_has_been_seen() {
        let mut lookouts = new();
        let lookout = beacon_lookout("127.0.0.1:9".parse().unwrap(), Digest([0; 32]));
        lookouts.intend(std::slice::from_ref(&lookout));
        let first = lookouts.watches[&lookout.lookout].task.id();
        lookouts.intend(std::slice::from_ref(&lookout));
        assert_eq!(lookouts.watches[&lookout.lookout].task.id(), first);
    }
}
