//! Policies as people write them: reading, checking, writing back.

use crate::{BadPolicy, Limits, Metric, Micros, Ms, Policy, TieMargin};
use serde::de::{Error, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// As it stands in TOML and JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    name: String,
    #[serde(default = "cap_default")]
    cap_ms: Ms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor_ms: Option<Ms>,
    #[serde(default)]
    tie_margin_ms: TieMargin,
    #[serde(default = "WrittenMetric::closeness")]
    metric: WrittenMetric,
    #[serde(default, skip_serializing_if = "is_default")]
    limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    otherwise: Option<WrittenMetric>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn cap_default() -> Ms {
    Ms::from_us(180_000)
}

/// Weights as people write them: `mean = 0.1`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenMetric {
    #[serde(default, skip_serializing_if = "is_default")]
    closeness: Decimal,
    #[serde(default, skip_serializing_if = "is_default")]
    mean: Decimal,
    #[serde(default, skip_serializing_if = "is_default")]
    max: Decimal,
    #[serde(default, skip_serializing_if = "is_default")]
    spread: Decimal,
    #[serde(default, skip_serializing_if = "is_default")]
    team_gap: Decimal,
}

/// A number as written, whole numbers without a point.
#[derive(Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Decimal {
    Whole(i64),
    Part(f64),
    #[default]
    #[serde(skip)]
    Absent,
}

impl WrittenMetric {
    fn closeness() -> Self {
        Self {
            closeness: Decimal::Whole(1),
            ..Self::default()
        }
    }

    fn check(&self, field: &'static str) -> Result<Metric, BadPolicy> {
        let weight = |name: &str, value: Decimal| {
            let thousandths = match value {
                Decimal::Absent => Some(0),
                Decimal::Whole(whole) => u32::try_from(whole)
                    .ok()
                    .and_then(|whole| whole.checked_mul(1000)),
                Decimal::Part(part) => thousandths(part),
            };
            let shown = match value {
                Decimal::Part(part) => part.to_string(),
                Decimal::Whole(whole) => whole.to_string(),
                Decimal::Absent => String::new(),
            };
            thousandths
                .filter(|weight| *weight <= 10_000)
                .ok_or_else(|| BadPolicy::Weight {
                    field: format!("{field}.{name}"),
                    value: shown,
                })
        };
        let metric = Metric {
            closeness: weight("closeness", self.closeness)?,
            mean: weight("mean", self.mean)?,
            max: weight("max", self.max)?,
            spread: weight("spread", self.spread)?,
            team_gap: weight("team_gap", self.team_gap)?,
        };
        if metric == Metric::default() {
            return Err(BadPolicy::NoWeight { field });
        }
        Ok(metric)
    }
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

impl TryFrom<WrittenMetric> for Metric {
    type Error = BadPolicy;
    fn try_from(written: WrittenMetric) -> Result<Self, BadPolicy> {
        written.check("metric")
    }
}

impl From<Metric> for WrittenMetric {
    fn from(metric: Metric) -> Self {
        let decimal = |weight: u32| match (weight / 1000, weight % 1000) {
            (0, 0) => Decimal::Absent,
            (whole, 0) => Decimal::Whole(i64::from(whole)),
            _ => Decimal::Part(f64::from(weight) / 1000.0),
        };
        Self {
            closeness: decimal(metric.closeness),
            mean: decimal(metric.mean),
            max: decimal(metric.max),
            spread: decimal(metric.spread),
            team_gap: decimal(metric.team_gap),
        }
    }
}

impl TryFrom<Written> for Policy {
    type Error = BadPolicy;
    fn try_from(written: Written) -> Result<Self, BadPolicy> {
        let Written {
            name,
            cap_ms,
            floor_ms,
            tie_margin_ms,
            metric,
            limits,
            otherwise,
        } = written;
        if name.trim().is_empty() || name.chars().count() > 64 {
            return Err(BadPolicy::Name { name });
        }
        let time = |field, value: Ms, must: &str| BadPolicy::Time {
            field,
            value,
            must: must.into(),
        };
        let cap =
            Micros::new(cap_ms.us()).map_err(|_| time("cap_ms", cap_ms, "above 0 and at most 60000"))?;
        let floor = match floor_ms.filter(|floor| floor.us() > 0) {
            // From the cap on all would be equal.
            Some(floor) if floor.us() >= cap.us() => {
                return Err(time("floor_ms", floor, &format!("below cap_ms, {cap_ms}")));
            }
            Some(floor) => Micros::new(floor.us()).ok(),
            None => None,
        };
        let limited = [
            ("limits.spread_ms", limits.spread),
            ("limits.team_gap_ms", limits.team_gap),
            ("limits.mean_ms", limits.mean),
        ];
        for (field, limit) in limited {
            // A limit above the cap says nothing that the cap does not say.
            if let Some(limit) = limit.filter(|limit| limit.us() > cap.us()) {
                return Err(time(field, limit, &format!("at most cap_ms, {cap_ms}")));
            }
        }
        if otherwise.is_some() && limits == Limits::default() {
            return Err(BadPolicy::OtherwiseWithoutLimits);
        }
        if let TieMargin::Fixed(margin) = tie_margin_ms
            && margin.us() > cap.us()
        {
            return Err(time(
                "tie_margin_ms",
                margin,
                &format!("at most cap_ms, {cap_ms}"),
            ));
        }
        Ok(Self {
            name,
            cap,
            floor,
            metric: metric.check("metric")?,
            limits,
            otherwise: otherwise.map(|metric| metric.check("otherwise")).transpose()?,
            tie_margin: tie_margin_ms,
        })
    }
}

impl From<Policy> for Written {
    fn from(policy: Policy) -> Self {
        Self {
            name: policy.name,
            cap_ms: Ms::from_us(policy.cap.us()),
            floor_ms: policy.floor.map(|floor| Ms::from_us(floor.us())),
            tie_margin_ms: policy.tie_margin,
            metric: policy.metric.into(),
            limits: policy.limits,
            otherwise: policy.otherwise.map(Into::into),
        }
    }
}

impl Serialize for TieMargin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Error => serializer.serialize_str("error"),
            Self::Fixed(margin) => margin.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TieMargin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TieMarginVisitor)
    }
}

struct TieMarginVisitor;

impl Visitor<'_> for TieMarginVisitor {
    type Value = TieMargin;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("milliseconds or \"error\"")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<TieMargin, E> {
        match word {
            "error" => Ok(TieMargin::Error),
            other => Err(E::custom(format!(
                "{other:?} is neither \"error\" nor milliseconds"
            ))),
        }
    }

    fn visit_f64<E: Error>(self, ms: f64) -> Result<TieMargin, E> {
        Ms::deserialize(ms.into_deserializer()).map(TieMargin::Fixed)
    }

    #[allow(clippy::cast_precision_loss, reason = "what is not exact is above a minute")]
    fn visit_i64<E: Error>(self, ms: i64) -> Result<TieMargin, E> {
        self.visit_f64(ms as f64)
    }

    #[allow(clippy::cast_precision_loss, reason = "what is not exact is above a minute")]
    fn visit_u64<E: Error>(self, ms: u64) -> Result<TieMargin, E> {
        self.visit_f64(ms as f64)
    }
}
