//! Sorting networks over vectors: every lane sorts its own values, all lanes at once.

use fearless_simd::prelude::*;

/// Compares and swaps pairs in this order, without branches. A network for more values sorts fewer as well: the values
/// that are not there stand for infinity at the end, and each comparison with one of them changes nothing.
macro_rules! network {
    ($values:ident, $n:expr; $($a:literal $b:literal),* $(,)?) => {
        {$(if $b < $n {
            let low = $values[$a].min($values[$b]);
            $values[$b] = $values[$a].max($values[$b]);
            $values[$a] = low;
        })*}
    };
}

/// The most values that [`sort`] takes.
pub(super) const MOST: usize = 16;

/// Sorts 2 to [`MOST`] values in each lane, the smallest first. The networks for 8, 10, 12 and 16 values are the
/// smallest known ones: 19, 29, 39 and 60 comparisons.
#[inline(always)]
pub(super) fn sort<S: Simd, const N: usize>(values: &mut [S::u8s; N]) {
    const { assert!(N <= MOST) };
    match N {
        ..=8 => network! { values, N;
            0 2, 1 3, 4 6, 5 7,
            0 4, 1 5, 2 6, 3 7,
            0 1, 2 3, 4 5, 6 7,
            2 4, 3 5,
            1 4, 3 6,
            1 2, 3 4, 5 6,
        },
        9 | 10 => network! { values, N;
            0 8, 1 9, 2 7, 3 5, 4 6,
            0 2, 1 4, 5 8, 7 9,
            0 3, 2 4, 5 7, 6 9,
            0 1, 3 6, 8 9,
            1 5, 2 3, 4 8, 6 7,
            1 2, 3 5, 4 6, 7 8,
            2 3, 4 5, 6 7,
            3 4, 5 6,
        },
        11 | 12 => network! { values, N;
            0 8, 1 7, 2 6, 3 11, 4 10, 5 9,
            0 1, 2 5, 3 4, 6 9, 7 8, 10 11,
            0 2, 1 6, 5 10, 9 11,
            0 3, 1 2, 4 6, 5 7, 8 11, 9 10,
            1 4, 3 5, 6 8, 7 10,
            1 3, 2 5, 6 9, 8 10,
            2 3, 4 5, 6 7, 8 9,
            4 6, 5 7,
            3 4, 5 6, 7 8,
        },
        _ => network! { values, N;
            0 13, 1 12, 2 15, 3 14, 4 8, 5 6, 7 11, 9 10,
            0 5, 1 7, 2 9, 3 4, 6 13, 8 14, 10 15, 11 12,
            0 1, 2 3, 4 5, 6 8, 7 9, 10 11, 12 13, 14 15,
            0 2, 1 3, 4 10, 5 11, 6 7, 8 9, 12 14, 13 15,
            1 2, 3 12, 4 6, 5 7, 8 10, 9 11, 13 14,
            1 4, 2 6, 5 8, 7 10, 9 13, 11 14,
            2 4, 3 6, 9 12, 11 13,
            3 5, 6 8, 7 9, 10 12,
            3 4, 5 6, 7 8, 9 10, 11 12,
            6 7, 8 9,
        },
    }
}
