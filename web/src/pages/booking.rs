//! From what a booking form says to a booking. Pure.

use super::{fields::Fields, form::Errors, match_page::picked};
use crate::{
    actions::matches::{Booking, Roster, Start},
    domain::{ClanId, Time},
};
use jiff::{civil::DateTime, tz::TimeZone};

/// What was booked. A clan admin (`own`) gives the home roster of their own clan and none for the other.
///
/// # Errors
/// Each field that cannot be taken, with what would be right.
pub(crate) fn parse(fields: &Fields, own: Option<ClanId>) -> Result<Booking, Errors> {
    let start = start(fields);
    let length = length(fields);
    let home = match own {
        Some(clan) => Ok(clan),
        None => clan(fields, "home"),
    };
    let away = clan(fields, "away");
    let home_players = players(fields, "home_players");
    let away_players = if own.is_some() {
        Ok(Vec::new())
    } else {
        players(fields, "away_players")
    };
    match (start, length, home, away, home_players, away_players) {
        (Ok(start), Ok(length_minutes), Ok(home), Ok(away), Ok(home_players), Ok(away_players)) => {
            Ok(Booking {
                image: fields.one("image").to_owned(),
                map: Some(fields.one("map").to_owned()).filter(|map| !map.is_empty()),
                start,
                length_minutes,
                rosters: vec![
                    Roster {
                        clan: home,
                        players: home_players,
                    },
                    Roster {
                        clan: away,
                        players: away_players,
                    },
                ],
            })
        }
        (start, length, home, away, home_players, away_players) => {
            let errors = [
                start.err(),
                length.err(),
                home.err(),
                away.err(),
                home_players.err(),
                away_players.err(),
            ];
            Err(errors.into_iter().flatten().fold(Errors::default(), Errors::and))
        }
    }
}

fn clan(fields: &Fields, name: &str) -> Result<ClanId, Errors> {
    fields
        .one(name)
        .parse()
        .map_err(|_| Errors::field(name, "choose a clan"))
}

fn length(fields: &Fields) -> Result<i64, Errors> {
    let expected = "a whole number of minutes from 5 to 480";
    fields
        .one("length_minutes")
        .parse()
        .map_err(|_| Errors::field("length_minutes", expected))
}

fn players(fields: &Fields, name: &str) -> Result<Vec<crate::domain::PlayerId>, Errors> {
    picked(fields, name).map_err(|_| Errors::field(name, "choose players from the list"))
}

fn start(fields: &Fields) -> Result<Start, Errors> {
    if fields.one("when") != "at" {
        return Ok(Start::Now);
    }
    let zone = TimeZone::get(fields.one("zone")).map_err(|_| {
        Errors::field(
            "zone",
            "a time zone such as Europe/Berlin, America/New_York or UTC",
        )
    })?;
    let civil: DateTime = fields
        .one("start")
        .parse()
        .map_err(|_| Errors::field("start", "a day and a time such as 2026-11-21 20:00"))?;
    let at = zone
        .to_timestamp(civil)
        .map_err(|_| Errors::field("start", "a time between the years 0 and 9999"))?;
    Ok(Start::At(Time::from_millis(at.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAN: &str = "018f0000-0000-7000-8000-000000000001";
    const OTHER: &str = "018f0000-0000-7000-8000-000000000002";
    const PLAYER: &str = "018f0000-0000-7000-8000-000000000003";

    fn form(start: &str, zone: &str) -> Fields {
        Fields::new(&[
            ("away", OTHER),
            ("home_players", PLAYER),
            ("image", "openarena"),
            ("length_minutes", "60"),
            ("when", "at"),
            ("start", start),
            ("zone", zone),
        ])
    }

    #[test]
    fn a_start_is_in_the_zone_that_is_named() {
        let booking = parse(
            &form("2026-07-01T20:00", "Europe/Berlin"),
            Some(CLAN.parse().unwrap()),
        )
        .unwrap();
        assert_eq!(booking.start, Start::At("2026-07-01T18:00:00Z".parse().unwrap()));
        assert_eq!(booking.rosters[0].players.len(), 1);
        assert!(booking.rosters[1].players.is_empty() && booking.map.is_none());
    }

    #[test]
    fn an_organiser_names_both_clans() {
        let errors = parse(&form("2026-07-01T20:00", "UTC"), None).unwrap_err();
        assert_eq!(errors.at("home"), Some("choose a clan"));
    }

    #[test]
    fn each_wrong_field_is_named_at_once() {
        let fields = Fields::new(&[("when", "at"), ("zone", "Mars/Olympus"), ("home_players", "x")]);
        let errors = parse(&fields, None).unwrap_err();
        for field in ["zone", "length_minutes", "home", "away", "home_players"] {
            assert!(errors.at(field).is_some(), "{field} is not named");
        }
    }

    #[test]
    fn now_needs_no_time() {
        let fields = Fields::new(&[("when", "now"), ("away", OTHER), ("length_minutes", "30")]);
        assert_eq!(
            parse(&fields, Some(CLAN.parse().unwrap())).unwrap().start,
            Start::Now
        );
    }
}
