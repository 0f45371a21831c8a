//! The best few hosts, for those who read no more than that.

use crate::choose::{Telling, alike, check, winner};
use crate::judge::{Bar, Judge, Rank};
use crate::settle::settle;
use crate::{BadRequest, Help, HostAnswer, HostState, Matrix, Policy, Settle, choose};

/// The top of a [`Choice`](crate::Choice), without a word about the other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaders {
    /// The chosen host first, then those that come next. Empty if no host is possible.
    pub hosts: Vec<HostAnswer>,
    /// As many at most of those that are not possible, with the reasons; in the matrix's order.
    pub out: Vec<HostAnswer>,
    /// How many are not possible.
    pub out_of: usize,
    /// As in [`Choice`](crate::Choice).
    pub settle: Vec<Settle>,
    /// As in [`Choice`](crate::Choice).
    pub help: Vec<Help>,
}

/// As [`choose()`], but answers about no more than `most` possible hosts and as many others are made.
///
/// # Errors
/// As [`choose()`].
pub fn leaders(
    policy: &Policy,
    matrix: &Matrix,
    states: &[HostState],
    most: usize,
) -> Result<Leaders, BadRequest> {
    check(policy, matrix, states)?;
    let judge = Judge::new(policy, matrix, states);
    let mut scratch = Vec::with_capacity(matrix.players().len());
    let ranks: Vec<Result<Rank, Bar>> = (0..states.len())
        .map(|host| judge.rank(host, &judge.figures(host, &mut scratch)))
        .collect();
    let mut possible: Vec<&Rank> = ranks.iter().flatten().collect();
    let best = possible.iter().min().copied();
    let Some((best, chosen)) =
        best.and_then(|best| Some((best, winner(&judge, best, ranks.iter().flatten())?)))
    else {
        let mut choice = choose(policy, matrix, states)?;
        choice.hosts.truncate(most);
        return Ok(Leaders {
            hosts: Vec::new(),
            out: choice.hosts,
            out_of: ranks.len(),
            settle: choice.settle,
            help: choice.help,
        });
    };
    possible.retain(|rank| alike(chosen, rank));
    let telling = Telling {
        judge: &judge,
        best: Some(best),
        chosen: Some(chosen),
        of: possible.len(),
    };
    // Beyond the limits is not possible beside what keeps them.
    let is_out = |rank: &Result<Rank, Bar>| rank.as_ref().map_or(true, |rank| !alike(chosen, rank));
    let out: Vec<(usize, &Result<Rank, Bar>)> = ranks
        .iter()
        .enumerate()
        .filter(|(_, rank)| is_out(rank))
        .collect();
    let out_of = out.len();
    let out = out.into_iter().take(most).map(|(host, rank)| {
        let figures = judge.figures(host, &mut scratch);
        telling.answer(host, &figures, rank)
    });
    let out = out.collect();
    // All after the chosen one, in order; the rest need not be in order.
    let behind = |rank: &Rank| rank.host != chosen.host;
    let order = |one: &&Rank, other: &&Rank| (behind(one), *one).cmp(&(behind(other), *other));
    if possible.len() > most {
        possible.select_nth_unstable_by(most, order);
        possible.truncate(most);
    }
    possible.sort_unstable_by(order);
    let mut answer = |rank: &Rank| {
        let figures = judge.figures(rank.host, &mut scratch);
        telling.answer(rank.host, &figures, &Ok(*rank))
    };
    Ok(Leaders {
        hosts: possible.into_iter().map(&mut answer).collect(),
        out,
        out_of,
        settle: settle(&judge, &ranks, Some(best)),
        help: Vec::new(),
    })
}
