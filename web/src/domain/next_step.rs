//! What is to be done next for a match: a pure function of what is intended, what is seen, and the time.
//!
//! Hard rules: a match that is ready ends by its time or by hand and by nothing else; in particular never because an
//! agent is silent. Nothing is waited for without an end. A host is left only before *ready*.

use super::{ChoiceBody, EndedHow, Match, MatchState, Recheck, RoundReason, Time, Vm, show_problem::told};
use vmatrix_placement::{HostAnswer, Micros, Verdict};
use vmatrix_wire::{Phase, Problem};

/// How long a host that answers may take from *fetched* to *ready*, milliseconds.
const READY_WITHIN_MS: i64 = 120_000;
/// How long a snapshot may be under way to a host, milliseconds.
const FETCH_WITHIN_MS: i64 = 15 * 60_000;
/// How long a slot may still be in use by what was there before, milliseconds.
const SLOT_WITHIN_MS: i64 = 10_000;
/// How long the end of a match waits for a host whose agent is gone, milliseconds.
const OVER_WITHIN_MS: i64 = 60_000;

/// The shortest pause between two tries of a match for which there was no host, milliseconds.
const AGAIN_MS: i64 = 60_000;

/// When things are done before a match, milliseconds before its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The players are measured again.
    pub recheck_ms: i64,
    /// The VM is woken.
    pub wake_ms: i64,
}

impl Pace {
    /// When a match that is placed at `now` is measured again, if it starts late enough for that.
    #[must_use]
    pub fn recheck_at(self, start: Time, now: Time) -> Option<Time> {
        // A round should be over before the VM is woken. One in steps, or one that waits for its turn, may not be: then it is
        // stopped, see `reserved`.
        let at = start.plus(-self.recheck_ms.max(self.wake_ms + super::ROUND_MS));
        (at > now).then_some(at)
    }
}

/// When a match for which there was no host at `now` is tried again: in a minute, or more seldom while its start is
/// hours away, as each try sends echo requests to all its players.
#[must_use]
pub fn again_at(start: Time, now: Time) -> Time {
    now.plus((start.since(now) / 60).clamp(AGAIN_MS, 15 * AGAIN_MS))
}

/// Whether another try may find a host although nobody changes the roster: one that was busy, gone or not able to run
/// it, and not ruled out by what is measured from there, while nobody is silent everywhere.
#[must_use]
pub fn may_be_placed_later(body: &ChoiceBody) -> bool {
    let mut rows = body
        .matrix
        .rows()
        .map(|(_, row)| row)
        .zip(body.choice.hosts.iter().map(HostAnswer::verdict));
    let cap = body.choice.policy.cap();
    let caps: Vec<_> = body
        .matrix
        .players()
        .iter()
        .map(|player| player.cap_under(cap))
        .collect();
    let within =
        |(rtt, cap): (&Option<Micros>, &Option<Micros>)| rtt.zip(*cap).is_none_or(|(rtt, cap)| rtt <= cap);
    let hopeful = |(row, verdict): (&[Option<Micros>], Verdict)| {
        matches!(verdict, Verdict::NoCapacity | Verdict::Unfit) && row.iter().zip(&caps).all(within)
    };
    body.silent().is_empty() && rows.any(hopeful)
}

/// What is seen of a match and its host.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The match.
    pub of: &'a Match,
    /// Whether the round that its state names has ended; absent if the state names none.
    pub round_ended: Option<bool>,
    /// Why its host is not to be counted on, if it has one and that is so: its agent is gone.
    pub host_gone: Option<&'a str>,
    /// The VM that its state names.
    pub vm: Option<&'a Vm>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Measure the players.
    Probe(RoundReason),
    /// Choose a host from the round that has ended.
    Choose,
    /// Look at the reservation by the round that has ended.
    Recheck,
    /// Order the VM to be open.
    Wake,
    /// People can join.
    Ready,
    /// Take another port of the same host; if there is none, another host.
    OtherPort,
    /// Take the next best host of the same matrix.
    OtherHost {
        /// Why this one is left.
        why: String,
    },
    /// Order the VM to go.
    End(EndedHow),
    /// Nothing is left of it.
    Over,
    /// It will not take place.
    Fail {
        /// Why.
        why: String,
    },
}

