//! Whether a reservation moves after the players were measured again.

use crate::explain::Verdict;
use crate::judge::{Judge, Rank};
use crate::rtt::ms_text;
use crate::{BadRequest, Choice, HostState, Matrix, Policy, choose};
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
    /// Another is within the rule whoever plays, this one with the line-up as it stands.
    StillValid {
        /// Which.
        other: String,
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

/// Judges a reservation by new measurements, whose errors stand in the matrix's notes. `states` must show the
/// reserved host as it would be without this reservation.
///
/// # Errors
/// As [`choose()`].
pub fn recheck(
    policy: &Policy,
    matrix: &Matrix,
    states: &[HostState],
    held: &str,
) -> Result<(Choice, Recheck), BadRequest> {
    let choice = choose(policy, matrix, states)?;
    let judge = Judge::new(policy, matrix, states);
    let verdict = judged(&judge, &choice, held);
    Ok((choice, verdict))
}

fn judged(judge: &Judge, choice: &Choice, held: &str) -> Recheck {
    let leave = |why| match choice.chosen() {
        Some(best) => Recheck::Move {
            to: best.id.clone(),
            name: best.name.clone(),
            why,
        },
        None => Recheck::Lost { why },
    };
    let Some((index, here)) = choice.hosts.iter().enumerate().find(|(_, host)| host.id == held) else {
        return leave(MoveReason::Gone);
    };
    let rank = |host: usize| judge.rank(host, &judge.figures(host, &mut Vec::new())).ok();
    let invalid = || MoveReason::Invalid {
        verdict: here.verdict(),
        why: here.reason.to_string(),
    };
    match here.verdict() {
        Verdict::Chosen => Recheck::Keep {
            better_by_us: runner_up(judge, choice),
            why: KeepReason::StillBest,
        },
        Verdict::Worse => match (rank(index), choice.chosen.and_then(rank)) {
            (Some(mine), Some(best)) => against(judge, choice, &mine, &best, leave),
            _ => leave(invalid()),
        },
        Verdict::Undecided if choice.chosen.is_none() => Recheck::Keep {
            better_by_us: None,
            why: KeepReason::NothingBetterKnown,
        },
        Verdict::OverCap | Verdict::OverLimit | Verdict::Undecided | Verdict::NoCapacity | Verdict::Unfit => {
            leave(invalid())
        }
    }
}

/// A possible host against the one that would be chosen now.
fn against(
    judge: &Judge,
    choice: &Choice,
    mine: &Rank,
    best: &Rank,
    leave: impl Fn(MoveReason) -> Recheck,
) -> Recheck {
    let other = choice.chosen().map(|host| host.name.clone()).unwrap_or_default();
    if mine.group != best.group {
        return Recheck::Keep {
            better_by_us: None,
            why: KeepReason::StillValid { other },
        };
    }
    let scorer = judge.scorer(mine.group);
    let error_us = judge.error_us(mine.group, mine.host) + judge.error_us(best.group, best.host);
    let by_us = scorer.apart(mine.score, best.score);
    if mine.score > best.score && !scorer.ties(best.score, mine.score, error_us) {
        return leave(MoveReason::Better { by_us, error_us });
    }
    let better = i64::try_from(by_us)
        .ok()
        .map(|us| if mine.score < best.score { -us } else { us });
    Recheck::Keep {
        better_by_us: better,
        why: KeepReason::WithinError { other, error_us },
    }
}

/// How much better than the chosen host the next best possible one is: usually zero or negative.
fn runner_up(judge: &Judge, choice: &Choice) -> Option<i64> {
    let rank = |host: usize| judge.rank(host, &judge.figures(host, &mut Vec::new())).ok();
    let best = rank(choice.chosen?)?;
    let others = choice
        .hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| host.verdict() == Verdict::Worse);
    let next = others
        .filter_map(|(host, _)| rank(host))
        .filter(|other| other.group == best.group)
        .min()?;
    let apart = i64::try_from(judge.scorer(best.group).apart(next.score, best.score)).ok()?;
    Some(if next.score < best.score { apart } else { -apart })
}

/// From so many values on their deviation says how far they spread.
const ENOUGH: u16 = 5;
/// Of fewer the error is at least this, divided by their number, microseconds: those of a good line are so far apart at times.
const FEW_US: u32 = 10_000;

/// The usual error of a median of `samples` values with this mean absolute deviation, rounded up: for normally
/// spread values, 1.25 × 1.25 × deviation / √samples. One value does not deviate from itself, which makes it no surer: with
/// fewer than five the error is 10 ms / `samples` at least.
#[must_use]
pub fn error_of_median(deviation_us: u32, samples: u16) -> u32 {
    let few = if samples < ENOUGH {
        FEW_US / u32::from(samples.max(1))
    } else {
        0
    };
    // Squared, so that it stays in whole numbers: (25/16)² = 625/256.
    let squared = 625 * u128::from(deviation_us).pow(2) / (256 * u128::from(samples.max(1)));
    let spread = u32::try_from(squared.isqrt() + u128::from(deviation_us > 0)).unwrap_or(u32::MAX);
    spread.max(few)
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
            Self::StillValid { other } => {
                write!(f, "still within the rule; {other} would be so with every line-up")
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
