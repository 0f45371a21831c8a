//! Whether a booking makes sense: each thing that is wrong is a variant with the value that came.

use super::{Clan, ClanId, Player, PlayerId, Refusal, Role, Snapshot, Time};
use std::collections::{BTreeMap, BTreeSet};

/// How long a match may last, minutes.
pub const LENGTH_MINUTES: std::ops::RangeInclusive<i64> = 5..=480;
/// How far ahead one may book, milliseconds.
const AHEAD_MS: i64 = 366 * 24 * 3_600_000;
/// "Now" on the way here takes a moment.
const GRACE_MS: i64 = 60_000;
/// Most players of one clan in a match.
const MOST_PLAYERS: usize = 32;

/// What is wrong with a booking or a roster. `field` is where, such as `rosters[1].players`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookingError {
    /// No snapshot of that name is in the nest.
    #[error("one of the images that are here: {}", if known.is_empty() { "none yet".to_owned() } else { known.join(", ") })]
    UnknownImage {
        /// The name.
        image: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The image is not a game.
    #[error("the image of a game; this one is a service")]
    NotAGame {
        /// The name.
        image: String,
    },
    /// Letters that could be a command.
    #[error("a map name: 1 to 40 of a-z, A-Z, 0-9, _ and -")]
    BadMap {
        /// The name.
        map: String,
    },
    /// It would have started already.
    #[error("a start that is not in the past; it is {now} now")]
    StartInPast {
        /// The start.
        start: Time,
        /// Now.
        now: Time,
    },
    /// More than a year ahead.
    #[error("a start within a year")]
    StartTooFar {
        /// The start.
        start: Time,
    },
    /// Too short or too long.
    #[error("{} to {} minutes", LENGTH_MINUTES.start(), LENGTH_MINUTES.end())]
    Length {
        /// The length.
        minutes: i64,
    },
    /// A match is between two clans.
    #[error("exactly two rosters, one per clan")]
    TwoRosters {
        /// How many came.
        count: usize,
    },
    /// A clan against itself.
    #[error("two different clans")]
    SameClan {
        /// Its name.
        clan: String,
    },
    /// There is no such clan.
    #[error("the id of a clan that is here")]
    UnknownClan {
        /// Where.
        field: String,
        /// The id.
        id: ClanId,
    },
    /// Nobody plays for a clan.
    #[error("at least one player of {clan}")]
    EmptyRoster {
        /// Where.
        field: String,
        /// Name of the clan.
        clan: String,
    },
    /// More than fit.
    #[error("at most {MOST_PLAYERS} players")]
    TooManyPlayers {
        /// Where.
        field: String,
        /// How many.
        count: usize,
    },
    /// Somebody is named twice.
    #[error("each player once")]
    PlayerTwice {
        /// Where the second time is.
        field: String,
        /// Who.
        player: PlayerId,
    },
    /// No such player is in that clan. Also said of another clan's player: whose they are is not told.
    #[error("ids of players of {clan}")]
    WrongClan {
        /// Where.
        field: String,
        /// The id.
        player: PlayerId,
        /// Name of the clan that the roster is of.
        clan: String,
    },
    /// A clan admin gave another clan's players.
    #[error("no players: {clan} chooses its own")]
    OthersRoster {
        /// Where.
        field: String,
        /// Name of the other clan.
        clan: String,
    },
    /// Somebody cannot be measured.
    #[error("players who can be reached: {why}")]
    Address {
        /// Where.
        field: String,
        /// Name of the player.
        player: String,
        /// Why not.
        why: String,
    },
}

impl BookingError {
    fn field(&self) -> String {
        match self {
            Self::UnknownImage { .. } | Self::NotAGame { .. } => "image".into(),
            Self::BadMap { .. } => "map".into(),
            Self::StartInPast { .. } | Self::StartTooFar { .. } => "start".into(),
            Self::Length { .. } => "length_minutes".into(),
            Self::TwoRosters { .. } | Self::SameClan { .. } => "rosters".into(),
            Self::UnknownClan { field, .. }
            | Self::EmptyRoster { field, .. }
            | Self::TooManyPlayers { field, .. }
            | Self::PlayerTwice { field, .. }
            | Self::WrongClan { field, .. }
            | Self::OthersRoster { field, .. }
            | Self::Address { field, .. } => field.clone(),
        }
    }

    fn value(&self) -> String {
        match self {
            Self::UnknownImage { image, .. } | Self::NotAGame { image } => image.clone(),
            Self::BadMap { map } => map.clone(),
            Self::StartInPast { start, .. } | Self::StartTooFar { start } => start.to_string(),
            Self::Length { minutes } => minutes.to_string(),
            Self::TwoRosters { count } => format!("{count} rosters"),
            Self::SameClan { clan } => format!("{clan} twice"),
            Self::UnknownClan { id, .. } => id.to_string(),
            Self::EmptyRoster { .. } => "nobody".into(),
            Self::TooManyPlayers { count, .. } => format!("{count} players"),
            Self::PlayerTwice { player, .. } | Self::WrongClan { player, .. } => player.to_string(),
            Self::OthersRoster { clan, .. } => format!("players of {clan}"),
            Self::Address { player, .. } => player.clone(),
        }
    }
}

impl From<BookingError> for Refusal {
    fn from(error: BookingError) -> Self {
        Self::new(error.field(), error.value(), error.to_string())
    }
}

