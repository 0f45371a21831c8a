//! What is asked of hosts' UDP echoes when, and what an answer is worth. Pure: it has neither clock nor socket, times are
//! those since its caller's beginning.

use std::net::SocketAddr;
use std::time::Duration;
use vmatrix_wire::echo::{Echo, LENGTH, Question};

/// How each host is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Questions that count.
    pub samples: u16,
    /// Questions before them that do not: they pay for looking up the way.
    pub warm_up: u16,
    /// Between two questions to one host.
    pub interval: Duration,
    /// What comes later than this is lost.
    pub timeout: Duration,
}

/// All questions to all hosts, who take turns within one interval.
#[derive(Debug)]
pub(super) struct Asking {
    plan: Plan,
    hosts: Vec<Host>,
    ignored: Ignored,
}

#[derive(Debug)]
struct Host {
    address: SocketAddr,
    nonce: [u8; 16],
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    at: Duration,
    took: Option<Duration>,
}

/// Packets that came in and are no answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    /// No frame, or a damaged one.
    pub malformed: u32,
    /// From who was not asked.
    pub foreign: u32,
    /// With another nonce, of a question that was not asked, or no answer at all.
    pub unasked: u32,
    /// A second answer to one question.
    pub repeated: u32,
    /// After the timeout.
    pub late: u32,
}

impl Asking {
    /// Of each host an address and 16 random bytes.
    pub(super) fn new(plan: Plan, hosts: &[(SocketAddr, [u8; 16])]) -> Self {
        let host = |(address, nonce): &(SocketAddr, [u8; 16])| Host {
            address: *address,
            nonce: *nonce,
            asked: Vec::new(),
        };
        Self {
            plan,
            hosts: hosts.iter().map(host).collect(),
            ignored: Ignored::default(),
        }
    }

    /// The next question and whom to ask it, if it is due: who calls sends it at once.
    pub(super) fn ask(&mut self, now: Duration) -> Option<(SocketAddr, [u8; LENGTH])> {
        let (index, due) = self.next()?;
        if due > now {
            return None;
        }
        let host = self.hosts.get_mut(index)?;
        let sequence = u16::try_from(host.asked.len()).ok()?;
        host.asked.push(Asked { at: now, took: None });
        Some((host.address, Echo::ask(question(host, sequence, now)).encode()))
    }

    /// Takes a packet that came in.
    pub(super) fn hear(&mut self, from: SocketAddr, bytes: &[u8], now: Duration) {
        let count = match self.judge(from, bytes, now) {
            Ok(()) => return,
            Err(Worthless::Malformed) => &mut self.ignored.malformed,
            Err(Worthless::Foreign) => &mut self.ignored.foreign,
            Err(Worthless::Unasked) => &mut self.ignored.unasked,
            Err(Worthless::Repeated) => &mut self.ignored.repeated,
            Err(Worthless::Late) => &mut self.ignored.late,
        };
        *count = count.saturating_add(1);
    }

    fn judge(&mut self, from: SocketAddr, bytes: &[u8], now: Duration) -> Result<(), Worthless> {
        let echo = Echo::parse(bytes).map_err(|_| Worthless::Malformed)?;
        if !self.hosts.iter().any(|host| host.address == from) {
            return Err(Worthless::Foreign);
        }
        let is_its_own = |host: &&mut Host| host.address == from && host.nonce == echo.question.nonce;
        let host = self.hosts.iter_mut().find(is_its_own).ok_or(Worthless::Unasked)?;
        let sequence = echo.question.sequence;
        let at = host.asked.get(usize::from(sequence)).map(|asked| asked.at);
        let was_asked = at.is_some_and(|at| echo.question == question(host, sequence, at));
        let asked = host.asked.get_mut(usize::from(sequence));
        let asked = asked
            .filter(|_| was_asked && echo.times.is_some())
            .ok_or(Worthless::Unasked)?;
        if asked.took.is_some() {
            return Err(Worthless::Repeated);
        }
        let took = now.saturating_sub(asked.at);
        if took > self.plan.timeout {
            return Err(Worthless::Late);
        }
        asked.took = Some(took);
        Ok(())
    }

    /// When something is to be done again if nothing comes in; `None` when all is answered or lost.
    pub(super) fn wait_until(&self, now: Duration) -> Option<Duration> {
        if let Some((_, due)) = self.next() {
            return Some(due);
        }
        let open = self.hosts.iter().flat_map(|host| &host.asked);
        let last = open
            .filter(|asked| asked.took.is_none())
            .map(|asked| asked.at + self.plan.timeout)
            .max()?;
        (last >= now).then_some(last)
    }

    /// Questions to each host that count.
    pub(super) fn samples(&self) -> u16 {
        self.plan.samples
    }

    /// What came back from one host, in microseconds and the order of the questions, without the warm-up.
    pub(super) fn rtts_us(&self, index: usize) -> Vec<u32> {
        let asked = self.hosts.get(index).map_or(&[][..], |host| &host.asked);
        let counted = asked.iter().skip(usize::from(self.plan.warm_up));
        counted
            .filter_map(|asked| asked.took)
            .map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX))
            .collect()
    }

    /// What was heard and not counted.
    pub(super) fn ignored(&self) -> Ignored {
        self.ignored
    }

    /// Whom to ask next, and when.
    fn next(&self) -> Option<(usize, Duration)> {
        let (index, host) = self
            .hosts
            .iter()
            .enumerate()
            .min_by_key(|(_, host)| host.asked.len())?;
        let turn = u16::try_from(host.asked.len()).ok()?;
        if turn >= self.plan.samples.saturating_add(self.plan.warm_up) {
            return None;
        }
        let all = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        let share = self.plan.interval / all * u32::try_from(index).unwrap_or(0);
        // Never sooner than an interval after the last, so that no burst follows when this machine has slept.
        let after_last = host.asked.last().map(|last| last.at + self.plan.interval);
        let due = self.plan.interval * u32::from(turn) + share;
        Some((index, after_last.map_or(due, |soonest| due.max(soonest))))
    }
}

/// Why a packet is no answer.
enum Worthless {
    Malformed,
    Foreign,
    Unasked,
    Repeated,
    Late,
}

fn question(host: &Host, sequence: u16, at: Duration) -> Question {
    Question {
        nonce: host.nonce,
        sequence,
        asked: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
#[path = "asking_tests.rs"]
mod tests;
