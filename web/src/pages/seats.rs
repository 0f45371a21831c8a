//! Who is in a roster and as what, in forms: a box to tick for each player, and below, folded, what is not as usual. Pure.

use super::{fields::Fields, form::Errors};
use crate::{
    actions::players::PlayerSeen,
    domain::{PlayerId, Seat, view::RosterPlayer},
};
use vmatrix_placement::{
    Micros, Role,
    read::{Unit, round_trip},
};

const ROLE: &str = "player, substitute, coach or caster";
const CAP: &str = "milliseconds such as 120, up to 60000, or nothing for the rule’s own";

/// A player to choose.
pub(crate) struct Pick {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) picked: bool,
    pub(crate) role: Role,
    /// Own cap in milliseconds, as it was entered; empty for none.
    pub(crate) cap: String,
}

impl Pick {
    /// One for each player of a clan, as a form says that came with these names before `role_` and `cap_`.
    pub(crate) fn entered(
        players: &[PlayerSeen],
        fields: &Fields,
        prefix: &str,
        picked: impl Fn(PlayerId) -> bool,
    ) -> Vec<Self> {
        let pick = |player: &PlayerSeen| {
            let role = fields.one(&format!("{prefix}role_{}", player.id));
            Self {
                role: Seat::role_named(role).unwrap_or_default(),
                cap: fields.one(&format!("{prefix}cap_{}", player.id)).to_owned(),
                ..Self::as_usual(player, picked(player.id))
            }
        };
        players.iter().map(pick).collect()
    }

    /// One for each player of a clan, as they are in a roster; all play where nobody is in it yet.
    pub(crate) fn in_roster(players: &[PlayerSeen], roster: &[RosterPlayer]) -> Vec<Self> {
        let pick = |player: &PlayerSeen| {
            let there = roster.iter().find(|one| one.id == Some(player.id));
            let usual = Self::as_usual(player, roster.is_empty() || there.is_some());
            there.map_or_else(
                || Self::as_usual(player, roster.is_empty()),
                |there| Self {
                    role: Seat::role_named(there.role).unwrap_or_default(),
                    cap: there.cap_ms.map(|ms| ms.to_string()).unwrap_or_default(),
                    ..usual
                },
            )
        };
        players.iter().map(pick).collect()
    }

    fn as_usual(player: &PlayerSeen, picked: bool) -> Self {
        Self {
            id: player.id.to_string(),
            name: player.name.to_string(),
            picked,
            role: Role::Player,
            cap: String::new(),
        }
    }

    /// Whether what is folded has something to say.
    fn is_unusual(&self) -> bool {
        self.role != Role::Player || !self.cap.is_empty()
    }
}

/// Whether the roles and caps of a roster are to be seen at once.
pub(crate) fn unfolded(picks: &[Pick], errors: &Errors) -> bool {
    let wrong = |pick: &Pick| {
        errors
            .fields()
            .iter()
            .any(|error| error.field().ends_with(&format!("_{}", pick.id)))
    };
    picks.iter().any(|pick| pick.is_unusual() || wrong(pick))
}

/// The same errors, in the list on top of a form by the players’ names.
pub(crate) fn named(errors: Errors, prefix: &str, picks: &[Pick]) -> Errors {
    picks.iter().fold(errors, |errors, pick| {
        errors
            .labelled(
                &format!("{prefix}role_{}", pick.id),
                &format!("Role of {}", pick.name),
            )
            .labelled(
                &format!("{prefix}cap_{}", pick.id),
                &format!("Own cap of {}", pick.name),
            )
    })
}

/// Name of a field of one player, for the template: an id has nothing to escape.
pub(crate) fn field(prefix: &str, what: &str, id: &str) -> String {
    format!("{prefix}{what}{id}")
}

/// The players whom a form has ticked under a name.
///
/// # Errors
/// What is no player's id.
pub(crate) fn picked(fields: &Fields, name: &str) -> Result<Vec<PlayerId>, Errors> {
    let ids = fields.all(name).map(str::parse);
    ids.collect::<Result<_, _>>()
        .map_err(|_| Errors::field(name, "choose players from the list"))
}

/// The players whom a form has ticked under a name, each as what it says: `role_ID` and `cap_ID` with the prefix before them.
/// With each field that cannot be read, and what would be right there; who has one counts as a player meanwhile.
pub(crate) fn seats(fields: &Fields, name: &str, prefix: &str) -> (Vec<(PlayerId, Seat)>, Errors) {
    let players = match picked(fields, name) {
        Ok(players) => players,
        Err(wrong) => return (Vec::new(), wrong),
    };
    let mut wrong = Errors::default();
    let mut roster = Vec::new();
    for id in players {
        let seat = seat(fields, prefix, id).unwrap_or_else(|errors| {
            wrong = std::mem::take(&mut wrong).and(errors);
            Seat::default()
        });
        roster.push((id, seat));
    }
    (roster, wrong)
}

fn seat(fields: &Fields, prefix: &str, id: PlayerId) -> Result<Seat, Errors> {
    let field = format!("{prefix}role_{id}");
    let role = match fields.one(&field) {
        "" => Ok(Role::Player),
        name => Seat::role_named(name).ok_or_else(|| Errors::value(&field, name, ROLE)),
    };
    let field = format!("{prefix}cap_{id}");
    let cap = match fields.one(&field) {
        "" => Ok(None),
        typed => own_cap(typed)
            .map(Some)
            .ok_or_else(|| Errors::value(&field, typed, CAP)),
    };
    match (role, cap) {
        (Ok(role), Ok(cap)) => Ok(Seat { role, cap }),
        (role, cap) => Err(role.err().unwrap_or_default().and(cap.err().unwrap_or_default())),
    }
}

