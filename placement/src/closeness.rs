//! The closeness factor: how far apart the players' round-trip times at one host are.

use crate::{MeanUs, Micros};

/// The definition: the mean of |a − b| over all pairs of players. O(n²). `None` for fewer than two players.
#[must_use]
pub fn closeness_by_definition(rtts: &[Micros]) -> Option<MeanUs> {
    let mut total = 0;
    let mut pairs = 0;
    for (index, a) in rtts.iter().enumerate() {
        for b in rtts.iter().skip(index + 1) {
            total += u64::from(a.us().abs_diff(b.us()));
            pairs += 1;
        }
    }
    MeanUs::new(total, pairs)
}

/// The same value in O(n log n); sorts `rtts`.
#[must_use]
pub fn closeness(rtts: &mut [Micros]) -> Option<MeanUs> {
    rtts.sort_unstable();
    let (total, count) = (sum_of_sorted(rtts.iter().map(|rtt| rtt.us())), rtts.len() as u64);
    MeanUs::new(total, count * count.saturating_sub(1) / 2)
}

/// The sum of |a − b| over all pairs of values in order.
pub(crate) fn sum_of_sorted(in_order: impl Iterator<Item = u32>) -> u64 {
    // Each value is added once for every value below it and taken off once for every one above it.
    let (mut total, mut below, mut sum_below) = (0u64, 0u64, 0u64);
    for us in in_order.map(u64::from) {
        total += us * below - sum_below;
        below += 1;
        sum_below += us;
    }
    total
}

/// The same where people count by weights above zero: the mean over all pairs, each as often as the product of its
/// two weights. Sorts `counted`.
pub(crate) fn weighted(counted: &mut [Counted]) -> Option<MeanUs> {
    counted.sort_unstable();
    let (mut total, mut pairs, mut below, mut sum_below) = (0u64, 0u64, 0u64, 0u64);
    for one in counted.iter() {
        let (us, weight) = (one.us(), one.weight());
        total += weight * (us * below - sum_below);
        pairs += weight * below;
        below += weight;
        sum_below += us * weight;
    }
    MeanUs::new(total, pairs)
}

/// By no more than this a closeness factor is wrong if no value is wrong by more than its error, microseconds, rounded up: each
/// difference by both its errors. Takes each value's error and how much it counts.
#[must_use]
pub fn closeness_error_us(errors: &[(u32, u64)]) -> u64 {
    let all: u64 = errors.iter().map(|(_, weight)| weight).sum();
    let squares: u64 = errors.iter().map(|(_, weight)| weight * weight).sum();
    let in_pairs: u64 = errors
        .iter()
        .map(|(error, weight)| u64::from(*error) * weight * (all - weight))
        .sum();
    in_pairs.div_ceil(((all * all - squares) / 2).max(1))
}

/// A round-trip time with its weight, in one number that sorts by time: half as long to sort as a pair of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted(u64);

impl Counted {
    pub(crate) fn new(us: u32, weight: u32) -> Self {
        Self(u64::from(us) << 32 | u64::from(weight))
    }

    const fn us(self) -> u64 {
        self.0 >> 32
    }

    const fn weight(self) -> u64 {
        self.0 & 0xffff_ffff
    }
}
