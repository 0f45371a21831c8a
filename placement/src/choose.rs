//! The choice.

use crate::explain::{Break, Reason, TieBreak, Verdict};
use crate::{Help, Matrix, MeanUs, Micros, Policy, Side, closeness};
use serde::{Deserialize, Serialize};

/// Whether a host can be had, latencies aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", content = "why", rename_all = "snake_case")]
pub enum Standing {
    /// It can.
    Free,
    /// It has no free slot at that time: why, in words.
    NoCapacity(String),
    /// It cannot run the image, or is not reachable: why, in words.
    Unfit(String),
}

/// What is known of a host beside its latencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostState {
    /// Whether it can be had.
    pub standing: Standing,
    /// Decides when closeness and mean are equal: less is better.
    pub load: u32,
}

impl HostState {
    /// A free host without load.
    #[must_use]
    pub const fn free() -> Self {
        Self {
            standing: Standing::Free,
            load: 0,
        }
    }
}

/// The states do not belong to the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{states} states for {hosts} hosts")]
pub struct BadHosts {
    /// States given.
    pub states: usize,
    /// Hosts of the matrix.
    pub hosts: usize,
}

/// The answer about one host. Mean, maximum and spread are of the known values; absent if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAnswer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Mean absolute pairwise difference of all players' round-trip times; absent unless all are known.
    pub closeness: Option<MeanUs>,
    /// Mean round-trip time.
    pub mean: Option<MeanUs>,
    /// Largest.
    pub max: Option<Micros>,
    /// Largest less smallest, microseconds.
    pub spread_us: Option<u32>,
    /// Distance of the two sides' means, microseconds; absent unless all values are known.
    pub team_gap_us: Option<u64>,
    /// The verdict with its reason.
    pub reason: Reason,
}

impl HostAnswer {
    /// The verdict.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }
}

/// Which host, why, and why not the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The rule.
    pub policy: Policy,
    /// Index in `hosts`; absent if no host is possible.
    pub chosen: Option<usize>,
    /// One answer per host, in the matrix's order.
    pub hosts: Vec<HostAnswer>,
    /// If no host is possible: what would help, the smallest change of each kind.
    pub help: Vec<Help>,
}

impl Choice {
    /// The chosen host's answer.
    #[must_use]
    pub fn chosen(&self) -> Option<&HostAnswer> {
        self.hosts.get(self.chosen?)
    }

    /// The answer about a host.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&HostAnswer> {
        self.hosts.iter().find(|host| host.id == id)
    }
}

/// Chooses the host with the smallest closeness factor among those that are free, know all players, and have
/// nobody above the cap. Ties: smaller mean, then less load, then the smaller id.
///
/// # Errors
/// There must be one state per host, in the matrix's order.
pub fn choose(policy: &Policy, matrix: &Matrix, states: &[HostState]) -> Result<Choice, BadHosts> {
    if states.len() != matrix.hosts().len() {
        return Err(BadHosts {
            states: states.len(),
            hosts: matrix.hosts().len(),
        });
    }
    let mut scratch = Vec::with_capacity(matrix.players().len());
    let rows: Vec<Measured> = matrix
        .rows()
        .map(|(_, row)| Measured::of(matrix, row, &mut scratch))
        .collect();
    let ranks: Vec<Result<Rank, Reason>> = (0..rows.len())
        .zip(&rows)
        .zip(states)
        .map(|((h, m), s)| rank(policy, matrix, h, m, s))
        .collect();
    let best = ranks.iter().filter_map(|rank| rank.as_ref().ok()).min().copied();
    let of = ranks.iter().filter(|rank| rank.is_ok()).count();
    let name = |rank: &Rank| {
        matrix
            .hosts()
            .get(rank.host)
            .map(|host| host.name.clone())
            .unwrap_or_default()
    };

    let mut hosts = Vec::with_capacity(rows.len());
    for ((head, row), rank) in matrix.hosts().iter().zip(rows).zip(&ranks) {
        let reason = match (rank, best) {
            (Err(reason), _) => reason.clone(),
            (Ok(mine), Some(best)) if *mine != best => Reason::Worse {
                than: name(&best),
                decided: decided(&best, mine),
            },
            (Ok(mine), _) => Reason::Chosen {
                closeness: mine.closeness,
                of,
                cap: policy.cap,
            },
        };
        hosts.push(row.answer(head.id.clone(), head.name.clone(), reason));
    }
    let help = if best.is_none() {
        Help::find(policy, matrix, states, &hosts)
    } else {
        Vec::new()
    };
    Ok(Choice {
        policy: policy.clone(),
        chosen: best.map(|best| best.host),
        hosts,
        help,
    })
}

