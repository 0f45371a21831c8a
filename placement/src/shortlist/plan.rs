//! The plan itself.

use super::effort::Effort;
use super::hope::{Hope, forgive, kinder};
use super::landmarks::spread;
use super::learned::Learned;
use super::mesh::{Distances, Mesh};
use super::nearest::predict;
use super::vivaldi::micros;
use crate::choose::check;
use crate::judge::{Group, Judge, Rank};
use crate::{
    BadMatrix, BadRequest, Choice, Host, HostState, Matrix, Micros, Player, Policy, Standing, TieMargin,
    choose,
};

/// What was given does not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadShortlist {
    /// Players or hosts.
    #[error(transparent)]
    Matrix(#[from] BadMatrix),
    /// States or policy.
    #[error(transparent)]
    Request(#[from] BadRequest),
    /// The mesh is of other hosts.
    #[error("a mesh of {mesh} hosts for {hosts} hosts")]
    Mesh {
        /// Hosts of the mesh.
        mesh: usize,
        /// Hosts given.
        hosts: usize,
    },
}

/// An answer that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadObservation {
    /// The host was not to be probed, or has answered already.
    #[error("host {host} is not one of those to be probed now")]
    NotAsked {
        /// Which, from 0.
        host: usize,
    },
    /// Not one value per player.
    #[error("host {host} has {found} values for {players} players")]
    Ragged {
        /// Which, from 0.
        host: usize,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        players: usize,
    },
}

/// Why no more hosts are probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// No other host could still win, even if its score is better than predicted by the margin: twice of what
    /// the last predictions were wrong by.
    CannotWin {
        /// Microseconds of score.
        margin_us: u64,
    },
    /// As many as may be were probed, and others could still win.
    BudgetSpent {
        /// How many.
        could_win: usize,
    },
    /// All hosts that can be had were probed.
    AllProbed,
}

/// Which hosts to probe next, and when to stop. Call [`next_probes`](Self::next_probes), probe those, hand each answer to
/// [`observe`](Self::observe), and so on until there is an [`end`](Self::end).
///
/// The same answers lead to the same probes, in whatever order the hosts, the players and the answers of one step
/// come.
#[derive(Debug, Clone)]
pub struct Shortlist {
    policy: Policy,
    effort: Effort,
    states: Vec<HostState>,
    /// Hosts by id: sums of fractions depend on the order.
    by_id: Vec<usize>,
    /// In that order.
    distances: Distances,
    /// What was measured; other rows are unknown.
    measured: Matrix,
    /// Predictions; of hosts that have answered, what was predicted.
    expected: Matrix,
    /// The same, with predictions as kind to the caps as they may be wrong.
    kindest: Matrix,
    /// Who has answered, step by step: places in `by_id`.
    probed: Vec<usize>,
    /// Who has answered in this step: places in `by_id`.
    step: Vec<usize>,
    /// Who is still to answer in this step.
    asked: Vec<usize>,
    learned: Learned,
    end: Option<Ended>,
}

impl Shortlist {
    /// Begins. Hosts of the mesh and states are in the order of `hosts`.
    ///
    /// # Errors
    /// As [`Matrix::new`] and [`choose()`], and a mesh of more or fewer hosts.
    pub fn new(
        mesh: &Mesh,
        players: Vec<Player>,
        hosts: Vec<Host>,
        states: Vec<HostState>,
        policy: Policy,
        effort: Effort,
    ) -> Result<Self, BadShortlist> {
        if mesh.hosts() != hosts.len() {
            return Err(BadShortlist::Mesh {
                mesh: mesh.hosts(),
                hosts: hosts.len(),
            });
        }
        let unknown = vec![None; players.len() * hosts.len()];
        let measured = Matrix::from_values(players, hosts, unknown)?;
        check(&policy, &measured, &states)?;
        let mut by_id: Vec<usize> = (0..states.len()).collect();
        by_id.sort_by_key(|host| measured.hosts().get(*host).map(|head| head.id.as_str()));
        let mut plan = Self {
            policy,
            effort,
            states,
            distances: mesh.distances(&by_id),
            by_id,
            expected: measured.clone(),
            kindest: measured.clone(),
            measured,
            probed: Vec::new(),
            step: Vec::new(),
            asked: Vec::new(),
            learned: Learned::default(),
            end: None,
        };
        plan.go_on();
        Ok(plan)
    }

