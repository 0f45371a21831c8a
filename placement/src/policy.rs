//! The rule by which a host is chosen: a league's, written as data and checked when it is written.

use crate::written::{Written, WrittenMetric};
use crate::{Micros, ms::Ms};
use serde::{Deserialize, Serialize};

/// A league's rule. Among the hosts where everybody is within their cap the smallest score wins; see the fields.
/// Always valid: [`Policy::try_from`] checks what was written, and so does reading it from TOML or JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) cap: Micros,
    pub(crate) floor: Option<Micros>,
    pub(crate) metric: Metric,
    pub(crate) limits: Limits,
    pub(crate) otherwise: Option<Metric>,
    pub(crate) tie_margin: TieMargin,
}

/// What is minimised: the sum of these figures of a host, each times its weight. In thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenMetric", into = "WrittenMetric")]
pub struct Metric {
    /// Weight of the closeness factor.
    pub closeness: u32,
    /// Weight of the mean round-trip time.
    pub mean: u32,
    /// Weight of the largest round-trip time of the line-up.
    pub max: u32,
    /// Weight of the largest less the smallest of the line-up.
    pub spread: u32,
    /// Weight of the distance of the two sides' means.
    pub team_gap: u32,
}

/// A host beyond one of these is not valid, even if everybody is within the cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// On the largest less the smallest round-trip time of the line-up. Written as `spread_ms`.
    pub spread: Option<Ms>,
    /// On the distance of the two sides' means. Written as `team_gap_ms`.
    pub team_gap: Option<Ms>,
    /// On the mean of those who count. Written as `mean_ms`.
    pub mean: Option<Ms>,
}

/// How far apart two scores may be and still count as equal. Written as milliseconds or as `"error"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TieMargin {
    /// As far as the measurements may be wrong at both hosts together.
    #[default]
    Error,
    /// This far. 0: only if they are equal.
    Fixed(Ms),
}

/// A rule that cannot be followed. The message names the field and its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// No name, one too long, or one that does not read as it stands.
    #[error(
        "name {name}: must be a text of 1 to 64 characters, without line ends, control characters, and marks that are \
         invisible or turn the direction of writing"
    )]
    Name {
        /// What was given, as it is shown.
        name: String,
    },
    /// A time that cannot be.
    #[error("{field} {value}: must be {must}")]
    Time {
        /// Which field.
        field: &'static str,
        /// What was given, as it is shown.
        value: String,
        /// What would be right.
        must: String,
    },
    /// Something in the place of a table.
    #[error("{field} {value}: must be a table, such as {such_as}")]
    NoTable {
        /// Which field.
        field: &'static str,
        /// What was given, as it is shown.
        value: String,
        /// What could stand in it.
        such_as: &'static str,
    },
    /// A weight that cannot be.
    #[error("{field} {value}: a weight is a number between 0 and 10, with three decimals at most")]
    Weight {
        /// Which field, as `metric.closeness`.
        field: String,
        /// What was given.
        value: String,
    },
    /// All weights are zero.
    #[error("{field}: one weight at least must be above 0")]
    NoWeight {
        /// `metric` or `otherwise`.
        field: &'static str,
    },
    /// What to do beyond the limits, and there are none.
    #[error("otherwise: only has a meaning with a limit in [limits]")]
    OtherwiseWithoutLimits,
}

impl Policy {
    /// How it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The largest round-trip time that any player or substitute may have, inclusive.
    #[must_use]
    pub const fn cap(&self) -> Micros {
        self.cap
    }

    /// Round-trip times below it count as equal to it wherever differences are taken: closeness, spread, team gap.
    #[must_use]
    pub const fn floor(&self) -> Option<Micros> {
        self.floor
    }

    /// What is minimised.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        self.metric
    }

    /// What a host must also keep.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// What is minimised instead if no host keeps the limits. Without it no host is chosen then.
    #[must_use]
    pub const fn otherwise(&self) -> Option<Metric> {
        self.otherwise
    }

    /// Up to which distance scores count as equal. Then the smaller mean wins, then less load, then the smaller id.
    #[must_use]
    pub const fn tie_margin(&self) -> TieMargin {
        self.tie_margin
    }

    /// The thesis's rule with another cap.
    #[must_use]
    pub fn with_cap(cap: Micros) -> Self {
        Self {
            cap,
            ..Self::default()
        }
    }

    /// Whether the two sides' means matter.
    #[must_use]
    pub const fn needs_sides(&self) -> bool {
        let otherwise = match self.otherwise {
            Some(metric) => metric.team_gap > 0,
            None => false,
        };
        self.metric.team_gap > 0 || self.limits.team_gap.is_some() || otherwise
    }

    /// Whether only the closeness factor and the cap decide, so that a byte per pair is enough to screen by.
    #[must_use]
    pub fn is_closeness_alone(&self) -> bool {
        let closeness = Metric {
            closeness: self.metric.closeness,
            ..Metric::default()
        };
        self.metric == closeness && self.floor.is_none() && self.limits == Limits::default()
    }
}

impl Default for Policy {
    /// The thesis's rule, section 3.3: closeness alone, cap 180 ms, no margin.
    fn default() -> Self {
        const CAP: Micros = match Micros::new(180_000) {
            Ok(cap) => cap,
            Err(_) => panic!(),
        };
        Self {
            name: "thesis".into(),
            cap: CAP,
            floor: None,
            metric: Metric {
                closeness: 1000,
                mean: 0,
                max: 0,
                spread: 0,
                team_gap: 0,
            },
            limits: Limits {
                spread: None,
                team_gap: None,
                mean: None,
            },
            otherwise: None,
            tie_margin: TieMargin::Fixed(Ms::from_us(0)),
        }
    }
}
