use super::*;
use crate::domain::{Refusal, SnapshotFacts, testing};
use uuid::Uuid;
use vmatrix_wire::Digest;

const NOW: i64 = 1_000_000_000;

struct Case {
    snapshot: Snapshot,
    clans: [Clan; 2],
    players: BTreeMap<PlayerId, Player>,
}

impl Case {
    fn new() -> Self {
        let clan = |n: u128, name: &str| Clan {
            id: ClanId(Uuid::from_u128(n)),
            name: name.parse().unwrap(),
        };
        let clans = [clan(1, "Reds"), clan(2, "Blues")];
        let player = |n: u128, clan: &Clan| Player {
            id: PlayerId(Uuid::from_u128(n)),
            clan: clan.id,
            name: format!("p{n}").parse().unwrap(),
            address: "10.0.0.1".parse().unwrap(),
            consent: crate::domain::Consent::Typed,
            ipv6: None,
        };
        let players = [
            player(11, &clans[0]),
            player(12, &clans[0]),
            player(21, &clans[1]),
        ];
        Self {
            snapshot: Snapshot {
                id: Digest([1; 32]),
                facts: SnapshotFacts::from(&testing::manifest("openarena", 1)),
                created_at: Time::from_millis(1),
            },
            clans,
            players: players.into_iter().map(|player| (player.id, player)).collect(),
        }
    }

    fn asked<'a>(&'a self, home: &'a [(PlayerId, Seat)], away: &'a [(PlayerId, Seat)]) -> Asked<'a> {
        Asked {
            image: "openarena",
            snapshot: Some(&self.snapshot),
            games: vec!["openarena".into()],
            map: None,
            rule: None,
            start: None,
            zone: None,
            length_minutes: 30,
            freeze: false,
            by_link: Vec::new(),
            rosters: vec![
                (self.clans[0].id, Some(self.clans[0].clone()), home),
                (self.clans[1].id, Some(self.clans[1].clone()), away),
            ],
            role: Role::Organiser,
        }
    }

    fn check(&self, asked: &Asked) -> Result<Valid, Vec<BookingError>> {
        check_booking(asked, &self.players, Time::from_millis(NOW))
    }
}

fn id(n: u128) -> PlayerId {
    PlayerId(Uuid::from_u128(n))
}

fn plays(n: u128) -> (PlayerId, Seat) {
    (id(n), Seat::default())
}

#[test]
fn a_booking_for_now_takes_the_image_s_map() {
    let case = Case::new();
    let valid = case
        .check(&case.asked(&[plays(11), plays(12)], &[plays(21)]))
        .unwrap();
    assert_eq!(
        (valid.map.as_str(), valid.start),
        ("oa_dm1", Time::from_millis(NOW))
    );
    assert_eq!(valid.rosters[0].1.len(), 2);
}

#[test]
fn an_empty_and_a_one_sided_roster_are_refused() {
    let case = Case::new();
    let field = "rosters[1].players".to_owned();
    assert_eq!(
        case.check(&case.asked(&[plays(11)], &[])),
        Err(vec![BookingError::EmptyRoster {
            field,
            clan: "Blues".into()
        }])
    );
    assert_eq!(case.check(&case.asked(&[], &[])).unwrap_err().len(), 2);
}

#[test]
fn a_clan_admin_challenges_but_does_not_choose_for_others() {
    let case = Case::new();
    let role = Role::ClanAdmin(case.clans[0].id);
    let valid = case
        .check(&Asked {
            role,
            ..case.asked(&[plays(11)], &[])
        })
        .unwrap();
    assert!(valid.rosters[1].1.is_empty());
    let field = "rosters[1].players".to_owned();
    assert_eq!(
        case.check(&Asked {
            role,
            ..case.asked(&[plays(11)], &[plays(21)])
        }),
        Err(vec![BookingError::OthersRoster {
            field,
            clan: "Blues".into()
        }])
    );
}

#[test]
fn the_same_player_twice_is_refused() {
    let case = Case::new();
    let error = BookingError::PlayerTwice {
        field: "rosters[0].players".into(),
        player: id(11),
    };
    assert_eq!(
        case.check(&case.asked(&[plays(11), plays(11)], &[plays(21)])),
        Err(vec![error])
    );
}

