//! What an unprobed host may turn out to be.

use crate::closeness::Counted;
use crate::judge::{Bar, Group, Judge, Rank, over_cap};
use crate::score::Score;
use crate::{Micros, Ms, Policy, Role};

/// From the most promising to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hope {
    /// It will be possible, and so good.
    Possible(Group, Score),
    /// Nothing can be said.
    Unknown,
    /// It will be beyond a limit; its score.
    OverLimit(Score),
    /// People will be over their caps, by so much together; microseconds.
    OverCap(u64),
}

impl Hope {
    /// Of a host with a row of predictions, under a policy from [`kinder`].
    pub(super) fn of(judge: &Judge, host: usize, scratch: &mut Vec<Counted>) -> Self {
        let figures = judge.figures(host, scratch);
        match judge.rank(host, &figures) {
            Ok(rank) => Self::Possible(rank.group, rank.score),
            Err(Bar::OverCap) => Self::OverCap(over(judge, host)),
            Err(Bar::OverLimit) => judge
                .scorer(Group::AnyLineUp)
                .score(&figures)
                .map_or(Self::Unknown, Self::OverLimit),
            Err(Bar::Undecided | Bar::Unfit | Bar::NoCapacity) => Self::Unknown,
        }
    }

    /// Whether it could be as good as the best one that was probed, if its score is less than predicted by up to
    /// `margin_us`.
    pub(super) fn could_win(self, judge: &Judge, best: Option<&Rank>, margin_us: u64) -> bool {
        match (self, best) {
            (Self::Possible(..), None) | (Self::Unknown, _) => true,
            (Self::Possible(group, score), Some(best)) => {
                let ties = || judge.scorer(group).ties(best.score, score, margin_us);
                group < best.group || (group == best.group && ties())
            }
            (Self::OverLimit(_) | Self::OverCap(_), _) => false,
        }
    }
}

fn over(judge: &Judge, host: usize) -> u64 {
    let players = judge.matrix.players().iter().zip(judge.row(host));
    let breaks = players
        .filter(|(player, _)| player.role != Role::Substitute)
        .filter_map(|(player, rtt)| over_cap(judge.policy, player, (*rtt)?));
    breaks.map(|one| u64::from(one.over_us)).sum()
}

/// The policy with limits that leave room for predictions which are wrong by `error_us`. A difference can be wrong by
/// both its values.
pub(super) fn kinder(policy: &Policy, error_us: u64) -> Policy {
    let mut kinder = policy.clone();
    let raise = |limit: &mut Option<Ms>, by: u64| {
        if let Some(at) = limit {
            let us = u64::from(at.us()).saturating_add(by);
            *at = Ms::from_us(u32::try_from(us).unwrap_or(Micros::MAX_US));
        }
    };
    raise(&mut kinder.limits.spread, 2 * error_us);
    raise(&mut kinder.limits.team_gap, 2 * error_us);
    raise(&mut kinder.limits.mean, error_us);
    kinder
}

/// A predicted value that is over the cap by no more than predictions are wrong may be within it.
pub(super) fn forgive(rtt: Micros, cap: Option<Micros>, error_us: u64) -> Micros {
    match cap {
        Some(cap) if rtt > cap && u64::from(rtt.us()) <= u64::from(cap.us()) + error_us => cap,
        _ => rtt,
    }
}
