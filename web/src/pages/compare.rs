//! What stands beside a choice: what fairness costs, what other rules would choose, hosts for a best of three. Pure.

use super::scatter::{self, Dot};
use crate::domain::view::{AlternativeView, HostView, MatchView, SeriesView};
use vmatrix_placement::Preset;

/// Which figures a rule looks at, beside those that are always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) spread: bool,
    pub(crate) gap: bool,
}

impl Columns {
    /// By the rule's name; of a rule that somebody wrote both are shown.
    pub(crate) fn of(policy: &str) -> Self {
        let Some(policy) = Preset::parse(policy).map(Preset::policy) else {
            return Self {
                spread: true,
                gap: true,
            };
        };
        let weighs = |of: fn(vmatrix_placement::Metric) -> u32| {
            of(policy.metric()) > 0 || policy.otherwise().is_some_and(|metric| of(metric) > 0)
        };
        Self {
            spread: weighs(|metric| metric.spread) || policy.limits().spread.is_some(),
            gap: weighs(|metric| metric.team_gap) || policy.limits().team_gap.is_some(),
        }
    }
}

/// The picture of the possible hosts; `None` where there is nothing to compare.
///
/// # Errors
/// Only if formatting fails, which it does not in memory.
pub(crate) fn cost(hosts: &[HostView]) -> askama::Result<Option<String>> {
    let dot = |host: &HostView| {
        let possible = matches!(host.verdict.as_str(), "chosen" | "worse");
        Some(Dot {
            host: host.host.clone(),
            mean_ms: host.mean_ms.filter(|_| possible)?,
            closeness_ms: host.closeness_ms?,
            chosen: host.verdict == "chosen",
            front: host.pareto,
        })
    };
    scatter::svg(&hosts.iter().filter_map(dot).collect::<Vec<_>>())
}

/// What another rule would choose.
pub(crate) struct OtherRule {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) host: Option<String>,
    /// The same as was chosen.
    pub(crate) same: bool,
}

/// What the rules that everybody can name would choose, without the match's own.
pub(crate) fn other_rules(view: &MatchView) -> Vec<OtherRule> {
    let chosen = view.hosts.iter().find(|host| host.verdict == "chosen");
    let other = |one: &AlternativeView| OtherRule {
        name: one.preset,
        source: Preset::parse(one.preset).map_or("", Preset::source),
        host: one.host.clone(),
        same: one.host.is_some() && one.host.as_deref() == chosen.map(|host| host.host.as_str()),
    };
    view.alternatives
        .iter()
        .filter(|one| one.preset != view.policy)
        .map(other)
        .collect()
}

/// Both ways to play a best of three.
pub(crate) struct BestOfThree {
    pub(crate) one: String,
    pub(crate) one_ms: f64,
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) turns_ms: f64,
    pub(crate) turns_are_better: bool,
    /// Which is better, and by how much.
    pub(crate) words: String,
}

/// `None` with one host only, where there is nothing to take turns with.
pub(crate) fn best_of_three(series: &SeriesView) -> Option<BestOfThree> {
    let (first, second) = (series.first.clone()?, series.second.clone()?);
    let turns_ms = series.turns_ms?;
    let gain = series.one_ms - turns_ms;
    let words = if series.turns_are_better {
        format!(
            "Taking turns is better by {gain:.2} ms: what one machine gives a side, the other takes back."
        )
    } else if gain > 0.005 {
        format!("One machine for all maps: taking turns would gain {gain:.2} ms, which counts as equal.")
    } else if gain < -0.005 {
        format!("One machine for all maps is better by {:.2} ms.", -gain)
    } else {
        "One machine for all maps: taking turns would gain nothing.".to_owned()
    };
    Some(BestOfThree {
        one: series.one.clone(),
        one_ms: series.one_ms,
        first,
        second,
        turns_ms,
        turns_are_better: series.turns_are_better,
        words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_shows_the_figures_that_it_looks_at() {
        let columns = |spread, gap| Columns { spread, gap };
        assert_eq!(Columns::of("thesis"), columns(false, false));
        assert_eq!(Columns::of("valid-first"), columns(true, false));
        assert_eq!(Columns::of("team-gap-25"), columns(false, true));
        assert_eq!(Columns::of("cap-65"), columns(true, false));
        assert_eq!(Columns::of("our rule"), columns(true, true));
    }

    fn series(one_ms: f64, turns_ms: Option<f64>, turns_are_better: bool) -> SeriesView {
        SeriesView {
            one: "boston".into(),
            one_ms,
            first: turns_ms.map(|_| "london".into()),
            second: turns_ms.map(|_| "denver".into()),
            turns_ms,
            turns_are_better,
        }
    }

    #[test]
    fn the_better_way_is_said_with_its_gain() {
        let words = |series: SeriesView| best_of_three(&series).map(|both| both.words);
        assert_eq!(words(series(9.0, None, false)), None);
        let better = words(series(9.0, Some(4.5), true)).unwrap();
        assert!(
            better.starts_with("Taking turns is better by 4.50 ms"),
            "{better}"
        );
        let equal = words(series(9.0, Some(8.5), false)).unwrap();
        assert!(
            equal.contains("would gain 0.50 ms, which counts as equal"),
            "{equal}"
        );
        let worse = words(series(9.0, Some(11.0), false)).unwrap();
        assert_eq!(worse, "One machine for all maps is better by 2.00 ms.");
        let same = words(series(9.0, Some(9.0), false)).unwrap();
        assert!(same.contains("gain nothing"), "{same}");
    }
}
