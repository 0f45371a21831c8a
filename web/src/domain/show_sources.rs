//! What one viewer sees of how round trips are known, and of what does not fit together in them.

use super::{
    ChoiceBody, HostId, Labels, PlayerId, Smelt, source_name,
    view::{FlagView, ProbedView, SourceView, SourcesView},
};
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_placement::{Note, fusion::Smell};

/// For each player of the choice: what their values come from, and that at the held host. Of other hosts errors are not told: of
/// an estimate they follow from the value, which may not be the viewer's to see.
pub(super) fn sources(body: &ChoiceBody, held: Option<HostId>, labels: &Labels) -> Vec<SourcesView> {
    let hosts = || 0..body.matrix.hosts().len();
    let note = |host: usize, column: usize| body.matrix.notes(host).get(column).copied().flatten();
    let held = held.map(|id| id.to_string());
    let held = held.and_then(|id| body.matrix.hosts().iter().position(|head| head.id == id));
    let players = body.matrix.players().iter().enumerate();
    let view = |(column, player): (usize, &vmatrix_placement::Player)| {
        let known: BTreeSet<&'static str> = hosts()
            .filter_map(|host| Some(source_name(note(host, column)?.source)))
            .collect();
        Some(SourcesView {
            player: labels.of(player.id.parse().ok()?),
            sources: known.into_iter().collect(),
            here: held.and_then(|host| note(host, column)).map(source),
        })
    };
    players.filter_map(view).collect()
}

/// Where each value comes from that the viewer sees: host name to label to source. Of what they do not see nothing is told.
pub(super) fn source_at(
    body: &ChoiceBody,
    labels: &Labels,
) -> BTreeMap<String, BTreeMap<String, &'static str>> {
    let seen = labels.matrix(body);
    let at = |(index, host): (usize, &vmatrix_placement::Host)| {
        let seen = seen.get(&host.name)?;
        let notes = body.matrix.notes(index);
        let of = |(player, note): (&vmatrix_placement::Player, &Option<Note>)| {
            let label = labels.of(player.id.parse().ok()?);
            let source = source_name(note.as_ref()?.source);
            seen.get(&label)?.map(|_| (label, source))
        };
        let known = body.matrix.players().iter().zip(notes).filter_map(of);
        Some((host.name.clone(), known.collect()))
    };
    body.matrix.hosts().iter().enumerate().filter_map(at).collect()
}

pub(super) fn source(note: Note) -> SourceView {
    SourceView {
        source: source_name(note.source),
        age_s: note.age_s,
        error_ms: f64::from(note.error_us) / 1000.0,
    }
}

/// Staff are told everything, also what games have seen (`observed`); a clan that the league looks at the measurements of its own
/// players where these are in doubt, and not at what.
pub(super) fn flags(
    body: &ChoiceBody,
    observed: &[(PlayerId, String)],
    staff: bool,
    labels: &Labels,
) -> Vec<FlagView> {
    let players = (0..).zip(body.matrix.players());
    let flag = |(column, player): (usize, &vmatrix_placement::Player)| {
        let id: PlayerId = player.id.parse().ok()?;
        let smells = body.smells.iter().filter(|smelt| smelt.player == column);
        let smells = smells.flat_map(|smelt| &smelt.smells);
        let smells: Vec<&Smell> = smells.filter(|smell| **smell != Smell::Unchecked).collect();
        let seen: Vec<&String> = observed
            .iter()
            .filter(|(of, _)| *of == id)
            .map(|(_, said)| said)
            .collect();
        let is_doubted = !seen.is_empty() || !smells.iter().all(|smell| smell.is_remark());
        let is_told = is_doubted || (staff && !smells.is_empty());
        let sentences = smells
            .iter()
            .map(ToString::to_string)
            .chain(seen.into_iter().cloned());
        (is_told && labels.is_open(id)).then(|| FlagView {
            player: labels.of(id),
            sentences: sentences.filter(|_| staff).collect(),
        })
    };
    players.filter_map(flag).collect()
}

/// Players of whom only their own programs have measured: for staff to know, and nobody is suspected of anything.
pub(super) fn unchecked(body: &ChoiceBody, staff: bool, labels: &Labels) -> Vec<String> {
    let is_unchecked = |smelt: &&Smelt| smelt.smells.contains(&Smell::Unchecked);
    let of = |smelt: &Smelt| Some(labels.of(body.matrix.players().get(smelt.player)?.id.parse().ok()?));
    let all = body.smells.iter().filter(|_| staff).filter(is_unchecked);
    all.filter_map(of).collect()
}

