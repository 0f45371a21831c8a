//! What the screen may leave out: the arithmetic of its bounds.

use super::network::MOST;

/// How the players of a block are split, so that each group fits a sorting network: as few groups as possible, and as
/// equal as possible. The larger ones come first.
///
/// For any split of n players into groups of at most a, the sum of |x − y| over all pairs is at least n/a times the
/// sum over the pairs within groups. For two groups of sizes a and b with the sums A and B, the sum between them is at
/// least A·b/a + B·a/b, because twice the mean distance between two samples is never less than the two mean distances
/// within them (the energy distance is not negative); added up over all pairs of groups that makes Σ Aᵢ·n/aᵢ. With one
/// group it is the sum itself; with groups that resemble each other it is short of it by about 1/a.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Groups {
    pub(super) players: usize,
    pub(super) count: usize,
    /// Of the larger groups. The others have one less.
    pub(super) size: usize,
    /// How many are of `size`.
    pub(super) larger: usize,
}

impl Groups {
    pub(super) fn of(players: usize) -> Self {
        let count = players.div_ceil(MOST).max(1);
        let spare = players % count;
        Self {
            players,
            count,
            size: players.div_ceil(count),
            larger: if spare == 0 { count } else { spare },
        }
    }

    /// The first line of a group.
    pub(super) fn start(self, group: usize) -> usize {
        group * self.size - group.saturating_sub(self.larger)
    }

    /// By how many bits each group's sum is shifted, so that all of them fit 16 bits.
    pub(super) fn shift(self) -> u32 {
        shift_for(self.count * Self::LARGEST)
    }

    /// By how many bits parts of the sum over all pairs are shifted, so that all of them fit 16 bits.
    pub(super) fn shift_of_all(self) -> u32 {
        shift_for(self.players * self.players / 4 * RANGE)
    }

    /// The sum in a group of 16, half of it at one end and half at the other.
    const LARGEST: usize = MOST / 2 * (MOST / 2) * RANGE;
}

/// Bytes of hosts that count are between 1 and 254, and 255 otherwise.
const RANGE: usize = 254;

fn shift_for(sum: usize) -> u32 {
    (0..)
        .find(|shift| sum >> shift <= usize::from(u16::MAX))
        .unwrap_or(0)
}

/// Up to where a host must be looked at exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// On the sum over the groups, in quanta, each shifted.
    pub(super) sum: u16,
    /// With one group: on the largest less the smallest byte.
    pub(super) range: u8,
    /// On the sum over all pairs, in quanta, in parts that are shifted.
    pub(super) all: u16,
}

impl Limit {
    /// As long as no host is known to be possible.
    pub(super) const NONE: Self = Self {
        sum: u16::MAX,
        range: u8::MAX,
        all: u16::MAX,
    };
}

/// From the exact sum of the best host so far to what the screen may leave out.
///
/// A byte stands for q quanta of Q µs where the value is x = Q·q − e with 0 ≤ e < Q, whole microseconds. The sum of
/// |x − y| over all pairs differs from Q times that of the bytes by no more than the sum of |e − f| over all pairs, which
/// is at most (Q − 1)·⌊n²/4⌋: half of the errors at one end, half at the other. As the closeness factor is that sum over
/// n(n − 1)/2 pairs, the bytes are wrong by at most half a quantum, times n/(n − 1). With a cap of 180 ms the quantum is
/// 709 µs, and a closeness factor of ten players known to 0.39 ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    groups: Groups,
    quantum: u64,
    /// (Q − 1)·⌊n²/4⌋.
    error: u64,
}

impl Limits {
    pub(super) fn new(groups: Groups, quantum: u32) -> Self {
        let players = groups.players as u64;
        let quantum = u64::from(quantum);
        Self {
            groups,
            quantum,
            error: (quantum - 1) * (players * players / 4),
        }
    }

    /// What a host may have that is as good as one with this sum of |x − y| over all pairs, in microseconds, or better.
    pub(super) fn of(self, best: u64) -> Limit {
        let (players, size) = (self.groups.players as u64, self.groups.size as u64);
        let all = (best + self.error) / self.quantum;
        let within_groups = size * (best + self.error) / (self.quantum * players);
        // With two players at the ends each of the others adds the range once more.
        let range = all / (players - 1);
        let sixteen = |sum: u64| u16::try_from(sum).unwrap_or(u16::MAX);
        Limit {
            sum: sixteen(within_groups >> self.groups.shift()),
            range: u8::try_from(range).unwrap_or(u8::MAX),
            all: sixteen(all >> self.groups.shift_of_all()),
        }
    }
}
