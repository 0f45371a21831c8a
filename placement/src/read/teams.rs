//! Who plays for whom, as one line: `A=p1,p2;B=p3,p4`.

use crate::Side;
use crate::explain::list;
use std::collections::BTreeMap;

/// The players of both sides, by name. Nobody is on both, and neither is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teams {
    sides: BTreeMap<String, Side>,
}

/// Teams that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTeams {
    /// Not of the form.
    #[error("{part:?} is no team: right is A=p1,p2;B=p3,p4")]
    Form {
        /// The part between semicolons that is not.
        part: String,
    },
    /// Another name of a team.
    #[error("team {team:?}: the two teams are A and B, each once")]
    Team {
        /// What was given.
        team: String,
    },
    /// A name that is empty.
    #[error("team {}: a player's name is empty in {given:?}", letter(*.side))]
    Nobody {
        /// In which team.
        side: Side,
        /// Its players as given.
        given: String,
    },
    /// One team only.
    #[error("team {} is missing: right is A=p1,p2;B=p3,p4", letter(*.side))]
    Missing {
        /// Which.
        side: Side,
    },
    /// The same name twice.
    #[error("player {name:?} is there twice: each is in one team, once")]
    Twice {
        /// Whose.
        name: String,
    },
    /// A name that is not in the file.
    #[error(
        "team {}: {name:?} is no player of the file, which has {}",
        letter(*.side),
        list(known.iter().cloned())
    )]
    Unknown {
        /// In which team.
        side: Side,
        /// The name.
        name: String,
        /// The names in the file.
        known: Vec<String>,
    },
    /// Names of the file that are in no team.
    #[error("in no team: {}; with teams each player of the file is in one", list(names.iter().cloned()))]
    Left {
        /// Which.
        names: Vec<String>,
    },
}

const fn letter(side: Side) -> char {
    match side {
        Side::A => 'A',
        Side::B => 'B',
    }
}

impl Teams {
    /// The names with their sides, in the names' order.
    pub(super) fn names(&self) -> impl Iterator<Item = (Side, &String)> {
        self.sides.iter().map(|(name, side)| (*side, name))
    }

    pub(super) fn side_of(&self, name: &str) -> Option<Side> {
        self.sides.get(name).copied()
    }
}

impl std::str::FromStr for Teams {
    type Err = BadTeams;
    fn from_str(text: &str) -> Result<Self, BadTeams> {
        let mut sides = BTreeMap::new();
        let mut seen = Vec::new();
        // One semicolon behind the last team is fine.
        let text = text.trim_end();
        for part in text.strip_suffix(';').unwrap_or(text).split(';') {
            let (team, names) = part.split_once('=').ok_or_else(|| BadTeams::Form {
                part: part.trim().into(),
            })?;
            let side = match team.trim() {
                "A" => Side::A,
                "B" => Side::B,
                team => return Err(BadTeams::Team { team: team.into() }),
            };
            if seen.contains(&side) {
                return Err(BadTeams::Team {
                    team: team.trim().into(),
                });
            }
            seen.push(side);
            for name in names.split(',').map(str::trim) {
                if name.is_empty() {
                    return Err(BadTeams::Nobody {
                        side,
                        given: names.into(),
                    });
                }
                if sides.insert(name.to_owned(), side).is_some() {
                    return Err(BadTeams::Twice { name: name.into() });
                }
            }
        }
        match [Side::A, Side::B].into_iter().find(|side| !seen.contains(side)) {
            Some(side) => Err(BadTeams::Missing { side }),
            None => Ok(Self { sides }),
        }
    }
}
