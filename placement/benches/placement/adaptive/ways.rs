//! Ways to probe few of the hosts: in which order each would probe them.

use super::scene::{self, Scene, score};
use vmatrix_placement::shortlist::{Coordinates, Effort, Ended, Mesh, Shortlist};
use vmatrix_placement::{Host, HostState, Micros, Player, Policy};

/// As far as the curve goes.
pub const MOST: usize = 50;

/// Of a match: the hosts in the order in which they are probed, [`MOST`] at most.
pub type Way = fn(&Scene, &[scene::Row]) -> Vec<usize>;

pub const WAYS: [(&str, Way); 4] = [
    ("mesh", |scene, measured| whole(scene, &mesh(scene), measured)),
    ("Vivaldi", |scene, measured| {
        whole(scene, &coordinates(scene), measured)
    }),
    ("Meridian", meridian),
    ("random", |scene, _| (0..scene.truth.len().min(MOST)).collect()),
];

fn mesh(scene: &Scene) -> Mesh {
    Mesh::new(&scene.mesh).unwrap()
}

fn shortlist(scene: &Scene, mesh: &Mesh, effort: Effort) -> Shortlist {
    let name = |letter: char, at: usize| format!("{letter}{at:03}");
    let hosts = (0..mesh.hosts()).map(|at| Host {
        id: name('h', at),
        name: name('h', at),
    });
    let players = (0..scene.truth[0].len()).map(|at| Player::new(name('p', at), name('p', at), None));
    let states = vec![HostState::free(); mesh.hosts()];
    Shortlist::new(
        mesh,
        players.collect(),
        hosts.collect(),
        states,
        Policy::default(),
        effort,
    )
    .unwrap()
}

/// Probes until it ends; in which order.
fn run(plan: &mut Shortlist, measured: &[scene::Row]) -> Vec<usize> {
    let mut order = Vec::new();
    while plan.end().is_none() {
        for host in plan.next_probes().to_vec() {
            order.push(host);
            plan.observe(host, &measured[host]).unwrap();
        }
    }
    order
}

/// Ours, without an end before [`MOST`].
fn whole(scene: &Scene, mesh: &Mesh, measured: &[scene::Row]) -> Vec<usize> {
    let effort = Effort::new(4, 2, MOST, MOST).unwrap();
    run(&mut shortlist(scene, mesh, effort), measured)
}

/// Ours as it ends by itself: what it probed, what it chose, and why it ended.
pub fn to_the_end(scene: &Scene, measured: &[scene::Row], effort: Effort) -> (usize, Option<usize>, Ended) {
    let mut plan = shortlist(scene, &mesh(scene), effort);
    let order = run(&mut plan, measured);
    (order.len(), plan.choice().unwrap().chosen, plan.end().unwrap())
}

/// Of the mesh no more than what coordinates keep of it: Vivaldi's way, in the same steps.
fn coordinates(scene: &Scene) -> Mesh {
    let hosts = scene.mesh.len();
    let pairs = (0..hosts).flat_map(|a| (a + 1..hosts).map(move |b| (a, b)));
    let links: Vec<(usize, usize, Micros)> = pairs
        .filter_map(|(a, b)| Some((a, b, scene.mesh[a][b]?)))
        .collect();
    Mesh::from_coordinates(Coordinates::fit(hosts, &links), hosts)
}

/// Meridian's way (Wong, Slivkins and Sirer, SIGCOMM 2005), for several targets and our score: each host knows up to eight
/// others in each of its rings, whose radii double from 1 ms on. A search starts at any host. The host that has it probes
/// the players; let d be their mean round-trip time there. It asks the members of its rings between d/2 and 3d/2 to
/// probe them too, and hands the search on to the best of them if that one is better than itself. Else the search is over, and
/// another begins at another host, for as long as there is a budget.
fn meridian(scene: &Scene, measured: &[scene::Row]) -> Vec<usize> {
    let hosts = scene.mesh.len();
    let mut order: Vec<usize> = Vec::new();
    let probe = |order: &mut Vec<usize>, host: usize| {
        if !order.contains(&host) {
            order.push(host);
        }
        score(&measured[host]).unwrap_or(f64::INFINITY)
    };
    for start in 0..hosts {
        let mut at = start;
        let mut best = probe(&mut order, at);
        loop {
            let known = || measured[at].iter().flatten().map(|rtt| rtt.ms());
            let mean = known().sum::<f64>() / known().count().max(1) as f64;
            let near = rings(scene, at)
                .into_iter()
                .filter(|(_, ms)| (0.5 * mean..=1.5 * mean).contains(ms));
            let asked: Vec<(f64, usize)> = near.map(|(host, _)| (probe(&mut order, host), host)).collect();
            match asked.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)) {
                Some((better, host)) if better < best && order.len() < MOST => (best, at) = (better, host),
                _ => break,
            }
        }
        if order.len() >= MOST {
            break;
        }
    }
    order.truncate(MOST);
    order
}

/// Members of a host's rings, with their distance in milliseconds.
fn rings(scene: &Scene, host: usize) -> Vec<(usize, f64)> {
    let mut members = [0; 16];
    let others = scene.mesh[host].iter().enumerate();
    let others = others.filter_map(|(other, rtt)| Some((other, rtt.as_ref()?.ms())));
    others
        .filter(|(_, ms)| {
            let ring = ms.log2().clamp(0.0, 15.0) as usize;
            members[ring] += 1;
            members[ring] <= 8
        })
        .collect()
}
