//! Exact scores: what the policy's metric makes of a host's figures.

use crate::figures::{Columns, Figures};
use crate::notes::Note;
use crate::{MeanUs, Metric};

/// In thousandths of a microsecond times a divisor that is the same for all hosts of a matrix: compares exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score(u128);

/// Turns figures into scores. With at most [`crate::MAX_PLAYERS`] people, one minute, and weights up to 10 nothing
/// comes near 128 bits: 5 parts × 10⁴ × 6·10⁷ µs × (5·10⁹ × 10⁵ × 3·10⁵) ≈ 5·10³².
#[derive(Debug)]
pub(crate) struct Scorer {
    metric: Metric,
    divisor: u128,
}

impl Scorer {
    pub(crate) fn new(metric: Metric, columns: &Columns) -> Self {
        let (mean, pairs, sides) = columns.divisors();
        let used = [
            (metric.closeness, pairs),
            (metric.mean, mean),
            (metric.team_gap, sides),
        ];
        let divisor = used
            .iter()
            .filter(|(weight, divisor)| *weight > 0 && *divisor > 0)
            .map(|(_, divisor)| u128::from(*divisor))
            .product();
        Self { metric, divisor }
    }

    /// `None` if a figure that the metric needs is absent.
    pub(crate) fn score(&self, figures: &Figures) -> Option<Score> {
        let Metric {
            closeness,
            mean,
            max,
            spread,
            team_gap,
        } = self.metric;
        let whole = |us: u32| MeanUs::new(u64::from(us), 1);
        let parts = [
            (closeness, figures.closeness),
            (mean, figures.mean),
            (max, figures.max.and_then(|max| whole(max.us()))),
            (spread, figures.spread_us.and_then(whole)),
            (team_gap, figures.team_gap),
        ];
        let mut score = 0;
        for (weight, value) in parts.into_iter().filter(|(weight, _)| *weight > 0) {
            let (total, count) = value?.parts();
            score += u128::from(weight) * u128::from(total) * (self.divisor / u128::from(count));
        }
        Some(Score(score))
    }

    /// To the nearest microsecond.
    pub(crate) fn us(&self, score: Score) -> u64 {
        let unit = self.divisor * 1000;
        u64::try_from((score.0 + unit / 2) / unit).unwrap_or(u64::MAX)
    }

    /// How far apart two scores are, to the nearest microsecond, at least 1 if they differ at all.
    pub(crate) fn apart(&self, a: Score, b: Score) -> u64 {
        let apart = a.0.abs_diff(b.0);
        self.us(Score(apart)).max(u64::from(apart > 0))
    }

    /// Whether `score` is above `best` by no more than `margin_us`.
    pub(crate) fn ties(&self, best: Score, score: Score, margin_us: u64) -> bool {
        score.0 <= best.0 + u128::from(margin_us) * self.divisor * 1000
    }

    /// How wrong a score can be if each value is wrong by no more than its note says, rounded up.
    pub(crate) fn error_us(&self, columns: &Columns, notes: &[Option<Note>]) -> u64 {
        let errors = columns.errors(notes);
        let Metric {
            closeness,
            mean,
            max,
            spread,
            team_gap,
        } = self.metric;
        // A difference of two values can be wrong by both their errors.
        let total = u64::from(closeness) * errors.closeness_us
            + u64::from(mean) * errors.mean_us
            + u64::from(max) * errors.max_us
            + u64::from(spread) * 2 * errors.max_us
            + u64::from(team_gap) * 2 * errors.max_us;
        total.div_ceil(1000)
    }
}
