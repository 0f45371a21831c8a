//! From the answers of one step to the next.

use super::hope::{Hope, forgive, kinder};
use super::landmarks::spread;
use super::nearest::predict;
use super::plan::{Ended, Shortlist};
use super::vivaldi::micros;
use crate::judge::{Group, Judge, Rank};
use crate::{Micros, Standing, TieMargin};

impl Shortlist {
    /// Learns from what came, predicts the rest, and says who is next or why nobody is.
    pub(super) fn go_on(&mut self) {
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

    pub(super) fn is_free(&self, host: usize) -> bool {
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
