//! Measures round-trip times by ICMP: all targets of a round at once, several requests each, spread out evenly so that
//! answers do not arrive in bursts. Level-triggered: each ordered round is measured once, and reported as it goes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use vmatrix_wire::{ProbeId, ProbeOrder, ProbeReport, RttSample, Target, TargetId};

/// Most requests that wait for their answers at once, of all rounds. The library's sockets have the system's default
/// receive buffer, which holds about 270 answers; more in flight would measure our own queue.
const IN_FLIGHT: usize = 128;

/// Bytes of an echo request, as ping(8) sends them.
const PAYLOAD: [u8; 56] = [0; 56];

/// All rounds of this host.
pub struct Probes {
    rounds: HashMap<ProbeId, Round>,
    room: Arc<Semaphore>,
    changed: watch::Sender<u64>,
}

struct Round {
    answers: Arc<Mutex<Answers>>,
    task: AbortHandle,
}

impl Drop for Round {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Answers {
    done: bool,
    /// Each target and the number of its address.
    targets: Vec<(TargetId, usize)>,
    /// Each distinct address once: people who share one are not asked twice, and an unprivileged socket could not.
    addresses: Vec<Measured>,
}

struct Measured {
    address: IpAddr,
    sent: u16,
    rtts: Vec<Duration>,
}

impl Answers {
    fn none_yet(targets: &[Target]) -> Self {
        let mut addresses: Vec<Measured> = Vec::new();
        let targets = targets.iter().map(|Target { target, address, .. }| {
            let known = addresses.iter().position(|known| known.address == *address);
            let index = known.unwrap_or_else(|| {
                addresses.push(Measured {
                    address: *address,
                    sent: 0,
                    rtts: Vec::new(),
                });
                addresses.len() - 1
            });
            (*target, index)
        });
        Self {
            done: false,
            targets: targets.collect(),
            addresses,
        }
    }

    fn sum_up(&self) -> Vec<RttSample> {
        let of = |(target, index): &(TargetId, usize)| {
            let measured = self.addresses.get(*index)?;
            let rtts: Vec<u32> = measured.rtts.iter().map(|rtt| micros(*rtt)).collect();
            Some(RttSample::of(*target, measured.sent, &rtts))
        };
        self.targets.iter().filter_map(of).collect()
    }
}

impl Default for Probes {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(IN_FLIGHT));
        Self {
            rounds: HashMap::new(),
            room,
            changed: watch::Sender::new(0),
        }
    }
}

impl Probes {
    /// Grows with each answer and when a round is done.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes the whole intention: starts rounds that are new, forgets those that are not listed.
    pub fn intend(&mut self, orders: &[ProbeOrder]) {
        self.rounds
            .retain(|id, _| orders.iter().any(|order| order.probe == *id));
        for order in orders {
            if self.rounds.contains_key(&order.probe) {
                continue;
            }
            let answers = Arc::new(Mutex::new(Answers::none_yet(&order.targets)));
            let work = measure(
                order.clone(),
                answers.clone(),
                self.room.clone(),
                self.changed.clone(),
            );
            let task = tokio::spawn(work).abort_handle();
            self.rounds.insert(order.probe, Round { answers, task });
        }
    }

    /// What has been measured so far, in the order of ids.
    #[must_use]
    pub fn observe(&self) -> Vec<ProbeReport> {
        let mut reports: Vec<ProbeReport> = self
            .rounds
            .iter()
            .map(|(id, round)| {
                let answers = lock(&round.answers);
                ProbeReport {
                    probe: *id,
                    done: answers.done,
                    samples: answers.sum_up(),
                }
            })
            .collect();
        reports.sort_by_key(|report| report.probe);
        reports
    }
}

fn lock(answers: &Mutex<Answers>) -> MutexGuard<'_, Answers> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Measures one round to its end.
async fn measure(
    order: ProbeOrder,
    answers: Arc<Mutex<Answers>>,
    room: Arc<Semaphore>,
    changed: watch::Sender<u64>,
) {
    let start = Instant::now();
    let mut clients: HashMap<bool, Option<Client>> = HashMap::new();
    let mut work = JoinSet::new();
    let addresses: Vec<IpAddr> = lock(&answers).addresses.iter().map(|one| one.address).collect();
    for (index, address) in addresses.iter().copied().enumerate() {
        // A client of its own per round, so that two rounds that ask the same target do not take each other's answers.
        let client = clients
            .entry(address.is_ipv6())
            .or_insert_with(|| client(address));
        let Some(client) = client.clone() else { continue };
        let ident = PingIdentifier(rand::random());
        for turn in 0..order.samples {
            let (client, room, answers, changed) =
                (client.clone(), room.clone(), answers.clone(), changed.clone());
            let at = start + due(&order, addresses.len(), index, turn);
            let timeout = Duration::from_millis(order.timeout_ms);
            work.spawn(async move {
                tokio::time::sleep_until(at).await;
                let Ok(_room) = room.acquire().await else { return };
                let mut pinger = client.pinger(address, ident).await;
                pinger.timeout(timeout);
                let rtt = pinger.ping(PingSequence(turn), &PAYLOAD).await;
                note(&answers, index, rtt);
                changed.send_modify(|count| *count += 1);
            });
        }
    }
    while work.join_next().await.is_some() {}
    lock(&answers).done = true;
    changed.send_modify(|count| *count += 1);
}

