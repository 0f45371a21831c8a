//! What a choice promises to the players at one host.

use super::{ChoiceBody, HostId, PlayerId};
use std::collections::BTreeMap;
use vmatrix_placement::{Micros, Note};

/// What is promised to one player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The round trip, milliseconds.
    pub ms: f64,
    /// How it is known.
    pub note: Option<Note>,
}

/// The predicted round trips at a host, by player.
#[must_use]
pub fn predicted(body: &ChoiceBody, host: HostId) -> BTreeMap<PlayerId, Predicted> {
    let host = host.to_string();
    let Some(at) = body.matrix.hosts().iter().position(|head| head.id == host) else {
        return BTreeMap::new();
    };
    let row = body.matrix.row(at).unwrap_or_default();
    let notes = body.matrix.notes(at);
    let players = body.matrix.players().iter().zip(row).enumerate();
    let of = |(column, (player, rtt)): (usize, (&vmatrix_placement::Player, &Option<Micros>))| {
        let of = Predicted {
            ms: rtt.as_ref()?.ms(),
            note: notes.get(column).copied().flatten(),
        };
        Some((player.id.parse().ok()?, of))
    };
    players.filter_map(of).collect()
}
