//! What keeps a match's VM from its goal, for one viewer. Staff read what the agent reports; a clan reads what it means for the match
//! and what happens next, in our own words: an agent's may be about files, other programs and the insides of its host.

use super::{ClanId, MatchState, Time, Whole};
use vmatrix_wire::Problem;

/// What keeps the VM from its goal at this moment, if anything; `None` as viewer is staff.
#[must_use]
pub fn show_problem(whole: &Whole, viewer: Option<ClanId>, now: Time) -> Option<String> {
    let state = &whole.of.state;
    if !matches!(
        state,
        MatchState::Reserved { .. } | MatchState::Waking { .. } | MatchState::Ready { .. }
    ) {
        return None;
    }
    let ready = matches!(state, MatchState::Ready { .. });
    if let Some(record) = whole.host.as_ref().filter(|record| record.left_at.is_some()) {
        return Some(format!(
            "{} has left the fleet; what it ran is ended.",
            record.host.name
        ));
    }
    if let Some(record) = whole.host.as_ref().filter(|record| record.is_gone(now)) {
        let seconds = record.silent_ms(now) / 1000;
        let so = if ready { "; the match goes on" } else { "" };
        return Some(format!(
            "The agent of {} has not reported for {seconds} s{so}.",
            record.host.name
        ));
    }
    let report = whole.vm.as_ref()?.seen.report.as_ref()?;
    if let Some(problem) = &report.problem {
        let host = whole.host.as_ref().map_or("the host", |record| &record.host.name);
        return Some(match viewer {
            None => problem.to_string(),
            Some(_) => format!("{} {}", what(problem, host), what_next(problem, ready)),
        });
    }
    report
        .silent
        .then(|| "The game does not answer queries at the moment. It is left alone.".into())
}

fn what(problem: &Problem, host: &str) -> String {
    match problem {
        Problem::PortTaken { port } => format!("Another program on {host} uses port {port}."),
        Problem::Missing { .. } => "A part of the game’s snapshot is missing on this server.".into(),
        Problem::Corrupt { .. } => "A part of the game’s snapshot is damaged on this server.".into(),
        Problem::Key { .. } => format!("The game’s snapshot does not load on {host}."),
        Problem::DiskFull { .. } => format!("There is no room left for the match on {host}."),
        Problem::NoSlot { .. } => format!("What ran on {host} before is not gone yet."),
        Problem::Failed { .. } => format!("A step on {host} did not succeed."),
    }
}

/// What the agent and the Oracle do about it by themselves: see [`super::next_step()`].
fn what_next(problem: &Problem, ready: bool) -> &'static str {
    match problem {
        _ if ready => "It is tried again until it works; the address and the password stay as they are.",
        Problem::PortTaken { .. } => "Another port is taken.",
        Problem::Missing { .. } | Problem::Corrupt { .. } => {
            "If it stays so the match cannot take place, until an operator has put the game in anew."
        }
        Problem::Key { .. } | Problem::DiskFull { .. } => "Another machine is taken.",
        Problem::NoSlot { .. } | Problem::Failed { .. } => {
            "It is tried again; if that does not help in time, another machine is taken."
        }
    }
}

/// Why a host was left, as the story and the choice tell it to everybody: an agent's own words are left out.
pub(super) fn told(problem: &Problem) -> String {
    match problem {
        Problem::Failed { .. } => "a step did not succeed".into(),
        ours => ours.to_string(),
    }
}

#[cfg(test)]
#[path = "show_problem_tests.rs"]
mod tests;
