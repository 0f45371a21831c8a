//! Rounds of measurements.

use super::{MatchId, PlayerId, RoundId, RoundReason, TargetId, Time};
use std::net::IpAddr;
use vmatrix_wire::Way;

/// One measurement of all players of a match from all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Its id.
    pub id: RoundId,
    /// Of which match.
    pub match_id: MatchId,
    /// Why.
    pub reason: RoundReason,
    /// Since when.
    pub started_at: Time,
    /// What has not come by then is unknown.
    pub until_at: Time,
    /// When all that can come had come.
    pub ended_at: Option<Time>,
    /// Nobody was measured: it was taken over from this match, whose rematch its own is.
    pub taken_from: Option<MatchId>,
}

/// Somebody who is measured in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTarget {
    /// What hosts call them.
    pub target: TargetId,
    /// Who it is.
    pub player: PlayerId,
    /// Where to; absent if the host name has no address.
    pub address: Option<IpAddr>,
    /// How.
    pub by: Way,
}

/// Echo requests per player and host.
pub const SAMPLES: u16 = 9;
/// Pause between two of them, milliseconds.
pub const INTERVAL_MS: u64 = 250;
/// One is lost after this long, milliseconds.
pub const TIMEOUT_MS: u64 = 1_000;

/// How long a round may take, milliseconds: the measuring itself, and time for slow agents to hear of it and report.
pub const ROUND_MS: i64 = SAMPLES as i64 * INTERVAL_MS as i64 + TIMEOUT_MS as i64 + 10_000;

/// From more hosts than this a round is measured step by step: see `docs/few-probes.md`. So many answer within one step's time,
/// and what prediction would save is small.
pub const FEW_FROM: usize = 16;
/// How long a round in steps may take, milliseconds: five steps, each of which takes as long as a round of one.
pub const FEW_ROUND_MS: i64 = 5 * ROUND_MS;

/// People may have one match measured this often within ten minutes: hosts must not become a way to flood somebody.
pub const MOST_ROUNDS: usize = 10;
const ROUNDS_WITHIN_MS: i64 = 10 * 60_000;

/// When a match that has had these rounds may be measured again by hand: `None` for now.
#[must_use]
pub fn measure_again_at(rounds: &[Round], now: Time) -> Option<Time> {
    let mut recent: Vec<Time> = rounds
        .iter()
        .map(|round| round.started_at)
        .filter(|at| is_within(*at, now))
        .collect();
    recent.sort_unstable();
    let first = recent.len().checked_sub(MOST_ROUNDS)?;
    recent.get(first).map(|at| at.plus(ROUNDS_WITHIN_MS))
}

/// Whether a round of then counts: one that was begun by a clock that has since been set back does not, or nothing would be
/// measured until the clock is there again.
fn is_within(at: Time, now: Time) -> bool {
    at <= now && now.since(at) < ROUNDS_WITHIN_MS
}

/// Players come one by one, and each changes the roster: the first changes are measured soon, further ones together.
const AFTER_EACH_MS: i64 = 20_000;
const AFTER_MANY_MS: i64 = 60_000;

/// Whether a match that has had these rounds may be measured now because of what changed: some time after the last, longer the
/// more often it was, so that in the long run it is no more than [`MOST_ROUNDS`] in ten minutes.
#[must_use]
pub fn is_time_again(rounds: &[Round], now: Time) -> bool {
    let recent = rounds.iter().filter(|round| is_within(round.started_at, now));
    let count = i64::try_from(recent.count()).unwrap_or(i64::MAX);
    let pause = count.saturating_mul(AFTER_EACH_MS).min(AFTER_MANY_MS);
    let begun = rounds.iter().map(|round| round.started_at);
    let last = begun.filter(|at| *at <= now).max();
    last.is_none_or(|last| now.since(last) >= pause)
}

