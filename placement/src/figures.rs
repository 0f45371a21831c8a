//! The figures of one host, all exact.

use crate::closeness::{Counted, closeness_error_us, weighted};
use crate::{MeanUs, Micros, Player, Role, Side, notes::Note, rtt::gcd};

/// Mean, maximum and spread are of the known values; the others absent unless all that they need are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) closeness: Option<MeanUs>,
    pub(crate) mean: Option<MeanUs>,
    pub(crate) max: Option<Micros>,
    pub(crate) spread_us: Option<u32>,
    pub(crate) team_gap: Option<MeanUs>,
}

/// How each column counts: worked out once for a matrix.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Weight in closeness and mean; without a common divisor.
    weights: Vec<u64>,
    /// In the line-up, and on which side.
    line_up: Vec<Option<Option<Side>>>,
    /// Whose value must be known for a verdict.
    pub(crate) needed: Vec<bool>,
    sides: bool,
}

impl Columns {
    pub(crate) fn of(players: &[Player]) -> Self {
        let counts: Vec<u64> = players.iter().map(Player::counts).collect();
        let divisor = counts.iter().copied().fold(0, gcd).max(1);
        let in_line_up = |player: &Player| (player.role == Role::Player).then_some(player.side);
        let needed = |player: &Player| {
            player.counts() > 0 || (player.cap.is_some() && player.role != Role::Substitute)
        };
        Self {
            weights: counts.iter().map(|count| count / divisor).collect(),
            line_up: players.iter().map(in_line_up).collect(),
            needed: players.iter().map(needed).collect(),
            sides: players
                .iter()
                .any(|player| player.role.plays() && player.side.is_some()),
        }
    }

    /// How the mean, the closeness factor and the team gap are divided at a host where all are known.
    pub(crate) fn divisors(&self) -> (u64, u64, u64) {
        let total: u64 = self.weights.iter().sum();
        let squares: u64 = self.weights.iter().map(|weight| weight * weight).sum();
        let on = |side| self.line_up.iter().filter(|at| **at == Some(Some(side))).count() as u64;
        (total, (total * total - squares) / 2, on(Side::A) * on(Side::B))
    }

    /// Figures of a row. Below `floor` all values count as equal wherever differences are taken.
    pub(crate) fn figures(
        &self,
        row: &[Option<Micros>],
        floor: Option<Micros>,
        scratch: &mut Vec<Counted>,
    ) -> Figures {
        let floored = |rtt: Micros| floor.map_or(rtt, |floor| rtt.max(floor)).us();
        let complete = row
            .iter()
            .zip(&self.needed)
            .all(|(rtt, needed)| rtt.is_some() || !needed);
        let counted = || {
            row.iter()
                .zip(&self.weights)
                .filter_map(|(rtt, weight)| Some(((*rtt)?, *weight)))
        };
        scratch.clear();
        // Weights are per cents: at most 100.
        #[allow(clippy::cast_possible_truncation, reason = "at most 100")]
        scratch.extend(
            counted()
                .filter(|(_, weight)| *weight > 0)
                .map(|(rtt, weight)| Counted::new(floored(rtt), weight as u32)),
        );
        let closeness = weighted(scratch).filter(|_| complete);
        let (total, weight) = counted().fold((0, 0), |(total, sum), (rtt, weight)| {
            (total + u64::from(rtt.us()) * weight, sum + weight)
        });
        let line_up = || {
            row.iter()
                .zip(&self.line_up)
                .filter_map(|(rtt, at)| Some(((*rtt)?, (*at)?)))
        };
        let max = line_up().map(|(rtt, _)| rtt).max();
        let ends = max.zip(line_up().map(|(rtt, _)| rtt).min());
        let of_side = |side| {
            let on = line_up().filter(move |(_, at)| *at == Some(side));
            on.fold((0, 0), |(total, count), (rtt, _)| {
                (total + u64::from(floored(rtt)), count + 1)
            })
        };
        let gap = || {
            let ((a, of_a), (b, of_b)) = (of_side(Side::A), of_side(Side::B));
            MeanUs::new((a * of_b).abs_diff(b * of_a), of_a * of_b)
        };
        Figures {
            closeness,
            mean: MeanUs::new(total, weight),
            max,
            spread_us: ends.map(|(max, min)| floored(max) - floored(min)),
            team_gap: if self.sides && complete { gap() } else { None },
        }
    }

    /// The errors of those who count.
    pub(crate) fn errors(&self, notes: &[Option<Note>]) -> Errors {
        let counted = notes.iter().zip(&self.weights).zip(&self.line_up);
        let counted = counted.filter(|((_, weight), at)| **weight > 0 || at.is_some());
        let counted = counted.map(|((note, weight), _)| (note.map_or(0, |note| note.error_us), *weight));
        let counted: Vec<(u32, u64)> = counted.collect();
        let weights: u64 = counted.iter().map(|(_, weight)| weight).sum();
        let total: u64 = counted
            .iter()
            .map(|(error, weight)| u64::from(*error) * weight)
            .sum();
        Errors {
            mean_us: total.div_ceil(weights.max(1)),
            closeness_us: closeness_error_us(&counted),
            max_us: counted
                .iter()
                .map(|(error, _)| u64::from(*error))
                .max()
                .unwrap_or(0),
        }
    }
}

/// How wrong the values of a row usually are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) mean_us: u64,
    pub(crate) closeness_us: u64,
    pub(crate) max_us: u64,
}
