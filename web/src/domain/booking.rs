//! Whether a booking makes sense.

use super::{
    BookingError, Clan, ClanId, Player, PlayerId, Role, Seat, Snapshot, Time, is_preset,
    limits::{AHEAD_MS, LENGTH_MINUTES, PLAYERS_OF_A_ROSTER},
    misnamed,
};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_placement::{Policy, Role as Plays};

/// "Now" on the way here takes a moment.
const GRACE_MS: i64 = 60_000;

/// A clan's id as it came, with the clan if it is known; and who is asked for, with their seats.
pub type AskedRoster<'a> = (ClanId, Option<Clan>, &'a [(PlayerId, Seat)]);

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
    /// The rule; `None` is that of the match before, which a rematch takes as it is.
    pub rule: Option<&'a Policy>,
    /// When; `None` is now.
    pub start: Option<Time>,
    /// The zone in which they said it, if they said one.
    pub zone: Option<&'a TimeZone>,
    /// How long.
    pub length_minutes: i64,
    /// Each side is measured before it knows the other.
    pub freeze: bool,
    /// Clans whose players come by a link: nobody of them is chosen.
    pub by_link: Vec<ClanId>,
    /// Home first.
    pub rosters: Vec<AskedRoster<'a>>,
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
    /// Each clan's players; home first. One may be empty: a challenge, or players who come by a link.
    pub rosters: [ValidRoster; 2],
}

/// A clan and its people in a match.
pub type ValidRoster = (ClanId, Vec<(Player, Seat)>);

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
    wrong.extend(asked.rule.and_then(|rule| wrong_rule(rule, asked.role)));
    if asked.freeze && !asked.role.is_staff() {
        wrong.push(BookingError::OwnFreeze);
    }
    let start = asked.start.unwrap_or(now);
    if start < now.plus(-GRACE_MS) {
        wrong.push(BookingError::StartInPast {
            start,
            now,
            zone: asked.zone.cloned(),
        });
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

/// A rule of one's own is for a league, not for one of the two who play by it.
fn wrong_rule(rule: &Policy, role: Role) -> Option<BookingError> {
    if !role.is_staff() && !is_preset(rule) {
        return Some(BookingError::OwnRule {
            rule: rule.name().into(),
        });
    }
    misnamed(rule).map(|preset| BookingError::Misnamed {
        rule: rule.name().into(),
        preset,
    })
}

fn check_rosters(
    asked: &Asked,
    players: &BTreeMap<PlayerId, Player>,
    wrong: &mut Vec<BookingError>,
) -> Option<[ValidRoster; 2]> {
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
    let mut side = |index: usize, (id, clan, seats): &AskedRoster| {
        let Some(clan) = clan else {
            wrong.push(BookingError::UnknownClan {
                field: format!("rosters[{index}].clan"),
                id: *id,
            });
            return None;
        };
        let field = format!("rosters[{index}].players");
        let others = asked.role.clan().is_some_and(|own| own != *id);
        // Whom nobody has chosen yet, their captain will; or they come.
        if (others || asked.freeze || asked.by_link.contains(id)) && seats.is_empty() {
            return Some((*id, Vec::new()));
        }
        if others {
            wrong.push(BookingError::OthersRoster {
                field,
                clan: clan.name.to_string(),
            });
            return None;
        }
        if asked.by_link.contains(id) {
            wrong.push(BookingError::ChosenAndByLink {
                field,
                clan: clan.name.to_string(),
                count: seats.len(),
            });
            return None;
        }
        match check_roster(&field, clan, seats, players) {
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
    seats: &[(PlayerId, Seat)],
    players: &BTreeMap<PlayerId, Player>,
) -> Result<Vec<(Player, Seat)>, Vec<BookingError>> {
    let field = || field.to_owned();
    if seats.is_empty() {
        return Err(vec![BookingError::EmptyRoster {
            field: field(),
            clan: clan.name.to_string(),
        }]);
    }
    if seats.len() > PLAYERS_OF_A_ROSTER {
        return Err(vec![BookingError::TooManyPlayers {
            field: field(),
            count: seats.len(),
        }]);
    }
    let mut wrong = Vec::new();
    if seats.iter().all(|(_, seat)| seat.role != Plays::Player) {
        wrong.push(BookingError::NobodyPlays {
            field: field(),
            clan: clan.name.to_string(),
            count: seats.len(),
        });
    }
    let mut roster = Vec::new();
    let mut seen = BTreeSet::new();
    for (id, seat) in seats {
        if !seen.insert(id) {
            wrong.push(BookingError::PlayerTwice {
                field: field(),
                player: *id,
            });
            continue;
        }
        match players.get(id).filter(|player| player.clan == clan.id) {
            Some(player) => roster.push((player.clone(), *seat)),
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