/// Who begins now of those who wait, who came first first: as many as there is room for. Who may not yet does not keep the
/// others waiting.
#[must_use]
pub fn whose_turn<T: Copy>(
    waiting: &[T],
    may_begin: impl Fn(&T) -> bool,
    running: usize,
    at_once: usize,
) -> Vec<T> {
    waiting
        .iter()
        .filter(|one| may_begin(one))
        .take(at_once.saturating_sub(running))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use uuid::Uuid;

    fn begun(at: Time) -> Round {
        Round {
            id: vmatrix_wire::ProbeId(Uuid::from_u128(1)),
            match_id: MatchId(Uuid::from_u128(1)),
            reason: RoundReason::Roster,
            started_at: at,
            until_at: at,
            ended_at: None,
            taken_from: None,
        }
    }

    #[test]
    fn whatever_changes_a_match_is_not_measured_all_the_time() {
        let (mut rounds, mut longest) = (Vec::new(), 0);
        let at = |second: i64| Time::from_millis(second * 1000);
        // Something changes each second for an hour.
        for second in 0..3600 {
            if is_time_again(&rounds, at(second)) {
                let last = rounds
                    .last()
                    .map_or(0, |round: &Round| at(second).since(round.started_at));
                longest = longest.max(last);
                rounds.push(begun(at(second)));
            }
            let recent = rounds
                .iter()
                .filter(|round| at(second).since(round.started_at) < ROUNDS_WITHIN_MS);
            assert!(recent.count() <= MOST_ROUNDS + 1, "at {second} s");
        }
        assert_eq!(longest, AFTER_MANY_MS, "nobody waits longer than that");
        assert!(is_time_again(&[], at(0)), "who was never measured is at once");
    }

    #[test]
    fn a_round_of_the_future_is_none() {
        let at = |second: i64| Time::from_millis(second * 1000);
        // The clock was a day ahead when it was begun, and is right now.
        let ahead = || begun(at(100_000));
        assert!(is_time_again(&[ahead()], at(13_600)));
        assert!(
            !is_time_again(&[ahead(), begun(at(13_595))], at(13_600)),
            "the true last one counts"
        );
        let ten: Vec<Round> = (0..10).map(|_| ahead()).collect();
        assert_eq!(measure_again_at(&ten, at(13_600)), None);
    }

    proptest! {
        #[test]
        fn of_those_who_wait_the_first_who_may_begin(
            waiting in proptest::collection::vec(any::<bool>(), 0..60), running in 0_usize..10, at_once in 0_usize..10,
        ) {
            let all: Vec<(usize, bool)> = waiting.into_iter().enumerate().collect();
            let turn = whose_turn(&all, |one| one.1, running, at_once);
            prop_assert!(turn.iter().all(|one| one.1));
            let free = at_once.saturating_sub(running);
            prop_assert_eq!(turn.len(), free.min(all.iter().filter(|one| one.1).count()));
            // Nobody who came earlier and may begin was passed over.
            let last = turn.last().map_or(0, |one| one.0);
            prop_assert!(all.iter().take(last).filter(|one| one.1).all(|one| turn.contains(one)));
        }
    }

    #[test]
    fn a_thousand_matches_are_all_measured_in_the_order_in_which_they_came() {
        let mut waiting: VecDeque<usize> = (0..1000).collect();
        let (mut order, mut passes) = (Vec::new(), 0);
        while !waiting.is_empty() {
            let now = whose_turn(waiting.make_contiguous(), |_| true, 0, 32);
            assert!(now.len() <= 32);
            waiting.retain(|one| !now.contains(one));
            order.extend(now);
            passes += 1;
        }
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        assert_eq!(passes, 1000_usize.div_ceil(32));
    }

    #[test]
    fn a_match_is_measured_only_so_often() {
        let minute = |number: i64| Time::from_millis(number * 60_000);
        let round = |at: i64| Round {
            id: vmatrix_wire::ProbeId(Uuid::from_u128(1)),
            match_id: MatchId(Uuid::from_u128(1)),
            reason: RoundReason::Retry,
            started_at: minute(at),
            until_at: minute(at),
            ended_at: None,
            taken_from: None,
        };
        let nine: Vec<Round> = (0..9).map(round).collect();
        assert_eq!(measure_again_at(&nine, minute(9)), None);
        let ten: Vec<Round> = (0..10).map(round).collect();
        assert_eq!(measure_again_at(&ten, minute(9)), Some(minute(10)));
        assert_eq!(measure_again_at(&ten, minute(10)), None);
    }
}
