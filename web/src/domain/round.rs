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
        .filter(|at| now.since(*at) < ROUNDS_WITHIN_MS)
        .collect();
    recent.sort_unstable();
    let first = recent.len().checked_sub(MOST_ROUNDS)?;
    recent.get(first).map(|at| at.plus(ROUNDS_WITHIN_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

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