/// What is asked for, with all that is known of it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Name of the image.
    pub image: &'a str,
    /// The newest snapshot of that name, if there is one.
    pub snapshot: Option<&'a Snapshot>,
    /// Names of the games that are here.
    pub games: Vec<String>,
    /// Map to start with.
    pub map: Option<&'a str>,
    /// When; `None` is now.
    pub start: Option<Time>,
    /// How long.
    pub length_minutes: i64,
    /// Clan, if it is known, with its id as it came; and the players asked for. Home first.
    pub rosters: Vec<(ClanId, Option<Clan>, &'a [PlayerId])>,
    /// Who asks.
    pub role: Role,
}

/// A booking that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Map to start with.
    pub map: String,
    /// When.
    pub start: Time,
    /// Each clan's players; home first. The second may be empty: a challenge.
    pub rosters: [(ClanId, Vec<Player>); 2],
}

/// Checks a booking against what there is. `players` are all players of both clans.
///
/// # Errors
/// Everything that is wrong, not only the first thing.
pub fn check_booking(
    asked: &Asked,
    players: &BTreeMap<PlayerId, Player>,
    now: Time,
) -> Result<Valid, Vec<BookingError>> {
    let mut wrong = Vec::new();
    let game = asked
        .snapshot
        .and_then(|snapshot| snapshot.facts.contract.game.as_ref());
    match (asked.snapshot, game) {
        (None, _) => {
            wrong.push(BookingError::UnknownImage {
                image: asked.image.into(),
                known: asked.games.clone(),
            });
        }
        (Some(_), None) => wrong.push(BookingError::NotAGame {
            image: asked.image.into(),
        }),
        _ => {}
    }
    let map = asked
        .map
        .or(game.map(|game| game.map.as_str()))
        .unwrap_or_default();
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if game.is_some() && !((1..=40).contains(&map.len()) && map.bytes().all(letter)) {
        wrong.push(BookingError::BadMap { map: map.into() });
    }
    let start = asked.start.unwrap_or(now);
    if start < now.plus(-GRACE_MS) {
        wrong.push(BookingError::StartInPast { start, now });
    } else if start > now.plus(AHEAD_MS) {
        wrong.push(BookingError::StartTooFar { start });
    }
    if !LENGTH_MINUTES.contains(&asked.length_minutes) {
        wrong.push(BookingError::Length {
            minutes: asked.length_minutes,
        });
    }
    let rosters = check_rosters(asked, players, &mut wrong);
    match (rosters, wrong.is_empty()) {
        (Some(rosters), true) => Ok(Valid {
            map: map.into(),
            start,
            rosters,
        }),
        _ => Err(wrong),
    }
}

fn check_rosters(
    asked: &Asked,
    players: &BTreeMap<PlayerId, Player>,
    wrong: &mut Vec<BookingError>,
) -> Option<[(ClanId, Vec<Player>); 2]> {
    let [home, away] = asked.rosters.as_slice() else {
        wrong.push(BookingError::TwoRosters {
            count: asked.rosters.len(),
        });
        return None;
    };
    if home.0 == away.0 {
        let clan = home
            .1
            .as_ref()
            .map_or_else(|| home.0.to_string(), |clan| clan.name.to_string());
        wrong.push(BookingError::SameClan { clan });
        return None;
    }
    let mut side = |index: usize, (id, clan, ids): &(ClanId, Option<Clan>, &[PlayerId])| {
        let Some(clan) = clan else {
            wrong.push(BookingError::UnknownClan {
                field: format!("rosters[{index}].clan"),
                id: *id,
            });
            return None;
        };
        let field = format!("rosters[{index}].players");
        let others = asked.role.clan().is_some_and(|own| own != *id);
        if others && ids.is_empty() {
            return Some((*id, Vec::new()));
        }
        if others {
            wrong.push(BookingError::OthersRoster {
                field,
                clan: clan.name.to_string(),
            });
            return None;
        }
        match check_roster(&field, clan, ids, players) {
            Ok(players) => Some((*id, players)),
            Err(errors) => {
                wrong.extend(errors);
                None
            }
        }
    };
    let (home, away) = (side(0, home), side(1, away));
    Some([home?, away?])
}

/// Checks one clan's roster. `players` are all players of the clan (others do no harm).
///
/// # Errors
/// Everything that is wrong.
pub fn check_roster(
    field: &str,
    clan: &Clan,
    ids: &[PlayerId],
    players: &BTreeMap<PlayerId, Player>,
) -> Result<Vec<Player>, Vec<BookingError>> {
    let field = || field.to_owned();
    if ids.is_empty() {
        return Err(vec![BookingError::EmptyRoster {
            field: field(),
            clan: clan.name.to_string(),
        }]);
    }
    if ids.len() > MOST_PLAYERS {
        return Err(vec![BookingError::TooManyPlayers {
            field: field(),
            count: ids.len(),
        }]);
    }
    let mut wrong = Vec::new();
    let mut roster = Vec::new();
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            wrong.push(BookingError::PlayerTwice {
                field: field(),
                player: *id,
            });
            continue;
        }
        match players.get(id).filter(|player| player.clan == clan.id) {
            Some(player) => roster.push(player.clone()),
            None => wrong.push(BookingError::WrongClan {
                field: field(),
                player: *id,
                clan: clan.name.to_string(),
            }),
        }
    }
    if wrong.is_empty() { Ok(roster) } else { Err(wrong) }
}

#[cfg(test)]
#[path = "booking_tests.rs"]
mod tests;
