use super::*;

mod properties;

fn ms(ms: f64) -> Micros {
    Micros::new((ms * 1000.0).round() as u32).unwrap()
}

/// Players `a…` on side A and `b…` on side B; a row per host, 0 is unknown.
fn matrix(sides: &[Side], rows: &[(&str, &[f64])]) -> Matrix {
    let mut counts = [0, 0];
    let players = sides.iter().map(|side| {
        let (letter, count) = match side {
            Side::A => ("a", &mut counts[0]),
            Side::B => ("b", &mut counts[1]),
        };
        *count += 1;
        let name = format!("{letter}{count}");
        Player::new(name.clone(), name, *side)
    });
    let hosts = rows.iter().map(|(name, _)| Host {
        id: (*name).into(),
        name: (*name).into(),
    });
    let cells = |row: &&[f64]| {
        row.iter()
            .map(|value| (*value > 0.0).then(|| ms(*value)))
            .collect()
    };
    Matrix::new(
        players.collect(),
        hosts.collect(),
        rows.iter().map(|(_, row)| cells(row)).collect(),
    )
    .unwrap()
}

const FOUR: &[Side] = &[Side::A, Side::A, Side::B, Side::B];

fn free(matrix: &Matrix) -> Vec<HostState> {
    vec![HostState::free(); matrix.hosts().len()]
}

/// All that people read of a choice.
fn story(choice: &Choice) -> String {
    let line = |h: &HostAnswer| format!("{:<10} {:<12} {}\n", h.name, h.verdict().name(), h.reason);
    let help = choice.help.iter().map(|help| format!("help: {help}\n"));
    choice.hosts.iter().map(line).chain(help).collect()
}

#[test]
fn every_verdict_has_its_sentence() {
    let rows: &[(&str, &[f64])] = &[
        ("denver", &[40.0, 44.0, 61.5, 60.0]),
        ("london", &[95.0, 91.25, 20.0, 180.001]),
        ("madrid", &[200.0, 191.0, 20.0, 0.0]),
        ("miami", &[60.0, 61.0, 62.0, 63.0]),
        ("montreal", &[30.0, 30.0, 30.0, 0.0]),
        ("new york", &[50.0, 51.0, 52.0, 53.0]),
        ("prague", &[10.0, 10.0, 10.0, 10.0]),
        ("seattle", &[20.0, 20.0, 20.0, 20.0]),
        ("vienna", &[180.0, 180.0, 100.0, 100.0]),
    ];
    let matrix = matrix(FOUR, rows);
    let mut states = free(&matrix);
    states[6].standing = Standing::NoCapacity("its slot is taken by another match until 21:00".into());
    states[7].standing = Standing::Unfit("needs 1024 MB of memory, 512 MB are free".into());
    let choice = choose(&Policy::default(), &matrix, &states).unwrap();
    insta::assert_snapshot!(story(&choice));
    insta::assert_json_snapshot!(choice.hosts[1]);
}

#[test]
fn when_nothing_is_possible_the_smallest_changes_are_named() {
    let rows: &[(&str, &[f64])] = &[
        ("denver", &[190.0, 44.0, 61.5, 60.0]),
        ("london", &[181.5, 182.0, 20.0, 20.0]),
        ("montreal", &[30.0, 30.0, 30.0, 0.0]),
        ("new york", &[40.0, 40.0, 40.0, 40.0]),
        ("prague", &[181.0, 181.0, 181.0, 181.0]),
    ];
    let matrix = matrix(FOUR, rows);
    let mut states = free(&matrix);
    states[3].standing = Standing::NoCapacity("no free slot from 20:00 to 21:00".into());
    let choice = choose(&Policy::default(), &matrix, &states).unwrap();
    assert_eq!(choice.chosen, None);
    insta::assert_snapshot!(story(&choice));
}

#[test]
fn with_every_host_unfit_another_host_is_what_helps() {
    let matrix = matrix(FOUR, &[("denver", &[1.0, 2.0, 3.0, 4.0])]);
    let states = [HostState {
        standing: Standing::Unfit("no QEMU".into()),
        load: 0,
    }];
    assert_eq!(
        choose(&Policy::default(), &matrix, &states).unwrap().help,
        [Help::AddHosts]
    );
}

