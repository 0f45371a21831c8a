//! From what a booking form says to a booking. Pure.

use super::{fields::Fields, form::Errors, rules, seats::seats};
use crate::{
    actions::matches::{Booking, Roster, Start},
    domain::{ClanId, Time, limits::LENGTH_MINUTES},
};
use jiff::{civil::DateTime, tz::TimeZone};

/// A form of which something could not be read.
#[derive(Debug)]
pub(crate) struct Unread {
    /// What, and what would be right.
    pub(crate) errors: Errors,
    /// The rest, with something harmless in place of that: to be checked, never to be booked.
    pub(crate) rest: Booking,
}

impl Unread {
    /// All that is wrong, given what is wrong with the rest.
    pub(crate) fn and(self, wrong_with_rest: Errors) -> Errors {
        // What stands in place of a field was not entered by anybody.
        let unread: Vec<String> = self
            .errors
            .fields()
            .iter()
            .map(|error| error.field().to_owned())
            .collect();
        self.errors.and(wrong_with_rest.without(&unread))
    }
}

/// What was booked. A clan admin (`own`) gives the home roster of their own clan and none for the other.
///
/// # Errors
/// Each field that cannot be read, with what would be right.
pub(crate) fn parse(fields: &Fields, own: Option<ClanId>) -> Result<Booking, Box<Unread>> {
    let mut errors = Vec::new();
    let zone = zone(fields).unwrap_or_else(|error| keep(&mut errors, error));
    let start = start(fields, zone.as_ref()).unwrap_or_else(|error| {
        errors.push(error);
        Start::Now
    });
    let length_minutes = length(fields).unwrap_or_else(|error| {
        errors.push(error);
        *LENGTH_MINUTES.start()
    });
    let policy = rules::policy(fields, own.is_none()).unwrap_or_else(|error| keep(&mut errors, error));
    let nobody = ClanId(uuid::Uuid::nil());
    let home = own
        .map_or_else(|| clan(fields, "home"), Ok)
        .unwrap_or_else(|error| {
            errors.push(error);
            nobody
        });
    let away = clan(fields, "away").unwrap_or_else(|error| {
        errors.push(error);
        nobody
    });
    let (home_players, wrong_home) = seats(fields, "home_players", "home_");
    let (away_players, wrong_away) = match own {
        Some(_) => Default::default(),
        None => seats(fields, "away_players", "away_"),
    };
    let wrong = [wrong_home, wrong_away].into_iter();
    errors.extend(wrong.filter(|wrong| !wrong.is_empty()));
    let rest = Booking {
        image: fields.one("image").to_owned(),
        map: Some(fields.one("map").to_owned()).filter(|map| !map.is_empty()),
        policy,
        start,
        zone,
        length_minutes,
        freeze: own.is_none() && fields.has("freeze"),
        rosters: vec![
            Roster {
                clan: home,
                players: home_players,
                by_link: fields.has("home_by_link"),
            },
            Roster {
                clan: away,
                players: away_players,
                by_link: own.is_none() && fields.has("away_by_link"),
            },
        ],
    };
    if errors.is_empty() {
        return Ok(rest);
    }
    let errors = errors.into_iter().fold(Errors::default(), Errors::and);
    Err(Box::new(Unread { errors, rest }))
}

fn keep<T: Default>(errors: &mut Vec<Errors>, error: Errors) -> T {
    errors.push(error);
    T::default()
}

fn clan(fields: &Fields, name: &str) -> Result<ClanId, Errors> {
    fields
        .one(name)
        .parse()
        .map_err(|_| Errors::field(name, "choose a clan"))
}

fn length(fields: &Fields) -> Result<i64, Errors> {
    let expected = "a whole number of minutes from 5 to 480";
    let typed = fields.one("length_minutes");
    typed
        .parse()
        .map_err(|_| Errors::value("length_minutes", typed, expected))
}

fn is_at(fields: &Fields) -> bool {
    fields.one("when") == "at"
}

/// The zone in which the start is said; none for "now".
fn zone(fields: &Fields) -> Result<Option<TimeZone>, Errors> {
    if !is_at(fields) {
        return Ok(None);
    }
    let typed = fields.one("zone");
    TimeZone::get(typed).map(Some).map_err(|_| {
        let expected = "a time zone such as Europe/Berlin, America/New_York or UTC";
        Errors::value("zone", typed, expected)
    })
}

/// Without a zone only what is no time in any is found to be wrong.
fn start(fields: &Fields, zone: Option<&TimeZone>) -> Result<Start, Errors> {
    if !is_at(fields) {
        return Ok(Start::Now);
    }
    let typed = fields.one("start");
    let civil: DateTime = typed
        .parse()
        .map_err(|_| Errors::value("start", typed, "a day and a time such as 2026-11-21 20:00"))?;
    let Some(zone) = zone else { return Ok(Start::Now) };
    let at = zone
        .to_timestamp(civil)
        .map_err(|_| Errors::value("start", typed, "a time between the years 0 and 9999"))?;
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
        let errors = parse(&form("2026-07-01T20:00", "UTC"), None).unwrap_err().errors;
        assert_eq!(errors.at("home"), Some("choose a clan"));
    }

    #[test]
    fn each_wrong_field_is_named_at_once() {
        let fields = Fields::new(&[("when", "at"), ("zone", "Mars/Olympus"), ("home_players", "x")]);
        let errors = parse(&fields, None).unwrap_err().errors;
        for field in ["zone", "start", "length_minutes", "home", "away", "home_players"] {
            assert!(errors.at(field).is_some(), "{field} is not named");
        }
    }

    #[test]
    fn what_stands_in_place_of_a_field_is_not_said_to_be_wrong() {
        let fields = Fields::new(&[
            ("away", OTHER),
            ("when", "at"),
            ("zone", "Mars"),
            ("length_minutes", "3"),
        ]);
        let unread = parse(&fields, Some(CLAN.parse().unwrap())).unwrap_err();
        let found = Errors::field("length_minutes", "5 to 480 minutes").and(Errors::field("zone", "another"));
        let all = unread.and(found);
        assert_eq!(all.at("length_minutes"), Some("5 to 480 minutes"));
        assert_eq!(all.fields().iter().filter(|one| one.field() == "zone").count(), 1);
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
