//! One host under a policy: whether it is possible, and what it is compared by.

use crate::choose::{HostState, Standing};
use crate::closeness::Counted;
use crate::explain::{Break, LimitBreak, Reason};
use crate::figures::{Columns, Figures};
use crate::lineups::risks;
use crate::score::{Score, Scorer};
use crate::{Limit, Matrix, MeanUs, Micros, Player, Policy, Role, TieMargin};

/// What possible hosts are compared by, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank<'a> {
    pub(crate) group: Group,
    pub(crate) score: Score,
    pub(crate) mean: MeanUs,
    pub(crate) load: u32,
    pub(crate) id: &'a str,
    pub(crate) host: usize,
}

/// Better groups come first, whatever the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Within the rule, whoever plays.
    AnyLineUp,
    /// Within the rule with the line-up as it stands.
    ThisLineUp,
    /// Beyond a limit; only for policies that say what to do then.
    BeyondLimits,
    /// Beyond a limit, and with another line-up over the cap.
    BeyondLimitsThisLineUp,
}

impl Group {
    pub(crate) const fn beyond_limits(self) -> bool {
        matches!(self, Self::BeyondLimits | Self::BeyondLimitsThisLineUp)
    }
}

/// What makes a host impossible, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    Unfit,
    OverCap,
    Undecided,
    OverLimit,
    NoCapacity,
}

