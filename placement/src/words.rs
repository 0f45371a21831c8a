//! A policy in words, for the pages.

use crate::{Policy, TieMargin};

impl Policy {
    /// The rule as sentences for people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut said = vec![format!("Nobody who plays may be above {}.", self.cap)];
        let mut choice = format!(
            "Of the hosts that allow it, the one with the smallest {}",
            self.metric
        );
        let limits = [
            ("spread", self.limits.spread),
            ("gap of the sides' means", self.limits.team_gap),
            ("mean", self.limits.mean),
        ];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(what, limit)| Some(format!("a {what} of at most {} ms", limit?)))
            .collect();
        if !limits.is_empty() {
            choice.push_str(&format!(", among those with {}", limits.join(" and ")));
        }
        if let Some(otherwise) = self.otherwise {
            choice.push_str(&format!(
                "; if there is none, the one with the smallest {otherwise}"
            ));
        }
        said.push(format!("{choice}."));
        if let Some(floor) = self.floor {
            said.push(format!("Round trips up to {floor} count as equal."));
        }
        said.push(match self.tie_margin {
            TieMargin::Error => {
                "What differs by no more than the measurements' error counts as equal: then the smaller mean wins.".into()
            }
            TieMargin::Fixed(margin) if margin.us() == 0 => "Of equal hosts the one with the smaller mean.".into(),
            TieMargin::Fixed(margin) => {
                format!("What differs by no more than {margin} ms counts as equal: then the smaller mean wins.")
            }
        });
        said.join(" ")
    }
}
