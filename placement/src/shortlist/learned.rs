//! How wrong predictions are, as seen from those that were put to the test.

/// So many of the last hosts count: each probe makes the next predictions better.
const LAST: usize = 6;

/// Distances between what was predicted of hosts and what was then measured there, microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Learned {
    values: Vec<u64>,
    scores: Vec<u64>,
}

impl Learned {
    /// Of one host: the mean over the players, and its score.
    pub(super) fn learn(&mut self, value_us: u64, score_us: Option<u64>) {
        self.values.push(value_us);
        self.scores.extend(score_us);
    }

    /// By how much a score may turn out better than predicted: twice the mean miss. `None` if no prediction was put to
    /// the test.
    pub(super) fn score_us(&self) -> Option<u64> {
        twice_the_mean(&self.scores)
    }

    /// The same of a single value; 0 if no prediction was put to the test.
    pub(super) fn value_us(&self) -> u64 {
        twice_the_mean(&self.values).unwrap_or_default()
    }
}

fn twice_the_mean(all: &[u64]) -> Option<u64> {
    let last = || all.iter().rev().take(LAST);
    (2 * last().sum::<u64>()).checked_div(last().count() as u64)
}
