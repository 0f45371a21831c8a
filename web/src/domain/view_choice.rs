//! What people see of a choice: part of [`MatchView`](super::view::MatchView).

use serde::Serialize;
use std::collections::BTreeMap;

/// The host that is held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChosenView {
    /// Name of the host.
    pub host: String,
    /// Name of its site.
    pub site: String,
    /// Its closeness factor, milliseconds.
    pub closeness_ms: Option<f64>,
    /// By how much that may be wrong, by the errors of the round trips.
    pub closeness_error_ms: Option<f64>,
    /// Hosts that within those errors could be as fair.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub could_be_as_fair: Vec<String>,
}

/// What was answered about one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostView {
    /// Name of the host.
    pub host: String,
    /// Name of its site.
    pub site: String,
    /// Its closeness factor, milliseconds.
    pub closeness_ms: Option<f64>,
    /// Mean of the round trips.
    pub mean_ms: Option<f64>,
    /// Largest of the round trips.
    pub max_ms: Option<f64>,
    /// Largest less smallest of the line-up.
    pub spread_ms: Option<f64>,
    /// Distance of the two sides' means.
    pub team_gap_ms: Option<f64>,
    /// No other possible host is both fairer and nearer.
    pub pareto: bool,
    /// With which other line-ups it would not be within the rule: sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lineup_risks: Vec<String>,
    /// By how much its closeness factor may be wrong, milliseconds.
    pub closeness_error_ms: Option<f64>,
    /// What the errors of the round trips leave open: sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// `chosen`, `worse`, `over_cap`, `over_limit`, `undecided`, `no_capacity`, `unfit` or `not_probed`.
    pub verdict: String,
    /// Why, in a sentence for people.
    pub reason: String,
}

/// What a preset would have chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlternativeView {
    /// Its name.
    pub preset: &'static str,
    /// Name of the host; absent if none would have been possible.
    pub host: Option<String>,
}

/// Hosts for a best of three.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesView {
    /// The host for all maps, or for the decider.
    pub one: String,
    /// Its score by the match's policy, milliseconds.
    pub one_ms: f64,
    /// The first map's host if two take turns.
    pub first: Option<String>,
    /// The second map's.
    pub second: Option<String>,
    /// The score of the players' means over both.
    pub turns_ms: Option<f64>,
    /// Whether the turns are better by more than the policy's margin.
    pub turns_are_better: bool,
}

/// A host that somebody did not answer, and that could win if they did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettleView {
    /// Name of the host.
    pub host: String,
    /// Who must answer it.
    pub players: Vec<String>,
}

/// A later measurement that did not move the reservation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecheckView {
    /// As [`MatchView::matrix_ms`](super::view::MatchView::matrix_ms).
    pub matrix_ms: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    /// By how much another host was better, milliseconds; zero if none was.
    pub better_by_ms: f64,
    /// Why it was kept, in a sentence for people.
    pub kept_because: String,
}
