//! A matrix at one byte per pair.

use super::limit::{Groups, Limits};
use crate::{Matrix, Micros};

/// One player's values at the hosts of one block: a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Lanes([u8; Lanes::HOSTS]);

impl Lanes {
    /// Hosts of a block.
    pub const HOSTS: usize = 64;
    /// Over the cap, unknown, or no host at all.
    pub(super) const DEAD: u8 = u8::MAX;

    /// One byte per host: its value in quanta, rounded up, or 255 if the host is out because of it.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::HOSTS] {
        &self.0
    }
}

/// Blocks of 64 hosts; in a block one line per player, group after group.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    pub(super) lines: Vec<Lanes>,
    pub(super) groups: Groups,
    pub(super) quantum: u32,
}

impl Blocks {
    pub(super) fn pack(matrix: &Matrix, cap: Micros) -> Self {
        let players = matrix.players().len();
        let groups = Groups::of(players);
        let quantum = cap.us().div_ceil(u32::from(Lanes::DEAD - 1));
        let places = places(matrix, cap, groups);
        let blocks = matrix.hosts().len().div_ceil(Lanes::HOSTS);
        let mut lines = vec![Lanes([Lanes::DEAD; Lanes::HOSTS]); blocks * players];
        let mut rows = matrix.rows().map(|(_, row)| row);
        for block in lines.chunks_exact_mut(players) {
            for (lane, row) in rows.by_ref().take(Lanes::HOSTS).enumerate() {
                for (rtt, place) in row.iter().zip(&places) {
                    block[*place].0[lane] = byte(*rtt, cap, quantum);
                }
            }
        }
        Self {
            lines,
            groups,
            quantum,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits::new(self.groups, self.quantum)
    }
}

/// Never 255 for a value within the cap: the quantum is chosen so.
fn byte(rtt: Option<Micros>, cap: Micros, quantum: u32) -> u8 {
    rtt.filter(|rtt| *rtt <= cap)
        .and_then(|rtt| u8::try_from(rtt.us().div_ceil(quantum)).ok())
        .unwrap_or(Lanes::DEAD)
}

/// Which line of a block each player has. Players who are alike at some host come into different groups: groups that
/// resemble each other miss the least of the differences (see [`Groups`]). But the first lines are theirs who are over
/// the cap most often, so that a block that is out is known to be out after a line or two. Any deal is right.
fn places(matrix: &Matrix, cap: Micros, groups: Groups) -> Vec<usize> {
    let mut places: Vec<usize> = (0..matrix.players().len()).collect();
    if groups.count == 1 {
        return places;
    }
    let complete = matrix
        .rows()
        .map(|(_, row)| row)
        .find(|row| row.iter().all(Option::is_some));
    let mut by_value = places.clone();
    if let Some(row) = complete {
        by_value.sort_by_key(|player| row[*player]);
    }
    for (dealt, player) in by_value.into_iter().enumerate() {
        places[player] = groups.start(dealt % groups.count) + dealt / groups.count;
    }
    for (line, player) in farthest(matrix, cap).into_iter().enumerate() {
        if let Some(there) = places.iter().position(|place| *place == line) {
            places.swap(there, player);
        }
    }
    places
}

/// Lines that are looked at before all others.
pub(super) const FIRST_LINES: usize = 2;
/// One host of so many is asked who is over the cap.
const SAMPLED: usize = 61;

/// Who is over the cap most often, and who is where the first is not.
fn farthest(matrix: &Matrix, cap: Micros) -> [usize; FIRST_LINES] {
    let over = |rtt: &Option<Micros>| rtt.is_none_or(|rtt| rtt > cap);
    let mut rows: Vec<_> = matrix.rows().map(|(_, row)| row).step_by(SAMPLED).collect();
    std::array::from_fn(|_| {
        let mut counts = vec![0_usize; matrix.players().len()];
        for row in &rows {
            for (count, rtt) in counts.iter_mut().zip(*row) {
                *count += usize::from(over(rtt));
            }
        }
        let most = (0..counts.len())
            .max_by_key(|player| counts[*player])
            .unwrap_or(0);
        rows.retain(|row| row.get(most).is_some_and(|rtt| !over(rtt)));
        most
    })
}
