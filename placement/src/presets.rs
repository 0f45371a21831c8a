//! Rules that are in use, with where they come from.

use serde::{Deserialize, Serialize};

use crate::{Limits, Metric, Micros, Ms, Policy, TieMargin};

/// A rule that everybody can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The closeness factor under 180 ms: the vMatrix thesis, section 3.3. The default.
    Thesis,
    /// Who is over 90 ms apart may contest a match (rules of the Cyberathlete kind): first a spread of at most 90, then closeness with
    /// a tenth of the mean, so that no match is played needlessly far away; if no host has it, the least spread.
    ValidFirst,
    #[serde(rename = "team-gap-25")]
    /// The teams' average pings, which may be contested from a difference of 25 ms on (FACEIT League).
    TeamGap25,
    #[serde(rename = "cap-65")]
    /// The least difference, nobody above 65 ms (125fps, Quake Live).
    Cap65,
    #[serde(rename = "floor-51")]
    /// Round trips up to 51 ms count as equal (QuakeWorld leagues).
    Floor51,
}

impl Preset {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [
        Self::Thesis,
        Self::ValidFirst,
        Self::TeamGap25,
        Self::Cap65,
        Self::Floor51,
    ];

    /// As it is written: `valid-first`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Thesis => "thesis",
            Self::ValidFirst => "valid-first",
            Self::TeamGap25 => "team-gap-25",
            Self::Cap65 => "cap-65",
            Self::Floor51 => "floor-51",
        }
    }

    /// The preset of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Where it comes from, for people.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Thesis => "the vMatrix thesis",
            Self::ValidFirst => {
                "matches whose pings are over 90 ms apart may be void (Cyberathlete-style rules)"
            }
            Self::TeamGap25 => "FACEIT League: a gap above 25 ms may be contested",
            Self::Cap65 => "125fps, Quake Live",
            Self::Floor51 => "QuakeWorld leagues",
        }
    }

    /// The rule.
    #[must_use]
    pub fn policy(self) -> Policy {
        let thesis = Policy::default();
        let spread = Metric {
            spread: 1000,
            ..Metric::default()
        };
        let policy = match self {
            Self::Thesis => return thesis,
            Self::ValidFirst => Policy {
                metric: Metric {
                    mean: 100,
                    ..thesis.metric
                },
                limits: Limits {
                    spread: Some(Ms::from_us(90_000)),
                    ..Limits::default()
                },
                otherwise: Some(spread),
                ..thesis
            },
            Self::TeamGap25 => Policy {
                metric: Metric {
                    team_gap: 1000,
                    ..Metric::default()
                },
                limits: Limits {
                    team_gap: Some(Ms::from_us(25_000)),
                    ..Limits::default()
                },
                ..thesis
            },
            Self::Cap65 => Policy {
                cap: at(65_000),
                metric: spread,
                ..thesis
            },
            Self::Floor51 => Policy {
                floor: Some(at(51_000)),
                ..thesis
            },
        };
        Policy {
            name: self.name().into(),
            tie_margin: TieMargin::Error,
            ..policy
        }
    }
}

const fn at(us: u32) -> Micros {
    match Micros::new(us) {
        Ok(time) => time,
        Err(_) => panic!(),
    }
}