/// What possible hosts are compared by, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    closeness: MeanUs,
    mean: MeanUs,
    load: u32,
    id: &'a str,
    host: usize,
}

/// The rank of a host if it is possible, or else what makes it impossible, the gravest first.
fn rank<'a>(
    policy: &Policy,
    matrix: &'a Matrix,
    host: usize,
    measured: &Measured,
    state: &HostState,
) -> Result<Rank<'a>, Reason> {
    if let Standing::Unfit(why) = &state.standing {
        return Err(Reason::Unfit { why: why.clone() });
    }
    let cap = policy.cap;
    let row = matrix.row(host).unwrap_or_default();
    let mut breaks: Vec<Break> = Vec::new();
    let mut unknown = Vec::new();
    for (player, rtt) in matrix.players().iter().zip(row) {
        match rtt {
            None => unknown.push(player.name.clone()),
            Some(rtt) if *rtt > cap => {
                let over_us = rtt.us() - cap.us();
                breaks.push(Break {
                    player: player.name.clone(),
                    rtt: *rtt,
                    over_us,
                });
            }
            Some(_) => {}
        }
    }
    if !breaks.is_empty() {
        breaks.sort_by(|a, b| b.over_us.cmp(&a.over_us).then_with(|| a.player.cmp(&b.player)));
        return Err(Reason::OverCap { cap, breaks });
    }
    let (Some(closeness), Some(mean), Some(head)) =
        (measured.closeness, measured.mean, matrix.hosts().get(host))
    else {
        return Err(Reason::Undecided { unknown });
    };
    match &state.standing {
        Standing::NoCapacity(why) => Err(Reason::NoCapacity { why: why.clone() }),
        _ => Ok(Rank {
            closeness,
            mean,
            load: state.load,
            id: &head.id,
            host,
        }),
    }
}

/// By what a possible host lost against the best.
fn decided(best: &Rank, mine: &Rank) -> TieBreak {
    if mine.closeness != best.closeness {
        TieBreak::Closeness {
            us: mine.closeness.apart(best.closeness).max(1),
        }
    } else if mine.mean != best.mean {
        TieBreak::Mean {
            us: mine.mean.apart(best.mean).max(1),
        }
    } else if mine.load != best.load {
        TieBreak::Load
    } else {
        TieBreak::Id
    }
}

/// The figures of one row.
struct Measured {
    closeness: Option<MeanUs>,
    mean: Option<MeanUs>,
    max: Option<Micros>,
    spread_us: Option<u32>,
    team_gap_us: Option<u64>,
}

impl Measured {
    fn of(matrix: &Matrix, row: &[Option<Micros>], known: &mut Vec<Micros>) -> Self {
        known.clear();
        known.extend(row.iter().flatten());
        let complete = known.len() == row.len();
        let closeness = closeness(known).filter(|_| complete);
        let total = known.iter().map(|rtt| u64::from(rtt.us())).sum();
        let side = |side: Side| {
            let of = matrix
                .players()
                .iter()
                .zip(row)
                .filter(move |(player, _)| player.side == side);
            let (total, count) = of
                .filter_map(|(_, rtt)| *rtt)
                .fold((0, 0), |(t, n), rtt| (t + u64::from(rtt.us()), n + 1));
            MeanUs::new(total, count)
        };
        let gap = side(Side::A).zip(side(Side::B)).map(|(a, b)| a.apart(b));
        Self {
            closeness,
            mean: MeanUs::new(total, known.len() as u64),
            max: known.last().copied(),
            spread_us: known
                .last()
                .zip(known.first())
                .map(|(last, first)| last.us() - first.us()),
            team_gap_us: gap.filter(|_| complete),
        }
    }

    fn answer(self, id: String, name: String, reason: Reason) -> HostAnswer {
        let Self {
            closeness,
            mean,
            max,
            spread_us,
            team_gap_us,
        } = self;
        HostAnswer {
            id,
            name,
            closeness,
            mean,
            max,
            spread_us,
            team_gap_us,
            reason,
        }
    }
}
