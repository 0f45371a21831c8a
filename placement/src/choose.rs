//! The choice.

use crate::explain::{Reason, TieBreak, Verdict};
use crate::figures::Figures;
use crate::judge::{Bar, Group, Judge, Rank, limit_breaks};
use crate::lineups::{LineupRisk, risks};
use crate::screen::Packed;
use crate::settle::{Settle, settle};
use crate::{Help, Limits, Matrix, MeanUs, Micros, Policy};
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
    /// Decides when score and mean are equal: less is better.
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

/// What was given does not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Not one state per host.
    #[error("{states} states for {hosts} hosts")]
    States {
        /// States given.
        states: usize,
        /// Hosts of the matrix.
        hosts: usize,
    },
    /// The policy compares sides, and there are none.
    #[error("policy {policy:?} compares the means of the two sides: say who plays for which")]
    NoSides {
        /// Its name.
        policy: String,
    },
}

/// The answer about one host. Mean, maximum and spread are of the known values; absent if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAnswer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Mean absolute pairwise difference of the round-trip times; absent unless all are known.
    pub closeness: Option<MeanUs>,
    /// Mean round-trip time.
    pub mean: Option<MeanUs>,
    /// Largest of the line-up.
    pub max: Option<Micros>,
    /// Largest less smallest of the line-up, microseconds.
    pub spread_us: Option<u32>,
    /// Distance of the two sides' means; absent unless all values are known and there are two sides.
    pub team_gap: Option<MeanUs>,
    /// The verdict with its reason.
    pub reason: Reason,
    /// Possible hosts only: with which other line-ups it would not be within the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineup_risks: Vec<LineupRisk>,
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
    /// Indices of the possible hosts that no other possible host beats in closeness and mean at once, by mean.
    pub pareto: Vec<usize>,
    /// Which probes would settle the hosts that are undecided and could still win, the most promising first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settle: Vec<Settle>,
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

/// Chooses the host with the smallest score among those that are free, know all who count, have nobody above their
/// cap and keep the policy's limits. Scores within the policy's margin of the smallest count as equal. Ties: smaller
/// mean, then less load, then the smaller id.
///
/// # Errors
/// There must be one state per host, in the matrix's order, and two sides if the policy compares them.
pub fn choose(policy: &Policy, matrix: &Matrix, states: &[HostState]) -> Result<Choice, BadRequest> {
    check(policy, matrix, states)?;
    let judge = Judge::new(policy, matrix, states);
    Ok(choose_by(&judge, &judge.all_figures()))
}

/// The same from figures that are known already.
pub(crate) fn choose_by(judge: &Judge, figures: &[Figures]) -> Choice {
    let ranks: Vec<Result<Rank, Bar>> = figures
        .iter()
        .enumerate()
        .map(|(host, figures)| judge.rank(host, figures))
        .collect();
    let possible = || ranks.iter().filter_map(|rank| rank.as_ref().ok());
    let best = possible().min();
    let chosen = best.and_then(|best| winner(judge, best, possible()));
    let telling = Telling {
        judge,
        best,
        chosen,
        of: chosen.map_or(0, |chosen| possible().filter(|rank| alike(chosen, rank)).count()),
    };
    let hosts: Vec<HostAnswer> = figures
        .iter()
        .zip(&ranks)
        .enumerate()
        .map(|(host, (figures, rank))| telling.answer(host, figures, rank))
        .collect();
    Choice {
        policy: judge.policy.clone(),
        chosen: chosen.map(|chosen| chosen.host),
        pareto: pareto(&hosts),
        settle: settle(judge, &ranks, best),
        help: if chosen.is_none() {
            Help::find(judge.policy, judge.matrix, judge.states, &hosts)
        } else {
            Vec::new()
        },
        hosts,
    }
}

/// Only which host [`choose`] would choose: its index.
///
/// # Errors
/// As [`choose`].
pub fn choose_index(
    policy: &Policy,
    matrix: &Matrix,
    states: &[HostState],
) -> Result<Option<usize>, BadRequest> {
    if let Some(packed) = Packed::new(policy, matrix) {
        return packed.choose(states);
    }
    check(policy, matrix, states)?;
    let judge = Judge::new(policy, matrix, states);
    Ok(index_by(&judge, &judge.all_figures()))
}

/// The same from figures that are known already.
pub(crate) fn index_by(judge: &Judge, figures: &[Figures]) -> Option<usize> {
    let ranks: Vec<Rank> = figures
        .iter()
        .enumerate()
        .filter_map(|(host, figures)| judge.rank(host, figures).ok())
        .collect();
    let best = ranks.iter().min()?;
    winner(judge, best, ranks.iter()).map(|rank| rank.host)
}

pub(crate) fn check(policy: &Policy, matrix: &Matrix, states: &[HostState]) -> Result<(), BadRequest> {
    let (states, hosts) = (states.len(), matrix.hosts().len());
    if states != hosts {
        return Err(BadRequest::States { states, hosts });
    }
    if policy.needs_sides() && !matrix.has_sides() {
        return Err(BadRequest::NoSides {
            policy: policy.name().into(),
        });
    }
    Ok(())
}

/// Among those whose score is as good as the best one: smaller mean, less load, smaller id.
pub(crate) fn winner<'r, 'a: 'r>(
    judge: &Judge<'a>,
    best: &Rank<'a>,
    possible: impl Iterator<Item = &'r Rank<'a>>,
) -> Option<&'r Rank<'a>> {
    possible
        .filter(|rank| ties(judge, best, rank))
        .min_by_key(|rank| (rank.mean, rank.load, rank.id))
}

