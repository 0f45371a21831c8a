//! Somebody of a roster in a body: an id, or an object that says as what they are there.

use super::rtt::Rtt;
use crate::domain::{PlayerId, Seat};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;
use vmatrix_placement::Role;

/// An entry of `rosters[].players`.
pub(super) struct SeatBody {
    id: PlayerId,
    seat: Seat,
}

/// As the actions take them.
pub(super) fn seats(bodies: Vec<SeatBody>) -> Vec<(PlayerId, Seat)> {
    bodies.into_iter().map(|body| (body.id, body.seat)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    id: PlayerId,
    #[serde(default)]
    role: Role,
    /// Their own cap.
    cap_ms: Option<Rtt>,
}

impl<'de> Deserialize<'de> for SeatBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeatVisitor)
    }
}

struct SeatVisitor;

impl<'de> Visitor<'de> for SeatVisitor {
    type Value = SeatBody;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the id of a player, or an object with \"id\", and \"role\" and \"cap_ms\" if they are to be others")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<SeatBody, E> {
        Ok(SeatBody {
            id: PlayerId::deserialize(id.into_deserializer())?,
            seat: Seat::default(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SeatBody, A::Error> {
        let whole = Whole::deserialize(MapAccessDeserializer::new(map))?;
        Ok(SeatBody {
            id: whole.id,
            seat: Seat {
                role: whole.role,
                cap: whole.cap_ms.map(|cap| cap.0),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::parse;
    use vmatrix_placement::Micros;

    #[derive(Debug, Deserialize)]
    struct Of {
        players: Vec<SeatBody>,
    }

    impl fmt::Debug for SeatBody {
        fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
            write!(f, "{} {:?}", self.id, self.seat)
        }
    }

    const ID: &str = "0199e3a2-7c1b-7a55-8d0e-3f4b5a6c7d8e";

    #[test]
    fn an_id_is_a_player_and_an_object_says_more() {
        let text = format!(
            r#"{{"players": ["{ID}", {{"id": "{ID}", "role": "substitute", "cap_ms": 120}}, {{"id": "{ID}", "cap_ms": null}}]}}"#
        );
        let seats: Vec<Seat> = seats(parse::<Of>(text.as_bytes()).unwrap().players)
            .into_iter()
            .map(|(_, seat)| seat)
            .collect();
        let substitute = Seat {
            role: Role::Substitute,
            cap: Micros::new(120_000).ok(),
        };
        assert_eq!(seats, [Seat::default(), substitute, Seat::default()]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        let cases = [
            (r#""Ada""#.to_owned(), "players[0]", "Ada"),
            ("7".to_owned(), "players[0]", "7"),
            (
                format!(r#"{{"id": "{ID}", "role": "goalkeeper"}}"#),
                "players[0].role",
                "goalkeeper",
            ),
            (
                format!(r#"{{"id": "{ID}", "cap_ms": 0}}"#),
                "players[0].cap_ms",
                "0",
            ),
            (
                format!(r#"{{"id": "{ID}", "cap_ms": -3}}"#),
                "players[0].cap_ms",
                "-3",
            ),
            (
                format!(r#"{{"id": "{ID}", "cap_ms": "fast"}}"#),
                "players[0].cap_ms",
                "fast",
            ),
            (r#"{"role": "coach"}"#.to_owned(), "players[0].id", "(absent)"),
        ];
        for (entry, field, value) in cases {
            let problem = parse::<Of>(format!(r#"{{"players": [{entry}]}}"#).as_bytes()).unwrap_err();
            let said = serde_json::to_string(&problem).unwrap();
            let named = format!(r#""field":"{field}","value":"{value}""#);
            assert!(said.contains(&named), "{entry}: {said}");
        }
    }
}