#[test]
fn ties_go_to_the_smaller_mean_then_to_less_load_then_to_the_smaller_id() {
    let chosen = |rows: &[(&str, &[f64])], loads: &[u32]| {
        let matrix = matrix(FOUR, rows);
        let states: Vec<_> = loads
            .iter()
            .map(|load| HostState {
                standing: Standing::Free,
                load: *load,
            })
            .collect();
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        (choice.chosen().unwrap().id.clone(), story(&choice))
    };
    let rows: &[(&str, &[f64])] = &[("b", &[11.0, 12.0, 13.0, 14.0]), ("a", &[21.0, 22.0, 23.0, 24.0])];
    assert_eq!(chosen(rows, &[5, 0]).0, "b");
    let rows: &[(&str, &[f64])] = &[("b", &[11.0, 12.0, 13.0, 14.0]), ("a", &[14.0, 12.0, 13.0, 11.0])];
    assert_eq!(chosen(rows, &[0, 1]).0, "b");
    assert!(chosen(rows, &[0, 1]).1.contains("but more load"));
    assert_eq!(chosen(rows, &[1, 1]).0, "a");
    assert!(chosen(rows, &[1, 1]).1.contains("stands first"));
}

#[test]
fn the_cap_is_inclusive_to_the_microsecond() {
    let at = |value: f64| {
        let matrix = matrix(&[Side::A, Side::B], &[("h", &[value, 100.0])]);
        choose(&Policy::default(), &matrix, &free(&matrix))
            .unwrap()
            .chosen
    };
    assert_eq!(at(180.0), Some(0));
    assert_eq!(at(180.001), None);
}

#[test]
fn what_is_no_matrix_is_refused_by_name() {
    let player = |id: &str, side: Side| Player::new(id, id, side);
    let host = |id: &str| Host {
        id: id.into(),
        name: id.into(),
    };
    let (a, b) = (player("a", Side::A), player("b", Side::B));
    let row = vec![None, None];
    let of = |players: &[&Player], hosts: Vec<Host>, rows| {
        Matrix::new(players.iter().map(|p| (*p).clone()).collect(), hosts, rows)
    };
    assert_eq!(
        of(&[], vec![host("h")], vec![row.clone()]),
        Err(BadMatrix::NoPlayers)
    );
    assert_eq!(of(&[&a, &b], vec![], vec![]), Err(BadMatrix::NoHosts));
    assert_eq!(
        of(&[&a], vec![host("h")], vec![row.clone()]),
        Err(BadMatrix::OneSided { missing: Side::B })
    );
    assert_eq!(
        of(&[&b], vec![host("h")], vec![row.clone()]),
        Err(BadMatrix::OneSided { missing: Side::A })
    );
    assert_eq!(
        of(&[&a, &b, &a], vec![host("h")], vec![]),
        Err(BadMatrix::SamePlayer {
            id: "a".into(),
            at: [0, 2]
        })
    );
    assert_eq!(
        of(
            &[&a, &b],
            vec![host("h"), host("h")],
            vec![row.clone(), row.clone()]
        ),
        Err(BadMatrix::SameHost {
            id: "h".into(),
            at: [0, 1]
        })
    );
    assert_eq!(
        of(&[&a, &b], vec![host("h")], vec![]),
        Err(BadMatrix::Rows { rows: 0, hosts: 1 })
    );
    assert_eq!(
        of(&[&a, &b], vec![host("h")], vec![vec![None]]),
        Err(BadMatrix::Ragged {
            host: "h".into(),
            found: 1,
            players: 2
        })
    );
    let matrix = of(&[&a, &b], vec![host("h")], vec![row]).unwrap();
    assert_eq!(
        choose(&Policy::default(), &matrix, &[]),
        Err(BadRequest::States { states: 0, hosts: 1 })
    );
    assert!(Micros::new(0).is_err() && Micros::new(Micros::MAX_US + 1).is_err());
    assert!(serde_json::from_str::<Micros>("0").is_err());
}

