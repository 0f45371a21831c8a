//! What errors leave open, by trying all that they permit.

use super::*;
use proptest::prelude::*;

/// Up to four people at two hosts, as (value, error) in milliseconds, and how much each person counts.
fn worlds() -> impl Strategy<Value = (Vec<u8>, Vec<Vec<(u32, u32)>>)> {
    let weight = prop_oneof![3 => Just(100u8), 1 => 0u8..100];
    let cell = (prop_oneof![20u32..60, 170u32..190], 0u32..15);
    (2usize..5).prop_flat_map(move |n| {
        let row = proptest::collection::vec(cell.clone(), n);
        let weights = proptest::collection::vec(weight.clone(), n);
        (weights, proptest::collection::vec(row, 2))
    })
}

/// The first two play; a weight below a player's is a coach's.
fn noted(weights: &[u8], rows: &[Vec<(u32, u32)>]) -> Matrix {
    let player = |(n, weight): (usize, &u8)| {
        let mut player = Player::new(format!("p{n}"), format!("P{n}"), None);
        if n > 1 && *weight < 100 {
            player = player.with_role(Role::Coach);
            player.weight = Weight::new(*weight).unwrap();
        }
        player
    };
    let players = weights.iter().enumerate().map(player).collect();
    let host = |n: usize| Host {
        id: format!("h{n}"),
        name: format!("H{n}"),
    };
    let values = |row: &Vec<(u32, u32)>| row.iter().map(|(at, _)| Micros::new(at * 1000).ok()).collect();
    let note = |(_, error): &(u32, u32)| {
        Some(Note {
            error_us: error * 1000,
            source: Source::King,
            ..Note::default()
        })
    };
    Matrix::new(
        players,
        (0..rows.len()).map(host).collect(),
        rows.iter().map(values).collect(),
    )
    .unwrap()
    .with_notes(rows.iter().map(|row| row.iter().map(note).collect()).collect())
    .unwrap()
}

/// All rows that errors permit, in steps of half an error, with the least and the most of each value.
fn permitted(row: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
    row.iter().fold(vec![Vec::new()], |rows, (at, error)| {
        let ends = [at - error, at - error / 2, *at, at + error / 2, at + error];
        let with = |row: Vec<(u32, u32)>| {
            ends.map(|end| {
                let mut row = row.clone();
                row.push((end, 0));
                row
            })
        };
        rows.into_iter().flat_map(with).collect()
    })
}

fn answer(weights: &[u8], row: &[(u32, u32)]) -> (HostAnswer, Doubt) {
    let matrix = noted(weights, &[row.to_vec()]);
    let states = free(&matrix);
    let choice = choose(&Policy::default(), &matrix, &states).unwrap();
    let doubt = doubts(&choice, &matrix, &states).unwrap().remove(0);
    (choice.hosts[0].clone(), doubt)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_permitted_row_is_further_off_than_said((weights, rows) in worlds()) {
        let (here, doubt) = answer(&weights, &rows[0]);
        let most = doubt.closeness_error_us.unwrap();
        let closeness = here.closeness.unwrap();
        for row in permitted(&rows[0]) {
            let other = answer(&weights, &row).0.closeness.unwrap();
            // Means are rounded where they are taken apart.
            prop_assert!(closeness.apart(other) <= most + 1, "{row:?}: {other} is not within {most} of {closeness}");
        }
    }

    /// Whether the sentence about the cap is there, and only there, where the verdict hangs on it.
    #[test]
    fn the_cap_is_in_doubt_where_errors_move_the_verdict_across_it((weights, rows) in worlds()) {
        let (here, doubt) = answer(&weights, &rows[0]);
        let over = |of: &HostAnswer| of.verdict() == Verdict::OverCap;
        let moves = permitted(&rows[0]).iter().any(|row| over(&answer(&weights, row).0) != over(&here));
        prop_assert_eq!(!doubt.at_cap.is_empty(), moves);
        prop_assert!(doubt.at_cap.iter().all(|one| one.is_over() == over(&here)));
    }

    /// Wherever errors can make the other host the fairer one, it is said.
    #[test]
    fn a_host_that_could_be_as_good_is_called_so((weights, rows) in worlds()) {
        let matrix = noted(&weights, &rows);
        let states = free(&matrix);
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        let doubts = doubts(&choice, &matrix, &states).unwrap();
        let possible = choice.hosts.iter().all(|host| host.closeness.is_some() && host.verdict() != Verdict::OverCap);
        if let (Some(chosen), true) = (choice.chosen, possible) {
            let best = |row: &[(u32, u32)]| {
                let all = permitted(row);
                let mut all: Vec<_> = all.iter().map(|row| answer(&weights, row).0.closeness.unwrap()).collect();
                all.sort();
                (all[0], all[all.len() - 1])
            };
            let other = 1 - chosen;
            let could = best(&rows[other]).0 <= best(&rows[chosen]).1;
            let exact = rows.iter().flatten().all(|(_, error)| *error == 0);
            prop_assert!(!could || exact || doubts[other].as_good, "{rows:?}");
            prop_assert!(!doubts[chosen].as_good);
        }
    }
}

#[test]
fn between_two_players_the_bound_is_exact() {
    let with = |error: u32| {
        let matrix = noted(&[100, 100], &[vec![(30, error), (40, 0)], vec![(30, 0), (45, 3)]]);
        let states = free(&matrix);
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        doubts(&choice, &matrix, &states).unwrap()
    };
    assert!(!with(1)[1].as_good, "10 + 1 is less than 15 - 3");
    assert!(with(2)[1].as_good, "10 + 2 is 15 - 3");
    assert_eq!(with(2)[0].closeness_error_us, Some(2000));
}

#[test]
fn what_hangs_on_an_estimate_is_said_in_a_sentence() {
    let said = |row: &[(u32, u32)]| {
        let at_cap = answer(&[100, 100], row).1.at_cap;
        at_cap.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        said(&[(179, 32), (40, 0)]),
        ["possible by estimate: P0 179 ± 32 ms under the cap of 180 ms"]
    );
    assert_eq!(
        said(&[(184, 5), (40, 0)]),
        ["impossible by estimate: P0 184.0 ± 5.0 ms over the cap of 180 ms"]
    );
    // Somebody else is over it for certain.
    assert_eq!(said(&[(184, 5), (190, 2)]), [""; 0]);
}
