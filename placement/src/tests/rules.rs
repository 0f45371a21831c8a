//! Every rule against brute force: any policy, any people, any line-up.

use super::*;
use proptest::prelude::*;

/// Any policy that can be followed, with values near those of the worlds.
fn policies() -> impl Strategy<Value = Policy> {
    let metric = || {
        [0u32..3, 0u32..3, 0u32..2, 0u32..3, 0u32..3].prop_filter_map("no weight", |[c, mean, max, s, g]| {
            let metric = Metric {
                closeness: c * 500,
                mean: mean * 100,
                max: max * 250,
                spread: s * 1000,
                team_gap: g * 1000,
            };
            (metric != Metric::default()).then_some(metric)
        })
    };
    let limit = || prop::option::weighted(0.3, (1u32..40).prop_map(Ms::from_us));
    let (floor, margin) = (prop::option::weighted(0.3, 1u32..40), 0u32..4);
    (
        metric(),
        [limit(), limit(), limit()],
        prop::option::of(metric()),
        floor,
        margin,
    )
        .prop_map(|(metric, [spread, team_gap, mean], otherwise, floor, margin)| {
            let limits = Limits {
                spread,
                team_gap,
                mean,
            };
            Policy {
                name: "any".into(),
                cap: Micros::new(50).unwrap(),
                floor: floor.map(|us| Micros::new(us).unwrap()),
                metric,
                limits,
                otherwise: otherwise.filter(|_| limits != Limits::default()),
                tie_margin: TieMargin::Fixed(Ms::from_us(margin)),
            }
        })
}

/// Small worlds with small numbers, so that ties and borders are common: line-ups of one to three a side, up to two
/// substitutes a side, up to two coaches with a weight.
fn worlds() -> impl Strategy<Value = (Matrix, Vec<HostState>)> {
    (
        1usize..4,
        0usize..3,
        1usize..4,
        0usize..3,
        prop::collection::vec(0u8..=100, 0..3),
        1usize..6,
    )
        .prop_flat_map(|(a, subs_a, b, subs_b, coaches, hosts)| {
            let mut players = Vec::new();
            let mut add = |count: usize, side: Side, role: Role| {
                for _ in 0..count {
                    let id = format!("p{}", players.len());
                    players.push(Player::new(id.clone(), id, side).with_role(role));
                }
            };
            add(a, Side::A, Role::Player);
            add(subs_a, Side::A, Role::Substitute);
            add(b, Side::B, Role::Player);
            add(subs_b, Side::B, Role::Substitute);
            for (index, weight) in coaches.into_iter().enumerate() {
                let id = format!("c{index}");
                let mut coach = Player::new(id.clone(), id, Side::A).with_role(Role::Coach);
                coach.weight = Weight::new(weight).unwrap();
                players.push(coach);
            }
            let value = prop_oneof![1 => Just(None), 12 => (1u32..56).prop_map(|us| Micros::new(us).ok())];
            let row = (prop::collection::vec(value, players.len()), 0u32..2);
            prop::collection::vec(row, hosts).prop_map(move |rows| {
                let heads = (0..rows.len()).map(|h| Host {
                    id: format!("h{h}"),
                    name: format!("H{h}"),
                });
                let (rows, loads): (Vec<_>, Vec<u32>) = rows.into_iter().unzip();
                let matrix = Matrix::new(players.clone(), heads.collect(), rows).unwrap();
                (
                    matrix,
                    loads
                        .into_iter()
                        .map(|load| HostState {
                            standing: Standing::Free,
                            load,
                        })
                        .collect(),
                )
            })
        })
}

/// A number as the spelled-out rule has it.
type Exact = (i128, i128);

fn less(a: Exact, b: Exact) -> bool {
    a.0 * b.1 < b.0 * a.1
}

/// The figures of some people, spelled out over all pairs; `None` if somebody is unknown.
#[derive(Clone)]
struct Plain {
    closeness: Exact,
    mean: Exact,
    max: Exact,
    spread: Exact,
    gap: Exact,
}

