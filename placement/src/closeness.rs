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
    // In order, each value is added once for every value below it and taken off once for every one above it.
    let (mut total, mut below, mut sum_below) = (0u64, 0u64, 0u64);
    for rtt in rtts.iter() {
        let us = u64::from(rtt.us());
        total += us * below - sum_below;
        below += 1;
        sum_below += us;
    }
    MeanUs::new(total, below * below.saturating_sub(1) / 2)
}