/// A policy laid over a matrix: worked out once, asked once per host.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) matrix: &'a Matrix,
    pub(crate) states: &'a [HostState],
    pub(crate) columns: Columns,
    caps: Vec<Option<Micros>>,
    substitutes: bool,
    scorer: Scorer,
    otherwise: Option<Scorer>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(policy: &'a Policy, matrix: &'a Matrix, states: &'a [HostState]) -> Self {
        let columns = Columns::of(matrix.players());
        Self {
            caps: matrix
                .players()
                .iter()
                .map(|player| player.cap_under(policy.cap()))
                .collect(),
            substitutes: matrix
                .players()
                .iter()
                .any(|player| player.role == Role::Substitute),
            scorer: Scorer::new(policy.metric(), &columns),
            otherwise: policy.otherwise().map(|metric| Scorer::new(metric, &columns)),
            policy,
            matrix,
            states,
            columns,
        }
    }

    pub(crate) fn row(&self, host: usize) -> &'a [Option<Micros>] {
        self.matrix.row(host).unwrap_or_default()
    }

    pub(crate) fn is_free(&self, host: usize) -> bool {
        self.states
            .get(host)
            .is_some_and(|state| state.standing == Standing::Free)
    }

    pub(crate) fn figures(&self, host: usize, scratch: &mut Vec<Counted>) -> Figures {
        self.columns.figures(self.row(host), self.policy.floor(), scratch)
    }

    /// Of all hosts, in the matrix's order.
    pub(crate) fn all_figures(&self) -> Vec<Figures> {
        let mut scratch = Vec::with_capacity(self.matrix.players().len());
        (0..self.matrix.hosts().len())
            .map(|host| self.figures(host, &mut scratch))
            .collect()
    }

    pub(crate) fn scorer(&self, group: Group) -> &Scorer {
        self.otherwise
            .as_ref()
            .filter(|_| group.beyond_limits())
            .unwrap_or(&self.scorer)
    }

    /// The rank of a host if it is possible, or what bars it.
    pub(crate) fn rank(&self, host: usize, figures: &Figures) -> Result<Rank<'a>, Bar> {
        let state = self.states.get(host);
        if state.is_none_or(|state| matches!(state.standing, Standing::Unfit(_))) {
            return Err(Bar::Unfit);
        }
        let row = self.row(host);
        let mut substitutes_within = true;
        let mut unknown = false;
        for (((rtt, cap), needed), player) in row
            .iter()
            .zip(&self.caps)
            .zip(&self.columns.needed)
            .zip(self.matrix.players())
        {
            let over = rtt.zip(*cap).is_some_and(|(rtt, cap)| rtt > cap);
            match player.role {
                Role::Substitute => substitutes_within &= rtt.is_some() && !over,
                _ if over => return Err(Bar::OverCap),
                _ => unknown |= rtt.is_none() && *needed,
            }
        }
        let group = self.group(row, figures, substitutes_within);
        let (Some(score), Some(mean), Some(head), false) = (
            self.scorer(group).score(figures),
            figures.mean,
            self.matrix.hosts().get(host),
            unknown,
        ) else {
            return Err(Bar::Undecided);
        };
        if group.beyond_limits() && self.otherwise.is_none() {
            return Err(Bar::OverLimit);
        }
        match state {
            Some(HostState {
                standing: Standing::Free,
                load,
            }) => Ok(Rank {
                group,
                score,
                mean,
                load: *load,
                id: &head.id,
                host,
            }),
            _ => Err(Bar::NoCapacity),
        }
    }

    fn group(&self, row: &[Option<Micros>], figures: &Figures, substitutes_within: bool) -> Group {
        let within = limit_breaks(self.policy, figures).next().is_none();
        match (within, substitutes_within) {
            (false, true) => Group::BeyondLimits,
            (false, false) => Group::BeyondLimitsThisLineUp,
            (true, false) => Group::ThisLineUp,
            (true, true)
                if self.substitutes && !risks(self.policy, self.matrix.players(), row).is_empty() =>
            {
                Group::ThisLineUp
            }
            (true, true) => Group::AnyLineUp,
        }
    }

    /// Up to which distance the two hosts' scores count as equal, microseconds.
    pub(crate) fn margin_us(&self, one: &Rank, other: &Rank) -> u64 {
        match self.policy.tie_margin() {
            TieMargin::Fixed(margin) => u64::from(margin.us()),
            TieMargin::Error => self.error_us(one.group, one.host) + self.error_us(other.group, other.host),
        }
    }

    /// How wrong the score of a host can be, microseconds.
    pub(crate) fn error_us(&self, group: Group, host: usize) -> u64 {
        self.scorer(group)
            .error_us(&self.columns, self.matrix.notes(host))
    }

    /// The sentence behind a bar.
    pub(crate) fn reason(&self, bar: Bar, host: usize, figures: &Figures) -> Reason {
        let words = || match self.states.get(host).map(|state| &state.standing) {
            Some(Standing::NoCapacity(why) | Standing::Unfit(why)) => why.clone(),
            _ => String::new(),
        };
        match bar {
            Bar::Unfit => Reason::Unfit { why: words() },
            Bar::NoCapacity => Reason::NoCapacity { why: words() },
            Bar::OverCap => Reason::OverCap {
                cap: self.policy.cap(),
                breaks: self.breaks(host),
            },
            Bar::OverLimit => Reason::OverLimit {
                breaks: limit_breaks(self.policy, figures).collect(),
            },
            Bar::Undecided => Reason::Undecided {
                unknown: self.unknown(host),
            },
        }
    }

    /// Who of those who are in is over their cap, worst first.
    pub(crate) fn breaks(&self, host: usize) -> Vec<Break> {
        let all = self.matrix.players().iter().zip(self.row(host));
        let mut breaks: Vec<Break> = all
            .filter(|(player, _)| player.role != Role::Substitute)
            .filter_map(|(player, rtt)| over_cap(self.policy, player, (*rtt)?))
            .collect();
        breaks.sort_by(|a, b| b.over_us.cmp(&a.over_us).then_with(|| a.player.cmp(&b.player)));
        breaks
    }

    /// Whose value is missing and needed.
    pub(crate) fn unknown(&self, host: usize) -> Vec<String> {
        let all = self
            .matrix
            .players()
            .iter()
            .zip(self.row(host))
            .zip(&self.columns.needed);
        all.filter(|((_, rtt), needed)| rtt.is_none() && **needed)
            .map(|((player, _), _)| player.name.clone())
            .collect()
    }
}

/// How somebody breaks the cap that holds for them.
pub(crate) fn over_cap(policy: &Policy, player: &Player, rtt: Micros) -> Option<Break> {
    let cap = player.cap_under(policy.cap())?;
    let over_us = rtt.us().checked_sub(cap.us()).filter(|over| *over > 0)?;
    Some(Break {
        player: player.name.clone(),
        rtt,
        over_us,
        cap: player.cap,
    })
}

/// Which limits the figures break; what is unknown breaks none.
pub(crate) fn limit_breaks(policy: &Policy, figures: &Figures) -> impl Iterator<Item = LimitBreak> {
    let limits = policy.limits();
    let whole = |us: u32| MeanUs::new(u64::from(us), 1);
    let pairs = [
        (Limit::Spread, limits.spread, figures.spread_us.and_then(whole)),
        (Limit::TeamGap, limits.team_gap, figures.team_gap),
        (Limit::Mean, limits.mean, figures.mean),
    ];
    pairs.into_iter().filter_map(move |(limit, at, value)| {
        let (at, value) = (at?, value?);
        let most = whole(at.us())?;
        (value > most).then(|| LimitBreak {
            limit,
            at,
            value,
            over_us: value.apart(most).max(1),
        })
    })
}
