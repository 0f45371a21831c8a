//! One reason per host: as a type, as JSON, as a sentence.

use crate::rtt::ms_text;
use crate::{MeanUs, Metric, Micros, Ms};
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
    /// Their own cap, if it is not the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Micros>,
}

/// What a policy limits beside the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The largest less the smallest round-trip time of the line-up.
    Spread,
    /// The distance of the two sides' means.
    TeamGap,
    /// The mean round-trip time.
    Mean,
}

impl Limit {
    /// For sentences.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::TeamGap => "gap of the sides' means",
            Self::Mean => "mean",
        }
    }
}

/// One limit that a host breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitBreak {
    /// Which.
    pub limit: Limit,
    /// Where it is set.
    #[serde(rename = "at_ms", alias = "at")]
    pub at: Ms,
    /// The host's value.
    pub value: MeanUs,
    /// How much of it is above, microseconds to the nearest, at least 1.
    pub over_us: u64,
}

/// What decided between two hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum TieBreak {
    /// The score: worse by this many microseconds, to the nearest, at least 1.
    Score {
        /// How much.
        us: u64,
    },
    /// The other is within the rule whoever plays, this one not.
    LineUps,
    /// Equal scores, or within the margin of the smallest; the mean is larger by this.
    Mean {
        /// How much.
        us: u64,
    },
    /// Equal scores and means; more load.
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
        /// What was minimised.
        metric: Metric,
        /// Its value here, to the nearest microsecond.
        score_us: u64,
        /// How many hosts were possible, this one too.
        of: usize,
        /// The cap.
        cap: Micros,
        /// By how much another host's score is smaller, within the margin, microseconds: its mean is larger.
        within_us: Option<u64>,
        /// No host keeps the limits, so that the policy's `otherwise` was minimised.
        beyond_limits: bool,
        /// The policy has limits, and this host keeps them: others may not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        within_limits: bool,
    },
    /// See [`Verdict::Worse`].
    Worse {
        /// The host that it lost against.
        than: String,
        /// What was minimised.
        metric: Metric,
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
    /// See [`Verdict::OverLimit`].
    OverLimit {
        /// Which limits it breaks.
        breaks: Vec<LimitBreak>,
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
            Self::OverLimit { .. } => Verdict::OverLimit,
            Self::Undecided { .. } => Verdict::Undecided,
            Self::NoCapacity { .. } => Verdict::NoCapacity,
            Self::Unfit { .. } => Verdict::Unfit,
        }
    }
}

impl Reason {
    fn chosen_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Chosen {
            metric,
            score_us,
            of,
            cap,
            within_us,
            beyond_limits,
            within_limits,
        } = self
        else {
            return Ok(());
        };
        let score = ms_text(*score_us);
        if *beyond_limits {
            write!(f, "no host keeps the limits; ")?;
        }
        let limits = if *within_limits {
            " and within the limits"
        } else {
            ""
        };
        match (of, within_us) {
            (1, _) => write!(
                f,
                "the only possible host under the cap of {cap}{limits}, with a {metric} of {score}"
            ),
            (of, None) => write!(
                f,
                "the smallest {metric}, {score}, of {of} possible hosts under the cap of {cap}{limits}"
            ),
            (of, Some(within)) => write!(
                f,
                "{metric} {score}, within {} of the smallest of {of} possible hosts under the cap of {cap}{limits}: \
                 as good as equal, with a smaller mean",
                ms_text(*within)
            ),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.closeness, "closeness factor"),
            (self.mean, "mean"),
            (self.max, "largest round-trip time"),
            (self.spread, "spread"),
            (self.team_gap, "gap of the sides' means"),
        ];
        let word = |(weight, words): (u32, &str)| match weight {
            1000 => words.to_owned(),
            weight => format!("{} × {words}", Ms::from_us(weight)),
        };
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(weight, _)| *weight > 0)
            .map(word)
            .collect();
        f.write_str(&parts.join(" + "))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { .. } => self.chosen_words(f),
            Self::Worse {
                than,
                metric,
                decided,
            } => match decided {
                TieBreak::Score { us } => write!(f, "{metric} {} worse than {than}", ms_text(*us)),
                TieBreak::LineUps => {
                    write!(
                        f,
                        "{than} is within the rule whoever plays, this host not with every line-up"
                    )
                }
                TieBreak::Mean { us } => {
                    write!(
                        f,
                        "{metric} as at {than}, but the mean is {} larger",
                        ms_text(*us)
                    )
                }
                TieBreak::Load => write!(f, "{metric} and mean as at {than}, but more load"),
                TieBreak::Id => write!(
                    f,
                    "all as at {than}, which stands first in the order of the hosts"
                ),
            },
            Self::OverCap { cap, breaks } => {
                let own = |b: &Break| b.cap.map(|cap| format!(", own cap {cap}")).unwrap_or_default();
                let each = |b: &Break| {
                    format!(
                        "{} by {} ({}{})",
                        b.player,
                        ms_text(u64::from(b.over_us)),
                        b.rtt,
                        own(b)
                    )
                };
                write!(f, "over the cap of {cap}: {}", list(breaks.iter().map(each)))
            }
            Self::OverLimit { breaks } => {
                let each = |b: &LimitBreak| {
                    format!(
                        "{} {} over the limit of {} ms",
                        b.limit.words(),
                        ms_text(b.over_us),
                        b.at
                    )
                };
                f.write_str(&list(breaks.iter().map(each)))
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
    list_by(all, "and")
}

/// The same with another word before the last.
pub(crate) fn list_by(all: impl ExactSizeIterator<Item = String>, word: &str) -> String {
    let total = all.len();
    let mut named: Vec<String> = all.take(if total > 4 { 3 } else { 4 }).collect();
    if total > named.len() {
        named.push(format!("{} others", total - named.len()));
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
        None => "nobody".into(),
    }
}
