//! What a file holds, before the teams are known.

use super::bad::BadFile;
use super::teams::{BadTeams, Teams};
use crate::{BadMatrix, Host, Matrix, Micros, Player};

/// Hosts, players and round-trip times as they stand in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub(super) players: Vec<Player>,
    pub(super) hosts: Vec<Host>,
    pub(super) values: Vec<Option<Micros>>,
    /// Of the first host, from 1.
    pub(super) first_row: usize,
    /// Of the first player, from 1.
    pub(super) first_column: usize,
    /// Whether the first row is a host's, though its first cell could be a header's.
    pub(super) like_header: bool,
}

impl Table {
    /// Puts the players on sides: each of them on one.
    ///
    /// # Errors
    /// Names somebody who is not in the file, or who is in it and on no side.
    pub fn set_teams(&mut self, teams: &Teams) -> Result<(), BadTeams> {
        let names = || self.players.iter().map(|player| player.name.as_str());
        let unknown = teams
            .names()
            .find(|(_, name)| names().all(|known| known != *name));
        if let Some((side, name)) = unknown {
            return Err(BadTeams::Unknown {
                side,
                name: name.clone(),
                known: names().map(str::to_owned).collect(),
            });
        }
        let left = names().filter(|name| teams.side_of(name).is_none());
        let left: Vec<String> = left.map(str::to_owned).collect();
        if !left.is_empty() {
            return Err(BadTeams::Left { names: left });
        }
        for player in &mut self.players {
            player.side = teams.side_of(&player.name);
        }
        Ok(())
    }

    /// The name under which the first row stands, if that is a host's though it looks like a header: its first cell is
    /// empty or says `host`, `name` or `server`, all others are numbers, and more rows follow.
    #[must_use]
    pub fn header_like_host(&self) -> Option<&str> {
        let (first, more) = self.hosts.split_first()?;
        (self.like_header && !more.is_empty()).then_some(first.name.as_str())
    }

    /// What can be judged.
    ///
    /// # Errors
    /// Says who is there twice, or what is missing.
    pub fn into_matrix(self) -> Result<Matrix, BadFile> {
        let (row, column) = (self.first_row, self.first_column);
        Matrix::from_values(self.players, self.hosts, self.values).map_err(|bad| match bad {
            BadMatrix::SameHost {
                id,
                at: [first, second],
            } => BadFile::SameHost {
                name: id,
                first: row + first,
                second: row + second,
            },
            BadMatrix::SamePlayer {
                id,
                at: [first, second],
            } => BadFile::SamePlayer {
                name: id,
                first: column + first,
                second: column + second,
            },
            other => BadFile::Matrix(other),
        })
    }
}
