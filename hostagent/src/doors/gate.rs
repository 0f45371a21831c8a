//! Who may come in by any of the doors, and how much each may have answered. Pure: the time is an argument, counted from
//! any fixed moment.
//!
//! What is counted is bounded by what may be here at once, never by what strangers send.

use crate::echo::limiter::{Limiter, Share, prefix};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;
use vmatrix_wire::Pass;

/// The longest message that is answered, bytes.
pub const LONGEST_MESSAGE: usize = 64;
/// A visit ends after this long, whatever happens.
pub const LONGEST_VISIT: Duration = Duration::from_secs(60);
/// A visit that says nothing for so long ends.
pub const IDLE: Duration = Duration::from_secs(10);
/// Visits with one ticket at once: the page of one player tries two ways, each once again.
pub const PER_TICKET: usize = 4;
/// Visits of one address prefix at once: the players of one household, school or provider's translator.
pub const PER_PREFIX: usize = 32;
/// Visits at once.
pub const AT_ONCE: usize = 256;
/// Messages that are answered in one visit: a page sends about twenty.
pub const PER_VISIT: u32 = 500;

/// Messages a second of one visit, of all visits, and handshakes a second at one door: of one prefix and of all.
const VISIT_MESSAGES: Rate = Rate::new(50.0, 50.0);
const ALL_MESSAGES: Rate = Rate::new(8_192.0, 8_192.0);
const DOOR_KNOCKS: Rate = Rate::new(64.0, 128.0);
const PREFIX_KNOCKS: (u32, u32) = (8, 32);

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such ticket is in the orders now.
    #[error("no such ticket")]
    NoTicket,
    /// The ticket is in use.
    #[error("{PER_TICKET} visits with this ticket at once are the most")]
    Ticket,
    /// Too many come from there.
    #[error("{PER_PREFIX} visits from one network at once are the most")]
    Prefix,
    /// Too many are here.
    #[error("{AT_ONCE} visits at once are the most")]
    Full,
}

/// A door at which each handshake costs work before anybody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// QUIC.
    WebTransport,
    /// Behind a proxy.
    WebSocket,
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent back.
    Answer,
    /// It is lost: too long, or too soon after the others.
    Drop,
    /// The visit is over.
    Leave,
}

/// Who is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitId(u64);

/// See the module.
pub struct Gate {
    tickets: HashSet<String>,
    visits: HashMap<VisitId, Visit>,
    next: u64,
    at_webtransport: Bucket,
    at_websocket: Bucket,
    knocking: Limiter,
    messages: Bucket,
}

struct Visit {
    ticket: String,
    prefix: Option<u64>,
    since: Duration,
    answered: u32,
    messages: Bucket,
}

impl Default for Gate {
    fn default() -> Self {
        let (a_second, at_once) = PREFIX_KNOCKS;
        Self {
            tickets: HashSet::new(),
            visits: HashMap::new(),
            next: 0,
            at_webtransport: Bucket::default(),
            at_websocket: Bucket::default(),
            knocking: Limiter::new(Share::of(a_second, at_once)),
            messages: Bucket::default(),
        }
    }
}

impl Gate {
    /// Takes the whole intention. Visits whose ticket is not there any more end with their next message.
    pub fn intend(&mut self, passes: &[Pass]) {
        self.tickets = passes
            .iter()
            .map(|pass| pass.ticket.reveal().to_owned())
            .collect();
    }

    /// Whether the work of a handshake is done for somebody from there. Each door has a share of its own: a flood at one
    /// leaves the other open.
    pub fn knock(&mut self, door: Door, from: Option<IpAddr>, now: Duration) -> bool {
        if from.is_some_and(|from| !self.knocking.allow(from, now)) {
            return false;
        }
        let knocks = match door {
            Door::WebTransport => &mut self.at_webtransport,
            Door::WebSocket => &mut self.at_websocket,
        };
        knocks.take(DOOR_KNOCKS, now)
    }

    /// Lets somebody with this ticket in, until [`Gate::leave`]. `from` is `None` if only somebody between is seen.
    ///
    /// # Errors
    /// Why not.
    pub fn enter(&mut self, ticket: &str, from: Option<IpAddr>, now: Duration) -> Result<VisitId, Refusal> {
        if !self.tickets.contains(ticket) {
            return Err(Refusal::NoTicket);
        }
        let prefix = from.map(prefix);
        let with = |is: &dyn Fn(&Visit) -> bool| self.visits.values().filter(|visit| is(visit)).count();
        if self.visits.len() >= AT_ONCE {
            return Err(Refusal::Full);
        }
        if with(&|visit| visit.ticket == ticket) >= PER_TICKET {
            return Err(Refusal::Ticket);
        }
        if prefix.is_some() && with(&|visit| visit.prefix == prefix) >= PER_PREFIX {
            return Err(Refusal::Prefix);
        }
        let id = VisitId(self.next);
        self.next += 1;
        self.visits.insert(
            id,
            Visit {
                ticket: ticket.to_owned(),
                prefix,
                since: now,
                answered: 0,
                messages: Bucket::default(),
            },
        );
        Ok(id)
    }

    /// Whether a message of `length` bytes is answered.
    pub fn hear(&mut self, id: VisitId, length: usize, now: Duration) -> Verdict {
        let Some(visit) = self.visits.get_mut(&id) else {
            return Verdict::Leave;
        };
        let over = now.saturating_sub(visit.since) >= LONGEST_VISIT;
        if over || visit.answered >= PER_VISIT || !self.tickets.contains(&visit.ticket) {
            return Verdict::Leave;
        }
        let fits = length <= LONGEST_MESSAGE;
        if !visit.messages.take(VISIT_MESSAGES, now) || !fits || !self.messages.take(ALL_MESSAGES, now) {
            return Verdict::Drop;
        }
        visit.answered += 1;
        Verdict::Answer
    }

    /// Somebody is gone.
    pub fn leave(&mut self, id: VisitId) {
        self.visits.remove(&id);
    }

    /// How many are here.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.visits.len()
    }
}

/// So many a second, and so many at once after a pause.
#[derive(Debug, Clone, Copy)]
struct Rate {
    a_second: f64,
    at_once: f64,
}

impl Rate {
    const fn new(a_second: f64, at_once: f64) -> Self {
        Self { a_second, at_once }
    }
}

/// Full at first.
#[derive(Default)]
struct Bucket(Option<(f64, Duration)>);

impl Bucket {
    fn level(&self, rate: Rate, now: Duration) -> f64 {
        self.0.map_or(rate.at_once, |(left, at)| {
            let since = now.saturating_sub(at).as_secs_f64();
            (left + since * rate.a_second).min(rate.at_once)
        })
    }

    fn take(&mut self, rate: Rate, now: Duration) -> bool {
        let level = self.level(rate, now);
        let enough = level >= 1.0;
        self.0 = Some((if enough { level - 1.0 } else { level }, now));
        enough
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
