//! Sums of differences of bytes, in all lanes of a vector at once. No closures in what is quick: they would not be compiled
//! for the backend.

use super::network::sort;
use super::packed::Lanes;
use fearless_simd::prelude::*;

/// Differences that fit 16 bits together.
const TERMS: usize = 255;

#[inline(always)]
pub(super) fn load<S: Simd, const N: usize>(simd: S, lines: &[Lanes; N], at: usize) -> [S::u8s; N] {
    let mut values = [S::u8s::splat(simd, 0); N];
    for (value, line) in values.iter_mut().zip(lines) {
        *value = load_one(simd, line, at);
    }
    values
}

#[inline(always)]
fn load_one<S: Simd>(simd: S, line: &Lanes, at: usize) -> S::u8s {
    S::u8s::from_slice(simd, &line.bytes()[at..at + S::u8s::LEN])
}

/// 16-bit values of the lanes of a vector of bytes: those of lanes 0, 2, 4… and those of lanes 1, 3, 5…
/// (where the machine counts bytes from the other end, the other way round).
#[derive(Clone, Copy)]
pub(super) struct Halves<S: Simd> {
    pub(super) even: S::u16s,
    pub(super) odd: S::u16s,
}

/// The sum of |x − y| over all pairs of sorted values, in each lane: (n − 1 − 2k)·(x of n − 1 − k, less x of k), added
/// up. Even lanes are not masked out: the odd lanes' part, 256 times it, is taken off at the end.
#[inline(always)]
pub(super) fn sums<S: Simd, const N: usize>(simd: S, sorted: &[S::u8s; N]) -> Halves<S> {
    let zero = S::u16s::splat(simd, 0);
    // Weights by adding: each difference is added up again for all that come after it.
    let (mut both, mut odd, mut both_twice, mut odd_twice) = (zero, zero, zero, zero);
    for k in 0..N / 2 {
        let apart: S::u16s = (sorted[N - 1 - k] - sorted[k]).bitcast();
        both += apart;
        odd += apart >> 8u32;
        if 2 * k + 2 < N {
            both_twice += both;
            odd_twice += odd;
        }
    }
    let (mut both_sum, mut odd_sum) = (both_twice + both_twice, odd_twice + odd_twice);
    if N.is_multiple_of(2) {
        both_sum += both;
        odd_sum += odd;
    }
    Halves {
        even: both_sum - (odd_sum << 8u32),
        odd: odd_sum,
    }
}

/// The sum of |x − y| over all pairs of values as they come, in parts that are shifted.
#[inline(always)]
pub(super) fn all_pairs<S: Simd>(simd: S, lines: &[Lanes], at: usize, shift: u32) -> Halves<S> {
    let zero = S::u16s::splat(simd, 0);
    let mut sums = Halves {
        even: zero,
        odd: zero,
    };
    for (after, line) in lines.iter().enumerate() {
        let own = load_one(simd, line, at);
        for others in lines[..after].chunks(TERMS) {
            let (mut both, mut odd) = (zero, zero);
            for other in others {
                let other = load_one(simd, other, at);
                let apart: S::u16s = (own.max(other) - own.min(other)).bitcast();
                both += apart;
                odd += apart >> 8u32;
            }
            sums.even += (both - (odd << 8u32)) >> shift;
            sums.odd += odd >> shift;
        }
    }
    sums
}

/// What is known of a vector's hosts after some groups.
pub(super) struct Found<S: Simd> {
    pub(super) sums: Halves<S>,
    /// The largest byte.
    pub(super) top: S::u8s,
}

impl<S: Simd> Found<S> {
    #[inline(always)]
    pub(super) fn nothing(simd: S) -> Self {
        let zero = S::u16s::splat(simd, 0);
        Self {
            sums: Halves {
                even: zero,
                odd: zero,
            },
            top: S::u8s::splat(simd, 0),
        }
    }

    #[inline(always)]
    pub(super) fn add<const N: usize>(&mut self, simd: S, mut values: [S::u8s; N], shift: u32) {
        sort::<S, N>(&mut values);
        let sums = sums::<S, N>(simd, &values);
        self.sums.even += sums.even >> shift;
        self.sums.odd += sums.odd >> shift;
        self.top = self.top.max(values[N - 1]);
    }
}
