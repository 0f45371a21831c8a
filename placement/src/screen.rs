//! The fast choice among very many hosts: a screen of one byte per pair, then an exact second look at what survives.
//!
//! For policies under which only the closeness factor and the cap decide, and matches of players alone. The answer is
//! that of [`choose_by_definition`](crate::choose_by_definition), ties included: the screen only leaves out hosts that
//! are certainly worse than one that was looked at exactly. Why that is certain:
//!
//! * A byte is a value in quanta, rounded up; the quantum is the smallest at which the cap is at most 254. A value over
//!   the cap, and an unknown one, is 255 whatever the quantum: the cap test is exact.
//! * The closeness factor from bytes is wrong by at most half a quantum times n/(n − 1); `screen/limit.rs` derives it. A cap of 180 ms makes
//!   quanta of 709 µs.
//! * More than 16 players are split into groups of at most 16, dealt so that the groups resemble each other. n/16 times
//!   the differences within the groups is never more than all differences, and usually 5 % less: a smaller network to
//!   sort by, and an honest lower bound. Where many hosts pass by it, all pairs of their bytes are taken.
//! * Up to 12 players the largest less the smallest value is looked at first: n − 1 times it is a lower bound, too.
//!
//! Hosts should be ordered by site: then a whole block is left out by the cap or by the range. Memory: one byte per
//! pair, for whole blocks of 64 hosts. The worst case is that all hosts are alike but for microseconds: then each is
//! looked at exactly.
//!
//! The vectors are those of the crate `fearless_simd`: one portable program, compiled for each set of instructions, and
//! no `unsafe` here.

mod backend;
mod exact;
mod limit;
mod network;
mod packed;
mod pass;
mod scan;
mod sums;
#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use packed::Lanes;

use crate::choose::check;
use crate::{BadRequest, HostState, Matrix, Policy, Role, Standing, TieMargin};
use exact::apart;
use limit::Limit;
use packed::Blocks;
use scan::Of;

/// A matrix ready for the screen under one policy.
#[derive(Debug, Clone)]
pub struct Packed<'a> {
    policy: &'a Policy,
    matrix: &'a Matrix,
    blocks: Blocks,
}

/// What possible hosts are compared by, in this order: the sum of differences, the total, load, id. The same order as
/// that of a ranking by closeness factor and mean, as all hosts have the same number of players.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    apart: u64,
    total: u64,
    load: u32,
    id: &'a str,
    host: usize,
}

impl<'a> Packed<'a> {
    /// Packs what can be screened. `None` if more than the cap and the closeness factor of players alone decides:
    /// another metric, a floor, limits, a tie margin, or substitutes, coaches, casters and players with a cap of their own.
    #[must_use]
    pub fn new(policy: &'a Policy, matrix: &'a Matrix) -> Option<Self> {
        let no_margin = match policy.tie_margin() {
            TieMargin::Fixed(margin) => margin.us() == 0,
            TieMargin::Error => matrix.notes(0).is_empty(),
        };
        let plain = |player: &crate::Player| player.role == Role::Player && player.cap.is_none();
        if !policy.is_closeness_alone() || !no_margin || !matrix.players().iter().all(plain) {
            return None;
        }
        Some(Self {
            policy,
            matrix,
            blocks: Blocks::pack(matrix, policy.cap()),
        })
    }

    /// The host that [`choose`](crate::choose()) would choose: its index.
    ///
    /// # Errors
    /// There must be one state per host.
    pub fn choose(&self, states: &[HostState]) -> Result<Option<usize>, BadRequest> {
        self.choose_with(Backend::best(), states)
    }

    /// The same with chosen instructions.
    ///
    /// # Errors
    /// There must be one state per host.
    pub fn choose_with(&self, backend: Backend, states: &[HostState]) -> Result<Option<usize>, BadRequest> {
        check(self.policy, self.matrix, states)?;
        let limits = self.blocks.limits();
        let mut best: Option<Rank> = None;
        let mut limit = Limit::NONE;
        let mut scratch = Vec::new();
        let mut look = |host| {
            let apart = self.apart(backend, host, &mut scratch);
            if best.as_ref().is_none_or(|best| apart <= best.apart) {
                let rank = self.rank(host, apart, states);
                if let Some(rank) = rank.filter(|rank| best.as_ref().is_none_or(|best| rank < best)) {
                    limit = limits.of(apart);
                    best = Some(rank);
                }
            }
            limit
        };
        backend.scan(&self.blocks, Of::Sample, &mut look);
        backend.scan(&self.blocks, Of::All, &mut look);
        Ok(best.map(|rank| rank.host))
    }

    /// The exact sum of differences. Of a host that passed the screen all values are known, and none is over the cap.
    fn apart(&self, backend: Backend, host: usize, scratch: &mut Vec<i32>) -> u64 {
        let row = self.matrix.row(host).unwrap_or_default();
        let cap = self.policy.cap();
        debug_assert!(row.iter().all(|rtt| rtt.is_some_and(|rtt| rtt <= cap)));
        apart(backend, row, cap, scratch)
    }

    /// `None` for a host that cannot be had.
    fn rank(&self, host: usize, apart: u64, states: &[HostState]) -> Option<Rank<'a>> {
        let state = states
            .get(host)
            .filter(|state| state.standing == Standing::Free)?;
        let values = self.matrix.row(host)?.iter().flatten();
        Some(Rank {
            apart,
            total: values.map(|rtt| u64::from(rtt.us())).sum(),
            load: state.load,
            id: &self.matrix.hosts().get(host)?.id,
            host,
        })
    }

    /// The bytes: for each block of 64 hosts one line per player.
    #[must_use]
    pub fn lines(&self) -> &[Lanes] {
        &self.blocks.lines
    }
}
