//! What holds for every small world.

use crate::*;
use proptest::prelude::*;
use std::cmp::Ordering;

/// Any small world: rows of hosts with standing, load, and values around the cap, a few unknown.
fn worlds() -> impl Strategy<Value = (Matrix, Vec<HostState>)> {
    let value = prop_oneof![
        1 => Just(None),
        9 => prop_oneof![1u32..300_000, (35u32..37).prop_map(|five| five * 5_000), 179_998u32..180_003].prop_map(Some)
    ];
    let standing = prop_oneof![
        6 => Just(Standing::Free),
        1 => Just(Standing::NoCapacity("full".into())),
        1 => Just(Standing::Unfit("small".into()))
    ];
    (2usize..7, 1usize..9).prop_flat_map(move |(n, m)| {
        let row = proptest::collection::vec(value.clone(), n);
        let state = (standing.clone(), 0u32..2).prop_map(|(standing, load)| HostState { standing, load });
        let rows = proptest::collection::vec((row, state), m);
        (rows, 1..n).prop_map(move |(rows, split)| {
            let side = |p: usize| if p < split { Side::A } else { Side::B };
            let players = (0..n).map(|p| Player::new(format!("p{p}"), format!("P{p}"), side(p)));
            let hosts = (0..rows.len()).map(|h| Host {
                id: format!("h{h}"),
                name: format!("H{h}"),
            });
            let (rows, states): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            let rows = rows.into_iter().map(|row| {
                row.into_iter()
                    .map(|v| v.map(|us| Micros::new(us).unwrap()))
                    .collect()
            });
            (
                Matrix::new(players.collect(), hosts.collect(), rows.collect()).unwrap(),
                states,
            )
        })
    })
}

/// The choice, spelled out: O(n²) for each of the m hosts.
fn by_definition(cap: Micros, matrix: &Matrix, states: &[HostState]) -> Option<String> {
    let mut best: Option<(u64, u64, u32, String)> = None;
    for ((host, row), state) in matrix.rows().zip(states) {
        let known: Vec<Micros> = row.iter().flatten().copied().collect();
        if state.standing != Standing::Free || known.len() < row.len() || known.iter().any(|rtt| *rtt > cap) {
            continue;
        }
        // One number of players everywhere, so totals compare as means do.
        let mut apart = 0;
        for a in &known {
            for b in &known {
                apart += u64::from(a.us().abs_diff(b.us()));
            }
        }
        let rank = (
            apart,
            known.iter().map(|v| u64::from(v.us())).sum(),
            state.load,
            host.id.clone(),
        );
        if best.as_ref().is_none_or(|best| rank < *best) {
            best = Some(rank);
        }
    }
    best.map(|best| best.3)
}