/// Whether a host is as valid as the chosen one: what is beyond the limits is not possible beside what keeps them.
pub(crate) fn alike(chosen: &Rank, rank: &Rank) -> bool {
    rank.group.beyond_limits() == chosen.group.beyond_limits()
}

fn ties(judge: &Judge, best: &Rank, rank: &Rank) -> bool {
    let margin = || judge.margin_us(best, rank);
    rank.group == best.group
        && (rank.score <= best.score || judge.scorer(rank.group).ties(best.score, rank.score, margin()))
}

/// What is needed to say what became of each host.
pub(crate) struct Telling<'j, 'a> {
    pub(crate) judge: &'j Judge<'a>,
    pub(crate) best: Option<&'j Rank<'a>>,
    pub(crate) chosen: Option<&'j Rank<'a>>,
    pub(crate) of: usize,
}

impl Telling<'_, '_> {
    pub(crate) fn answer(&self, host: usize, figures: &Figures, rank: &Result<Rank, Bar>) -> HostAnswer {
        let reason = match (rank, self.best.zip(self.chosen)) {
            (Err(bar), _) => self.judge.reason(*bar, host, figures),
            (Ok(mine), Some((best, chosen))) if mine.host == chosen.host => self.chosen(best, chosen),
            (Ok(mine), Some((best, chosen))) => self.worse(best, chosen, mine, figures),
            // There is no possible host without a best one.
            (Ok(_), None) => self.judge.reason(Bar::Unfit, host, figures),
        };
        let matrix = self.judge.matrix;
        // Where any line-up is within the rule the rank says so already.
        let lineup_risks = match rank {
            Ok(rank) if rank.group != Group::AnyLineUp => {
                risks(self.judge.policy, matrix.players(), self.judge.row(host))
            }
            _ => Vec::new(),
        };
        let head = matrix.hosts().get(host);
        HostAnswer {
            id: head.map(|head| head.id.clone()).unwrap_or_default(),
            name: self.name(host),
            closeness: figures.closeness,
            mean: figures.mean,
            max: figures.max,
            spread_us: figures.spread_us,
            team_gap: figures.team_gap,
            reason,
            lineup_risks,
        }
    }

    fn name(&self, host: usize) -> String {
        self.judge
            .matrix
            .hosts()
            .get(host)
            .map(|head| head.name.clone())
            .unwrap_or_default()
    }

    fn metric(&self, rank: &Rank) -> crate::Metric {
        let policy = self.judge.policy;
        policy
            .otherwise()
            .filter(|_| rank.group.beyond_limits())
            .unwrap_or_else(|| policy.metric())
    }

    fn chosen(&self, best: &Rank, chosen: &Rank) -> Reason {
        let scorer = self.judge.scorer(chosen.group);
        Reason::Chosen {
            metric: self.metric(chosen),
            score_us: scorer.us(chosen.score),
            of: self.of,
            cap: self.judge.policy.cap(),
            within_us: (chosen.score != best.score).then(|| scorer.apart(chosen.score, best.score)),
            beyond_limits: chosen.group.beyond_limits(),
            within_limits: self.judge.policy.limits() != Limits::default() && !chosen.group.beyond_limits(),
        }
    }

    /// By what a possible host lost.
    fn worse(&self, best: &Rank, chosen: &Rank, mine: &Rank, figures: &Figures) -> Reason {
        let than = if mine.score < chosen.score { best } else { chosen };
        let decided = if mine.group.beyond_limits() && !chosen.group.beyond_limits() {
            return Reason::OverLimit {
                breaks: limit_breaks(self.judge.policy, figures).collect(),
            };
        } else if mine.group != chosen.group {
            TieBreak::LineUps
        } else if !ties(self.judge, best, mine) {
            TieBreak::Score {
                us: self.judge.scorer(mine.group).apart(mine.score, than.score),
            }
        } else if mine.mean != chosen.mean {
            TieBreak::Mean {
                us: mine.mean.apart(chosen.mean).max(1),
            }
        } else if mine.load != chosen.load {
            TieBreak::Load
        } else {
            TieBreak::Id
        };
        let than = if matches!(decided, TieBreak::Score { .. }) {
            than
        } else {
            chosen
        };
        Reason::Worse {
            than: self.name(than.host),
            metric: self.metric(mine),
            decided,
        }
    }
}

/// Which possible hosts are not beaten in closeness and mean at once.
fn pareto(hosts: &[HostAnswer]) -> Vec<usize> {
    let possible = |host: &HostAnswer| {
        let possible = matches!(host.verdict(), Verdict::Chosen | Verdict::Worse);
        host.mean.zip(host.closeness).filter(|_| possible)
    };
    let mut front: Vec<_> = hosts
        .iter()
        .enumerate()
        .filter_map(|(index, host)| Some((possible(host)?, host.id.as_str(), index)))
        .collect();
    front.sort_unstable();
    let mut best: Option<MeanUs> = None;
    // By mean: what comes later must be closer than all before; equals stand together.
    let mut last = None;
    front.retain(|(figures, ..)| {
        let keep = best.is_none_or(|best| figures.1 < best) || last == Some(*figures);
        if keep {
            best = Some(figures.1);
            last = Some(*figures);
        }
        keep
    });
    front.into_iter().map(|(.., index)| index).collect()
}
