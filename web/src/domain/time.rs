//! Moments, as they are stored and shown.

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A moment: milliseconds UTC. Its text, also in JSON, is RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time such as 2026-11-21T20:00:00Z")]
pub struct BadTime(pub String);

impl Time {
    /// From milliseconds UTC; what is outside the years 0 to 9999 is brought to the nearest end.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(-62_167_219_200_000, 253_402_200_000_000))
    }

    /// A time that never comes, for reservations without an end.
    pub const NEVER: Self = Self(253_402_200_000_000);

    /// Milliseconds UTC.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This much later (or earlier, if negative).
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this; negative if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// For people: to the minute in their zone if it is known, otherwise RFC 3339 to the second.
    #[must_use]
    pub fn told_in(self, zone: Option<&TimeZone>) -> String {
        let second = Self(self.0 - self.0.rem_euclid(1000));
        match (zone, jiff::Timestamp::from_millisecond(second.0)) {
            (Some(zone), Ok(at)) => {
                let place = zone.iana_name().unwrap_or("that time zone");
                let civil = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
                format!("{civil} in {place}")
            }
            _ => second.to_string(),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl FromStr for Time {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|timestamp| Self::from_millis(timestamp.as_millisecond()))
            .map_err(|_| BadTime(text.chars().take(80).collect()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_survives_its_text(millis in any::<i64>()) {
            let time = Time::from_millis(millis);
            prop_assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
    }

    #[test]
    fn a_time_is_told_without_milliseconds_in_the_zone_that_was_chosen() {
        let at: Time = "2026-11-21T11:29:57.752Z".parse().unwrap();
        assert_eq!(at.told_in(None), "2026-11-21T11:29:57Z");
        let prague = TimeZone::get("Europe/Prague").unwrap();
        assert_eq!(at.told_in(Some(&prague)), "2026-11-21 12:29 in Europe/Prague");
    }

    #[test]
    fn a_text_that_is_no_time_is_refused_with_itself() {
        assert_eq!("tomorrow".parse::<Time>(), Err(BadTime("tomorrow".into())));
    }
}
