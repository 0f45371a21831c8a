//! One reason per host: as a type, as JSON, as a sentence.

use crate::rtt::ms_text;
use crate::{MeanUs, Micros};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The one.
    Chosen,
    /// Possible, but another is better.
    Worse,
    /// Somebody's round-trip time is above the cap.
    OverCap,
    /// Breaks another limit of the policy.
    OverLimit,
    /// Somebody's round-trip time is unknown.
    Undecided,
    /// No free slot at that time.
    NoCapacity,
    /// Cannot run the image.
    Unfit,
}

impl Verdict {
    /// As it stands in JSON: `over_cap`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Worse => "worse",
            Self::OverCap => "over_cap",
            Self::OverLimit => "over_limit",
            Self::Undecided => "undecided",
            Self::NoCapacity => "no_capacity",
            Self::Unfit => "unfit",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One player above the cap at one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Who.
    pub player: String,
    /// The round-trip time.
    pub rtt: Micros,
    /// How much of it is above the cap, in microseconds.
    pub over_us: u32,
}

/// What decided between two hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum TieBreak {
    /// The closeness factor: worse by this many microseconds, to the nearest, at least 1.
    Closeness {
        /// How much.
        us: u64,
    },
    /// Same closeness factor; the mean is larger by this.
    Mean {
        /// How much.
        us: u64,
    },
    /// Same closeness factor and mean; more load.
    Load,
    /// All the same; the order of the hosts' ids.
    Id,
}

/// Why a host got its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Reason {
    /// See [`Verdict::Chosen`].
    Chosen {
        /// The closeness factor here.
        closeness: MeanUs,
        /// How many hosts were possible, this one too.
        of: usize,
        /// The cap.
        cap: Micros,
    },
    /// See [`Verdict::Worse`].
    Worse {
        /// The chosen host.
        than: String,
        /// What decided.
        decided: TieBreak,
    },
    /// See [`Verdict::OverCap`].
    OverCap {
        /// The cap.
        cap: Micros,
        /// Who breaks it, worst first.
        breaks: Vec<Break>,
    },
    /// See [`Verdict::Undecided`].
    Undecided {
        /// Whose round-trip time is unknown.
        unknown: Vec<String>,
    },
    /// See [`Verdict::NoCapacity`].
    NoCapacity {
        /// Why, in words.
        why: String,
    },
    /// See [`Verdict::Unfit`].
    Unfit {
        /// Why, in words.
        why: String,
    },
}

impl Reason {
    /// The verdict that it stands for.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Chosen { .. } => Verdict::Chosen,
            Self::Worse { .. } => Verdict::Worse,
            Self::OverCap { .. } => Verdict::OverCap,
            Self::Undecided { .. } => Verdict::Undecided,
            Self::NoCapacity { .. } => Verdict::NoCapacity,
            Self::Unfit { .. } => Verdict::Unfit,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen {
                closeness,
                of: 1,
                cap,
            } => {
                write!(
                    f,
                    "the only possible host under the cap of {cap}, with a closeness factor of {closeness}"
                )
            }
            Self::Chosen { closeness, of, cap } => write!(
                f,
                "the smallest closeness factor, {closeness}, of {of} possible hosts under the cap of {cap}"
            ),
            Self::Worse { than, decided } => match decided {
                TieBreak::Closeness { us } => {
                    write!(f, "closeness factor {} worse than {than}", ms_text(*us))
                }
                TieBreak::Mean { us } => {
                    write!(
                        f,
                        "closeness factor as at {than}, but the mean is {} larger",
                        ms_text(*us)
                    )
                }
                TieBreak::Load => write!(f, "closeness factor and mean as at {than}, but more load"),
                TieBreak::Id => write!(
                    f,
                    "all as at {than}, which stands first in the order of the hosts"
                ),
            },
            Self::OverCap { cap, breaks } => {
                let each =
                    |b: &Break| format!("{} by {} ({})", b.player, ms_text(u64::from(b.over_us)), b.rtt);
                write!(f, "over the cap of {cap}: {}", list(breaks.iter().map(each)))
            }
            Self::Undecided { unknown } => {
                write!(f, "no round-trip time known to {}", list(unknown.iter().cloned()))
            }
            Self::NoCapacity { why } | Self::Unfit { why } => f.write_str(why),
        }
    }
}

/// `a, b and c`; no more than four are named.
pub(crate) fn list(all: impl ExactSizeIterator<Item = String>) -> String {
    let total = all.len();
    let mut named: Vec<String> = all.take(if total > 4 { 3 } else { 4 }).collect();
    if total > named.len() {
        named.push(format!("{} others", total - named.len()));
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => "nobody".into(),
    }
}
