//! Whether a reservation moves after the players were measured again.

use crate::explain::Verdict;
use crate::rtt::ms_text;
use crate::{BadHosts, Choice, HostState, Matrix, Policy, choose};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a reservation stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kept_because", rename_all = "snake_case")]
pub enum KeepReason {
    /// It is still the best.
    StillBest,
    /// Another is better, but by no more than the measurements' error.
    WithinError {
        /// Which.
        other: String,
        /// The error of both, microseconds.
        error_us: u64,
    },
    /// Somebody did not answer this time, and no other host is better known.
    NothingBetterKnown,
}

/// Why a reservation moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "moved_because", rename_all = "snake_case")]
pub enum MoveReason {
    /// The other is better by more than the measurements' error.
    Better {
        /// By how much, microseconds.
        by_us: u64,
        /// The error of both, microseconds.
        error_us: u64,
    },
    /// The reserved host is no longer possible.
    Invalid {
        /// What became of it.
        verdict: Verdict,
        /// The sentence.
        why: String,
    },
    /// The reserved host is no longer among the hosts.
    Gone,
}

/// What becomes of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recheck", rename_all = "snake_case")]
pub enum Recheck {
    /// It stays.
    Keep {
        /// By how much the best other possible host is better, microseconds to the nearest; negative if it is
        /// worse. Absent if there is none to compare with.
        better_by_us: Option<i64>,
        /// Why.
        why: KeepReason,
    },
    /// It moves to the choice's chosen host.
    Move {
        /// Its id.
        to: String,
        /// Its name.
        name: String,
        /// Why.
        why: MoveReason,
    },
    /// It cannot stay, and there is no other; the choice says what would help.
    Lost {
        /// Why it cannot stay.
        why: MoveReason,
    },
}

/// Judges a reservation by new measurements. `states` must show the reserved host as it would be without this
/// reservation; `errors_us` is each host's [`closeness_error`], in the matrix's order.
///
/// # Errors
/// There must be one state and one error per host.
pub fn recheck(
    policy: &Policy,
    matrix: &Matrix,
    states: &[HostState],
    errors_us: &[u32],
    held: &str,
) -> Result<(Choice, Recheck), BadHosts> {
    if errors_us.len() != matrix.hosts().len() {
        return Err(BadHosts {
            states: errors_us.len(),
            hosts: matrix.hosts().len(),
        });
    }
    let choice = choose(policy, matrix, states)?;
    let verdict = judge(&choice, errors_us, held);
    Ok((choice, verdict))
}

fn judge(choice: &Choice, errors_us: &[u32], held: &str) -> Recheck {
    let leave = |why| match choice.chosen() {
        Some(best) => Recheck::Move {
            to: best.id.clone(),
            name: best.name.clone(),
            why,
        },
        None => Recheck::Lost { why },
    };
    let Some(here) = choice.of(held) else {
        return leave(MoveReason::Gone);
    };
    let invalid = || MoveReason::Invalid {
        verdict: here.verdict(),
        why: here.reason.to_string(),
    };
    match here.verdict() {
        Verdict::Chosen => Recheck::Keep {
            better_by_us: runner_up(choice),
            why: KeepReason::StillBest,
        },
        Verdict::Worse => {
            let (Some(best), Some(mine)) = (choice.chosen(), here.closeness) else {
                return leave(invalid());
            };
            let Some(theirs) = best.closeness else {
                return leave(invalid());
            };
            let error = |id: &str| {
                let index = choice.hosts.iter().position(|host| host.id == id);
                index
                    .and_then(|index| errors_us.get(index))
                    .copied()
                    .map_or(0, u64::from)
            };
            let error_us = error(held) + error(&best.id);
            let by_us = mine.apart(theirs);
            if mine.exceeds(theirs, error_us) {
                return leave(MoveReason::Better { by_us, error_us });
            }
            let why = KeepReason::WithinError {
                other: best.name.clone(),
                error_us,
            };
            Recheck::Keep {
                better_by_us: i64::try_from(by_us).ok(),
                why,
            }
        }
        Verdict::Undecided if choice.chosen.is_none() => Recheck::Keep {
            better_by_us: None,
            why: KeepReason::NothingBetterKnown,
        },
        Verdict::OverCap | Verdict::OverLimit | Verdict::Undecided | Verdict::NoCapacity | Verdict::Unfit => {
            leave(invalid())
        }
    }
}

/// How much better than the chosen host the next best possible one is: zero or negative.
fn runner_up(choice: &Choice) -> Option<i64> {
    let best = choice.chosen()?.closeness?;
    let others = choice
        .hosts
        .iter()
        .filter(|host| host.verdict() == Verdict::Worse);
    let next = others.filter_map(|host| host.closeness).min()?;
    i64::try_from(next.apart(best)).ok().map(|us| -us)
}

/// How wrong a closeness factor can be if each player's value is wrong by no more than this many microseconds:
/// twice their mean, rounded up.
#[must_use]
pub fn closeness_error(errors_us: &[u32]) -> u32 {
    let total: u64 = errors_us.iter().copied().map(u64::from).sum();
    u32::try_from((2 * total).div_ceil(errors_us.len().max(1) as u64)).unwrap_or(u32::MAX)
}

/// The usual error of a median of `samples` values with this mean absolute deviation, rounded up: for normally
/// spread values, 1.25 × 1.25 × deviation / √samples.
#[must_use]
pub fn error_of_median(deviation_us: u32, samples: u16) -> u32 {
    // Squared, so that it stays in whole numbers: (25/16)² = 625/256.
    let squared = 625 * u128::from(deviation_us).pow(2) / (256 * u128::from(samples.max(1)));
    u32::try_from(squared.isqrt() + u128::from(deviation_us > 0)).unwrap_or(u32::MAX)
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StillBest => f.write_str("still the best host"),
            Self::WithinError { other, error_us } => {
                write!(
                    f,
                    "{other} is better by no more than the error of {}",
                    ms_text(*error_us)
                )
            }
            Self::NothingBetterKnown => {
                f.write_str("not every player answered this time, and no other host is better known")
            }
        }
    }
}

impl fmt::Display for MoveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Better { by_us, error_us } => {
                write!(
                    f,
                    "better by {}, more than the error of {}",
                    ms_text(*by_us),
                    ms_text(*error_us)
                )
            }
            Self::Invalid { why, .. } => write!(f, "the reserved host is no longer possible: {why}"),
            Self::Gone => f.write_str("the reserved host is gone"),
        }
    }
}
