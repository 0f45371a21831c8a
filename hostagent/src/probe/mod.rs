//! Measures round-trip times: all targets of a round at once, several requests each, spread out evenly so that answers do
//! not arrive in bursts. Level-triggered: each ordered round is measured once, and reported as it goes.
//!
//! Players are asked by ICMP, name servers near players by DNS. However many rounds there are, nobody is asked more than
//! 50 times a second, and all together not more than 2,000 times, at most 20 at once: what is over waits its turn
//! (`pace.rs`). Times are those of a clock that nobody sets.

mod answers;
mod dns;
mod icmp;
mod pace;
mod plan;
mod thread;
mod turns;

use answers::Answers;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thread::OwnThread;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use turns::Turns;
use vmatrix_wire::{ProbeId, ProbeOrder, ProbeReport, Way};

/// All rounds of this host.
pub struct Probes {
    rounds: HashMap<ProbeId, Round>,
    turns: Arc<Turns>,
    thread: OwnThread,
    changed: watch::Sender<u64>,
    ended: watch::Sender<u64>,
    dns_port: u16,
}

struct Round {
    answers: Arc<Answers>,
    task: AbortHandle,
}

impl Drop for Round {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            rounds: HashMap::new(),
            turns: Arc::default(),
            thread: OwnThread::default(),
            changed: watch::Sender::new(0),
            ended: watch::Sender::new(0),
            dns_port: dns::PORT,
        }
    }
}

impl Probes {
    /// Grows with each answer and when a round is done.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Grows when a round is done.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Takes the whole intention: starts rounds that are new, forgets those that are not listed.
    pub fn intend(&mut self, orders: &[ProbeOrder]) {
        self.rounds
            .retain(|id, _| orders.iter().any(|order| order.probe == *id));
        if self.rounds.is_empty() {
            self.turns.close();
        }
        for order in orders {
            if self.rounds.contains_key(&order.probe) {
                continue;
            }
            let answers = Arc::new(Answers::none_yet(&order.targets, self.changed.clone()));
            let turns = Arc::clone(&self.turns);
            let work = measure(Timing::of(order), Arc::clone(&answers), turns, self.dns_port);
            let ended = self.ended.clone();
            let task = self.thread.spawn(async move {
                work.await;
                ended.send_modify(|count| *count += 1);
            });
            self.rounds.insert(order.probe, Round { answers, task });
        }
    }

    /// What has been measured so far, in the order of ids.
    #[must_use]
    pub fn observe(&self) -> Vec<ProbeReport> {
        let report = |(id, round): (&ProbeId, &Round)| {
            let (done, samples) = round.answers.sum_up();
            ProbeReport {
                probe: *id,
                done,
                samples,
            }
        };
        let mut reports: Vec<ProbeReport> = self.rounds.iter().map(report).collect();
        reports.sort_by_key(|report| report.probe);
        reports
    }
}

/// Measures one round to its end.
async fn measure(timing: Timing, answers: Arc<Answers>, turns: Arc<Turns>, dns_port: u16) {
    let mut work = JoinSet::new();
    let mut by_icmp = Vec::new();
    let whom = answers.whom();
    let all = whom.len();
    for (index, (address, by)) in whom.into_iter().enumerate() {
        let Way::Dns { zone } = by else {
            by_icmp.push((index, address));
            continue;
        };
        let server = SocketAddr::new(address, dns_port);
        let timing = timing.share(index, all).seldom();
        let (answers, turns) = (Arc::clone(&answers), Arc::clone(&turns));
        work.spawn(async move { dns::measure(&turns, server, &zone, index, timing, &answers).await });
    }
    icmp::measure(&turns, &by_icmp, timing, &answers).await;
    while work.join_next().await.is_some() {}
    answers.end();
}

/// When the requests to one address are sent, if it is their turn.
#[derive(Debug, Clone, Copy)]
struct Timing {
    first: Instant,
    interval: Duration,
    samples: u16,
    timeout: Duration,
}

impl Timing {
    fn of(order: &ProbeOrder) -> Self {
        Self {
            first: Instant::now(),
            interval: Duration::from_millis(order.interval_ms),
            samples: order.samples,
            timeout: Duration::from_millis(order.timeout_ms),
        }
    }

    /// Of address number `index` of `all`: they take turns within one interval.
    fn share(self, index: usize, all: usize) -> Self {
        let share = self.interval / u32::try_from(all.max(1)).unwrap_or(u32::MAX);
        Self {
            first: self.first + share * u32::try_from(index).unwrap_or(0),
            ..self
        }
    }

    /// As a name server may be asked.
    fn seldom(self) -> Self {
        Self {
            samples: self.samples.min(dns::SAMPLES),
            interval: self.interval.max(dns::INTERVAL),
            ..self
        }
    }

    /// When the request after number `turn` is sent, which went out at `sent`. After one that had to wait the next are
    /// not sent in a burst.
    fn next(self, turn: u16, sent: Instant) -> Instant {
        let planned = self.first + self.interval * (u32::from(turn) + 1);
        planned.max(sent + self.interval / 2)
    }
}

#[cfg(test)]
mod tests;