mod reservation {
    use super::*;

    fn judge(held: &str, rows: &[(&str, &[f64])], errors: &[u32]) -> Recheck {
        let note = |error_us: &u32| {
            vec![
                Some(Note {
                    error_us: *error_us,
                    ..Note::default()
                });
                2
            ]
        };
        let matrix = matrix(&[Side::A, Side::B], rows)
            .with_notes(errors.iter().map(note).collect())
            .unwrap();
        recheck(&Policy::default(), &matrix, &free(&matrix), held)
            .unwrap()
            .1
    }

    #[test]
    fn stays_where_it_is_best_and_says_by_how_much() {
        let seen = judge("x", &[("x", &[10.0, 11.0]), ("y", &[10.0, 14.0])], &[0, 0]);
        assert_eq!(
            seen,
            Recheck::Keep {
                better_by_us: Some(-3000),
                why: KeepReason::StillBest
            }
        );
    }

    #[test]
    fn moves_only_for_more_than_the_error_of_both() {
        let rows: &[(&str, &[f64])] = &[("x", &[10.0, 14.0]), ("y", &[10.0, 11.0])];
        let within = KeepReason::WithinError {
            other: "y".into(),
            error_us: 3000,
        };
        assert_eq!(
            judge("x", rows, &[500, 1000]),
            Recheck::Keep {
                better_by_us: Some(3000),
                why: within
            }
        );
        let why = MoveReason::Better {
            by_us: 3000,
            error_us: 2998,
        };
        assert_eq!(
            judge("x", rows, &[500, 999]),
            Recheck::Move {
                to: "y".into(),
                name: "y".into(),
                why
            }
        );
    }

    #[test]
    fn moves_away_from_a_host_that_has_become_impossible() {
        let seen = judge(
            "x",
            &[("x", &[10.0, 190.0]), ("y", &[10.0, 99.0])],
            &[9_000_000; 2],
        );
        let Recheck::Move { to, why, .. } = seen else {
            panic!("{seen:?}")
        };
        assert_eq!(to, "y");
        assert_eq!(
            why.to_string(),
            "the reserved host is no longer possible: over the cap of 180 ms: b1 by 10 ms (190 ms)"
        );
        let gone = judge("z", &[("y", &[10.0, 99.0])], &[0]);
        assert_eq!(
            gone,
            Recheck::Move {
                to: "y".into(),
                name: "y".into(),
                why: MoveReason::Gone
            }
        );
        assert!(matches!(
            judge("x", &[("x", &[10.0, 190.0])], &[0]),
            Recheck::Lost { .. }
        ));
    }

    #[test]
    fn stays_when_a_player_is_silent_everywhere() {
        let seen = judge("x", &[("x", &[10.0, 0.0]), ("y", &[9.0, 0.0])], &[0, 0]);
        assert_eq!(
            seen,
            Recheck::Keep {
                better_by_us: None,
                why: KeepReason::NothingBetterKnown
            }
        );
        let seen = judge("x", &[("x", &[10.0, 0.0]), ("y", &[9.0, 10.0])], &[0, 0]);
        assert!(matches!(
            seen,
            Recheck::Move {
                why: MoveReason::Invalid {
                    verdict: Verdict::Undecided,
                    ..
                },
                ..
            }
        ));
    }

    #[test]
    fn the_error_shrinks_with_the_root_of_the_samples() {
        assert_eq!(
            (
                error_of_median(0, 5),
                error_of_median(1600, 6),
                error_of_median(1600, 25)
            ),
            (0, 1021, 501)
        );
    }

    #[test]
    fn few_values_are_not_sure_however_equal_they_are() {
        assert_eq!(
            [1, 2, 4].map(|samples| error_of_median(0, samples)),
            [10_000, 5_000, 2_500]
        );
        assert_eq!(error_of_median(20_000, 1), 31_251, "more if they spread more");
    }
}

mod errors;
mod help;
mod policies;
mod rules;
