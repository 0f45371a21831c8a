//! Several maps of the same two clans: one host for all, or two in turn whose advantages cancel.

use crate::figures::Figures;
use crate::judge::{Judge, Rank};
use crate::score::Score;
use crate::{Choice, HostState, Matrix, Micros, Policy, TieMargin};
use serde::{Deserialize, Serialize};

/// Of how many possible hosts, those with the best scores, all pairs are looked at.
const CANDIDATES: usize = 256;

/// The hosts of a best of three. What is compared is the policy's score of the players' mean round trips over the
/// maps that the hosts take turns in; the decider is played on the one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The host for all maps.
    pub one: String,
    /// Its score, microseconds.
    pub one_us: u64,
    /// Two hosts in turn; absent if fewer than two are possible.
    pub turns: Option<Turns>,
    /// Whether the turns are better by more than the policy's margin.
    pub turns_are_better: bool,
}

/// Two hosts in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// First map.
    pub first: String,
    /// Second map.
    pub second: String,
    /// Score of the mean of both, microseconds.
    pub us: u64,
}

/// Both ways for a best of three, by the same rule. `None` if no host is possible.
#[must_use]
pub fn series(policy: &Policy, matrix: &Matrix, states: &[HostState], choice: &Choice) -> Option<Series> {
    let judge = Judge::new(policy, matrix, states);
    series_by(&judge, &judge.all_figures(), choice.chosen)
}

/// The same from figures that are known already.
pub(crate) fn series_by(judge: &Judge, figures: &[Figures], chosen: Option<usize>) -> Option<Series> {
    let (policy, matrix) = (judge.policy, judge.matrix);
    let rank = |host: usize| judge.rank(host, figures.get(host)?).ok();
    let one = rank(chosen?)?;
    let mut ranks: Vec<Rank> = (0..figures.len())
        .filter_map(rank)
        .filter(|rank| rank.group == one.group)
        .collect();
    ranks.sort_unstable();
    ranks.truncate(CANDIDATES);
    let name = |host: usize| {
        matrix
            .hosts()
            .get(host)
            .map(|head| head.name.clone())
            .unwrap_or_default()
    };
    let best = best_pair(judge, &ranks);
    let scorer = judge.scorer(one.group);
    let better = best.as_ref().is_some_and(|(score, first, second)| {
        let margin = match policy.tie_margin() {
            TieMargin::Fixed(margin) => u64::from(margin.us()),
            TieMargin::Error => {
                let error = |host| judge.error_us(one.group, host);
                error(one.host) + error(*first).max(error(*second))
            }
        };
        *score < one.score && !scorer.ties(*score, one.score, margin)
    });
    Some(Series {
        one: name(one.host),
        one_us: scorer.us(one.score),
        turns: best.map(|(score, first, second)| Turns {
            first: name(first),
            second: name(second),
            us: scorer.us(score),
        }),
        turns_are_better: better,
    })
}

/// The pair with the smallest score; of equal ones the smaller mean, then the smaller ids.
fn best_pair(judge: &Judge, ranks: &[Rank]) -> Option<(Score, usize, usize)> {
    let mut scratch = Vec::new();
    let mut best = None;
    for (index, one) in ranks.iter().enumerate() {
        for other in ranks.iter().skip(index + 1) {
            let row = halfway(judge, one.host, other.host);
            let figures = judge.columns.figures(&row, judge.policy.floor(), &mut scratch);
            let Some((score, mean)) = judge.scorer(one.group).score(&figures).zip(figures.mean) else {
                continue;
            };
            let (first, second) = if one.id < other.id {
                (one, other)
            } else {
                (other, one)
            };
            let rank = (score, mean, first.id, second.id, first.host, second.host);
            if best.is_none_or(|best| rank < best) {
                best = Some(rank);
            }
        }
    }
    best.map(|(score, _, _, _, first, second)| (score, first, second))
}

/// Each one's mean round trip over both hosts, with the floor under each.
fn halfway(judge: &Judge, one: usize, other: usize) -> Vec<Option<Micros>> {
    let floored = |rtt: &Option<Micros>| {
        let rtt = (*rtt)?;
        Some(judge.policy.floor().map_or(rtt, |floor| rtt.max(floor)).us())
    };
    let both = judge.row(one).iter().zip(judge.row(other));
    both.map(|(a, b)| Micros::new((floored(a)? + floored(b)?).div_ceil(2)).ok())
        .collect()
}
