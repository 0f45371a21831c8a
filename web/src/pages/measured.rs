//! How everybody was measured: a line per player, of the value at the chosen machine.

use super::show;
use crate::domain::view::{MatchView, PlayerView, SourcesView};

/// One player.
pub(super) struct MeasuredLine {
    pub(super) player: String,
    /// The value; marked if it is an estimate.
    pub(super) ms: String,
    /// `± 0.4 ms`.
    pub(super) error: String,
    /// Where it comes from.
    pub(super) by: String,
    /// What is used at other machines instead; empty if nothing else.
    pub(super) elsewhere: String,
    /// `new`, or how old it was.
    pub(super) age: String,
}

/// All players of the choice.
pub(super) fn lines(view: &MatchView) -> Vec<MeasuredLine> {
    let of = |of: &SourcesView| line(of, view.players.iter().find(|player| player.name == of.player));
    view.sources.iter().map(of).collect()
}

fn line(of: &SourcesView, player: Option<&PlayerView>) -> MeasuredLine {
    let by = player.and_then(|player| player.predicted_by.as_ref());
    let by = by.or(of.here.as_ref());
    let dash = || "–".to_owned();
    let Some(by) = by else {
        return MeasuredLine {
            player: of.player.clone(),
            ms: dash(),
            error: dash(),
            by: show::sources_words(&of.sources),
            elsewhere: String::new(),
            age: dash(),
        };
    };
    let others = of.sources.iter().copied().filter(|one| *one != by.source);
    let others: Vec<&'static str> = others.collect();
    let ms = player.and_then(|player| player.predicted_ms);
    MeasuredLine {
        player: of.player.clone(),
        ms: match ms {
            Some(ms) if show::is_estimate(by.source) => format!("≈ {ms:.0} ms"),
            ms => show::ms1(&ms),
        },
        error: match show::error_of(&by.error_ms) {
            none if none.is_empty() => "± 0.0 ms".to_owned(),
            error => error,
        },
        by: show::source_words(by.source).to_owned(),
        elsewhere: if others.is_empty() {
            String::new()
        } else {
            show::sources_words(&others)
        },
        age: match by.age_s {
            0..60 => "new".to_owned(),
            seconds => show::span(&(f64::from(seconds) * 1000.0)),
        },
    }
}
