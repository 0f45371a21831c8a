//! Who may still win, by what is known from bytes.

use super::limit::Limit;
use super::packed::Lanes;
use super::sums::Found;
use fearless_simd::prelude::*;

/// Takes the index of a host that may be as good as the best so far, and says up to where to look from now on.
pub(super) type Look<'l> = dyn FnMut(usize) -> Limit + 'l;

/// The limit that holds now, in each lane.
pub(super) struct Pass<'p, 'l, S: Simd> {
    simd: S,
    pub(super) sum: S::u16s,
    range: S::u8s,
    pub(super) all: S::u16s,
    look: &'p mut Look<'l>,
}

impl<'p, 'l, S: Simd> Pass<'p, 'l, S> {
    #[inline(always)]
    pub(super) fn new(simd: S, look: &'p mut Look<'l>) -> Self {
        Self {
            simd,
            sum: S::u16s::splat(simd, Limit::NONE.sum),
            range: S::u8s::splat(simd, Limit::NONE.range),
            all: S::u16s::splat(simd, Limit::NONE.all),
            look,
        }
    }

    /// Whether each host is out by one of these values.
    #[inline(always)]
    pub(super) fn all_dead<const N: usize>(&self, values: [S::u8s; N]) -> bool {
        let mut top = S::u8s::splat(self.simd, 0);
        for value in values {
            top = top.max(value);
        }
        top.simd_eq(S::u8s::splat(self.simd, Lanes::DEAD)).all_true()
    }

    /// Whether any host is within the cap and, by its range alone, within the limit.
    #[inline(always)]
    pub(super) fn range_passes<const N: usize>(&self, values: &[S::u8s; N]) -> bool {
        let (mut low, mut high) = (values[0], values[N - 1]);
        for (one, other) in values.iter().zip(values.iter().rev()).take(N.div_ceil(2)) {
            low = low.min(one.min(*other));
            high = high.max(one.max(*other));
        }
        let alive = high.simd_lt(S::u8s::splat(self.simd, Lanes::DEAD));
        ((high - low).simd_le(self.range) & alive).any_true()
    }

    /// Whether any host is within the cap and the limit, as far as is known.
    #[inline(always)]
    pub(super) fn passes(&self, found: &Found<S>) -> bool {
        let [even, odd] = self.masks(found, self.sum);
        (even | odd).any_true()
    }

    /// Which hosts are within the cap and `limit`, one bit each, lanes 0, 2, 4… and lanes 1, 3, 5…
    #[inline(always)]
    pub(super) fn lanes(&self, found: &Found<S>, limit: S::u16s) -> [u64; 2] {
        let [even, odd] = self.masks(found, limit);
        [even.to_bitmask(), odd.to_bitmask()]
    }

    #[inline(always)]
    fn masks(&self, found: &Found<S>, limit: S::u16s) -> [S::mask16s; 2] {
        // In the upper half of 16 bits stands the odd lane's byte, and the even lane's after a shift.
        let dead = S::u16s::splat(self.simd, u16::from_be_bytes([Lanes::DEAD, 0]));
        let top: S::u16s = found.top.bitcast();
        [
            found.sums.even.simd_le(limit) & (top << 8u32).simd_lt(dead),
            found.sums.odd.simd_le(limit) & top.simd_lt(dead),
        ]
    }

    /// Looks at hosts; `first` is that of the vector's first lane.
    #[inline(always)]
    pub(super) fn look_at(&mut self, lanes: [u64; 2], first: usize) {
        if let Some(limit) = look_at_lanes(self.look, lanes, S::u16s::LEN, first) {
            self.sum = S::u16s::splat(self.simd, limit.sum);
            self.range = S::u8s::splat(self.simd, limit.range);
            self.all = S::u16s::splat(self.simd, limit.all);
        }
    }
}

#[cold]
#[inline(never)]
fn look_at_lanes(look: &mut Look, lanes: [u64; 2], pairs: usize, first: usize) -> Option<Limit> {
    let [even, odd] = lanes;
    let halves = if cfg!(target_endian = "big") {
        [odd, even]
    } else {
        [even, odd]
    };
    let mut limit = None;
    for pair in 0..pairs {
        for (second, half) in halves.iter().enumerate() {
            if half >> pair & 1 == 1 {
                limit = Some(look(first + 2 * pair + second));
            }
        }
    }
    limit
}
