//! Name servers near people, and from their times to an estimate of the way between them. Pure.

use std::net::IpAddr;
use vmatrix_placement::{Micros, Note, Source, fusion::king_error_us};

/// A name server that is near to the addresses of a prefix: it serves their reverse zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServer {
    /// Where it is asked.
    pub address: IpAddr,
    /// The reverse zone, fully qualified.
    pub zone: String,
}

/// The times say nothing: there are none, or A and B are too near to each other for how much the times stray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the times of the name servers do not tell how far they are apart")]
pub struct NoEstimate;

/// The median of the ways by both less the median of the ways to the first, with the error of an estimate to which both ends'
/// last miles and what the times stray are added. Microseconds.
///
/// # Errors
/// Nothing is left.
pub fn king_estimate(direct_us: &[u32], through_us: &[u32]) -> Result<(Micros, Note), NoEstimate> {
    let (direct, through) = (
        median(direct_us).ok_or(NoEstimate)?,
        median(through_us).ok_or(NoEstimate)?,
    );
    let way = through.checked_sub(direct).ok_or(NoEstimate)?;
    let value = Micros::new(way).map_err(|_| NoEstimate)?;
    let stray = spread(direct_us, direct).saturating_add(spread(through_us, through));
    let note = Note {
        source: Source::King,
        age_s: 0,
        // Two ends, two last miles.
        error_us: king_error_us(value).saturating_add(10_000).saturating_add(stray),
    };
    Ok((value, note))
}

fn median(times: &[u32]) -> Option<u32> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// The mean distance from the median.
fn spread(times: &[u32], median: u32) -> u32 {
    let sum: u64 = times.iter().map(|time| u64::from(time.abs_diff(median))).sum();
    let mean = sum.checked_div(times.len() as u64).unwrap_or_default();
    u32::try_from(mean).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_slow_answer_does_not_move_it() {
        let direct = [10_000, 10_200, 10_100, 400_000, 10_050];
        let through = [50_100, 50_000, 50_300, 50_200, 900_000];
        let (value, note) = king_estimate(&direct, &through).unwrap();
        assert_eq!(value.us(), 40_100);
        assert!(note.error_us > 28_000, "{note:?}");
        assert_eq!(note.source, Source::King);
    }

    #[test]
    fn nothing_left_is_no_estimate_and_never_zero() {
        assert_eq!(king_estimate(&[10_000], &[10_000]), Err(NoEstimate));
        assert_eq!(king_estimate(&[10_000], &[9_000]), Err(NoEstimate));
        assert_eq!(king_estimate(&[], &[9_000]), Err(NoEstimate));
    }

    proptest! {
        /// With noise of less than half a last mile on each time, the truth is within the error.
        #[test]
        fn the_truth_is_within_the_error(
            (to, way) in (1_000_u32..200_000, 1_000_u32..300_000), noise in prop::collection::vec((0_u32..5_000, 0_u32..5_000), 5),
        ) {
            let direct: Vec<u32> = noise.iter().map(|(one, _)| to + one).collect();
            let through: Vec<u32> = noise.iter().map(|(_, other)| to + way + other).collect();
            if let Ok((value, note)) = king_estimate(&direct, &through) {
                prop_assert!(value.us().abs_diff(way) <= note.error_us);
            } else {
                prop_assert!(way < 5_000);
            }
        }
    }
}
