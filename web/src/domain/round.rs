//! Rounds of measurements.

use super::{MatchId, PlayerId, RoundId, RoundReason, TargetId, Time};
use std::net::IpAddr;

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
}

/// Echo requests per player and host.
pub const SAMPLES: u16 = 9;
/// Pause between two of them, milliseconds.
pub const INTERVAL_MS: u64 = 250;
/// One is lost after this long, milliseconds.
pub const TIMEOUT_MS: u64 = 1_000;

/// How long a round may take, milliseconds: the measuring itself, and time for slow agents to hear of it and report.
pub const ROUND_MS: i64 = SAMPLES as i64 * INTERVAL_MS as i64 + TIMEOUT_MS as i64 + 10_000;
