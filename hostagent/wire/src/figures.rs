//! What is made of round-trip times. Pure; the same for hosts' probes and for what players' own programs send in.

use crate::{RttSample, TargetId};

impl RttSample {
    /// Sums up what came back from one target: microseconds, in the order of the requests. Zero is taken for one: what came
    /// back took time, and zero would look like "unknown".
    #[must_use]
    pub fn of(target: TargetId, sent: u16, rtts_us: &[u32]) -> Self {
        let in_turn: Vec<u32> = rtts_us.iter().map(|us| (*us).max(1)).collect();
        let mut times = in_turn.clone();
        times.sort_unstable();
        let median_us = median(&times);
        Self {
            target,
            sent,
            received: u16::try_from(times.len()).unwrap_or(u16::MAX),
            min_us: times.first().copied(),
            median_us,
            deviation_us: median_us.and_then(|median| mean(times.iter().map(|time| time.abs_diff(median)))),
            p90_us: times
                .get((times.len() * 9).div_ceil(10).saturating_sub(1))
                .copied(),
            jitter_us: mean(
                in_turn
                    .iter()
                    .zip(in_turn.iter().skip(1))
                    .map(|(one, next)| one.abs_diff(*next)),
            ),
        }
    }
}

fn median(sorted: &[u32]) -> Option<u32> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => sorted.get(middle).copied(),
        _ => Some(sorted.get(middle - 1)?.midpoint(*sorted.get(middle)?)),
    }
}

fn mean(values: impl Iterator<Item = u32> + Clone) -> Option<u32> {
    let count = u64::try_from(values.clone().count()).ok()?;
    u32::try_from(values.map(u64::from).sum::<u64>().checked_div(count)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn of(micros: &[u32]) -> RttSample {
        RttSample::of(TargetId(Uuid::nil()), 9, micros)
    }

    #[test]
    fn what_never_came_back_is_unknown_and_not_zero() {
        let sample = of(&[]);
        assert_eq!((sample.sent, sample.received), (9, 0));
        let figures = [
            sample.min_us,
            sample.median_us,
            sample.deviation_us,
            sample.p90_us,
            sample.jitter_us,
        ];
        assert_eq!(figures, [None; 5]);
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
    fn nine_in_ten_are_not_above_the_ninetieth_percentile() {
        let ten: Vec<u32> = (1..=10).collect();
        assert_eq!(of(&ten).p90_us, Some(9));
        assert_eq!(of(&[7]).p90_us, Some(7));
    }

    #[test]
    fn jitter_goes_by_neighbours_in_time() {
        assert_eq!(of(&[10, 30, 10, 30]).jitter_us, Some(20));
        assert_eq!(of(&[10, 10, 30, 30]).jitter_us, Some(6));
        assert_eq!(of(&[10]).jitter_us, None, "one answer has no neighbour");
    }

    #[test]
    fn an_answer_within_no_time_still_took_a_microsecond() {
        assert_eq!(of(&[0]).median_us, Some(1));
    }

    proptest! {
        #[test]
        fn all_figures_lie_inside(times in proptest::collection::vec(1_u32..3_000_000, 1..40)) {
            let sample = of(&times);
            let (least, most) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            let (median, p90) = (sample.median_us.unwrap(), sample.p90_us.unwrap());
            prop_assert!(least <= median && median <= most && median <= p90.max(median) && p90 <= most);
            prop_assert_eq!(sample.min_us.unwrap(), least);
            prop_assert!(sample.deviation_us.unwrap() <= most - least);
            prop_assert!(sample.jitter_us.unwrap_or(0) <= most - least);
            let within = times.iter().filter(|time| **time <= p90).count();
            prop_assert!(within * 10 >= times.len() * 9);
            let mut reversed = times.clone();
            reversed.reverse();
            let back = of(&reversed);
            prop_assert_eq!((back.median_us, back.p90_us, back.jitter_us), (sample.median_us, sample.p90_us, sample.jitter_us));
        }
    }
}
