//! Exact times.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// A number that is no round-trip time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{us} microseconds is no round-trip time: it must be between 1 and {}",
    Micros::MAX_US
)]
pub struct BadRtt {
    /// The number.
    pub us: u32,
}

/// A round-trip time in whole microseconds, never zero; `Option<Micros>` takes four bytes. JSON: the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Micros(NonZeroU32);

impl Micros {
    /// One minute: what takes longer is lost.
    pub const MAX_US: u32 = 60_000_000;

    /// Takes 1 to [`Self::MAX_US`] microseconds.
    ///
    /// # Errors
    /// Another number.
    pub const fn new(us: u32) -> Result<Self, BadRtt> {
        match NonZeroU32::new(us) {
            Some(some) if us <= Self::MAX_US => Ok(Self(some)),
            _ => Err(BadRtt { us }),
        }
    }

    /// In microseconds.
    #[must_use]
    pub const fn us(self) -> u32 {
        self.0.get()
    }

    /// In milliseconds, for people and JSON.
    #[must_use]
    pub fn ms(self) -> f64 {
        f64::from(self.us()) / 1000.0
    }
}

impl TryFrom<u32> for Micros {
    type Error = BadRtt;
    fn try_from(us: u32) -> Result<Self, BadRtt> {
        Self::new(us)
    }
}

impl From<Micros> for u32 {
    fn from(time: Micros) -> Self {
        time.us()
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ms_text(u64::from(self.us())))
    }
}

/// Milliseconds to 0.001, without trailing zeros: `41.207 ms`, `180 ms`.
pub(crate) fn ms_text(us: u64) -> String {
    let text = format!("{}.{:03}", us / 1000, us % 1000);
    format!("{} ms", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A mean kept exact: `total` microseconds over `count`. Compared by value: 2/4 equals 1/2.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanUs {
    total: u64,
    count: NonZeroU64,
}

impl MeanUs {
    /// `None` if there is nothing to take the mean of.
    #[must_use]
    pub fn new(total: u64, count: u64) -> Option<Self> {
        Some(Self {
            total,
            count: NonZeroU64::new(count)?,
        })
    }

    /// In milliseconds, for people and JSON.
    #[must_use]
    pub fn ms(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "only shown")]
        let (total, count) = (self.total as f64, self.count.get() as f64);
        total / count / 1000.0
    }

    /// The nearest whole microsecond, halves upwards.
    #[must_use]
    pub fn us(self) -> u64 {
        let count = u128::from(self.count.get());
        u64::try_from((2 * u128::from(self.total) + count) / (2 * count)).unwrap_or(u64::MAX)
    }

    /// Whether this is larger than `other` by more than `margin` microseconds; exact.
    #[must_use]
    pub fn exceeds(self, other: Self, margin: u64) -> bool {
        let (a, b) = (u128::from(self.count.get()), u128::from(other.count.get()));
        let (left, right) = (
            u128::from(self.total).checked_mul(b),
            u128::from(other.total).checked_mul(a),
        );
        let margin = a.checked_mul(b).and_then(|ab| ab.checked_mul(u128::from(margin)));
        match (
            left,
            right
                .zip(margin)
                .and_then(|(right, margin)| right.checked_add(margin)),
        ) {
            (Some(left), Some(right)) => left > right,
            _ => false,
        }
    }

    /// Total and count.
    pub(crate) const fn parts(self) -> (u64, u64) {
        (self.total, self.count.get())
    }

    /// The distance between two means, to the nearest microsecond.
    pub(crate) fn apart(self, other: Self) -> u64 {
        let (a, b) = (u128::from(self.count.get()), u128::from(other.count.get()));
        let (left, right) = (u128::from(self.total) * b, u128::from(other.total) * a);
        let under = a * b;
        u64::try_from((left.abs_diff(right) + under / 2) / under).unwrap_or(u64::MAX)
    }
}

impl Ord for MeanUs {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.total) * u128::from(other.count.get());
        left.cmp(&(u128::from(other.total) * u128::from(self.count.get())))
    }
}

impl PartialOrd for MeanUs {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MeanUs {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for MeanUs {}

impl fmt::Display for MeanUs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ms_text(self.us()))
    }
}

/// Greatest common divisor; of 0 and a number, the number.
pub(crate) const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
