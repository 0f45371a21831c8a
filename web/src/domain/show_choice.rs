//! What one viewer sees of a choice.

use super::{
    ChoiceBody, ChoiceRecord, HostRecord, Labels, Unprobed,
    view::{AlternativeView, ChosenView, HostView, RecheckView, SeriesView, SettleView},
};
use vmatrix_placement::{Doubt, Preset, Recheck, Series};

pub(super) fn hosts(record: &ChoiceRecord, labels: &Labels) -> Vec<HostView> {
    let body = &record.body;
    let doubts = doubts(body);
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
            closeness_error_ms: doubts.get(index).filter(|_| shown).and_then(error_ms),
            doubts: doubts
                .get(index)
                .map(|doubt| labels.doubts(body, answer, doubt))
                .unwrap_or_default(),
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

/// What errors leave open, by host; nothing of what was kept without them.
fn doubts(body: &ChoiceBody) -> Vec<Doubt> {
    vmatrix_placement::doubts(&body.choice, &body.matrix, &body.states).unwrap_or_default()
}

fn error_ms(doubt: &Doubt) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "only shown")]
    doubt.closeness_error_us.map(|us| us as f64 / 1000.0)
}

/// The held host, as the choice has it.
pub(super) fn chosen(host: &HostRecord, body: Option<&ChoiceBody>) -> ChosenView {
    let doubts = body.map(doubts).unwrap_or_default();
    let answers = body.map_or(&[][..], |body| &body.choice.hosts);
    let of = body.and_then(|body| body.choice.chosen);
    let as_good = answers.iter().zip(&doubts).filter(|(_, doubt)| doubt.as_good);
    ChosenView {
        host: host.host.name.clone(),
        site: host.host.site.name.clone(),
        closeness_ms: of.and_then(|of| Some(answers.get(of)?.closeness?.ms())),
        closeness_error_ms: of.and_then(|of| error_ms(doubts.get(of)?)),
        could_be_as_fair: as_good.map(|(answer, _)| answer.name.clone()).collect(),
    }
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
        closeness_error_ms: None,
        doubts: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChoiceId, ClanId, MatchId, Named, PlayerId, RoundId};
    use uuid::Uuid;
    use vmatrix_placement::{Host, HostState, Matrix, Micros, Note, Player, Policy, Side, Source, choose};

    /// Ada of clan 1 is measured, Bo of clan 2 estimated, within 30 ms: at the first host, at a second that could be as fair, and
    /// at a third over the cap by less than that. Bo may have a cap of their own, in milliseconds.
    fn record(own_cap: Option<u32>) -> ChoiceRecord {
        let player =
            |id: u128, name: &str, side| Player::new(Uuid::from_u128(id).to_string(), name, Some(side));
        let mut players = vec![player(11, "Ada", Side::A), player(21, "Bo", Side::B)];
        players[1].cap = own_cap.and_then(|ms| Micros::new(ms * 1000).ok());
        let hosts = ["first", "second", "third"].map(|name| Host {
            id: name.into(),
            name: name.into(),
        });
        let rows = [[40, 60], [40, 65], [40, 190]];
        let rows = rows.map(|row| row.map(|ms| Micros::new(ms * 1000).ok()).to_vec());
        let note = |source, error_us| {
            Some(Note {
                source,
                age_s: 0,
                error_us,
            })
        };
        let notes = vec![note(Source::Icmp, 400), note(Source::King, 30_000)];
        let matrix = Matrix::new(players, hosts.to_vec(), rows.to_vec()).unwrap();
        let matrix = matrix.with_notes(vec![notes; 3]).unwrap();
        let states = vec![HostState::free(); 3];
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        let mut body = ChoiceBody::new(matrix, states, choice, None);
        body.sites = vec!["site".into(); 3];
        ChoiceRecord {
            id: ChoiceId(Uuid::nil()),
            match_id: MatchId(Uuid::nil()),
            round_id: RoundId(Uuid::nil()),
            made_at: "2026-11-21T20:00:00Z".parse().unwrap(),
            kept: false,
            body,
        }
    }

    fn seen(viewer: Option<u128>) -> Vec<HostView> {
        seen_of(&record(None), viewer)
    }

    fn seen_of(record: &ChoiceRecord, viewer: Option<u128>) -> Vec<HostView> {
        let named = |player: u128, clan: u128, name: &str| Named {
            player: PlayerId(Uuid::from_u128(player)),
            clan: ClanId(Uuid::from_u128(clan)),
            name: name.into(),
        };
        let viewer = viewer.map(|clan| ClanId(Uuid::from_u128(clan)));
        let all = [named(11, 1, "Ada"), named(21, 2, "Bo")];
        hosts(record, &Labels::new(&all, viewer, |_| "Blues".into()))
    }

    #[test]
    fn what_an_estimate_leaves_open_is_told_of_each_host() {
        let all = seen(None);
        assert_eq!((all[0].closeness_error_ms, all[0].doubts.len()), (Some(30.4), 0));
        assert_eq!(
            all[1].doubts,
            ["within the error it could be as fair as the chosen one"]
        );
        assert_eq!(
            all[2].doubts,
            ["impossible by estimate: Bo 190 ± 30 ms over the cap of 180 ms"]
        );
    }

    #[test]
    fn how_near_a_hidden_player_is_to_the_cap_is_not_told() {
        let other = seen(Some(1));
        assert_eq!((other[2].doubts.len(), other[2].closeness_error_ms), (0, None));
        assert_eq!(other[1].doubts.len(), 1);
        assert!(seen(Some(2))[2].doubts[0].contains("Bo 190"));
    }

    #[test]
    fn what_a_hidden_players_own_cap_is_is_not_told_of_the_chosen_host() {
        let record = record(Some(80));
        let doubts = |viewer| seen_of(&record, viewer)[0].doubts.clone();
        for who in [Some(2), None] {
            assert_eq!(
                doubts(who),
                ["possible by estimate: Bo 60 ± 30 ms under the cap of 80 ms"]
            );
        }
        assert!(doubts(Some(1)).is_empty(), "{:?}", doubts(Some(1)));
    }
}
