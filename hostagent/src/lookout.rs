//! Looks at other hosts from here, for the server: the witness that a VM or a host is reachable on its public
//! address. Level-triggered: what is ordered is asked again and again, gently, until it is withdrawn.

use futures_util::future::join_all;
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

/// A question by UDP is said again after this long. A game lets one address ask ten times in a burst, then once a second,
/// and answers ten queries a second in all; players ask too.
const AGAIN: Duration = Duration::from_millis(300);
/// One question's answer is waited for this long.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// A web application's first page after a resume takes longer.
const WEB_PATIENCE: Duration = Duration::from_secs(5);
/// Pause once the answer has been seen.
const CALM: Duration = Duration::from_secs(5);
/// Pause between two questions to masters, until the address is listed or this has been tried often.
const UNLISTED: Duration = Duration::from_secs(1);
/// How often.
const OFTEN: u32 = 60;

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
            .timeout(WEB_PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            watches: HashMap::new(),
            changed: watch::Sender::new(0),
            http,
        })
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
            let work = look(
                lookout.clone(),
                Arc::clone(&seen),
                self.changed.clone(),
                self.http.clone(),
            );
            let task = tokio::spawn(work).abort_handle();
            self.watches.insert(
                lookout.lookout,
                Watch {
                    lookout: lookout.clone(),
                    seen,
                    task,
                },
            );
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
    let note = |put: &dyn Fn(&mut Seen) -> &mut Option<Instant>| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = put(&mut seen).replace(Instant::now()).is_none();
        drop(seen);
        if first {
            changed.send_modify(|count| *count += 1);
        }
    };
    let answers = async {
        loop {
            if ask(lookout.address, &lookout.ask, &http).await {
                note(&|seen| &mut seen.answered);
                tokio::time::sleep(CALM).await;
            } else {
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let listings = async {
        let Ask::Vm {
            gamename,
            game_protocol,
            masters,
            ..
        } = &lookout.ask
        else {
            return;
        };
        let query = ServersQuery::all(gamename, *game_protocol);
        let mut tries = 0;
        while !masters.is_empty() {
            let listed = listed(lookout.address, masters, &query).await;
            if listed {
                note(&|seen| &mut seen.listed);
            }
            tries += 1;
            tokio::time::sleep(if listed || tries > OFTEN { CALM } else { UNLISTED }).await;
        }
    };
    tokio::join!(answers, listings);
}

async fn ask(address: SocketAddr, ask: &Ask, http: &reqwest::Client) -> bool {
    match ask {
        Ask::Vm {
            proof: Proof::Http { path },
            ..
        } => {
            let answer = http.get(format!("http://{address}{path}")).send().await;
            answer.is_ok_and(|answer| answer.status().as_u16() < 400)
        }
        Ask::Vm {
            proof: Proof::Quake3, ..
        } => {
            let challenge = format!("{:08x}", rand::random::<u32>());
            let question = Packet::GetInfo {
                challenge: challenge.clone(),
            }
            .encode();
            let is_it = |bytes: &[u8]| match Packet::parse(bytes) {
                Ok(Packet::Info(info)) => (info.challenge == challenge).then_some(()),
                _ => None,
            };
            exchange(address, &question, is_it).await.is_some()
        }
        Ask::Beacon { nonce } => {
            let frame = crate::beacon::frame(nonce);
            exchange(address, &frame, |bytes| (bytes == frame).then_some(()))
                .await
                .is_some()
        }
    }
}

/// Whether one of the masters lists the address.
async fn listed(address: SocketAddr, masters: &[SocketAddr], query: &ServersQuery) -> bool {
    let question = Packet::GetServers(query.clone()).encode();
    let has_it = |bytes: &[u8]| match Packet::parse(bytes) {
        Ok(Packet::Servers(list)) if list.servers.contains(&address) => Some(true),
        Ok(Packet::Servers(list)) if list.last => Some(false),
        _ => None,
    };
    let answers = join_all(masters.iter().map(|master| exchange(*master, &question, has_it))).await;
    answers.contains(&Some(true))
}

/// Sends one packet, again now and then, and takes answers from there, and only from there, until one is the right
/// one.
async fn exchange<T>(to: SocketAddr, packet: &[u8], right: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let work = async {
        let socket = UdpSocket::bind(any).await.ok()?;
        socket.connect(to).await.ok()?;
        let mut buffer = vec![0; MAX_PACKET];
        let mut again = tokio::time::interval(AGAIN);
        loop {
            tokio::select! {
                // That nobody is there yet (an ICMP answer) shows as an error, and is no reason to stop.
                _ = again.tick() => drop(socket.send(packet).await),
                received = socket.recv(&mut buffer) => {
                    if let Some(value) = received.ok().and_then(|length| right(&buffer[..length])) {
                        return Some(value);
                    }
                }
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
        Lookout {
            lookout: LookoutId::Host(HostId(Uuid::nil())),
            address,
            ask: Ask::Beacon { nonce },
        }
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
        beacons.intend(Some(&Beacon {
            port: address.port(),
            nonce,
        }));
        let mut lookouts = new();
        let mut changed = lookouts.changed();
        lookouts.intend(&[beacon_lookout(address, nonce)]);
        changed.changed().await.unwrap();
        assert!(lookouts.observe()[0].answered_ms_ago.is_some());
        lookouts.intend(&[]);
        assert!(
            lookouts.observe().is_empty(),
            "what is withdrawn is no longer reported"
        );
        assert!(
            !ask(
                address,
                &Ask::Beacon {
                    nonce: Digest([8; 32])
                },
                &lookouts.http
            )
            .await,
            "another nonce"
        );
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

    #[tokio::test]
    async fn who_comes_up_while_they_are_asked_is_seen_soon() {
        let address = {
            let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        };
        let nonce = Digest([7; 32]);
        let frame = crate::beacon::frame(&nonce);
        // Nobody is there for the first questions, which the system says by ICMP.
        let asked = tokio::spawn(async move {
            let frame = crate::beacon::frame(&nonce);
            exchange(address, &frame, |bytes| (bytes == frame).then_some(())).await
        });
        tokio::time::sleep(AGAIN + AGAIN / 2).await;
        let late = UdpSocket::bind(address).await.unwrap();
        let mut buffer = [0; 200];
        let (length, from) = late.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], frame);
        late.send_to(&frame, from).await.unwrap();
        assert_eq!(asked.await.unwrap(), Some(()));
    }

    #[tokio::test]
    async fn a_web_page_counts_unless_it_is_an_error() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for status in ["200 OK", "302 Found", "503 Busy"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 1_000];
                let length = stream.read(&mut buffer).await.unwrap();
                assert!(buffer[..length].starts_with(b"GET /index.php HTTP/1.1"));
                let answer = format!(
                    "HTTP/1.1 {status}\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let lookouts = new();
        let page = Ask::Vm {
            proof: Proof::Http {
                path: "/index.php".into(),
            },
            gamename: String::new(),
            game_protocol: 0,
            masters: Vec::new(),
        };
        assert!(ask(address, &page, &lookouts.http).await);
        assert!(
            ask(address, &page, &lookouts.http).await,
            "a redirection is an answer and is not followed"
        );
        assert!(!ask(address, &page, &lookouts.http).await);
    }
}