#[test]
fn another_clan_s_player_is_refused_without_saying_whose_they_are() {
    let case = Case::new();
    let error = BookingError::WrongClan {
        field: "rosters[0].players".into(),
        player: id(21),
        clan: "Reds".into(),
    };
    assert_eq!(
        case.check(&case.asked(&[plays(21)], &[plays(21)])),
        Err(vec![error.clone()])
    );
    assert!(!error.to_string().contains("Blues"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_value() {
    let case = Case::new();
    let wrong = case
        .check(&Asked {
            snapshot: None,
            image: "quake",
            start: Some(Time::from_millis(0)),
            length_minutes: 0,
            ..case.asked(&[plays(11)], &[])
        })
        .unwrap_err();
    let refusals: Vec<Refusal> = wrong.into_iter().map(Refusal::from).collect();
    let fields: Vec<_> = refusals.iter().map(|refusal| refusal.field.as_str()).collect();
    assert_eq!(fields, ["image", "start", "length_minutes", "rosters[1].players"]);
    assert_eq!(refusals[0].value, "quake");
    assert!(
        refusals[0].expected.contains("openarena"),
        "{}",
        refusals[0].expected
    );
    assert_eq!(refusals[2].expected, "5 to 480 minutes");
}

#[test]
fn a_map_name_cannot_carry_a_command() {
    let case = Case::new();
    let (home, away) = ([plays(11)], [plays(21)]);
    for map in ["", "a;quit", "a b", "../x", "\"", &"m".repeat(41)] {
        let asked = Asked {
            map: Some(map),
            ..case.asked(&home, &away)
        };
        assert_eq!(
            case.check(&asked),
            Err(vec![BookingError::BadMap { map: map.into() }])
        );
    }
}

#[test]
fn a_clan_does_not_play_against_itself_and_a_match_has_two() {
    let case = Case::new();
    let (home, away) = ([plays(11)], [plays(12)]);
    let mut asked = case.asked(&home, &away);
    asked.rosters[1].0 = case.clans[0].id;
    assert_eq!(
        case.check(&asked),
        Err(vec![BookingError::SameClan { clan: "Reds".into() }])
    );
    asked.rosters.truncate(1);
    assert_eq!(
        case.check(&asked),
        Err(vec![BookingError::TwoRosters { count: 1 }])
    );
}

#[test]
fn a_side_needs_somebody_in_its_line_up() {
    let case = Case::new();
    let seat = |role, cap| Seat { role, cap };
    let away = [plays(21)];
    let bench = [
        (id(11), seat(Plays::Substitute, None)),
        (id(12), seat(Plays::Coach, None)),
    ];
    let refused: Vec<Refusal> = case
        .check(&case.asked(&bench, &away))
        .unwrap_err()
        .into_iter()
        .map(Refusal::from)
        .collect();
    let expected = "at least one of Reds with the role player";
    assert_eq!(
        refused,
        [Refusal::new("rosters[0].players", "2 of other roles", expected)]
    );

    let capped = seat(Plays::Player, vmatrix_placement::Micros::new(120_000).ok());
    let home = [(id(11), capped), bench[1]];
    let valid = case.check(&case.asked(&home, &away)).unwrap();
    let seats: Vec<Seat> = valid.rosters[0].1.iter().map(|(_, seat)| *seat).collect();
    assert_eq!(seats, [capped, bench[1].1]);
}

#[test]
fn a_clan_names_a_rule_and_organisers_write_one_with_a_name_of_its_own() {
    let case = Case::new();
    let policy =
        |name: &str| -> Policy { toml::from_str(&format!("name = \"{name}\"\ncap_ms = 90\n")).unwrap() };
    let refused = |role: Role, rule: &Policy| {
        let players = [plays(11)];
        let asked = Asked {
            rule: Some(rule),
            role,
            ..case.asked(&players, &[])
        };
        let refusals = case
            .check(&asked)
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(Refusal::from);
        let of_rule = refusals.filter(|one| one.field.starts_with("policy"));
        of_rule.map(|one| (one.field, one.value)).next()
    };
    let captain = Role::ClanAdmin(case.clans[0].id);
    let is = |field: &str, value: &str| Some((field.to_owned(), value.to_owned()));
    assert_eq!(refused(captain, &policy("our cup")), is("policy", "our cup"));
    assert_eq!(refused(captain, &policy("thesis")), is("policy", "thesis"));
    assert_eq!(refused(Role::Organiser, &policy("our cup")), None);
    assert_eq!(
        refused(Role::Organiser, &policy("Thesis")),
        is("policy.name", "Thesis")
    );
    for role in [captain, Role::Operator] {
        for preset in vmatrix_placement::Preset::ALL {
            assert_eq!(refused(role, &preset.policy()), None);
        }
    }
}

#[test]
fn an_organiser_leaves_rosters_to_captains_only_where_sides_are_frozen() {
    let case = Case::new();
    let own = [(PlayerId(Uuid::from_u128(11)), Seat::default())];
    for (home, away) in [(&own[..], &[][..]), (&[], &[])] {
        let asked = case.asked(home, away);
        assert!(
            case.check(&asked).is_err(),
            "nobody would know that they are to choose"
        );
        let asked = Asked {
            freeze: true,
            ..asked
        };
        let rosters = case.check(&asked).unwrap().rosters;
        assert_eq!([rosters[0].1.len(), rosters[1].1.len()], [home.len(), away.len()]);
        let role = Role::ClanAdmin(case.clans[0].id);
        let wrong = case.check(&Asked { role, ..asked }).unwrap_err();
        assert!(wrong.contains(&BookingError::OwnFreeze), "{wrong:?}");
    }
}

#[test]
fn nobody_needs_to_be_chosen_of_a_side_whose_players_come_by_a_link() {
    let case = Case::new();
    let home = [plays(11)];
    for role in [Role::Organiser, Role::ClanAdmin(case.clans[0].id)] {
        let mut asked = case.asked(&[], &[]);
        asked.role = role;
        assert!(case.check(&asked).is_err(), "of the home side nothing is said");
        asked.by_link = vec![case.clans[0].id, case.clans[1].id];
        let valid = case.check(&asked).unwrap();
        assert!(valid.rosters.iter().all(|(_, players)| players.is_empty()));
    }
    let mut asked = case.asked(&home, &[]);
    asked.by_link = vec![case.clans[0].id];
    assert!(case.check(&asked).is_err(), "of the away side nothing is said");
    asked.by_link = vec![case.clans[1].id];
    assert_eq!(case.check(&asked).unwrap().rosters[0].1.len(), 1);
    // Who are chosen are the whole side: nobody waits for others.
    asked.by_link = vec![case.clans[0].id, case.clans[1].id];
    let wrong = case.check(&asked).unwrap_err();
    assert!(
        matches!(wrong.as_slice(), [BookingError::ChosenAndByLink { field, .. }] if field == "rosters[0].players"),
        "{wrong:?}"
    );
}