/// Milliseconds with a point or, as some keyboards have it, a comma.
fn own_cap(typed: &str) -> Option<Micros> {
    round_trip(&typed.replace(',', "."), Unit::Milliseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ANN: &str = "018f0000-0000-7000-8000-000000000003";
    const BOB: &str = "018f0000-0000-7000-8000-000000000004";

    fn form(fields: &[(&str, &str)]) -> Fields {
        let mut named: Vec<(String, &str)> = Vec::new();
        for (name, value) in fields {
            named.push((name.replace("ANN", ANN).replace("BOB", BOB), *value));
        }
        let named: Vec<(&str, &str)> = named
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        Fields::new(&named)
    }

    fn player(id: &str, name: &str) -> PlayerSeen {
        PlayerSeen {
            id: id.parse().unwrap(),
            name: name.parse().unwrap(),
            address: None,
            consent: crate::domain::Consent::Typed,
            ipv6: None,
        }
    }

    fn right(fields: &Fields, name: &str, prefix: &str) -> Vec<(PlayerId, Seat)> {
        let (roster, wrong) = seats(fields, name, prefix);
        assert_eq!(wrong, Errors::default());
        roster
    }

    #[test]
    fn who_is_ticked_plays_unless_the_form_says_otherwise() {
        let fields = form(&[
            ("home_players", ANN),
            ("home_players", BOB),
            ("home_role_BOB", "coach"),
            ("home_cap_BOB", " 80,5 "),
            ("home_cap_ANN", ""),
            ("away_role_ANN", "caster"),
        ]);
        let coach = Seat {
            role: Role::Coach,
            cap: Micros::new(80_500).ok(),
        };
        let read = right(&fields, "home_players", "home_");
        let expected = [
            (ANN.parse().unwrap(), Seat::default()),
            (BOB.parse().unwrap(), coach),
        ];
        assert_eq!(read, expected);
        assert_eq!(right(&fields, "away_players", "away_"), []);
    }

    #[test]
    fn each_wrong_role_and_cap_is_named_at_its_field_and_of_its_player() {
        let fields = form(&[
            ("players", ANN),
            ("players", BOB),
            ("role_ANN", "goalkeeper"),
            ("cap_ANN", "0"),
            ("cap_BOB", "fast"),
        ]);
        let (roster, errors) = seats(&fields, "players", "");
        assert_eq!(roster.len(), 2);
        let players = [player(ANN, "Ann"), player(BOB, "Bob")];
        let picks = Pick::entered(&players, &fields, "", |_| true);
        assert!(unfolded(&picks, &errors));
        assert_eq!((picks[1].cap.as_str(), picks[0].role), ("fast", Role::Player));
        let said: Vec<_> = named(errors, "", &picks)
            .fields()
            .iter()
            .map(super::super::form::FieldError::sentence)
            .collect();
        assert_eq!(
            said,
            [
                format!("Role of Ann: not “goalkeeper” but {ROLE}"),
                format!("Own cap of Ann: not “0” but {CAP}"),
                format!("Own cap of Bob: not “fast” but {CAP}"),
            ]
        );
    }

    #[test]
    fn what_is_said_of_somebody_who_is_not_ticked_is_not_looked_at() {
        let fields = form(&[("players", ANN), ("cap_BOB", "fast")]);
        assert_eq!(right(&fields, "players", "").len(), 1);
        assert!(
            seats(&form(&[("players", "x")]), "players", "")
                .1
                .at("players")
                .is_some()
        );
    }

    proptest! {
        /// A roster that is shown in a form and sent back as it is stays as it is.
        #[test]
        fn a_roster_survives_its_form(people in prop::collection::vec((any::<bool>(), 0..4_usize, prop::option::of(1..Micros::MAX_US)), 1..9)) {
            let id = |n: usize| PlayerId(Uuid::from_u128(100 + n as u128));
            let players: Vec<_> = (0..people.len()).map(|n| player(&id(n).to_string(), &format!("P{n}"))).collect();
            let roster: Vec<_> = people.iter().enumerate().filter(|(_, one)| one.0).map(|(n, (_, role, cap))| {
                (id(n), Seat { role: Seat::ROLES[*role], cap: cap.and_then(|us| Micros::new(us).ok()) })
            }).collect();
            prop_assume!(!roster.is_empty());
            let shown: Vec<_> = roster.iter().map(|(id, seat)| RosterPlayer {
                id: Some(*id), name: "x".into(), role: seat.role.name(), cap_ms: seat.cap.map(Micros::ms),
                not_measured: None,
            }).collect();
            let mut sent = Vec::new();
            for pick in Pick::in_roster(&players, &shown) {
                if pick.picked { sent.push(("players".to_owned(), pick.id.clone())); }
                sent.push((format!("role_{}", pick.id), pick.role.name().to_owned()));
                sent.push((format!("cap_{}", pick.id), pick.cap));
            }
            let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(right(&Fields::new(&sent), "players", ""), roster);
        }
    }
}
