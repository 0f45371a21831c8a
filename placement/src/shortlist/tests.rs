use super::*;
use crate::{Host, HostState, Matrix, Micros, Player, Policy, Preset, Side, Standing, choose};
use proptest::prelude::*;

type Row = Vec<Option<Micros>>;

/// Hosts on a plane with heights, players beside them, noise on every way, and some of it unknown.
#[derive(Debug, Clone)]
struct World {
    mesh: Vec<Row>,
    /// A row per host.
    rows: Vec<Row>,
    states: Vec<HostState>,
    effort: Effort,
    policy: Policy,
}

fn us(us: u32) -> Option<Micros> {
    Micros::new(us).ok()
}

fn way(a: (u32, u32, u32), b: (u32, u32, u32)) -> u32 {
    a.0.abs_diff(b.0) + a.1.abs_diff(b.1) + a.2 + b.2
}

fn worlds() -> impl Strategy<Value = World> {
    let place = || (0u32..120_000, 0u32..120_000, 100u32..20_000);
    let standing = prop_oneof![
        8 => Just(Standing::Free),
        1 => Just(Standing::NoCapacity("full".into())),
        1 => Just(Standing::Unfit("small".into()))
    ];
    let sizes = (1usize..24, 2usize..7);
    let effort = (1usize..6, 1usize..4, 5usize..9, 0usize..12)
        .prop_map(|(first, step, least, more)| Effort::new(first, step, least, least + more).unwrap());
    let policy = (0..Preset::ALL.len()).prop_map(|at| Preset::ALL[at].policy());
    (sizes, effort, policy).prop_flat_map(move |((hosts, players), effort, policy)| {
        // Known in nine of ten.
        let noise = || proptest::option::weighted(0.9, 0u32..5_000);
        (
            proptest::collection::vec((place(), standing.clone(), 0u32..2), hosts),
            proptest::collection::vec(place(), players),
            proptest::collection::vec(proptest::collection::vec(noise(), hosts), hosts),
            proptest::collection::vec(proptest::collection::vec(noise(), players), hosts),
        )
            .prop_map(move |(at, players, between, measured)| {
                let rows = |noise: &[Vec<Option<u32>>], to: &[(u32, u32, u32)]| -> Vec<Row> {
                    let value =
                        |h: usize, p: usize| noise[h][p].and_then(|more| us(way(at[h].0, to[p]) + more));
                    (0..at.len())
                        .map(|h| (0..to.len()).map(|p| value(h, p)).collect())
                        .collect()
                };
                let hosts: Vec<_> = at.iter().map(|(place, ..)| *place).collect();
                let state = |(_, standing, load): &(_, Standing, u32)| HostState {
                    standing: standing.clone(),
                    load: *load,
                };
                World {
                    mesh: rows(&between, &hosts),
                    rows: rows(&measured, &players),
                    states: at.iter().map(state).collect(),
                    effort,
                    policy: policy.clone(),
                }
            })
    })
}

impl World {
    fn players(&self) -> Vec<Player> {
        let side = |at: usize| if at == 0 { Side::A } else { Side::B };
        (0..self.rows[0].len())
            .map(|at| Player::new(format!("p{at}"), format!("P{at}"), side(at)))
            .collect()
    }

    fn hosts(&self) -> Vec<Host> {
        let host = |at| Host {
            id: format!("h{at:02}"),
            name: format!("H{at}"),
        };
        (0..self.rows.len()).map(host).collect()
    }

    fn plan(&self) -> Shortlist {
        self.plan_over(&Mesh::new(&self.mesh).unwrap())
    }

    /// Without a mesh.
    fn plan_over_coordinates(&self) -> Shortlist {
        let hosts = self.mesh.len();
        let pairs = (0..hosts).flat_map(|a| (0..a).map(move |b| (a, b)));
        let links: Vec<_> = pairs
            .filter_map(|(a, b)| Some((a, b, self.mesh[a][b]?)))
            .collect();
        self.plan_over(&Mesh::from_coordinates(Coordinates::fit(hosts, &links), hosts))
    }

    fn plan_over(&self, mesh: &Mesh) -> Shortlist {
        let (players, hosts, states) = (self.players(), self.hosts(), self.states.clone());
        Shortlist::new(mesh, players, hosts, states, self.policy.clone(), self.effort).unwrap()
    }

    fn free(&self) -> usize {
        self.states
            .iter()
            .filter(|state| state.standing == Standing::Free)
            .count()
    }
}