fn plain(policy: &Policy, people: &[(&Player, Option<Micros>, u64)]) -> Option<Plain> {
    let floored = |us: i128| us.max(policy.floor.map_or(0, |floor| i128::from(floor.us())));
    let known: Option<Vec<(&Player, i128, i128)>> = people
        .iter()
        .filter(|(player, rtt, weight)| *weight > 0 || rtt.is_some() || player.role.plays())
        .map(|(player, rtt, weight)| Some((*player, i128::from(rtt.as_ref()?.us()), i128::from(*weight))))
        .collect();
    let known = known?;
    let (mut apart, mut pairs) = (0, 0);
    for (index, one) in known.iter().enumerate() {
        for other in &known[index + 1..] {
            apart += one.2 * other.2 * (floored(one.1) - floored(other.1)).abs();
            pairs += one.2 * other.2;
        }
    }
    let playing: Vec<_> = known.iter().filter(|one| one.0.role.plays()).collect();
    let values = || playing.iter().map(|one| one.1);
    let side = |side| {
        let on: Vec<_> = playing
            .iter()
            .filter(|one| one.0.side == Some(side))
            .map(|one| floored(one.1))
            .collect();
        (on.iter().sum::<i128>(), on.len() as i128)
    };
    let ((a, of_a), (b, of_b)) = (side(Side::A), side(Side::B));
    Some(Plain {
        closeness: (apart, pairs.max(1)),
        mean: (
            known.iter().map(|one| one.1 * one.2).sum(),
            known.iter().map(|one| one.2).sum(),
        ),
        max: (values().max()?, 1),
        spread: (floored(values().max()?) - floored(values().min()?), 1),
        gap: ((a * of_b - b * of_a).abs(), of_a * of_b),
    })
}

fn score(metric: Metric, of: &Plain) -> Exact {
    let parts = [
        (metric.closeness, of.closeness),
        (metric.mean, of.mean),
        (metric.max, of.max),
        (metric.spread, of.spread),
        (metric.team_gap, of.gap),
    ];
    parts
        .into_iter()
        .fold((0, 1), |(over, under), (weight, (total, count))| {
            if weight == 0 {
                (over, under)
            } else {
                (over * count + i128::from(weight) * total * under, under * count)
            }
        })
}

fn within_limits(policy: &Policy, of: &Plain) -> bool {
    let limits = policy.limits;
    [
        (limits.spread, of.spread),
        (limits.team_gap, of.gap),
        (limits.mean, of.mean),
    ]
    .into_iter()
    .all(|(limit, value)| limit.is_none_or(|limit| !less((i128::from(limit.us()), 1), value)))
}

fn within_cap(policy: &Policy, people: &[(&Player, Option<Micros>, u64)]) -> bool {
    people
        .iter()
        .filter(|(player, ..)| player.role.plays())
        .all(|(_, rtt, _)| rtt.is_some_and(|rtt| rtt <= policy.cap))
}

/// All line-ups of one host: any as many of a side's players and substitutes as it has players, with the coach.
fn line_ups(matrix: &Matrix, host: usize) -> Vec<Vec<(&Player, Option<Micros>, u64)>> {
    let row = matrix.row(host).unwrap();
    let all: Vec<_> = matrix
        .players()
        .iter()
        .zip(row)
        .map(|(player, rtt)| (player, *rtt))
        .collect();
    let size = |side| {
        all.iter()
            .filter(|(p, _)| p.role == Role::Player && p.side == Some(side))
            .count()
    };
    let mut found = Vec::new();
    for picked in 0u32..1 << all.len() {
        let is_in = |index: usize| picked >> index & 1 == 1;
        let count = |side| {
            (0..all.len())
                .filter(|i| is_in(*i) && all[*i].0.role.plays() && all[*i].0.side == Some(side))
                .count()
        };
        let extras = (0..all.len()).all(|i| all[i].0.role.plays() || is_in(i));
        if extras && count(Side::A) == size(Side::A) && count(Side::B) == size(Side::B) {
            let people = (0..all.len()).filter(|i| is_in(*i)).map(|i| {
                let (player, rtt) = all[i];
                (
                    player,
                    rtt,
                    if player.role.plays() { 100 } else { player.counts() },
                )
            });
            found.push(people.collect());
        }
    }
    found
}

/// The line-up as it stands.
fn standing(matrix: &Matrix, host: usize) -> Vec<(&Player, Option<Micros>, u64)> {
    let row = matrix.row(host).unwrap();
    let all = matrix
        .players()
        .iter()
        .zip(row)
        .filter(|(player, _)| player.role != Role::Substitute);
    all.map(|(player, rtt)| (player, *rtt, player.counts())).collect()
}

