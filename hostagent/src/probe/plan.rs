//! Which requests of a round are due, and how long its last answers are waited for. Pure: it is told the time.

use super::Timing;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;
use tokio::time::Instant;

/// What is due within this time is sent together: each waking up costs more than a request.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// After so many answers it is known how long somebody takes.
const KNOWN: usize = 3;

/// How much longer than twice the slowest answer of somebody who is known the last ones are waited for.
const GRACE: Duration = Duration::from_millis(200);

/// One request to number `who` of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub who: usize,
    /// Its number among those to the same address.
    pub turn: u16,
    /// Whether it has its place among the requests of all rounds.
    pub booked: bool,
}

/// All requests of a round.
pub(super) struct Plan {
    timing: Timing,
    due: BinaryHeap<Reverse<(Instant, Request)>>,
    /// When each was sent.
    unanswered: BTreeMap<(usize, u16), Instant>,
    /// How many answers there were, and the slowest.
    known: Vec<(usize, Duration)>,
}

impl Plan {
    pub(super) fn new(count: usize, timing: Timing) -> Self {
        let first = |who| Request {
            who,
            turn: 0,
            booked: false,
        };
        let due = (0..count).map(|who| Reverse((timing.share(who, count).first, first(who))));
        Self {
            timing,
            due: if timing.samples > 0 {
                due.collect()
            } else {
                BinaryHeap::new()
            },
            unanswered: BTreeMap::new(),
            known: vec![(0, Duration::ZERO); count],
        }
    }

    /// When something is due, or, if all is sent, when nobody is waited for any longer. `None`: all is answered.
    pub(super) fn next(&self) -> Option<Instant> {
        let until = |(&(who, _), sent): (&(usize, u16), &Instant)| *sent + self.patience(who);
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        due.or_else(|| self.unanswered.iter().map(until).max())
    }

    /// Whether all is sent, and answered or lost.
    pub(super) fn over(&self, now: Instant) -> bool {
        self.due.is_empty() && self.next().is_none_or(|end| end <= now)
    }

    /// Whoever has answered some times and then does not is not waited for as long as one who is unknown: one lost packet
    /// would make everybody wait.
    fn patience(&self, who: usize) -> Duration {
        match self.known.get(who) {
            Some((KNOWN.., slowest)) => (2 * *slowest + GRACE).min(self.timing.timeout),
            _ => self.timing.timeout,
        }
    }

    /// The requests that are sent now. `book` asks for a place among the requests of all rounds: Ok says when, Err when to ask
    /// again. Who is not sent now is put off until then.
    pub(super) fn due(
        &mut self,
        now: Instant,
        mut book: impl FnMut(usize) -> Result<Instant, Instant>,
    ) -> Vec<Request> {
        let (mut due, mut put_off) = (Vec::new(), Vec::new());
        while let Some(Reverse((_, mut request))) = self
            .due
            .peek()
            .copied()
            .filter(|Reverse((at, _))| *at <= now + TICK)
        {
            self.due.pop();
            if !request.booked {
                let booked = book(request.who);
                request.booked = booked.is_ok();
                let (Ok(at) | Err(at)) = booked;
                if booked.is_err() || at > now + TICK {
                    // Put back only when all have been looked at: some are to ask again within this very tick.
                    put_off.push(Reverse((at, request)));
                    continue;
                }
            }
            due.push(request);
        }
        self.due.extend(put_off);
        due
    }

    pub(super) fn sent(&mut self, request: Request, now: Instant) {
        let Request { who, turn, .. } = request;
        self.unanswered.insert((who, turn), now);
        if turn + 1 < self.timing.samples {
            let own = self.timing.share(who, self.known.len());
            let next = Request {
                who,
                turn: turn + 1,
                booked: false,
            };
            self.due.push(Reverse((own.next(turn, now), next)));
        }
    }

    /// A request was answered, or is lost.
    pub(super) fn answered(&mut self, request: Request, rtt: Option<Duration>) {
        self.unanswered.remove(&(request.who, request.turn));
        if let (Some(rtt), Some((count, slowest))) = (rtt, self.known.get_mut(request.who)) {
            *count += 1;
            *slowest = rtt.max(*slowest);
        }
    }

    /// Who of them was not waited for: each `who` and `turn`.
    pub(super) fn lost(self) -> impl Iterator<Item = (usize, u16)> {
        self.unanswered.into_keys()
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