    /// Which hosts are to be probed now and have not answered, with all players each; indices. Empty at the end.
    #[must_use]
    pub fn next_probes(&self) -> &[usize] {
        &self.asked
    }

    /// Takes what a host measured: one value per player, `None` where nothing came back. When all that were to be
    /// probed have answered, the next ones are determined.
    ///
    /// # Errors
    /// The host is not to be probed now, or there is not one value per player.
    pub fn observe(&mut self, host: usize, row: &[Option<Micros>]) -> Result<(), BadObservation> {
        let (found, players) = (row.len(), self.measured.players().len());
        if found != players {
            return Err(BadObservation::Ragged { host, found, players });
        }
        let Some(at) = self.asked.iter().position(|asked| *asked == host) else {
            return Err(BadObservation::NotAsked { host });
        };
        self.asked.remove(at);
        self.measured.set_row(host, row);
        self.step
            .extend(self.by_id.iter().position(|by_id| *by_id == host));
        if self.asked.is_empty() {
            self.go_on();
        }
        Ok(())
    }

    /// Why no more hosts are probed, if so.
    #[must_use]
    pub const fn end(&self) -> Option<Ended> {
        self.end
    }

    /// How many hosts have answered.
    #[must_use]
    pub const fn probed(&self) -> usize {
        self.probed.len() + self.step.len()
    }

    /// What was measured; hosts that were not probed are unknown.
    #[must_use]
    pub const fn matrix(&self) -> &Matrix {
        &self.measured
    }

    /// Which of the probed hosts wins, by what is known now.
    ///
    /// # Errors
    /// None: what could be wrong was refused by [`Self::new`].
    pub fn choice(&self) -> Result<Choice, BadRequest> {
        choose(&self.policy, &self.measured, &self.states)
    }

    /// Learns from what came, predicts the rest, and says who is next or why nobody is.
    fn go_on(&mut self) {
        self.take_step();
        let can_be_had = |at: &usize| self.host(*at).is_some_and(|host| self.is_free(host));
        let all = 0..self.by_id.len();
        let left: Vec<usize> = all
            .filter(|at| !self.probed.contains(at))
            .filter(can_be_had)
            .collect();
        let may = self.effort.budget().saturating_sub(self.probed.len());
        if left.is_empty() {
            self.end = Some(Ended::AllProbed);
        } else if self.probed.is_empty() {
            let first = spread(&self.distances, &left, self.effort.first().min(may));
            self.asked = first.iter().filter_map(|at| self.host(*at)).collect();
        } else {
            self.predict(&left);
            self.most_promising(&left, may);
        }
    }

    /// Each host that has answered becomes a landmark, and says how wrong its prediction was.
    fn take_step(&mut self) {
        // Whatever the order of the answers within a step was.
        let mut step = std::mem::take(&mut self.step);
        step.sort_unstable();
        for at in step {
            let Some(host) = self.host(at) else { continue };
            self.learn(host);
            self.probed.push(at);
        }
    }

    fn learn(&mut self, host: usize) {
        let rows = self.expected.row(host).zip(self.measured.row(host));
        let Some((expected, measured)) = rows else { return };
        let both = expected.iter().zip(measured);
        let missed: Vec<u64> = both
            .filter_map(|(one, other)| Some(u64::from((*one)?.us().abs_diff((*other)?.us()))))
            .collect();
        let Some(mean) = missed.iter().sum::<u64>().checked_div(missed.len() as u64) else {
            return;
        };
        let score = [Group::AnyLineUp, Group::BeyondLimits]
            .into_iter()
            .filter_map(|group| {
                let score = |matrix| {
                    let judge = Judge::new(&self.policy, matrix, &self.states);
                    judge.scorer(group).score(&judge.figures(host, &mut Vec::new()))
                };
                let judge = Judge::new(&self.policy, &self.measured, &self.states);
                Some(
                    judge
                        .scorer(group)
                        .apart(score(&self.expected)?, score(&self.measured)?),
                )
            });
        let score = score.max();
        self.learned.learn(mean, score);
    }

