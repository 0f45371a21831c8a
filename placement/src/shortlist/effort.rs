//! How many hosts may be probed.

/// How many hosts are probed at first, in each step, at least and at most. Each is probed with all players.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    first: usize,
    per_step: usize,
    at_least: usize,
    budget: usize,
}

/// Numbers that make no plan. The message names the field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEffort {
    /// Nothing to begin with.
    #[error("first 0: must be 1 at least")]
    First,
    /// It would never go on.
    #[error("per_step 0: must be 1 at least")]
    PerStep,
    /// So few that nothing is known.
    #[error(
        "at_least {at_least}: must be {} at least, since a prediction alone breaks the cap too often",
        Effort::FEWEST
    )]
    AtLeast {
        /// What was given.
        at_least: usize,
    },
    /// Less than must be probed.
    #[error("budget {budget}: must be {at_least} at least, as many as are always probed")]
    Budget {
        /// What was given.
        budget: usize,
        /// Its lower end.
        at_least: usize,
    },
}

impl Effort {
    /// However good a prediction looks, so many hosts are probed: with only one the chosen host is over the cap in one of
    /// five to ten matches.
    pub const FEWEST: usize = 5;

    /// `first` hosts at first, then `per_step` at a time; at least `at_least` and at most `budget` in all. Hosts that
    /// cannot be had are not probed, and if there are fewer than that, all are.
    ///
    /// # Errors
    /// `first` or `per_step` is 0, `at_least` is less than [`Self::FEWEST`], or `budget` less than `at_least`.
    pub const fn new(
        first: usize,
        per_step: usize,
        at_least: usize,
        budget: usize,
    ) -> Result<Self, BadEffort> {
        if first == 0 {
            return Err(BadEffort::First);
        }
        if per_step == 0 {
            return Err(BadEffort::PerStep);
        }
        if at_least < Self::FEWEST {
            return Err(BadEffort::AtLeast { at_least });
        }
        if budget < at_least {
            return Err(BadEffort::Budget { budget, at_least });
        }
        Ok(Self {
            first,
            per_step,
            at_least,
            budget,
        })
    }

    /// Eight at first, then four at a time, 24 at most: larger steps than by default, for rounds of real measurements, in which a
    /// step takes some seconds whatever its size, and people wait.
    #[must_use]
    pub const fn in_rounds() -> Self {
        Self {
            first: 8,
            per_step: 4,
            at_least: 8,
            budget: 24,
        }
    }

    /// The same with another budget.
    ///
    /// # Errors
    /// Less than is always probed.
    pub const fn with_budget(self, budget: usize) -> Result<Self, BadEffort> {
        Self::new(self.first, self.per_step, self.at_least, budget)
    }

    pub(super) const fn first(self) -> usize {
        self.first
    }

    pub(super) const fn per_step(self) -> usize {
        self.per_step
    }

    pub(super) const fn at_least(self) -> usize {
        self.at_least
    }

    /// How many hosts are probed at most.
    #[must_use]
    pub const fn budget(self) -> usize {
        self.budget
    }
}

impl Default for Effort {
    /// Four, then two at a time, between 8 and 24 in all: what the curves of `docs/few-probes.md` bend at.
    fn default() -> Self {
        Self {
            first: 4,
            per_step: 2,
            at_least: 8,
            budget: 24,
        }
    }
}