/// What the rule says of one host, spelled out: how good a group it is in, and its figures; `None` if not possible.
fn spelled_out(policy: &Policy, matrix: &Matrix, host: usize) -> Option<(u8, Plain)> {
    let people = standing(matrix, host);
    let figures = plain(policy, &people)?;
    if !within_cap(policy, &people) {
        return None;
    }
    let all = line_ups(matrix, host);
    let caps_hold = all.iter().all(|line_up| within_cap(policy, line_up));
    if within_limits(policy, &figures) {
        let all_hold = all
            .iter()
            .all(|people| plain(policy, people).is_some_and(|one| within_limits(policy, &one)));
        return Some((u8::from(!(caps_hold && all_hold)), figures));
    }
    policy.otherwise.map(|_| (2 + u8::from(!caps_hold), figures))
}

proptest! {
    #[test]
    fn any_rule_chooses_as_if_spelled_out(policy in policies(), (matrix, states) in worlds()) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        let possible: Vec<_> = (0..states.len()).filter_map(|host| Some((host, spelled_out(&policy, &matrix, host)?))).collect();
        let group = possible.iter().map(|(_, (group, _))| *group).min();
        let metric = policy.otherwise.filter(|_| group >= Some(2)).unwrap_or(policy.metric);
        let mut rivals: Vec<_> = possible.iter().filter(|(_, (of, _))| Some(*of) == group).map(|(host, (_, figures))| (*host, score(metric, figures), figures.mean)).collect();
        let least = rivals.iter().map(|rival| rival.1).reduce(|a, b| if less(b, a) { b } else { a });
        let TieMargin::Fixed(margin) = policy.tie_margin else { unreachable!() };
        if let Some((over, under)) = least {
            let most = (over + i128::from(margin.us()) * 1000 * under, under);
            rivals.retain(|rival| !less(most, rival.1));
        }
        let best = rivals.into_iter().reduce(|a, b| {
            let rank = |rival: &(usize, Exact, Exact)| (states[rival.0].load, matrix.hosts()[rival.0].id.clone());
            let b_wins = less(b.2, a.2) || (!less(a.2, b.2) && rank(&b) < rank(&a));
            if b_wins { b } else { a }
        });
        prop_assert_eq!(choice.chosen, best.map(|best| best.0));
        prop_assert_eq!(choose_index(&policy, &matrix, &states).unwrap(), choice.chosen);
        prop_assert_eq!(choice.help.is_empty(), choice.chosen.is_some());
    }

    /// A refusal is unavoidable, and what is possible breaks nothing.
    #[test]
    fn verdicts_are_true(policy in policies(), (matrix, states) in worlds()) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        for (host, answer) in choice.hosts.iter().enumerate() {
            let people = standing(&matrix, host);
            let possible = matches!(answer.verdict(), Verdict::Chosen | Verdict::Worse);
            let spelled = spelled_out(&policy, &matrix, host);
            match &answer.reason {
                Reason::Chosen { .. } | Reason::Worse { .. } => prop_assert!(spelled.is_some()),
                Reason::OverCap { .. } => prop_assert!(!people.iter().filter(|(p, ..)| p.role.plays()).all(|(_, rtt, _)| rtt.is_none_or(|rtt| rtt <= policy.cap))),
                Reason::OverLimit { breaks } => prop_assert!(!breaks.is_empty() && !within_limits(&policy, &plain(&policy, &people).unwrap())),
                Reason::Undecided { unknown } => prop_assert!(!unknown.is_empty()),
                Reason::NoCapacity { .. } | Reason::Unfit { .. } => prop_assert!(false, "all are free"),
            }
            if possible {
                // Safe exactly if every line-up is within the rule; only who is within the limits now can leave them.
                let safe = line_ups(&matrix, host).iter().all(|line_up| {
                    within_cap(&policy, line_up) && plain(&policy, line_up).is_some_and(|one| within_limits(&policy, &one))
                });
                prop_assert_eq!(answer.lineup_risks.is_empty(), safe || !matrix.players().iter().any(|p| p.role == Role::Substitute));
            }
        }
    }

    /// Nothing that could still win is left out of what would settle it: fill the holes in any way, and whoever wins
    /// then was the best already or was to be measured.
    #[test]
    fn who_wins_when_all_is_known_was_to_be_settled(policy in policies(), (matrix, states) in worlds(), fill in prop::collection::vec(1u32..56, 60)) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        let mut fill = fill.into_iter();
        let needed: Vec<bool> = matrix.players().iter().map(|p| p.role != Role::Substitute).collect();
        let rows: Vec<Vec<_>> = matrix.rows().map(|(_, row)| row.iter().zip(&needed).map(|(rtt, needed)| {
            rtt.or_else(|| Micros::new(fill.next().unwrap_or(7)).ok().filter(|_| *needed))
        }).collect()).collect();
        let full = Matrix::new(matrix.players().to_vec(), matrix.hosts().to_vec(), rows).unwrap();
        if let Some(winner) = choose_index(&policy, &full, &states).unwrap() {
            let was_open = choice.hosts[winner].verdict() == Verdict::Undecided;
            let named = choice.settle.iter().any(|one| one.host == choice.hosts[winner].name);
            prop_assert!(!was_open || named, "{:?} {:?}", choice.settle, winner);
        }
    }

    /// The smallest limit that helps helps, and a microsecond less does not.
    #[test]
    fn a_limit_is_raised_by_as_little_as_helps(policy in policies(), (matrix, states) in worlds()) {
        for help in choose(&policy, &matrix, &states).unwrap().help {
            let Help::RaiseLimit { limit, to, .. } = help else { continue };
            let under = |us: u32| {
                let mut raised = policy.clone();
                let at = match limit {
                    Limit::Spread => &mut raised.limits.spread,
                    Limit::TeamGap => &mut raised.limits.team_gap,
                    Limit::Mean => &mut raised.limits.mean,
                };
                *at = Some(Ms::from_us(us));
                choose_index(&raised, &matrix, &states).unwrap()
            };
            prop_assert!(under(to.us()).is_some() && under(to.us() - 1).is_none());
        }
    }

    #[test]
    fn the_pareto_front_is_what_nobody_beats(policy in policies(), (matrix, states) in worlds()) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        let possible: Vec<_> = (0..states.len()).filter(|h| matches!(choice.hosts[*h].verdict(), Verdict::Chosen | Verdict::Worse)).collect();
        for host in 0..states.len() {
            let mine = &choice.hosts[host];
            let beaten = possible.iter().map(|other| &choice.hosts[*other]).any(|other| {
                other.closeness <= mine.closeness && other.mean <= mine.mean && (other.closeness, other.mean) != (mine.closeness, mine.mean)
            });
            prop_assert_eq!(choice.pareto.contains(&host), possible.contains(&host) && !beaten);
        }
    }

    #[test]
    fn a_report_comes_out_again_and_a_changed_one_does_not(policy in policies(), (matrix, states) in worlds(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let text = Report::of(Inputs { policy, matrix, states }).unwrap().to_json().unwrap();
        prop_assert!(replay(&text).is_ok(), "{:?}", replay(&text));
        let with_line_end = text.clone() + "\n";
        prop_assert!(replay(&with_line_end).is_ok());
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(changed == text || replay(&changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn the_leaders_are_the_first_of_the_choice(policy in policies(), (matrix, states) in worlds(), most in 1_usize..6) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        let leaders = leaders(&policy, &matrix, &states, most).unwrap();
        let possible = |host: &&HostAnswer| matches!(host.verdict(), Verdict::Chosen | Verdict::Worse);
        let (possible, out): (Vec<_>, Vec<_>) = choice.hosts.iter().partition(possible);
        prop_assert_eq!(leaders.hosts.len(), possible.len().min(most));
        prop_assert_eq!(leaders.out_of, out.len());
        prop_assert!(leaders.out.iter().eq(out.into_iter().take(most)));
        prop_assert_eq!(leaders.hosts.first(), choice.chosen());
        for host in &leaders.hosts {
            prop_assert_eq!(choice.of(&host.id), Some(host));
        }
        prop_assert_eq!((leaders.settle, leaders.help), (choice.settle, choice.help));
    }

    #[test]
    fn turns_are_better_only_if_their_mean_is(policy in policies(), (matrix, states) in worlds()) {
        let choice = choose(&policy, &matrix, &states).unwrap();
        let series = series(&policy, &matrix, &states, &choice);
        prop_assert_eq!(series.is_some(), choice.chosen.is_some());
        if let Some(series) = series {
            prop_assert_eq!(Some(&series.one), choice.chosen().map(|host| &host.name));
            if let Some(turns) = &series.turns {
                prop_assert!(turns.first != turns.second);
                prop_assert!(!series.turns_are_better || turns.us <= series.one_us);
            }
        }
    }
}
