//! How few probes are enough, on matches among hosts that are too many to probe.
//!
//! The loss of a choice is its true closeness factor over the best one's under the cap, less 1. "Within 5 % on average after L
//! hosts": the mean over the matches of the loss, if the first L probed hosts are chosen from, is 5 % at most, and so it is
//! for all larger L. Beside it stands the other reading, the ratio of the means of both closeness factors, which is
//! kinder: a match with a very small best one counts no more than others. A match without a possible host among the
//! first L counts as a loss of 100 %.

mod scene;
mod ways;

use crate::row::Row;
use crate::worlds::{CAP_US, shared};
use scene::{Nodes, Scene, score};
use std::num::NonZeroUsize;
use vmatrix_placement::shortlist::{Effort, Ended};
use ways::{MOST, WAYS, Way, to_the_end};

/// Matches of each data set.
const MATCHES: usize = 300;
const SEED: u64 = 0x76_4d_61_74;
const FEWEST: usize = 5;
const WITHIN: f64 = 5.0;

pub fn rows() -> Vec<Row> {
    let sets = [
        ("planetlab", "planetlab490_median.csv.gz"),
        ("wonder", "wonder_cities_avg.csv.gz"),
    ];
    let read = |(name, file): (&'static str, &str)| Some((name, Nodes::read(&shared(file)?)));
    let mut rows = Vec::new();
    for (name, nodes) in sets.into_iter().filter_map(read) {
        let scenes = nodes.scenes(MATCHES, SEED);
        rows.extend(of_set(name, &scenes, false));
        rows.extend(of_set(&format!("{name}_noise"), &scenes, true));
    }
    rows
}

/// What a match among the hosts of PlanetLab costs in the rounds of the server, in packets against all pairs, and in closeness; with
/// noise, as real measurements have. None without the data.
pub fn packets() -> Vec<Row> {
    let Some(file) = shared("planetlab490_median.csv.gz") else {
        return Vec::new();
    };
    let scenes = Nodes::read(&file).scenes(MATCHES, SEED);
    let end = |scene: &Scene| to_the_end(scene, scene.measured(true), Effort::in_rounds());
    let ends = in_parallel(&scenes, end);
    let hosts = ends.iter().map(|end| end.0).sum::<usize>() as f64 / ends.len() as f64;
    let all = scenes.first().map_or(0, |scene| scene.truth.len());
    let chosen = scenes.iter().zip(&ends).map(|(scene, end)| (scene, end.1));
    let at = At::of(0, &chosen.collect::<Vec<_>>());
    println!("{MATCHES} matches among {all} hosts: {hosts:.1} hosts probed on average");
    vec![
        Row::at_most("adaptive_packets_percent", 100.0 * hosts / all as f64, "%", 10.0),
        Row::beside("adaptive_loss_percent", at.loss, "%"),
        Row::beside("adaptive_within_5_percent", at.within, "%"),
        Row::at_most("adaptive_over_cap", at.over_cap as f64, "matches", 0.0),
    ]
}

fn of_set(name: &str, scenes: &[Scene], noise: bool) -> Vec<Row> {
    let goal = if noise { 20.0 } else { 14.0 };
    let curves: Vec<Curve> = WAYS
        .iter()
        .map(|(_, way)| Curve::of(*way, scenes, noise))
        .collect();
    println!("\n{name}: hosts probed, mean loss in % (share of matches within 5 %)");
    print_curves(&curves);
    let mut rows = Vec::new();
    for ((way, _), curve) in WAYS.iter().zip(&curves) {
        if *way == "mesh" {
            let over = format!("adaptive_over_cap_{name}");
            rows.push(Row::at_most(
                format!("adaptive_hosts_{name}"),
                curve.hosts(|at| at.loss),
                "hosts",
                goal,
            ));
            rows.push(Row::beside(
                format!("adaptive_ratio_{name}"),
                curve.hosts(|at| at.ratio),
                "hosts",
            ));
            rows.push(Row::at_most(over, curve.over_cap(), "matches", 0.0));
        } else {
            rows.push(Row::beside(
                format!("{way}_{name}").to_lowercase(),
                curve.hosts(|at| at.loss),
                "hosts",
            ));
        }
    }
    rows.extend(ends(name, scenes, noise));
    rows
}

/// What came of a number of probed hosts, over all matches.
struct At {
    hosts: usize,
    /// Mean, per cent.
    loss: f64,
    /// Per cent.
    ratio: f64,
    /// Of matches with a loss of 5 % at most, per cent.
    within: f64,
    /// Matches whose chosen host is truly over the cap.
    over_cap: usize,
}

struct Curve(Vec<At>);

impl Curve {
    fn of(way: Way, scenes: &[Scene], noise: bool) -> Self {
        let orders = in_parallel(scenes, |scene| way(scene, scene.measured(noise)));
        let at = |hosts: usize| {
            let chosen = scenes.iter().zip(&orders).map(|(scene, order)| {
                let first = order.iter().take(hosts).copied();
                (scene, chosen(scene.measured(noise), first))
            });
            At::of(hosts, &chosen.collect::<Vec<_>>())
        };
        Self((FEWEST..=MOST).map(at).collect())
    }

    /// The smallest number of hosts from which on the mean loss stays within 5 %.
    fn hosts(&self, loss: impl Fn(&At) -> f64) -> f64 {
        let beyond = self.0.iter().rev().find(|at| loss(at) > WITHIN);
        match beyond.map_or(FEWEST, |at| at.hosts + 1) {
            hosts if hosts > MOST => f64::INFINITY,
            hosts => hosts as f64,
        }
    }

    fn over_cap(&self) -> f64 {
        self.0.iter().map(|at| at.over_cap).max().unwrap_or_default() as f64
    }
}

impl At {
    fn of(hosts: usize, chosen: &[(&Scene, Option<usize>)]) -> Self {
        let matches = chosen.len() as f64;
        let pairs: Vec<(f64, f64)> = chosen
            .iter()
            .map(|(scene, host)| {
                let best = scene.best().unwrap();
                (
                    host.and_then(|host| score(&scene.truth[host]))
                        .unwrap_or(2.0 * best),
                    best,
                )
            })
            .collect();
        let losses = || pairs.iter().map(|(found, best)| 100.0 * (found / best - 1.0));
        let (found, best) = pairs
            .iter()
            .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let over = |(scene, host): &&(&Scene, Option<usize>)| {
            host.is_some_and(|host| scene.truth[host].iter().flatten().any(|rtt| rtt.us() > CAP_US))
        };
        Self {
            hosts,
            loss: losses().sum::<f64>() / matches,
            ratio: 100.0 * (found / best - 1.0),
            within: 100.0 * losses().filter(|loss| *loss <= WITHIN).count() as f64 / matches,
            over_cap: chosen.iter().filter(over).count(),
        }
    }
}

/// The host with the least measured closeness factor under the cap: what `choose` chooses from so many.
fn chosen(measured: &[scene::Row], from: impl Iterator<Item = usize>) -> Option<usize> {
    from.filter_map(|host| Some((score(&measured[host])?, host)))
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, host)| host)
}

