//! One pass over the bytes: a lower bound of each host's sum of differences, all lanes of a vector at once.

use super::network::sort;
use super::packed::{Blocks, FIRST_LINES, Lanes};
use super::pass::{Look, Pass};
use super::sums::{Found, all_pairs, load, sums};
use fearless_simd::prelude::*;

/// Which blocks to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// One of 64, so that a good host is known before all are gone through: otherwise, where hosts are ordered by site,
    /// every host of each site that is better than all sites before it would be looked at.
    Sample,
    All,
}

impl Of {
    /// The first host of each block, and its lines.
    fn blocks(self, blocks: &Blocks) -> impl Iterator<Item = (usize, &[Lanes])> {
        let (skip, step) = match self {
            Self::Sample => (32, 64),
            Self::All => (0, 1),
        };
        let blocks = blocks.lines.chunks_exact(blocks.groups.players).enumerate();
        let chosen = blocks.skip(skip).step_by(step);
        chosen.map(|(block, lines)| (block * Lanes::HOSTS, lines))
    }
}

/// Up to this many players of one group the range is looked at before sorting: it costs a quarter of the network, and
/// leaves few hosts. With more players the sum says much more than the range.
const RANGE_FIRST: usize = 12;

/// If so many hosts of a vector pass by their groups, the sum over all pairs is taken of their bytes as well: for one host
/// that costs as much as the exact look, and it leaves one of ten.
const MANY: u32 = 8;

/// Calls `look` for each host whose lower bound is within the limit, in order.
pub(super) fn scan<S: Simd>(simd: S, blocks: &Blocks, of: Of, look: &mut Look) {
    macro_rules! by_size {
        ($($size:literal)*; $($larger:literal $smaller:literal),*) => {
            match (blocks.groups.count, blocks.groups.size) {
                $((1, $size) => simd.vectorize(
                    #[inline(always)]
                    || one_group::<S, $size>(simd, blocks, of, look),
                ),)*
                $((_, $larger) => simd.vectorize(
                    #[inline(always)]
                    || groups::<S, $larger, $smaller>(simd, blocks, of, look),
                ),)*
                (count, size) => unreachable!("{count} groups of {size}"),
            }
        };
    }
    by_size!(2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; 9 8, 10 9, 11 10, 12 11, 13 12, 14 13, 15 14, 16 15);
}

#[inline(always)]
fn one_group<S: Simd, const N: usize>(simd: S, blocks: &Blocks, of: Of, look: &mut Look) {
    let mut pass = Pass::new(simd, look);
    for (first, lines) in of.blocks(blocks) {
        let Some(lines) = lines.first_chunk::<N>() else {
            continue;
        };
        for at in (0..Lanes::HOSTS).step_by(S::u8s::LEN) {
            let mut values = load::<S, N>(simd, lines, at);
            if N <= RANGE_FIRST && !pass.range_passes(&values) {
                continue;
            }
            sort::<S, N>(&mut values);
            let found = Found {
                sums: sums::<S, N>(simd, &values),
                top: values[N - 1],
            };
            if pass.passes(&found) {
                pass.look_at(pass.lanes(&found, pass.sum), first + at);
            }
        }
    }
}

/// The first groups of a block have N players, the others M, one less.
#[inline(always)]
fn groups<S: Simd, const N: usize, const M: usize>(simd: S, blocks: &Blocks, of: Of, look: &mut Look) {
    let mut pass = Pass::new(simd, look);
    let (shift, larger) = (blocks.groups.shift(), blocks.groups.larger * N);
    for (first, lines) in of.blocks(blocks) {
        let (larger, smaller) = lines.split_at(larger);
        for at in (0..Lanes::HOSTS).step_by(S::u8s::LEN) {
            if let Some(firsts) = lines.first_chunk::<FIRST_LINES>()
                && pass.all_dead(load::<S, FIRST_LINES>(simd, firsts, at))
            {
                continue;
            }
            let mut found = Found::nothing(simd);
            let mut more = true;
            for lines in larger.as_chunks::<N>().0 {
                if more {
                    found.add::<N>(simd, load::<S, N>(simd, lines, at), shift);
                    more = pass.passes(&found);
                }
            }
            for lines in smaller.as_chunks::<M>().0 {
                if more {
                    found.add::<M>(simd, load::<S, M>(simd, lines, at), shift);
                    more = pass.passes(&found);
                }
            }
            if more {
                let mut alive = pass.lanes(&found, pass.sum);
                if alive[0].count_ones() + alive[1].count_ones() >= MANY {
                    found.sums = all_pairs(simd, lines, at, blocks.groups.shift_of_all());
                    alive = pass.lanes(&found, pass.all);
                }
                pass.look_at(alive, first + at);
            }
        }
    }
}
