//! What was measured.

use crate::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most players of one matrix: sums of all pairs stay far within 64 bits.
pub const MAX_PLAYERS: usize = 10_000;

/// One of the two clans of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one that booked.
    A,
    /// The other.
    B,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// Unlike any other player's.
    pub id: String,
    /// For sentences.
    pub name: String,
    /// Plays for.
    pub side: Side,
}

/// A row's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Unlike any other host's; the last tie-break, so it should not change.
    pub id: String,
    /// For sentences.
    pub name: String,
}

/// Values that are no matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMatrix {
    /// Nobody to place.
    #[error("no players")]
    NoPlayers,
    /// Nothing to choose from.
    #[error("no hosts")]
    NoHosts,
    /// One clan has nobody.
    #[error("side {missing:?} has no players")]
    OneSided {
        /// Which.
        missing: Side,
    },
    /// More than [`MAX_PLAYERS`].
    #[error("{players} players are more than {MAX_PLAYERS}")]
    TooManyPlayers {
        /// How many.
        players: usize,
    },
    /// The same player twice.
    #[error("player {id:?} is there twice")]
    SamePlayer {
        /// Whose id.
        id: String,
    },
    /// The same host twice.
    #[error("host {id:?} is there twice")]
    SameHost {
        /// Whose id.
        id: String,
    },
    /// A row is too long or too short.
    #[error("host {host:?} has {found} values for {players} players")]
    Ragged {
        /// Which row.
        host: String,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        players: usize,
    },
    /// There are more or fewer rows than hosts.
    #[error("{rows} rows for {hosts} hosts")]
    Rows {
        /// Rows.
        rows: usize,
        /// Hosts.
        hosts: usize,
    },
}

/// Round-trip times, one row per host and one column per player. Unknown is `None`. Valid by construction: both
/// sides have players, nobody is there twice, all rows are as long as there are players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Matrix {
    players: Vec<Player>,
    hosts: Vec<Host>,
    /// Row after row.
    cells: Vec<Option<Micros>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    players: Vec<Player>,
    hosts: Vec<Host>,
    rows: Vec<Vec<Option<Micros>>>,
}

impl Matrix {
    /// Checks and takes values; `rows[h][p]` is what host `h` measured to player `p`.
    ///
    /// # Errors
    /// Says what is missing, doubled or ragged.
    pub fn new(
        players: Vec<Player>,
        hosts: Vec<Host>,
        rows: Vec<Vec<Option<Micros>>>,
    ) -> Result<Self, BadMatrix> {
        if players.is_empty() {
            return Err(BadMatrix::NoPlayers);
        }
        if players.len() > MAX_PLAYERS {
            return Err(BadMatrix::TooManyPlayers {
                players: players.len(),
            });
        }
        if let Some(missing) = [Side::A, Side::B]
            .into_iter()
            .find(|s| players.iter().all(|p| p.side != *s))
        {
            return Err(BadMatrix::OneSided { missing });
        }
        if let Some(id) = twice(players.iter().map(|p| p.id.as_str())) {
            return Err(BadMatrix::SamePlayer { id });
        }
        if hosts.is_empty() {
            return Err(BadMatrix::NoHosts);
        }
        if let Some(id) = twice(hosts.iter().map(|h| h.id.as_str())) {
            return Err(BadMatrix::SameHost { id });
        }
        if rows.len() != hosts.len() {
            return Err(BadMatrix::Rows {
                rows: rows.len(),
                hosts: hosts.len(),
            });
        }
        if let Some((host, row)) = hosts
            .iter()
            .zip(&rows)
            .find(|(_, row)| row.len() != players.len())
        {
            let host = host.name.clone();
            return Err(BadMatrix::Ragged {
                host,
                found: row.len(),
                players: players.len(),
            });
        }
        Ok(Self {
            players,
            hosts,
            cells: rows.into_iter().flatten().collect(),
        })
    }

    /// Columns.
    #[must_use]
    pub fn players(&self) -> &[Player] {
        &self.players
    }

    /// Heads of the rows.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Each host with its values.
    pub fn rows(&self) -> impl Iterator<Item = (&Host, &[Option<Micros>])> {
        self.hosts.iter().zip(self.cells.chunks_exact(self.players.len()))
    }

    /// The values of one host.
    #[must_use]
    pub fn row(&self, host: usize) -> Option<&[Option<Micros>]> {
        self.cells.chunks_exact(self.players.len()).nth(host)
    }
}

fn twice<'a>(ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter().find(|id| !seen.insert(*id)).map(str::to_owned)
}

impl TryFrom<Raw> for Matrix {
    type Error = BadMatrix;
    fn try_from(raw: Raw) -> Result<Self, BadMatrix> {
        Self::new(raw.players, raw.hosts, raw.rows)
    }
}

impl From<Matrix> for Raw {
    fn from(matrix: Matrix) -> Self {
        let rows = matrix
            .cells
            .chunks_exact(matrix.players.len())
            .map(<[_]>::to_vec)
            .collect();
        Self {
            players: matrix.players,
            hosts: matrix.hosts,
            rows,
        }
    }
}