/// What is to be done next.
#[must_use]
pub fn next_step(seen: Situation, pace: Pace, now: Time) -> Step {
    let of = seen.of;
    let too_late = now >= of.end_at();
    match &of.state {
        MatchState::Gathering if too_late => {
            fail("the other clan had not chosen its players when the time was over")
        }
        MatchState::Probing { .. } if too_late => fail("the time was over before the players were measured"),
        MatchState::Unplaced { .. } if too_late => fail("no host could be given before the time was over"),
        MatchState::Reserved { .. } if too_late => fail("the time was over before the VM was woken"),
        MatchState::Unplaced {
            again_at: Some(at), ..
        } if now >= *at => Step::Probe(RoundReason::Again),
        MatchState::Gathering | MatchState::Unplaced { .. } => Step::Wait,
        MatchState::Probing { reason, .. } => match seen.round_ended {
            Some(true) => Step::Choose,
            Some(false) => Step::Wait,
            // It waits for its turn.
            None => Step::Probe(*reason),
        },
        MatchState::Reserved { recheck, .. } => reserved(seen, recheck, pace, now),
        MatchState::Waking { .. } if too_late => Step::End(EndedHow::TimeUp),
        MatchState::Waking { since, .. } => waking(seen, *since, now),
        MatchState::Ready { .. } if too_late => Step::End(EndedHow::TimeUp),
        // Nobody ends a match that runs because an agent is silent; this one has said that it ended all.
        MatchState::Ready { .. } if seen.vm.is_some_and(|vm| vm.seen.gone_at.is_some()) => {
            Step::End(EndedHow::HostLeft)
        }
        MatchState::Ready { .. } => Step::Wait,
        MatchState::Ending { since, .. } => {
            let gone = seen.vm.is_none_or(|vm| vm.seen.gone_at.is_some());
            let given_up = seen.host_gone.is_some() && now.since(*since) > OVER_WITHIN_MS;
            if gone || given_up { Step::Over } else { Step::Wait }
        }
        MatchState::Over { .. } | MatchState::Failed { .. } | MatchState::Cancelled => Step::Wait,
    }
}

fn fail(why: &str) -> Step {
    Step::Fail { why: why.into() }
}

fn reserved(seen: Situation, recheck: &Recheck, pace: Pace, now: Time) -> Step {
    if let Some(why) =
        problem(seen).filter(|problem| matches!(problem, Problem::Key { .. } | Problem::DiskFull { .. }))
    {
        return Step::OtherHost { why: why.to_string() };
    }
    // Measuring again is to make a good place better: it never keeps a match from beginning.
    if now >= seen.of.start_at.plus(-pace.wake_ms) {
        return match seen.host_gone {
            Some(why) => Step::OtherHost { why: why.into() },
            None => Step::Wake,
        };
    }
    match recheck {
        Recheck::Running { .. } => match seen.round_ended {
            Some(true) => Step::Recheck,
            Some(false) => Step::Wait,
            None => Step::Probe(RoundReason::Roster),
        },
        Recheck::Due { at } if now >= *at => Step::Probe(RoundReason::Recheck),
        Recheck::Due { .. } | Recheck::Done => Step::Wait,
    }
}

fn waking(seen: Situation, since: Time, now: Time) -> Step {
    let Some(vm) = seen.vm else {
        return Step::OtherHost {
            why: "its VM is not known any more".into(),
        };
    };
    if vm.seen.verified_at.is_some() {
        return Step::Ready;
    }
    if let Some(why) = seen.host_gone {
        return Step::OtherHost { why: why.into() };
    }
    let waited = now.since(since);
    match problem(seen) {
        Some(_) if vm.is_port_taken() => return Step::OtherPort,
        Some(Problem::NoSlot { .. }) if waited <= SLOT_WITHIN_MS => return Step::Wait,
        Some(why) if why.needs_another_host() => return Step::OtherHost { why: why.to_string() },
        // Another host would fetch the same bytes.
        Some(why @ (Problem::Missing { .. } | Problem::Corrupt { .. })) => {
            return Step::Fail { why: why.to_string() };
        }
        _ => {}
    }
    let report = vm.seen.report.as_ref();
    let within = if vm.phase() == Phase::Absent {
        FETCH_WITHIN_MS
    } else {
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds of one fetch")]
        let fetch = report.and_then(|report| report.times.fetch).unwrap_or(0.0) as i64;
        READY_WITHIN_MS.saturating_add(fetch.clamp(0, FETCH_WITHIN_MS))
    };
    if waited > within {
        let problem = problem(seen)
            .map(|problem| format!(": {}", told(problem)))
            .unwrap_or_default();
        return Step::OtherHost {
            why: format!("not ready after {} s{problem}", waited / 1000),
        };
    }
    Step::Wait
}

fn problem(seen: Situation<'_>) -> Option<&Problem> {
    seen.vm?.seen.report.as_ref()?.problem.as_ref()
}

#[cfg(test)]
#[path = "next_step_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "next_step_properties.rs"]
mod properties;
