//! One plain read of the packed bytes, as fast as it goes: their sum, with the widest vectors of the backend.

use fearless_simd::{Level, dispatch, prelude::*};
use vmatrix_placement::screen::Lanes;

/// As many independent sums as hide the latency of adding.
const SUMS: usize = 8;

pub fn read(level: Level, lines: &[Lanes]) -> u8 {
    dispatch!(level, simd => sum(simd, lines))
}

#[inline(always)]
fn sum<S: Simd>(simd: S, lines: &[Lanes]) -> u8 {
    let mut sums = [S::u8s::splat(simd, 0); SUMS];
    let (eights, rest) = lines.as_chunks::<SUMS>();
    for eight in eights {
        for at in (0..Lanes::HOSTS).step_by(S::u8s::LEN) {
            for (sum, line) in sums.iter_mut().zip(eight) {
                *sum += S::u8s::from_slice(simd, &line.bytes()[at..at + S::u8s::LEN]);
            }
        }
    }
    let rest = rest.iter().flat_map(|line| line.bytes());
    let sums = sums.iter().flat_map(|sum| sum.as_slice());
    rest.chain(sums).fold(0, |sum, byte| sum.wrapping_add(*byte))
}
