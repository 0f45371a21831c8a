//! What one viewer sees of a choice.

use super::{
    ChoiceBody, ChoiceRecord, Labels, Unprobed,
    view::{AlternativeView, HostView, RecheckView, SeriesView, SettleView},
};
use vmatrix_placement::{Preset, Recheck, Series};

pub(super) fn hosts(record: &ChoiceRecord, labels: &Labels) -> Vec<HostView> {
    let body = &record.body;
    let view = |(index, (answer, site)): (usize, (&vmatrix_placement::HostAnswer, &String))| {
        let shown = labels.shows(answer);
        HostView {
            host: answer.name.clone(),
            site: site.clone(),
            closeness_ms: answer.closeness.filter(|_| shown).map(|value| value.ms()),
            mean_ms: answer.mean.filter(|_| shown).map(|value| value.ms()),
            max_ms: answer.max.filter(|_| shown).map(|value| value.ms()),
            #[allow(clippy::cast_lossless, reason = "microseconds")]
            spread_ms: answer
                .spread_us
                .filter(|_| shown)
                .map(|us| f64::from(us) / 1000.0),
            team_gap_ms: answer.team_gap.filter(|_| shown).map(|gap| gap.ms()),
            pareto: body.choice.pareto.contains(&index),
            lineup_risks: labels.lineup_risks(body, answer),
            verdict: answer.verdict().name().into(),
            reason: labels.reason(body, answer),
        }
    };
    body.choice
        .hosts
        .iter()
        .zip(&body.sites)
        .enumerate()
        .map(view)
        .chain(body.unprobed.iter().map(not_probed))
        .collect()
}

fn not_probed(of: &Unprobed) -> HostView {
    HostView {
        host: of.host.clone(),
        site: of.site.clone(),
        closeness_ms: None,
        mean_ms: None,
        max_ms: None,
        spread_ms: None,
        team_gap_ms: None,
        pareto: false,
        lineup_risks: Vec::new(),
        verdict: "not_probed".into(),
        reason: if of.late {
            "not probed: it was not there when the players were measured and frozen".into()
        } else {
            "not probed: by prediction from the others it would not be better".into()
        },
    }
}

pub(super) fn alternatives(body: &ChoiceBody) -> Vec<AlternativeView> {
    let name = |index: &usize| body.choice.hosts.get(*index).map(|host| host.name.clone());
    let view = |(preset, host): &(Preset, Option<usize>)| AlternativeView {
        preset: preset.name(),
        host: host.as_ref().and_then(name),
    };
    body.alternatives.iter().map(view).collect()
}

pub(super) fn series(of: &Series) -> SeriesView {
    #[allow(clippy::cast_precision_loss, reason = "only shown")]
    let ms = |us: u64| us as f64 / 1000.0;
    SeriesView {
        one: of.one.clone(),
        one_ms: ms(of.one_us),
        first: of.turns.as_ref().map(|turns| turns.first.clone()),
        second: of.turns.as_ref().map(|turns| turns.second.clone()),
        turns_ms: of.turns.as_ref().map(|turns| ms(turns.us)),
        turns_are_better: of.turns_are_better,
    }
}

pub(super) fn settle(body: &ChoiceBody, labels: &Labels) -> Vec<SettleView> {
    let view = |one: &vmatrix_placement::Settle| SettleView {
        host: one.host.clone(),
        players: labels.rename_all(body, &one.players),
    };
    body.choice.settle.iter().map(view).collect()
}

pub(super) fn recheck(record: &ChoiceRecord, labels: &Labels) -> RecheckView {
    let (better_by_us, why) = match &record.body.recheck {
        Some(Recheck::Keep { better_by_us, why }) => (better_by_us.unwrap_or(0), why.to_string()),
        Some(Recheck::Move { why, .. } | Recheck::Lost { why }) => (0, why.to_string()),
        None => (0, "nothing else was possible".into()),
    };
    #[allow(clippy::cast_precision_loss, reason = "only shown")]
    let better_by_ms = better_by_us.max(0) as f64 / 1000.0;
    RecheckView {
        matrix_ms: labels.matrix(&record.body),
        better_by_ms,
        kept_because: why,
    }
}
