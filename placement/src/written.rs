//! Policies as people write them: reading, checking, writing back.

mod given;

use crate::{BadPolicy, Limits, Metric, Micros, Ms, Policy, TieMargin};
use given::{Given, Table};
use serde::{Deserialize, Serialize};

/// As it stands in TOML and JSON. What stands at a field is looked at by the check, which names the field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    #[serde(default)]
    name: Given,
    #[serde(default = "cap_default")]
    cap_ms: Given,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor_ms: Option<Given>,
    #[serde(default = "margin_default")]
    tie_margin_ms: Given,
    #[serde(default = "metric_default")]
    metric: Table<WrittenMetric>,
    #[serde(default, skip_serializing_if = "is_default")]
    limits: Table<WrittenLimits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    otherwise: Option<Table<WrittenMetric>>,
}

/// Weights as people write them: `mean = 0.1`.
#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WrittenMetric {
    #[serde(skip_serializing_if = "Given::is_absent")]
    closeness: Given,
    #[serde(skip_serializing_if = "Given::is_absent")]
    mean: Given,
    #[serde(skip_serializing_if = "Given::is_absent")]
    max: Given,
    #[serde(skip_serializing_if = "Given::is_absent")]
    spread: Given,
    #[serde(skip_serializing_if = "Given::is_absent")]
    team_gap: Given,
}

/// `spread_ms = 90`.
#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    spread_ms: Option<Given>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_gap_ms: Option<Given>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_ms: Option<Given>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn cap_default() -> Given {
    written_ms(Ms::from_us(180_000))
}

fn margin_default() -> Given {
    Given::Text("error".into())
}

fn metric_default() -> Table<WrittenMetric> {
    Table::Fields(WrittenMetric {
        closeness: Given::Whole(1),
        ..WrittenMetric::default()
    })
}

impl WrittenMetric {
    fn check(&self, field: &'static str) -> Result<Metric, BadPolicy> {
        let weight = |name: &str, value: &Given| {
            let weight = match value {
                Given::Absent => Some(0),
                value => value.number().and_then(thousandths),
            };
            weight
                .filter(|weight| *weight <= 10_000)
                .ok_or_else(|| BadPolicy::Weight {
                    field: format!("{field}.{name}"),
                    value: value.to_string(),
                })
        };
        let metric = Metric {
            closeness: weight("closeness", &self.closeness)?,
            mean: weight("mean", &self.mean)?,
            max: weight("max", &self.max)?,
            spread: weight("spread", &self.spread)?,
            team_gap: weight("team_gap", &self.team_gap)?,
        };
        if metric == Metric::default() {
            return Err(BadPolicy::NoWeight { field });
        }
        Ok(metric)
    }
}

impl<T> Table<T> {
    fn fields(self, field: &'static str, such_as: &'static str) -> Result<T, BadPolicy> {
        match self {
            Self::Fields(fields) => Ok(fields),
            Self::Not(given) => Err(BadPolicy::NoTable {
                field,
                value: given.to_string(),
                such_as,
            }),
        }
    }
}

fn checked_metric(table: Table<WrittenMetric>, field: &'static str) -> Result<Metric, BadPolicy> {
    table.fields(field, "closeness = 1")?.check(field)
}

/// A decimal with three places at most, in thousandths.
fn thousandths(value: f64) -> Option<u32> {
    let scaled = value * 1000.0;
    let near = (scaled - scaled.round()).abs() < 1e-6 && (0.0..=1e9).contains(&scaled);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small whole number"
    )]
    near.then(|| scaled.round() as u32)
}

/// Thousandths as a decimal, whole ones without a point.
fn decimal(thousandths: u32) -> Given {
    match (thousandths / 1000, thousandths % 1000) {
        (whole, 0) => Given::Whole(i64::from(whole)),
        _ => Given::Part(f64::from(thousandths) / 1000.0),
    }
}

fn written_ms(time: Ms) -> Given {
    decimal(time.us())
}

impl TryFrom<WrittenMetric> for Metric {
    type Error = BadPolicy;
    fn try_from(written: WrittenMetric) -> Result<Self, BadPolicy> {
        written.check("metric")
    }
}

impl From<Metric> for WrittenMetric {
    fn from(metric: Metric) -> Self {
        let weight = |weight: u32| match weight {
            0 => Given::Absent,
            weight => decimal(weight),
        };
        Self {
            closeness: weight(metric.closeness),
            mean: weight(metric.mean),
            max: weight(metric.max),
            spread: weight(metric.spread),
            team_gap: weight(metric.team_gap),
        }
    }
}

