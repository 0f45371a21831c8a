//! Substitutes: whether the rule holds whoever of a side plays.
//!
//! A side whose line-up has k players may play any k of its players and substitutes. Which line-ups break the rule is
//! found without going through all of them: a cap is broken by one person, and a limit first by the line-up that is
//! farthest to one end.

use crate::explain::{Break, list};
use crate::judge::over_cap;
use crate::policy::Limits;
use crate::rtt::ms_text;
use crate::{Limit, MeanUs, Micros, Player, Policy, Role, Side};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What could happen with another line-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "risk", rename_all = "snake_case")]
pub enum LineupRisk {
    /// With this substitute in, the cap is broken.
    OverCap {
        /// Who, and by how much.
        of: Break,
    },
    /// With this substitute in, nobody knows.
    Unknown {
        /// Who.
        player: String,
    },
    /// With this line-up a limit is broken.
    OverLimit {
        /// Which.
        limit: Limit,
        /// The value with that line-up, to the nearest microsecond.
        us: u64,
        /// Those of them who matter for it.
        players: Vec<String>,
    },
}

impl LineupRisk {
    /// The same with other names for the people in it.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        match &mut self {
            Self::OverCap { of } => of.player = name(&of.player),
            Self::Unknown { player } => *player = name(player),
            Self::OverLimit { players, .. } => players.iter_mut().for_each(|player| *player = name(player)),
        }
        self
    }
}

impl fmt::Display for LineupRisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverCap { of } => {
                let over = ms_text(u64::from(of.over_us));
                write!(f, "with {} in, over the cap by {over} ({})", of.player, of.rtt)
            }
            Self::Unknown { player } => write!(f, "with {player} in, nobody knows: no round-trip time"),
            Self::OverLimit { limit, us, players } => {
                let who = list(players.iter().cloned());
                write!(
                    f,
                    "with {who} in, a {} of {}, over the limit",
                    limit.words(),
                    ms_text(*us)
                )
            }
        }
    }
}

/// All that could happen at a host where the line-up itself is within the rule. Empty: any line-up is.
///
/// What a limit needs is worked out only where that limit is set: most rules have none, and a match has many hosts.
pub(crate) fn risks(policy: &Policy, players: &[Player], row: &[Option<Micros>]) -> Vec<LineupRisk> {
    let mut risks = Vec::new();
    for (player, rtt) in players
        .iter()
        .zip(row)
        .filter(|(player, _)| player.role == Role::Substitute)
    {
        match rtt {
            None => risks.push(LineupRisk::Unknown {
                player: player.name.clone(),
            }),
            Some(rtt) => {
                risks.extend(over_cap(policy, player, *rtt).map(|of| LineupRisk::OverCap { of }));
            }
        }
    }
    if risks.is_empty() && players.iter().any(|player| player.role == Role::Substitute) {
        risks.extend(beyond_limits(policy, players, row));
    }
    risks
}

/// One who may play.
#[derive(Clone, Copy)]
struct May<'a> {
    name: &'a str,
    us: u64,
    /// As it counts in differences.
    floored: u64,
}

/// Those of one side who may play, nearest first, and how many of them do.
struct Bench<'a> {
    may: Vec<May<'a>>,
    play: usize,
}

impl<'a> Bench<'a> {
    fn of(policy: &Policy, players: &'a [Player], row: &[Option<Micros>], side: Option<Side>) -> Self {
        let on = || {
            players
                .iter()
                .zip(row)
                .filter(move |(player, _)| player.role.plays() && player.side == side)
        };
        let may = |(player, rtt): (&'a Player, &Option<Micros>)| {
            let rtt = (*rtt)?;
            let floored = policy.floor().map_or(rtt, |floor| rtt.max(floor));
            Some(May {
                name: &player.name,
                us: u64::from(rtt.us()),
                floored: u64::from(floored.us()),
            })
        };
        let mut all: Vec<May> = on().filter_map(may).collect();
        all.sort_by_key(|may| (may.us, may.name));
        Self {
            may: all,
            play: on().filter(|(player, _)| player.role == Role::Player).count(),
        }
    }