proptest! {
    #[test]
    fn the_quick_closeness_is_the_definition(values in proptest::collection::vec(1u32..=Micros::MAX_US, 0..60)) {
        let mut rtts: Vec<Micros> = values.into_iter().map(|us| Micros::new(us).unwrap()).collect();
        let plain = closeness_by_definition(&rtts);
        prop_assert_eq!(closeness(&mut rtts), plain);
        prop_assert_eq!(plain.is_none(), rtts.len() < 2);
    }

    #[test]
    fn the_choice_is_the_definitions((matrix, states) in worlds()) {
        let policy = Policy::default();
        let choice = choose(&policy, &matrix, &states).unwrap();
        prop_assert_eq!(choice.chosen().map(|host| host.id.clone()), by_definition(policy.cap, &matrix, &states));
        prop_assert_eq!(choice.hosts.iter().filter(|h| h.verdict() == Verdict::Chosen).count(), usize::from(choice.chosen.is_some()));
        prop_assert_eq!(choice.help.is_empty(), choice.chosen.is_some());
        prop_assert!(choice.hosts.iter().all(|host| !host.reason.to_string().is_empty()));
    }

    #[test]
    fn a_chosen_host_is_legal_and_a_refused_one_has_a_true_reason((matrix, states) in worlds()) {
        let policy = Policy::default();
        let choice = choose(&policy, &matrix, &states).unwrap();
        for ((answer, (_, row)), state) in choice.hosts.iter().zip(matrix.rows()).zip(&states) {
            let over = row.iter().flatten().filter(|rtt| **rtt > policy.cap).count();
            let unknown = row.iter().filter(|rtt| rtt.is_none()).count();
            match &answer.reason {
                Reason::Chosen { .. } | Reason::Worse { .. } => {
                    prop_assert!(over == 0 && unknown == 0 && state.standing == Standing::Free);
                }
                Reason::OverCap { breaks, cap } => {
                    prop_assert_eq!(breaks.len(), over);
                    prop_assert!(over > 0 && breaks.iter().all(|b| b.rtt.us() == cap.us() + b.over_us));
                }
                Reason::Undecided { unknown: names } => prop_assert!(names.len() == unknown && unknown > 0),
                Reason::NoCapacity { .. } => prop_assert!(matches!(state.standing, Standing::NoCapacity(_))),
                Reason::OverLimit { .. } => prop_assert!(false, "the thesis's rule has no limits"),
                Reason::Unfit { .. } => prop_assert!(matches!(state.standing, Standing::Unfit(_))),
            }
        }
    }

    #[test]
    fn the_order_of_hosts_and_players_does_not_matter((matrix, states) in worlds(), by in 0usize..8, turn in 0usize..8) {
        let mut order: Vec<usize> = (0..states.len()).collect();
        order.rotate_left(by % states.len());
        let mut columns: Vec<usize> = (0..matrix.players().len()).collect();
        columns.rotate_left(turn % matrix.players().len());
        columns.reverse();
        let players = columns.iter().map(|c| matrix.players()[*c].clone()).collect();
        let hosts = order.iter().map(|h| matrix.hosts()[*h].clone()).collect();
        let rows = order.iter().map(|h| columns.iter().map(|c| matrix.row(*h).unwrap()[*c]).collect()).collect();
        let turned = Matrix::new(players, hosts, rows).unwrap();
        let turned_states: Vec<_> = order.iter().map(|h| states[*h].clone()).collect();
        let (one, two) = (choose(&Policy::default(), &matrix, &states).unwrap(), choose(&Policy::default(), &turned, &turned_states).unwrap());
        prop_assert_eq!(one.chosen().map(|h| &h.id), two.chosen().map(|h| &h.id));
        for host in &one.hosts {
            let other = two.of(&host.id).unwrap();
            prop_assert_eq!((host.verdict(), host.closeness, host.mean), (other.verdict(), other.closeness, other.mean));
        }
    }

    #[test]
    fn help_that_is_followed_helps_and_a_smaller_change_does_not((matrix, states) in worlds()) {
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        for help in &choice.help {
            match help {
                Help::RaiseCap { to, .. } => {
                    let under = |cap| choose(&Policy::with_cap(cap), &matrix, &states).unwrap().chosen;
                    prop_assert!(under(*to).is_some());
                    prop_assert!(under(Micros::new(to.us() - 1).unwrap()).is_none());
                }
                Help::LeaveOut { players, .. } => {
                    prop_assert!(choose_without(&matrix, &states, players).is_some());
                    for stays in players {
                        let fewer: Vec<_> = players.iter().filter(|p| *p != stays).cloned().collect();
                        prop_assert_eq!(choose_without(&matrix, &states, &fewer), None);
                    }
                }
                Help::Free { hosts } => {
                    let states = vec![HostState::free(); states.len()];
                    prop_assert!(choose(&Policy::default(), &matrix, &states).unwrap().chosen.is_some() && !hosts.is_empty());
                }
                Help::RaiseOwnCap { .. } | Help::RaiseLimit { .. } => prop_assert!(false, "nobody has one"),
                Help::Measure { players, hosts } => prop_assert!(!players.is_empty() && !hosts.is_empty()),
                Help::AddHosts => prop_assert_eq!(choice.help.len(), 1),
            }
        }
    }

    #[test]
    fn a_worse_latency_never_makes_a_host_possible((matrix, states) in worlds(), host in 0usize..8, player in 0usize..8, more in 1u32..200_000) {
        let (host, player) = (host % states.len(), player % matrix.players().len());
        let rows = matrix.rows().enumerate().map(|(h, (_, row))| row.iter().enumerate().map(|(p, v)| v.map(|rtt| {
            if (h, p) == (host, player) { Micros::new(rtt.us() + more).unwrap() } else { rtt }
        })).collect()).collect();
        let worse = Matrix::new(matrix.players().to_vec(), matrix.hosts().to_vec(), rows).unwrap();
        let verdict = |matrix| choose(&Policy::default(), matrix, &states).unwrap().hosts[host].verdict();
        if verdict(&matrix) == Verdict::OverCap {
            prop_assert_eq!(verdict(&worse), Verdict::OverCap);
        }
    }

    #[test]
    fn means_compare_as_fractions_do(a in 0u64..1 << 50, b in 1u64..1 << 30, c in 0u64..1 << 50, d in 1u64..1 << 30) {
        let (left, right) = (MeanUs::new(a, b).unwrap(), MeanUs::new(c, d).unwrap());
        let exact = (u128::from(a) * u128::from(d)).cmp(&(u128::from(c) * u128::from(b)));
        prop_assert_eq!(left.cmp(&right), exact);
        prop_assert_eq!(left.exceeds(right, 0), exact == Ordering::Greater);
        prop_assert!(!left.exceeds(right, left.us() + 1));
    }

    #[test]
    fn a_choice_and_its_matrix_survive_json((matrix, states) in worlds()) {
        let choice = choose(&Policy::default(), &matrix, &states).unwrap();
        let text = serde_json::to_string(&choice).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Choice>(&text).unwrap(), &choice);
        let text = serde_json::to_string(&matrix).unwrap();
        prop_assert_eq!(serde_json::from_str::<Matrix>(&text).unwrap(), matrix);
    }
}

fn choose_without(matrix: &Matrix, states: &[HostState], names: &[String]) -> Option<usize> {
    let stay: Vec<usize> = (0..matrix.players().len())
        .filter(|p| !names.contains(&matrix.players()[*p].name))
        .collect();
    let players = stay.iter().map(|p| matrix.players()[*p].clone()).collect();
    let rows = matrix
        .rows()
        .map(|(_, row)| stay.iter().map(|p| row[*p]).collect())
        .collect();
    let matrix = Matrix::new(players, matrix.hosts().to_vec(), rows).ok()?;
    choose(&Policy::default(), &matrix, states).unwrap().chosen
}
