//! What was chosen when, and why: the answer with its inputs.

use super::{ChoiceId, MatchId, RoundId, Smelt, Time};
use serde::{Deserialize, Serialize};
use vmatrix_placement::{
    Choice, HostState, Matrix, Policy, Preset, Recheck, Series, Verdict, choose_index, series,
};

/// One answer of the placement engine, kept with what it was computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceRecord {
    /// Its id.
    pub id: ChoiceId,
    /// For which match.
    pub match_id: MatchId,
    /// The round that its matrix is of.
    pub round_id: RoundId,
    /// When.
    pub made_at: Time,
    /// A later round that did not move the reservation.
    pub kept: bool,
    /// The answer and its inputs.
    pub body: ChoiceBody,
}

/// See [`ChoiceRecord`]. Players' and hosts' ids in the matrix are this server's ids as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoiceBody {
    /// Medians with their errors.
    pub matrix: Matrix,
    /// Per host of the matrix: name of its site.
    pub sites: Vec<String>,
    /// The answer.
    pub choice: Choice,
    /// What a later measurement made of the reservation.
    pub recheck: Option<Recheck>,
    /// How long choosing took, milliseconds.
    pub choose_ms: f64,
    /// Per host of the matrix: whether it could be had.
    pub states: Vec<HostState>,
    /// What each preset would have chosen: index of the host.
    pub alternatives: Vec<(Preset, Option<usize>)>,
    /// Hosts for a best of three.
    pub series: Option<Series>,
    /// What does not fit together in the measurements of some players.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smells: Vec<Smelt>,
    /// Columns of players whom no host was asked to measure: there is no address, or none that may be measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<usize>,
    /// Hosts that could have been had and were not probed, because by prediction none of them could win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unprobed: Vec<Unprobed>,
}

/// A host that was not probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unprobed {
    /// Its name.
    pub host: String,
    /// Name of its site.
    pub site: String,
    /// It was not there when the players were measured and frozen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

impl ChoiceBody {
    /// An answer with what is to be told beside it.
    #[must_use]
    pub fn new(matrix: Matrix, states: Vec<HostState>, choice: Choice, recheck: Option<Recheck>) -> Self {
        // A preset that needs sides has none to compare where a clan is absent: no answer of its own.
        let of = |policy: &Policy| choose_index(policy, &matrix, &states).ok().flatten();
        let alternatives = Preset::ALL
            .into_iter()
            .map(|preset| (preset, of(&preset.policy())))
            .collect();
        let series = series(&choice.policy, &matrix, &states, &choice);
        Self {
            matrix,
            sites: Vec::new(),
            choice,
            recheck,
            choose_ms: 0.0,
            states,
            alternatives,
            series,
            smells: Vec::new(),
            unasked: Vec::new(),
            unprobed: Vec::new(),
        }
    }

    /// The columns of the players who answered none of the hosts that were asked to measure them; none if no host was.
    #[must_use]
    pub fn silent(&self) -> Vec<usize> {
        let rows = self.matrix.rows().map(|(_, row)| row).zip(&self.choice.hosts);
        let asked: Vec<_> = rows
            .filter(|(row, host)| host.verdict() == Verdict::Undecided || row.iter().any(Option::is_some))
            .map(|(row, _)| row)
            .collect();
        let silent = |column: &usize| {
            asked
                .iter()
                .all(|row| row.get(*column).is_none_or(Option::is_none))
        };
        if asked.is_empty() {
            return Vec::new();
        }
        let columns = 0..self.matrix.players().len();
        let was_asked = |column: &usize| !self.unasked.contains(column);
        columns.filter(was_asked).filter(silent).collect()
    }

    /// The columns of the players whom no host was asked to measure, and of whom nothing else is known either.
    #[must_use]
    pub fn unknown(&self) -> Vec<usize> {
        let is_known = |column: usize| {
            let mut rows = self.matrix.rows();
            rows.any(|(_, row)| row.get(column).is_some_and(Option::is_some))
        };
        let unasked = self.unasked.iter().copied();
        unasked.filter(|column| !is_known(*column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmatrix_placement::{Host, Micros, Player, Side, choose};

    #[test]
    fn who_was_not_asked_is_not_silent_and_unknown_only_without_a_value() {
        let player = |id: &str, side| Player::new(id, id, Some(side));
        let players = vec![
            player("measured", Side::A),
            player("silent", Side::A),
            player("browser", Side::B),
            player("nothing", Side::B),
        ];
        let host = Host {
            id: "h".into(),
            name: "h".into(),
        };
        let at = |ms: u32| Micros::new(ms * 1000).ok();
        let rows = vec![vec![at(40), None, at(50), None]];
        let matrix = Matrix::new(players, vec![host], rows).unwrap();
        let states = vec![HostState::free()];
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        let body = ChoiceBody {
            unasked: vec![2, 3],
            ..ChoiceBody::new(matrix, states, choice, None)
        };
        assert_eq!((body.silent(), body.unknown()), (vec![1], vec![3]));
        // As it was kept before there were other sources.
        let mut json = serde_json::to_value(&body).unwrap();
        json.as_object_mut().unwrap().remove("unasked");
        let old: ChoiceBody = serde_json::from_value(json).unwrap();
        assert_eq!((old.silent(), old.unknown()), (vec![1, 3], vec![]));
    }
}
