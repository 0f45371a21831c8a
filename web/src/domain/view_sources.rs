//! What people see of how round trips are known: part of [`MatchView`](super::view::MatchView).

use super::Time;
use serde::Serialize;

/// Where one player's values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourcesView {
    /// See [`PlayerView::name`](super::view::PlayerView::name).
    pub player: String,
    /// `icmp`, `udp`, `browser`, `king`: whatever is used at any host; none if nothing is known.
    pub sources: Vec<&'static str>,
    /// Of the value at the held host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<SourceView>,
}

/// Where one value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceView {
    /// As in [`SourcesView::sources`].
    pub source: &'static str,
    /// How old it was, seconds.
    pub age_s: u32,
    /// How wrong it may be, milliseconds.
    pub error_ms: f64,
}

/// What is frozen of one side of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrozenView {
    /// Since when.
    pub at: Time,
    /// Why it holds no more, and the side is measured anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_because: Option<String>,
}

/// A player in whose measurements something does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlagView {
    /// See [`PlayerView::name`](super::view::PlayerView::name).
    pub player: String,
    /// What does not fit together; for staff only.
    pub sentences: Vec<String>,
}

/// How many hosts were probed, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ProbedView {
    /// So many have an answer from somebody.
    pub hosts: usize,
    /// In all.
    pub of: usize,
}
