//! What is made of round-trip times. Pure.

use std::time::Duration;
use vmatrix_wire::{RttSample, TargetId};

/// Sums up the answers of one target. The order of `rtts` does not matter.
pub(crate) fn sum_up(target: TargetId, sent: u16, rtts: &[Duration]) -> RttSample {
    let mut times: Vec<u32> = rtts.iter().map(|rtt| micros(*rtt)).collect();
    times.sort_unstable();
    let median_us = median(&times);
    RttSample {
        target,
        sent,
        received: u16::try_from(times.len()).unwrap_or(u16::MAX),
        min_us: times.first().copied(),
        median_us,
        deviation_us: median_us.and_then(|median| deviation(&times, median)),
    }
}

/// Rounded to the nearest microsecond, and at least one: what came back took time, and zero would look like "unknown".
fn micros(time: Duration) -> u32 {
    u32::try_from((time.as_nanos() + 500) / 1_000)
        .unwrap_or(u32::MAX)
        .max(1)
}

fn median(sorted: &[u32]) -> Option<u32> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1].midpoint(sorted[middle])),
    }
}

fn deviation(times: &[u32], median: u32) -> Option<u32> {
    let sum: u64 = times.iter().map(|time| u64::from(time.abs_diff(median))).sum();
    u32::try_from(sum / u64::try_from(times.len()).ok()?.max(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn of(micros: &[u64]) -> RttSample {
        let rtts: Vec<Duration> = micros.iter().map(|us| Duration::from_micros(*us)).collect();
        sum_up(TargetId(Uuid::nil()), 9, &rtts)
    }

    #[test]
    fn what_never_came_back_is_unknown_and_not_zero() {
        let sample = of(&[]);
        assert_eq!((sample.sent, sample.received), (9, 0));
        assert_eq!(
            (sample.min_us, sample.median_us, sample.deviation_us),
            (None, None, None)
        );
    }

    #[test]
    fn the_median_is_not_moved_by_one_late_answer() {
        let sample = of(&[40_100, 40_000, 900_000, 40_200, 40_050]);
        assert_eq!((sample.min_us, sample.median_us), (Some(40_000), Some(40_100)));
        assert_eq!(sample.deviation_us, Some((100 + 50 + 100 + 859_900) / 5));
    }

    #[test]
    fn of_an_even_number_the_median_is_the_mean_of_the_middle_two() {
        assert_eq!(of(&[10, 20, 31, 90]).median_us, Some(25));
    }

    #[test]
    fn an_answer_within_no_time_still_took_a_microsecond() {
        assert_eq!(of(&[0]).median_us, Some(1));
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_the_median_lies_inside(mut times in proptest::collection::vec(1_u64..3_000_000, 1..40)) {
            let sample = of(&times);
            times.reverse();
            prop_assert_eq!(&sample, &of(&times));
            let (least, most) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            let median = u64::from(sample.median_us.unwrap());
            prop_assert!(least <= median && median <= most);
            prop_assert_eq!(u64::from(sample.min_us.unwrap()), least);
            prop_assert!(u64::from(sample.deviation_us.unwrap()) <= most - least);
        }
    }
}