/// Where ours ends by itself.
fn ends(name: &str, scenes: &[Scene], noise: bool) -> Vec<Row> {
    let ends = in_parallel(scenes, |scene| {
        to_the_end(scene, scene.measured(noise), Effort::default())
    });
    let chosen: Vec<(&Scene, Option<usize>)> = scenes
        .iter()
        .zip(&ends)
        .map(|(scene, end)| (scene, end.1))
        .collect();
    let at = At::of(0, &chosen);
    let hosts = ends.iter().map(|end| end.0).sum::<usize>() as f64 / ends.len() as f64;
    let early = ends
        .iter()
        .filter(|end| matches!(end.2, Ended::CannotWin { .. }))
        .count();
    let early = 100.0 * early as f64 / ends.len() as f64;
    println!(
        "ended by itself after {hosts:.1} hosts on average: loss {:.1} % ({:.0} %), {early:.0} % because no other could win",
        at.loss, at.within
    );
    vec![
        Row::beside(format!("adaptive_end_hosts_{name}"), hosts, "hosts"),
        Row::beside(format!("adaptive_end_loss_{name}"), at.loss, "%"),
        Row::at_most(
            format!("adaptive_end_over_{name}"),
            at.over_cap as f64,
            "matches",
            0.0,
        ),
    ]
}

fn print_curves(curves: &[Curve]) {
    print!("{:>5}", "hosts");
    WAYS.iter().for_each(|(way, _)| print!("{way:>16}"));
    println!();
    for at in (0..=MOST - FEWEST).filter(|at| *at <= 15 || (at + FEWEST).is_multiple_of(5)) {
        print!("{:>5}", at + FEWEST);
        for curve in curves {
            let At { loss, within, .. } = curve.0[at];
            print!("{:>16}", format!("{loss:.1} ({within:.0})"));
        }
        println!();
    }
}

/// One answer per match, in their order; all processors take part.
fn in_parallel<T: Send>(scenes: &[Scene], one: impl Fn(&Scene) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let one = &one;
    std::thread::scope(|scope| {
        let parts = scenes.chunks(scenes.len().div_ceil(threads).max(1));
        let started: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<T>>()))
            .collect();
        started
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}