/// Probes until it ends: the ids in each step, in order of their ids.
fn run(plan: &mut Shortlist, rows: &[Row], last_first: bool) -> Vec<Vec<String>> {
    let mut steps = Vec::new();
    while plan.end().is_none() {
        let mut step = plan.next_probes().to_vec();
        assert!(!step.is_empty());
        if last_first {
            step.reverse();
        }
        for host in &step {
            plan.observe(*host, &rows[*host]).unwrap();
        }
        let mut ids: Vec<String> = step
            .iter()
            .map(|host| plan.matrix().hosts()[*host].id.clone())
            .collect();
        ids.sort();
        steps.push(ids);
    }
    steps
}

fn chosen(plan: &Shortlist) -> Option<String> {
    plan.choice().unwrap().chosen().map(|host| host.id.clone())
}

proptest! {
    #[test]
    fn no_host_is_probed_twice_nor_more_than_the_budget_and_the_end_says_why(world in worlds(), mesh: bool) {
        let mut plan = if mesh { world.plan() } else { world.plan_over_coordinates() };
        let mut probed: Vec<String> = run(&mut plan, &world.rows, false).concat();
        let count = probed.len();
        probed.sort();
        probed.dedup();
        prop_assert_eq!((probed.len(), plan.probed()), (count, count));
        prop_assert!(count <= world.effort.budget());
        prop_assert!(count >= world.effort.at_least().min(world.free()));
        prop_assert!(plan.next_probes().is_empty());
        match plan.end().unwrap() {
            Ended::AllProbed => prop_assert_eq!(count, world.free()),
            Ended::BudgetSpent { could_win } => {
                prop_assert_eq!(count, world.effort.budget());
                prop_assert!(could_win <= world.free() - count);
            }
            Ended::CannotWin { .. } => prop_assert!(count < world.free()),
        }
        for (host, state) in plan.matrix().hosts().iter().zip(&world.states) {
            prop_assert!(state.standing == Standing::Free || !probed.contains(&host.id));
        }
    }

    #[test]
    fn with_all_hosts_probed_the_choice_is_that_of_the_whole_matrix(mut world in worlds()) {
        world.effort = Effort::new(3, 2, 24, 24).unwrap();
        let mut plan = world.plan();
        run(&mut plan, &world.rows, false);
        prop_assert_eq!(plan.end(), Some(Ended::AllProbed));
        let whole = Matrix::new(world.players(), world.hosts(), world.rows.clone()).unwrap();
        let whole = choose(&world.policy, &whole, &world.states).unwrap();
        prop_assert_eq!(chosen(&plan), whole.chosen().map(|host| host.id.clone()));
    }

    #[test]
    fn the_order_of_hosts_players_and_answers_does_not_matter(world in worlds(), by in 0usize..24, turn in 0usize..7) {
        let (hosts, players) = (world.rows.len(), world.players());
        let mut order: Vec<usize> = (0..hosts).collect();
        order.rotate_left(by % hosts);
        order.reverse();
        let mut columns: Vec<usize> = (0..players.len()).collect();
        columns.rotate_left(turn % players.len());
        let rows: Vec<Row> = order.iter().map(|h| columns.iter().map(|p| world.rows[*h][*p]).collect()).collect();
        let mesh: Vec<Row> = order.iter().map(|a| order.iter().map(|b| world.mesh[*a][*b]).collect()).collect();
        let mut turned = Shortlist::new(
            &Mesh::new(&mesh).unwrap(),
            columns.iter().map(|p| players[*p].clone()).collect(),
            order.iter().map(|h| world.hosts()[*h].clone()).collect(),
            order.iter().map(|h| world.states[*h].clone()).collect(),
            world.policy.clone(),
            world.effort,
        ).unwrap();
        let mut plan = world.plan();
        prop_assert_eq!(run(&mut plan, &world.rows, false), run(&mut turned, &rows, true));
        prop_assert_eq!(plan.end(), turned.end());
        prop_assert_eq!(chosen(&plan), chosen(&turned));
    }

    #[test]
    fn who_does_not_answer_is_unknown_and_never_wins(world in worlds(), silent in 0usize..24) {
        let mut rows = world.rows.clone();
        let silent = silent % rows.len();
        rows[silent].fill(None);
        let mut plan = world.plan();
        run(&mut plan, &rows, false);
        prop_assert_ne!(chosen(&plan), Some(world.hosts()[silent].id.clone()));
        prop_assert!(plan.matrix().row(silent).unwrap().iter().all(Option::is_none));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn coordinates_find_a_plane_with_heights(places in proptest::collection::vec((0u32..100, 0u32..100, 1u32..15), 8..30)) {
        let ms = |a: usize, b: usize| {
            let ((ax, ay, ah), (bx, by, bh)) = (places[a], places[b]);
            f64::from(ax.abs_diff(bx)).hypot(f64::from(ay.abs_diff(by))) + f64::from(ah + bh)
        };
        let rtt = |a, b| Micros::new((ms(a, b) * 1000.0).round() as u32).unwrap();
        let pairs = || (0..places.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let links: Vec<_> = pairs().map(|(a, b)| (a, b, rtt(a, b))).collect();
        let found = Coordinates::fit(places.len(), &links);
        let mut errors: Vec<f64> = pairs().map(|(a, b)| (found.rtt(a, b).unwrap().ms() - ms(a, b)).abs()).collect();
        errors.sort_by(f64::total_cmp);
        prop_assert!(errors[errors.len() / 2] < 3.0, "median error {} ms", errors[errors.len() / 2]);
    }
}

#[test]
fn a_node_is_placed_among_the_others() {
    let at = |x: f64, y: f64, h: f64| (x, y, h);
    let all = [
        at(0.0, 0.0, 1.0),
        at(60.0, 0.0, 2.0),
        at(0.0, 80.0, 1.0),
        at(70.0, 90.0, 3.0),
        at(30.0, 40.0, 5.0),
    ];
    let ms = |a: usize, b: usize| (all[a].0 - all[b].0).hypot(all[a].1 - all[b].1) + all[a].2 + all[b].2;
    let rtt = |a, b| Micros::new((ms(a, b) * 1000.0) as u32).unwrap();
    let links: Vec<_> = (0..4)
        .flat_map(|a| (0..a).map(move |b| (a, b, rtt(a, b))))
        .collect();
    let four = Coordinates::fit(4, &links);
    let five = four.with_node(&[(0, rtt(4, 0)), (1, rtt(4, 1)), (2, rtt(4, 2))]);
    let found = five.rtt(4, 3).unwrap().ms();
    assert!((found - ms(4, 3)).abs() < 5.0, "{found} instead of {}", ms(4, 3));
    // Nothing is known of a node without ways, nor of one that is not there.
    assert_eq!(four.with_node(&[]).rtt(4, 0), None);
    assert_eq!(four.rtt(0, 4), None);
}

#[test]
fn hosts_that_nobody_has_measured_are_probed_in_order_until_the_budget_is_spent() {
    let world = World {
        mesh: vec![vec![None; 9]; 9],
        rows: vec![vec![us(10_000), us(20_000)]; 9],
        states: vec![HostState::free(); 9],
        effort: Effort::new(2, 2, 5, 7).unwrap(),
        policy: Policy::default(),
    };
    let mut plan = world.plan();
    let steps = run(&mut plan, &world.rows, false);
    assert_eq!(steps.concat(), ["h00", "h01", "h02", "h03", "h04", "h05", "h06"]);
    assert_eq!(plan.end(), Some(Ended::BudgetSpent { could_win: 2 }));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let text = |bad: Result<Effort, BadEffort>| bad.unwrap_err().to_string();
    assert_eq!(text(Effort::new(0, 1, 5, 5)), "first 0: must be 1 at least");
    assert_eq!(text(Effort::new(1, 0, 5, 5)), "per_step 0: must be 1 at least");
    assert!(text(Effort::new(1, 1, 1, 5)).starts_with("at_least 1: must be 5 at least"));
    assert!(text(Effort::default().with_budget(7)).starts_with("budget 7: must be 8 at least"));
    let ragged = Mesh::new(&[vec![None, None], vec![None]]).unwrap_err();
    assert_eq!(ragged.to_string(), "row 1 of the mesh has 1 values for 2 hosts");

    let world = World {
        mesh: vec![vec![us(10_000); 6]; 6],
        rows: vec![vec![us(10_000), us(20_000)]; 6],
        states: vec![HostState::free(); 6],
        effort: Effort::default(),
        policy: Policy::default(),
    };
    let mut plan = world.plan();
    let asked = plan.next_probes()[0];
    let players = plan.observe(asked, &[None]).unwrap_err();
    assert_eq!(
        players,
        BadObservation::Ragged {
            host: asked,
            found: 1,
            players: 2
        }
    );
    plan.observe(asked, &[None, None]).unwrap();
    let again = plan.observe(asked, &[None, None]).unwrap_err();
    assert_eq!(again, BadObservation::NotAsked { host: asked });
    let fewer = Mesh::new(&[vec![None]]).unwrap();
    let (players, hosts, states) = (world.players(), world.hosts(), world.states.clone());
    let bad = Shortlist::new(
        &fewer,
        players,
        hosts,
        states,
        Policy::default(),
        Effort::default(),
    )
    .unwrap_err();
    assert_eq!(bad.to_string(), "a mesh of 1 hosts for 6 hosts");
}