/// When the request number `turn` to the address number `index` of `all` is sent: they take turns within one interval.
fn due(order: &ProbeOrder, all: usize, index: usize, turn: u16) -> Duration {
    let interval = Duration::from_millis(order.interval_ms);
    let share = interval / u32::try_from(all.max(1)).unwrap_or(u32::MAX);
    interval * u32::from(turn) + share * u32::try_from(index).unwrap_or(0)
}

fn note(answers: &Mutex<Answers>, index: usize, answer: Result<(IcmpPacket, Duration), SurgeError>) {
    if let Some(Measured { sent, rtts, .. }) = lock(answers).addresses.get_mut(index) {
        *sent += 1;
        match answer {
            Ok((packet, rtt)) if is_echo(&packet) => rtts.push(rtt),
            // A router that says "unreachable" is near, the target is not.
            Ok(_) | Err(SurgeError::Timeout { .. }) => {}
            Err(error) => tracing::debug!(%error, "an echo request failed"),
        }
    }
}

/// To the nearest microsecond.
fn micros(time: Duration) -> u32 {
    u32::try_from((time.as_nanos() + 500) / 1_000).unwrap_or(u32::MAX)
}

/// The library hands over errors of routers on the way as answers, too.
fn is_echo(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == 0,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == 129,
    }
}

/// Unprivileged datagram sockets where the system lets us, else raw ones. `None` if neither works: all targets of
/// that family stay unknown.
fn client(target: IpAddr) -> Option<Client> {
    let kind = if target.is_ipv6() { ICMP::V6 } else { ICMP::V4 };
    match Client::new(&Config::builder().kind(kind).build()) {
        Ok(client) => {
            tracing::debug!(kind = ?client.get_socket().get_type(), "echo socket");
            Some(client)
        }
        Err(error) => {
            tracing::warn!(%error, "no echo socket: nothing can be measured from here");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use vmatrix_wire::Way;

    fn order(probe: u128, addresses: &[&str]) -> ProbeOrder {
        let target = |(n, address): (usize, &&str)| Target {
            target: TargetId(Uuid::from_u128(n as u128)),
            address: address.parse().unwrap(),
            by: Way::Icmp,
        };
        ProbeOrder {
            probe: ProbeId(Uuid::from_u128(probe)),
            samples: 4,
            interval_ms: 20,
            timeout_ms: 4000,
            targets: addresses.iter().enumerate().map(target).collect(),
        }
    }

    async fn until_done(probes: &Probes) -> Vec<ProbeReport> {
        let mut changed = probes.changed();
        loop {
            let reports = probes.observe();
            if reports.iter().all(|report| report.done) {
                return reports;
            }
            changed.changed().await.unwrap();
        }
    }

    #[test]
    fn requests_are_spread_evenly_over_targets_and_time() {
        let order = order(1, &["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        let at = |index, turn| due(&order, 4, index, turn).as_millis();
        assert_eq!(
            [at(0, 0), at(1, 0), at(3, 0), at(0, 1), at(2, 3)],
            [0, 5, 15, 20, 70]
        );
    }

    #[tokio::test]
    async fn the_loopback_answers_and_a_black_hole_is_unknown() {
        if client(IpAddr::from([127, 0, 0, 1])).is_none() {
            return println!("skipped: no echo sockets for this user");
        }
        let mut probes = Probes::default();
        // Broadcasts are refused by the kernel itself: nothing is sent anywhere.
        probes.intend(&[
            order(1, &["127.0.0.1", "255.255.255.255"]),
            order(2, &["127.0.0.1"]),
        ]);
        let reports = until_done(&probes).await;
        for report in &reports {
            assert_eq!(
                (report.samples[0].sent, report.samples[0].received),
                (4, 4),
                "{reports:?}"
            );
            assert!(report.samples[0].median_us.is_some_and(|us| us > 0));
        }
        assert_eq!(reports[0].samples[1].sent, 4);
        assert_eq!(reports[0].samples[1].median_us, None);
    }

    #[tokio::test]
    async fn a_round_is_measured_once_and_forgotten_when_it_is_withdrawn() {
        let mut probes = Probes::default();
        let nobody = order(1, &[]);
        probes.intend(std::slice::from_ref(&nobody));
        until_done(&probes).await;
        probes.intend(std::slice::from_ref(&nobody));
        assert!(
            probes.observe()[0].done,
            "asked for again, it is not measured again"
        );
        probes.intend(&[]);
        assert_eq!(probes.observe(), []);
    }
}
