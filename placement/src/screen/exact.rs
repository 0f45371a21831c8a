//! The exact sum of differences of one host.

use super::backend::Backend;
use crate::Micros;
use crate::closeness::sum_of_sorted;
use fearless_simd::prelude::*;

/// With more players sorting is quicker than all pairs.
const MOST_IN_PAIRS: usize = 128;
/// A multiple of the lanes of any backend.
const PADDED_TO: usize = 16;
/// Vectors at once.
const AT_ONCE: usize = 4;

/// Of a row without unknown values and without values above `cap`: the sum of |x − y| over all pairs, microseconds.
pub(super) fn apart(backend: Backend, row: &[Option<Micros>], cap: Micros, scratch: &mut Vec<i32>) -> u64 {
    scratch.clear();
    scratch.extend(row.iter().map(|rtt| rtt.map_or(0, Micros::us).cast_signed()));
    let players = scratch.len();
    // In a lane all differences of one player are added up.
    let most = i32::try_from(players)
        .ok()
        .and_then(|players| players.checked_mul(cap.us().cast_signed()));
    if most.is_none() || players > MOST_IN_PAIRS {
        scratch.sort_unstable();
        return sum_of_sorted(scratch.iter().map(|us| us.cast_unsigned()));
    }
    scratch.resize(players.next_multiple_of(PADDED_TO), 0);
    backend.all_pairs(scratch, players)
}

/// By all pairs; behind the players stand zeros, up to a multiple of [`PADDED_TO`].
#[inline(always)]
pub(super) fn all_pairs<S: Simd>(simd: S, padded: &[i32], players: usize) -> u64 {
    let (us, zeros) = padded.split_at(players);
    let (many, few) = padded.split_at(padded.len() - padded.len() % (AT_ONCE * S::i32s::LEN));
    let mut twice = 0;
    for own in many.chunks_exact(AT_ONCE * S::i32s::LEN) {
        twice += differences::<S, AT_ONCE>(simd, own, us);
    }
    for own in few.chunks_exact(S::i32s::LEN) {
        twice += differences::<S, 1>(simd, own, us);
    }
    // Each zero has been compared with all as well.
    let mut total = 0;
    for us in us {
        total += u64::from(us.unsigned_abs());
    }
    (twice - zeros.len() as u64 * total) / 2
}

/// The differences of all of `own`, N vectors, to all of `us`. No closures: they would not be compiled for the backend.
#[inline(always)]
fn differences<S: Simd, const N: usize>(simd: S, own: &[i32], us: &[i32]) -> u64 {
    let zero = S::i32s::splat(simd, 0);
    let (mut values, mut sums) = ([zero; N], [zero; N]);
    for (value, own) in values.iter_mut().zip(own.chunks_exact(S::i32s::LEN)) {
        *value = S::i32s::from_slice(simd, own);
    }
    for other in us {
        let other = S::i32s::splat(simd, *other);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += (value - other).abs();
        }
    }
    let mut total = 0;
    for sum in &sums {
        for lane in sum.as_slice() {
            total += u64::from(lane.unsigned_abs());
        }
    }
    total
}