/// How many hosts were probed, where not all were.
pub(super) fn probed(body: &ChoiceBody) -> Option<ProbedView> {
    let of = body.matrix.hosts().len() + body.unprobed.len();
    let rows = body.matrix.rows();
    let hosts = rows.filter(|(_, row)| row.iter().any(Option::is_some)).count();
    body.unprobed
        .iter()
        .any(|one| !one.late)
        .then_some(ProbedView { hosts, of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClanId, Named};
    use uuid::Uuid;
    use vmatrix_placement::{Host, HostState, Matrix, Micros, Player, Policy, Side, Source, choose};

    /// Ada of clan 1 by King, Bo of clan 2 by browser; something smells of both.
    fn body() -> ChoiceBody {
        let player =
            |id: u128, name: &str, side| Player::new(Uuid::from_u128(id).to_string(), name, Some(side));
        let players = vec![player(11, "Ada", Side::A), player(21, "Bo", Side::B)];
        let hosts = [900, 901].map(|id| Host {
            id: Uuid::from_u128(id).to_string(),
            name: format!("h{id}"),
        });
        let at = |ms: u32| Micros::new(ms * 1000).ok();
        let note = |source, error_us| {
            Some(Note {
                source,
                age_s: 7,
                error_us,
            })
        };
        let rows = vec![vec![at(50), at(40)], vec![at(60), None]];
        let notes = vec![
            vec![note(Source::King, 20_000), note(Source::Browser, 900)],
            vec![note(Source::King, 22_000), None],
        ];
        let matrix = Matrix::new(players, hosts.to_vec(), rows)
            .unwrap()
            .with_notes(notes)
            .unwrap();
        let states = vec![HostState::free(); 2];
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        let smell = || Smell::SameEverywhere {
            hosts: 6,
            spread_us: 900,
            apart_us: 90_000,
            by_hosts: true,
        };
        let smelt = |player| Smelt {
            player,
            smells: vec![smell()],
        };
        ChoiceBody {
            smells: vec![smelt(0), smelt(1)],
            ..ChoiceBody::new(matrix, states, choice, None)
        }
    }

    fn labels(viewer: Option<u128>) -> Labels {
        let named = |player: u128, clan: u128, name: &str| Named {
            player: PlayerId(Uuid::from_u128(player)),
            clan: ClanId(Uuid::from_u128(clan)),
            name: name.into(),
        };
        let viewer = viewer.map(|clan| ClanId(Uuid::from_u128(clan)));
        let all = [named(11, 1, "Ada"), named(21, 2, "Bo")];
        Labels::new(&all, viewer, |clan| format!("Clan{}", clan.0.as_u128()))
    }

    #[test]
    fn a_player_has_the_sources_of_all_values_and_the_error_of_the_held_host_alone() {
        let held = Some(HostId(Uuid::from_u128(900)));
        let seen = sources(&body(), held, &labels(Some(2)));
        assert_eq!(
            (seen[0].player.as_str(), seen[0].sources.as_slice()),
            ("Clan1 1", &["king"][..])
        );
        let here = seen[0].here.as_ref().unwrap();
        assert_eq!((here.source, here.age_s, here.error_ms), ("king", 7, 20.0));
        let json = serde_json::to_string(&sources(&body(), None, &labels(Some(2)))).unwrap();
        assert!(!json.contains("error_ms"), "{json}");
    }

    #[test]
    fn where_a_value_comes_from_is_told_to_whom_the_value_is() {
        let staff = source_at(&body(), &labels(None));
        assert_eq!(
            staff["h900"],
            BTreeMap::from([("Ada".into(), "king"), ("Bo".into(), "browser")])
        );
        assert_eq!(
            staff["h901"],
            BTreeMap::from([("Ada".into(), "king")]),
            "Bo has no value there"
        );
        let other = source_at(&body(), &labels(Some(2)));
        assert_eq!(
            other["h900"],
            BTreeMap::from([("Clan1 1".into(), "king"), ("Bo".into(), "browser")])
        );
        assert_eq!(
            other["h901"],
            BTreeMap::new(),
            "what is hidden has no source either"
        );
    }

    #[test]
    fn a_remark_is_the_leagues_alone() {
        let mut body = body();
        body.smells[1].smells = vec![Smell::Contradiction {
            host: "h900".into(),
            source: Source::Icmp,
            us: 60_000,
            other: Source::Browser,
            other_us: 40_000,
            by_us: 9_000,
        }];
        let league = flags(&body, &[], true, &labels(None));
        assert!(
            league[1].sentences[0].starts_with("at h900 it is 60 ms"),
            "{league:?}"
        );
        assert_eq!(flags(&body, &[], false, &labels(Some(2))), []);
        let seen = [(PlayerId(Uuid::from_u128(21)), "the game sees more".to_owned())];
        let league = flags(&body, &seen, true, &labels(None));
        assert_eq!(league[1].sentences[1], seen[0].1);
        assert_eq!(flags(&body, &seen, false, &labels(Some(2))).len(), 1);
    }

    #[test]
    fn who_came_by_browser_alone_contradicts_nothing() {
        let mut body = body();
        body.smells[1].smells = vec![Smell::Unchecked];
        let league = flags(&body, &[], true, &labels(None));
        assert!(league.iter().all(|flag| flag.player != "Bo"), "{league:?}");
        assert_eq!(unchecked(&body, true, &labels(None)), ["Bo"]);
        assert_eq!(unchecked(&body, false, &labels(Some(2))), [""; 0]);
    }

    #[test]
    fn the_league_reads_why_and_a_clan_only_that_it_looks_and_at_its_own() {
        let all = flags(&body(), &[], true, &labels(None));
        assert_eq!(all.len(), 2);
        assert!(all[0].sentences[0].starts_with("the same delay"), "{all:?}");
        let own = flags(&body(), &[], false, &labels(Some(2)));
        assert_eq!(
            own,
            [FlagView {
                player: "Bo".into(),
                sentences: Vec::new()
            }]
        );
    }
}