/// A time of a policy within what is right for its field.
fn time(
    field: &'static str,
    given: &Given,
    right: impl Fn(u32) -> bool,
    must: &str,
) -> Result<Ms, BadPolicy> {
    let us = given.number().and_then(thousandths).filter(|us| right(*us));
    us.map(Ms::from_us).ok_or_else(|| BadPolicy::Time {
        field,
        value: given.to_string(),
        must: format!("{must}, in milliseconds with three decimals at most"),
    })
}

fn checked_name(given: Given) -> Result<String, BadPolicy> {
    match given {
        Given::Text(name) if is_name(&name) => Ok(name),
        other => Err(BadPolicy::Name {
            name: other.to_string(),
        }),
    }
}

/// Something to read, on one line and in the order in which it stands.
fn is_name(name: &str) -> bool {
    let misleads = |letter: char| {
        letter.is_control()
            || matches!(
                letter,
                '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            )
    };
    !name.trim().is_empty() && name.chars().count() <= 64 && !name.chars().any(misleads)
}

fn checked_limits(written: &WrittenLimits, cap: Micros) -> Result<Limits, BadPolicy> {
    // A limit above the cap says nothing that the cap does not say.
    let must = format!(
        "a number of at least 0 and at most cap_ms, {}",
        Ms::from_us(cap.us())
    );
    let limit = |field, given: &Option<Given>| {
        let given = given.as_ref();
        given
            .map(|given| time(field, given, |us| us <= cap.us(), &must))
            .transpose()
    };
    Ok(Limits {
        spread: limit("limits.spread_ms", &written.spread_ms)?,
        team_gap: limit("limits.team_gap_ms", &written.team_gap_ms)?,
        mean: limit("limits.mean_ms", &written.mean_ms)?,
    })
}

impl TryFrom<Written> for Policy {
    type Error = BadPolicy;
    fn try_from(written: Written) -> Result<Self, BadPolicy> {
        let name = checked_name(written.name)?;
        let cap_ms = time(
            "cap_ms",
            &written.cap_ms,
            |us| Micros::new(us).is_ok(),
            "a number above 0 and at most 60000",
        )?;
        let cap = Micros::new(cap_ms.us()).unwrap_or(Self::default().cap);
        // From the cap on all would be equal.
        let must = format!("a number of at least 0 and below cap_ms, {cap_ms}");
        let floor = written.floor_ms.as_ref();
        let floor = floor
            .map(|floor| time("floor_ms", floor, |us| us < cap.us(), &must))
            .transpose()?;
        let limits = checked_limits(&written.limits.fields("limits", "spread_ms = 90")?, cap)?;
        if written.otherwise.is_some() && limits == Limits::default() {
            return Err(BadPolicy::OtherwiseWithoutLimits);
        }
        let must = format!("\"error\", or a number of at least 0 and at most cap_ms, {cap_ms}");
        let tie_margin = match &written.tie_margin_ms {
            Given::Text(word) if word == "error" => TieMargin::Error,
            margin => TieMargin::Fixed(time("tie_margin_ms", margin, |us| us <= cap.us(), &must)?),
        };
        let otherwise = written
            .otherwise
            .map(|metric| checked_metric(metric, "otherwise"));
        Ok(Self {
            name,
            cap,
            floor: floor.and_then(|floor| Micros::new(floor.us()).ok()),
            metric: checked_metric(written.metric, "metric")?,
            limits,
            otherwise: otherwise.transpose()?,
            tie_margin,
        })
    }
}

impl From<Policy> for Written {
    fn from(policy: Policy) -> Self {
        let Limits {
            spread,
            team_gap,
            mean,
        } = policy.limits;
        Self {
            name: Given::Text(policy.name),
            cap_ms: decimal(policy.cap.us()),
            floor_ms: policy.floor.map(|floor| decimal(floor.us())),
            tie_margin_ms: match policy.tie_margin {
                TieMargin::Error => margin_default(),
                TieMargin::Fixed(margin) => written_ms(margin),
            },
            metric: Table::Fields(policy.metric.into()),
            limits: Table::Fields(WrittenLimits {
                spread_ms: spread.map(written_ms),
                team_gap_ms: team_gap.map(written_ms),
                mean_ms: mean.map(written_ms),
            }),
            otherwise: policy.otherwise.map(|metric| Table::Fields(metric.into())),
        }
    }
}