    /// The farthest; of equal ones the first by name.
    fn last(&self) -> Option<&May<'a>> {
        let most = self.may.last()?.floored;
        self.may.get(self.may.partition_point(|may| may.floored < most))
    }

    fn nearest(&self) -> &[May<'a>] {
        self.may.get(..self.play).unwrap_or(&self.may)
    }

    fn farthest(&self) -> &[May<'a>] {
        self.may
            .get(self.may.len().saturating_sub(self.play)..)
            .unwrap_or(&self.may)
    }
}

fn beyond_limits(policy: &Policy, players: &[Player], row: &[Option<Micros>]) -> Vec<LineupRisk> {
    if policy.limits() == Limits::default() {
        return Vec::new();
    }
    let sided = players
        .iter()
        .any(|player| player.role.plays() && player.side.is_some());
    let sides = if sided {
        vec![Some(Side::A), Some(Side::B)]
    } else {
        vec![None]
    };
    let benches: Vec<Bench> = sides
        .into_iter()
        .map(|side| Bench::of(policy, players, row, side))
        .collect();
    let Limits {
        spread,
        team_gap,
        mean,
    } = policy.limits();
    let checks = [
        (Limit::Spread, spread),
        (Limit::TeamGap, team_gap),
        (Limit::Mean, mean),
    ];
    let broken = checks.into_iter().filter_map(|(limit, at)| {
        let at = MeanUs::new(u64::from(at?.us()), 1)?;
        let (value, players) = match limit {
            Limit::Spread => widest(&benches),
            Limit::TeamGap => gap(&benches),
            Limit::Mean => far(&benches, players, row),
        }?;
        (value > at).then(|| LineupRisk::OverLimit {
            limit,
            us: value.us(),
            players,
        })
    });
    broken.collect()
}

fn names(of: &[May]) -> Vec<String> {
    of.iter().map(|may| may.name.to_owned()).collect()
}

/// The two farthest apart who can play together: of each side only its two ends can be among them.
fn widest(benches: &[Bench]) -> Option<(MeanUs, Vec<String>)> {
    let mut widest: Option<(u64, [&str; 2])> = None;
    for (side, bench) in benches.iter().enumerate() {
        let Some(far) = bench.last() else { continue };
        for (other_side, other) in benches.iter().enumerate() {
            let Some(near) = other.may.first() else { continue };
            let together = side != other_side || bench.play >= 2;
            let apart = far.floored.saturating_sub(near.floored);
            if together && widest.is_none_or(|(most, _)| apart > most) {
                widest = Some((apart, [far.name, near.name]));
            }
        }
    }
    let (us, pair) = widest?;
    Some((MeanUs::new(us, 1)?, pair.map(str::to_owned).to_vec()))
}

/// One side's farthest against the other's nearest.
fn gap(benches: &[Bench]) -> Option<(MeanUs, Vec<String>)> {
    let [a, b] = benches else { return None };
    let sum = |of: &[May]| of.iter().map(|may| may.floored).sum::<u64>();
    let (of_a, of_b) = (a.play as u64, b.play as u64);
    let between = |far: &[May], of_far: u64, near: &[May], of_near: u64| {
        (sum(far) * of_near).saturating_sub(sum(near) * of_far)
    };
    let one = between(a.farthest(), of_a, b.nearest(), of_b);
    let two = between(b.farthest(), of_b, a.nearest(), of_a);
    let (worst, far, near) = if one >= two { (one, a, b) } else { (two, b, a) };
    let players = [names(far.farthest()), names(near.nearest())].concat();
    Some((MeanUs::new(worst, of_a * of_b)?, players))
}

/// The mean of all who count, with each side's farthest in.
fn far(benches: &[Bench], players: &[Player], row: &[Option<Micros>]) -> Option<(MeanUs, Vec<String>)> {
    let (mut total, mut weights) = (0, 0);
    for may in benches.iter().flat_map(Bench::farthest) {
        total += may.us * crate::Weight::FULL.per_cent();
        weights += crate::Weight::FULL.per_cent();
    }
    for (player, rtt) in players.iter().zip(row).filter(|(player, _)| !player.role.plays()) {
        total += u64::from((*rtt).map_or(0, Micros::us)) * player.counts();
        weights += player.counts();
    }
    let players = benches.iter().flat_map(|bench| names(bench.farthest())).collect();
    Some((MeanUs::new(total, weights)?, players))
}

#[cfg(test)]
mod tests;
