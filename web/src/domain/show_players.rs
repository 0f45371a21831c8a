//! What one viewer sees of a match's players: what each was promised, and what the game said of them.

use super::{
    Clan, Kept, Labels, Name, Named, PlayerId, Predicted, closeness_kept, far_above, kept, observed,
    predicted,
    show::{Whole, clan_of},
    show_sources::source,
    view::{FairnessView, PlayerView},
};
use std::collections::BTreeMap;
use vmatrix_placement::closeness_error_us;

/// Everybody of the roster with what was promised and observed.
pub(super) fn players(whole: &Whole, labels: &Labels) -> Vec<PlayerView> {
    // Who came into the roster since is in the newer look only.
    let predicted: BTreeMap<PlayerId, Predicted> = whole.of.state.held().map_or_else(BTreeMap::new, |held| {
        let looks = [&whole.kept, &whole.choice].into_iter().flatten();
        looks
            .flat_map(|record| predicted(&record.body, held.host))
            .collect()
    });
    let seen = observed(&whole.pings, &whole.roster);
    let view = |named: &Named| {
        let seen = seen.get(&named.player);
        let promised = predicted.get(&named.player);
        PlayerView {
            name: labels.of(named.player),
            clan: clan_of(whole, named.clan).name.to_string(),
            predicted_ms: promised.map(|of| of.ms),
            predicted_by: promised.and_then(|of| of.note).map(source),
            measured_ms: seen.map(|seen| seen.median_ms),
            samples: seen.map(|seen| seen.samples),
        }
    };
    let all = [&whole.home, &whole.away].map(|clan| in_order(whole, clan, labels));
    all.iter().flatten().map(|named| view(named)).collect()
}

fn promises(whole: &Whole) -> Option<Vec<Kept>> {
    let held = whole.of.state.held()?;
    let record = whole.kept.as_ref().or(whole.choice.as_ref())?;
    Some(kept(
        &record.body,
        held.host,
        &observed(&whole.pings, &whole.roster),
    ))
}

/// What the league reads of who plays far above what was promised.
pub(super) fn far_from_promise(whole: &Whole) -> Vec<(PlayerId, String)> {
    promises(whole).map_or_else(Vec::new, |kept| far_above(&kept))
}

/// Whether the match was as fair as promised, as far as the game has said something.
pub(super) fn fairness(whole: &Whole) -> Option<FairnessView> {
    let kept = promises(whole)?;
    let (promised_ms, observed_ms) = closeness_kept(&kept)?;
    let errors: Vec<(u32, u64)> = kept.iter().map(|one| (one.error_us, 1)).collect();
    #[allow(clippy::cast_precision_loss, reason = "only shown")]
    let promised_error_ms = closeness_error_us(&errors) as f64 / 1000.0;
    Some(FairnessView {
        promised_ms,
        promised_error_ms,
        observed_ms,
        players: kept.len(),
    })
}

/// A clan's players by name; those whom the viewer knows by number, by number: their names' order would say something of them.
pub(super) fn in_order<'a>(whole: &'a Whole, clan: &Clan, labels: &Labels) -> Vec<&'a Named> {
    let mut all: Vec<&Named> = whole
        .roster
        .iter()
        .filter(|named| named.clan == clan.id)
        .collect();
    all.sort_by_key(|named| {
        let name = labels.is_open(named.player).then(|| Name::key_of(&named.name));
        (name, named.player)
    });
    all
}
