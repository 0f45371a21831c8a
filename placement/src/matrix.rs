//! What was measured.

use crate::{Micros, Player, Role, Side, notes::Note};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashSet;

/// Most people of one matrix: exact scores stay far within 128 bits.
pub const MAX_PLAYERS: usize = 1024;

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
    /// Differences need two.
    #[error("only {player:?} plays: a match needs two players at least")]
    OnePlayer {
        /// Who.
        player: String,
    },
    /// Some have a side and others have none.
    #[error("player {player:?} is on no side, and others are: either all who play have one or nobody has")]
    Sideless {
        /// Who.
        player: String,
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
        /// Which columns, from 0.
        at: [usize; 2],
    },
    /// The same host twice.
    #[error("host {id:?} is there twice")]
    SameHost {
        /// Whose id.
        id: String,
        /// Which rows, from 0.
        at: [usize; 2],
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

/// Round-trip times, one row per host and one column per player. Unknown is `None`. Valid by construction: at least
/// two play; either all who play are on a side, and both have players, or nobody is; nobody is there twice; all rows
/// are as long as there are players.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Matrix {
    players: Vec<Player>,
    hosts: Vec<Host>,
    /// Row after row.
    cells: Vec<Option<Micros>>,
    /// What is known of each value beside it, row after row; empty if nothing is.
    notes: Vec<Option<Note>>,
}

/// As it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    players: Vec<Player>,
    hosts: Vec<Host>,
    rows: Vec<Vec<Option<Micros>>>,
    #[serde(default)]
    notes: Vec<Vec<Option<Note>>>,
}

/// As it is written: the same, borrowed.
#[derive(Serialize)]
struct Written<'a> {
    players: &'a [Player],
    hosts: &'a [Host],
    rows: Vec<&'a [Option<Micros>]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'a [Option<Note>]>,
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
        check_heads(&players, &hosts)?;
        check_shape(&hosts, players.len(), &rows)?;
        Ok(Self {
            players,
            hosts,
            cells: rows.into_iter().flatten().collect(),
            notes: Vec::new(),
        })
    }

    /// The same from values that stand row after row already.
    ///
    /// # Errors
    /// As [`Matrix::new`].
    pub fn from_values(
        players: Vec<Player>,
        hosts: Vec<Host>,
        values: Vec<Option<Micros>>,
    ) -> Result<Self, BadMatrix> {
        check_heads(&players, &hosts)?;
        if players.len().checked_mul(hosts.len()) != Some(values.len()) {
            return Err(BadMatrix::Rows {
                rows: values.len() / players.len(),
                hosts: hosts.len(),
            });
        }
        Ok(Self {
            players,
            hosts,
            cells: values,
            notes: Vec::new(),
        })
    }

    /// The same with what is known of its values: source, age and error, in rows as the values are.
    ///
    /// # Errors
    /// Rows of another shape.
    pub fn with_notes(mut self, notes: Vec<Vec<Option<Note>>>) -> Result<Self, BadMatrix> {
        self.check_shape(&notes)?;
        self.notes = notes.into_iter().flatten().collect();
        Ok(self)
    }

    fn check_shape<T>(&self, rows: &[Vec<T>]) -> Result<(), BadMatrix> {
        check_shape(&self.hosts, self.players.len(), rows)
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

    /// Takes other values for one host. A row of another length changes nothing.
    pub(crate) fn set_row(&mut self, host: usize, values: &[Option<Micros>]) {
        let row = self.cells.chunks_exact_mut(self.players.len()).nth(host);
        if let Some(row) = row.filter(|row| row.len() == values.len()) {
            row.copy_from_slice(values);
        }
    }

    /// What is known of the values of one host; empty if nothing is.
    #[must_use]
    pub fn notes(&self, host: usize) -> &[Option<Note>] {
        self.notes
            .chunks_exact(self.players.len())
            .nth(host)
            .unwrap_or_default()
    }

    /// Whether the match has two sides.
    #[must_use]
    pub fn has_sides(&self) -> bool {
        self.players
            .iter()
            .any(|player| player.role.plays() && player.side.is_some())
    }
}

fn check_heads(players: &[Player], hosts: &[Host]) -> Result<(), BadMatrix> {
    check_players(players)?;
    if hosts.is_empty() {
        return Err(BadMatrix::NoHosts);
    }
    match twice(hosts.iter().map(|host| host.id.as_str())) {
        Some((id, at)) => Err(BadMatrix::SameHost { id, at }),
        None => Ok(()),
    }
}

fn check_players(players: &[Player]) -> Result<(), BadMatrix> {
    if players.is_empty() {
        return Err(BadMatrix::NoPlayers);
    }
    if players.len() > MAX_PLAYERS {
        return Err(BadMatrix::TooManyPlayers {
            players: players.len(),
        });
    }
    if let Some((id, at)) = twice(players.iter().map(|p| p.id.as_str())) {
        return Err(BadMatrix::SamePlayer { id, at });
    }
    let who_plays = || players.iter().filter(|p| p.role.plays());
    if who_plays().any(|p| p.side.is_some()) {
        if let Some(player) = who_plays().find(|p| p.side.is_none()) {
            return Err(BadMatrix::Sideless {
                player: player.name.clone(),
            });
        }
        let has = |side: Side| {
            players
                .iter()
                .any(|p| p.role == Role::Player && p.side == Some(side))
        };
        if let Some(missing) = [Side::A, Side::B].into_iter().find(|side| !has(*side)) {
            return Err(BadMatrix::OneSided { missing });
        }
    }
    let mut line_up = players.iter().filter(|p| p.role == Role::Player);
    match (line_up.next(), line_up.next()) {
        (Some(_), Some(_)) => Ok(()),
        (Some(one), None) => Err(BadMatrix::OnePlayer {
            player: one.name.clone(),
        }),
        (None, _) => Err(BadMatrix::NoPlayers),
    }
}

fn check_shape<T>(hosts: &[Host], players: usize, rows: &[Vec<T>]) -> Result<(), BadMatrix> {
    if rows.len() != hosts.len() {
        return Err(BadMatrix::Rows {
            rows: rows.len(),
            hosts: hosts.len(),
        });
    }
    match hosts.iter().zip(rows).find(|(_, row)| row.len() != players) {
        Some((host, row)) => Err(BadMatrix::Ragged {
            host: host.name.clone(),
            found: row.len(),
            players,
        }),
        None => Ok(()),
    }
}

/// The first id that was there before, and where both are.
fn twice<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> Option<(String, [usize; 2])> {
    // In order, as numbered hosts are, nobody can be there twice.
    if ids.clone().is_sorted_by(|one, next| one < next) {
        return None;
    }
    let mut seen = HashSet::new();
    let (second, id) = ids.clone().enumerate().find(|(_, id)| !seen.insert(*id))?;
    let first = ids.clone().position(|before| before == id)?;
    Some((id.to_owned(), [first, second]))
}

impl TryFrom<Raw> for Matrix {
    type Error = BadMatrix;
    fn try_from(raw: Raw) -> Result<Self, BadMatrix> {
        let matrix = Self::new(raw.players, raw.hosts, raw.rows)?;
        if raw.notes.is_empty() {
            Ok(matrix)
        } else {
            matrix.with_notes(raw.notes)
        }
    }
}

impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let width = self.players.len();
        let written = Written {
            players: &self.players,
            hosts: &self.hosts,
            rows: self.cells.chunks_exact(width).collect(),
            notes: self.notes.chunks_exact(width).collect(),
        };
        written.serialize(serializer)
    }
}
