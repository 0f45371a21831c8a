//! The plan itself.

use super::bad::{BadObservation, BadShortlist};
use super::effort::Effort;
use super::learned::Learned;
use super::mesh::{Distances, Mesh};
use crate::choose::check;
use crate::{BadRequest, Choice, Host, HostState, Matrix, Micros, Player, Policy, choose};

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
    pub(super) policy: Policy,
    pub(super) effort: Effort,
    pub(super) states: Vec<HostState>,
    /// Hosts by id: sums of fractions depend on the order.
    pub(super) by_id: Vec<usize>,
    /// In that order.
    pub(super) distances: Distances,
    /// What was measured; other rows are unknown.
    pub(super) measured: Matrix,
    /// Predictions; of hosts that have answered, what was predicted.
    pub(super) expected: Matrix,
    /// The same, with predictions as kind to the caps as they may be wrong.
    pub(super) kindest: Matrix,
    /// Who has answered, step by step: places in `by_id`.
    pub(super) probed: Vec<usize>,
    /// Who has answered in this step: places in `by_id`.
    pub(super) step: Vec<usize>,
    /// Who is still to answer in this step.
    pub(super) asked: Vec<usize>,
    pub(super) learned: Learned,
    pub(super) end: Option<Ended>,
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

    /// Begins with these hosts instead, as far as they can be had, and no more than may be probed in all: somebody has measured to
    /// them who cannot be probed. Without any, and once something was observed, nothing changes.
    #[must_use]
    pub fn beginning_with(mut self, hosts: &[usize]) -> Self {
        let mut first: Vec<usize> = Vec::new();
        for host in hosts {
            if self.is_free(*host) && !first.contains(host) {
                first.push(*host);
            }
        }
        first.truncate(self.effort.budget());
        if self.probed() == 0 && !first.is_empty() {
            self.asked = first;
        }
        self
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
}