    /// What each player will have at each host that was not probed.
    fn predict(&mut self, left: &[usize]) {
        let players = self.measured.players();
        let columns: Vec<Vec<f64>> = (0..players.len())
            .map(|player| predict(&self.distances, &self.landmarks(player)))
            .collect();
        let caps: Vec<Option<Micros>> = players
            .iter()
            .map(|player| player.cap_under(self.policy.cap()))
            .collect();
        let error = self.learned.value_us();
        for at in left {
            let Some(host) = self.host(*at) else { continue };
            let row: Vec<Option<Micros>> = columns
                .iter()
                .map(|column| column.get(*at).and_then(|ms| micros(*ms)))
                .collect();
            let kind: Vec<Option<Micros>> = row
                .iter()
                .zip(&caps)
                .map(|(rtt, cap)| Some(forgive((*rtt)?, *cap, error)))
                .collect();
            self.expected.set_row(host, &row);
            self.kindest.set_row(host, &kind);
        }
    }

    /// What was measured to one player.
    fn landmarks(&self, player: usize) -> Vec<(usize, Micros)> {
        let value = |at: &usize| {
            let row = self.measured.row(self.host(*at)?)?;
            Some((*at, row.get(player).copied().flatten()?))
        };
        self.probed.iter().filter_map(value).collect()
    }

    /// Asks for the hosts that promise most, or ends.
    fn most_promising(&mut self, left: &[usize], may: usize) {
        let margin = self.learned.score_us();
        let enough = self.probed.len() >= self.effort.at_least();
        if may > 0 && (!enough || margin.is_none()) {
            self.asked = self.next(left, may);
            return;
        }
        let could_win = self.could_win(left, margin.unwrap_or_default());
        match margin {
            Some(margin_us) if could_win == 0 => self.end = Some(Ended::CannotWin { margin_us }),
            _ if may == 0 => self.end = Some(Ended::BudgetSpent { could_win }),
            _ => self.asked = self.next(left, may),
        }
    }

    /// The best by their predictions as they are.
    fn next(&self, left: &[usize], may: usize) -> Vec<usize> {
        let judge = Judge::new(&self.policy, &self.expected, &self.states);
        let mut hopes: Vec<(Hope, usize)> = self.hopes(&judge, left).zip(left.iter().copied()).collect();
        hopes.sort_unstable();
        let next = hopes.iter().take(self.effort.per_step().min(may));
        next.filter_map(|(_, at)| self.host(*at)).collect()
    }

    /// How many could be the best if predictions are wrong in their favour.
    fn could_win(&self, left: &[usize], margin_us: u64) -> usize {
        let seen = Judge::new(&self.policy, &self.measured, &self.states);
        let best = best(&seen);
        let ties = match self.policy.tie_margin() {
            TieMargin::Fixed(margin) => u64::from(margin.us()),
            TieMargin::Error => 0,
        };
        let policy = kinder(&self.policy, self.learned.value_us());
        let judge = Judge::new(&policy, &self.kindest, &self.states);
        let could = |hope: &Hope| hope.could_win(&judge, best.as_ref(), margin_us + ties);
        self.hopes(&judge, left).filter(could).count()
    }

    fn hopes(&self, judge: &Judge, left: &[usize]) -> impl Iterator<Item = Hope> {
        let mut scratch = Vec::new();
        left.iter().map(move |at| match self.host(*at) {
            Some(host) => Hope::of(judge, host, &mut scratch),
            None => Hope::Unknown,
        })
    }

    fn host(&self, at: usize) -> Option<usize> {
        self.by_id.get(at).copied()
    }

    fn is_free(&self, host: usize) -> bool {
        self.states
            .get(host)
            .is_some_and(|state| state.standing == Standing::Free)
    }
}

/// The best of those that were probed.
fn best<'a>(judge: &Judge<'a>) -> Option<Rank<'a>> {
    let figures = judge.all_figures();
    let ranks = figures
        .iter()
        .enumerate()
        .filter_map(|(host, figures)| judge.rank(host, figures).ok());
    ranks.min()
}
