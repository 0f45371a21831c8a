//! What was chosen when, and why: the answer with its inputs.

use super::{ChoiceId, MatchId, RoundId, Time};
use serde::{Deserialize, Serialize};
use vmatrix_placement::{Choice, Matrix, Recheck};

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
    /// Medians.
    pub matrix: Matrix,
    /// Per host of the matrix: how wrong its closeness factor can be, microseconds.
    pub errors_us: Vec<u32>,
    /// Per host of the matrix: name of its site.
    pub sites: Vec<String>,
    /// The answer.
    pub choice: Choice,
    /// What a later measurement made of the reservation.
    pub recheck: Option<Recheck>,
    /// How long choosing took, milliseconds.
    pub choose_ms: f64,
}
