//! Which probes would settle the hosts that are undecided.

use crate::figures::Figures;
use crate::judge::{Bar, Group, Judge, Rank, limit_breaks};
use crate::score::Score;
use crate::{MeanUs, Micros, Side};
use serde::{Deserialize, Serialize};

/// A host of which somebody's round-trip time is missing, and which could win if it is short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// Where to measure from.
    pub host: String,
    /// Whom.
    pub players: Vec<String>,
}

/// The undecided hosts that are free and could still be as good as the best, the most promising first.
pub(crate) fn settle(judge: &Judge, ranks: &[Result<Rank, Bar>], best: Option<&Rank>) -> Vec<Settle> {
    let mut could: Vec<(Score, usize)> = ranks
        .iter()
        .enumerate()
        .filter(|(_, rank)| matches!(rank, Err(Bar::Undecided)))
        .filter_map(|(host, _)| Some((hope(judge, host, best)?, host)))
        .collect();
    could.sort_by_key(|(score, host)| {
        (
            *score,
            judge.matrix.hosts().get(*host).map(|head| head.id.as_str()),
        )
    });
    could
        .into_iter()
        .map(|(_, host)| Settle {
            host: judge
                .matrix
                .hosts()
                .get(host)
                .map(|head| head.name.clone())
                .unwrap_or_default(),
            players: judge.unknown(host),
        })
        .collect()
}

/// The smallest score that the host could have, if it could win with it.
fn hope(judge: &Judge, host: usize, best: Option<&Rank>) -> Option<Score> {
    if !judge.is_free(host) {
        return None;
    }
    let figures = kindest(judge, judge.row(host));
    let breaks = limit_breaks(judge.policy, &figures).next().is_some();
    let group = match (breaks, judge.policy.otherwise()) {
        (false, _) => Group::AnyLineUp,
        (true, Some(_)) => Group::BeyondLimits,
        (true, None) => return None,
    };
    let score = judge.scorer(group).score(&figures)?;
    let could = match best {
        None => true,
        Some(best) if best.group != group => group < best.group,
        Some(best) => {
            let margin = match judge.policy.tie_margin() {
                crate::TieMargin::Fixed(margin) => u64::from(margin.us()),
                crate::TieMargin::Error => {
                    judge.error_us(group, host) + judge.error_us(best.group, best.host)
                }
            };
            judge.scorer(group).ties(best.score, score, margin)
        }
    };
    could.then_some(score)
}

/// Each figure as small as the unknown values can make it, which one value need not do for all of them at once.
fn kindest(judge: &Judge, row: &[Option<Micros>]) -> Figures {
    let players = judge.matrix.players();
    // All pairs with an unknown value are closest if it is the middle of the known ones.
    let mut known: Vec<(Micros, u64)> = row
        .iter()
        .zip(players)
        .filter_map(|(rtt, player)| Some(((*rtt)?, player.counts())))
        .collect();
    known.sort_unstable();
    let half = known.iter().map(|(_, weight)| weight).sum::<u64>().div_ceil(2);
    let mut sum = 0;
    let middle = known.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    let filled: Vec<Option<Micros>> = row
        .iter()
        .map(|rtt| {
            rtt.or_else(|| middle.map(|(rtt, _)| *rtt))
                .or(Micros::new(1).ok())
        })
        .collect();
    let least: Vec<Option<Micros>> = row.iter().map(|rtt| rtt.or(Micros::new(1).ok())).collect();
    let (mut scratch, floor) = (Vec::new(), judge.policy.floor());
    let middle = judge.columns.figures(&filled, floor, &mut scratch);
    let least = judge.columns.figures(&least, floor, &mut scratch);
    // Only the line-up has a spread and a largest: those who are known bound them from below, whoever else counts.
    let known = judge.columns.figures(row, floor, &mut scratch);
    Figures {
        mean: least.mean,
        max: known.max.or(least.max),
        spread_us: known.spread_us.or(least.spread_us),
        team_gap: middle.team_gap.and_then(|_| least_gap(judge, row)),
        ..middle
    }
}

/// How small the gap of the sides' means can be with unknown values between nothing and the cap.
fn least_gap(judge: &Judge, row: &[Option<Micros>]) -> Option<MeanUs> {
    let cap = u64::from(judge.policy.cap().us());
    let floor = u64::from(judge.policy.floor().map_or(0, Micros::us));
    let range = |side: Side| {
        let on = judge.matrix.players().iter().zip(row);
        let on = on.filter(|(player, _)| player.role == crate::Role::Player && player.side == Some(side));
        on.fold((0u64, 0u64, 0u64), |(low, high, count), (_, rtt)| {
            let known = rtt.map(|rtt| u64::from(rtt.us()).max(floor));
            (
                low + known.unwrap_or(floor),
                high + known.unwrap_or(cap),
                count + 1,
            )
        })
    };
    let ((low_a, high_a, of_a), (low_b, high_b, of_b)) = (range(Side::A), range(Side::B));
    let apart = (low_a * of_b)
        .saturating_sub(high_b * of_a)
        .max((low_b * of_a).saturating_sub(high_a * of_b));
    MeanUs::new(apart, of_a * of_b)
}
