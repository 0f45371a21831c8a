//! One match among hosts that are too many to probe: two clans of five from two regions 40 to 100 ms apart, each player
//! at a node within 20 ms of their clan's middle with a last mile of 10 ms on average (exponential). Half of the nodes
//! are hosts, the players sit at others. What a host measures may be longer than the path by half-normal noise of 1 ms
//! and 2 %, never shorter.

use crate::worlds::{CAP_US, Dice};
use vmatrix_placement::{Micros, closeness};

const CLAN: usize = 5;
const REGION_MS: f64 = 20.0;
const APART_MS: std::ops::Range<f64> = 40.0..100.0;
const LAST_MILE_MS: f64 = 10.0;

/// Round trips between nodes, milliseconds; both directions alike, unknown is not a number.
pub struct Nodes(Vec<Vec<f64>>);

impl Nodes {
    /// Reads a matrix without a header. Of two directions the mean, or the one that is known.
    pub fn read(text: &str) -> Self {
        let cell = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
        let rows: Vec<Vec<f64>> = text
            .lines()
            .map(|line| line.split(',').map(cell).collect())
            .collect();
        let both = |one: f64, other: f64| match (one.is_nan(), other.is_nan()) {
            (true, _) => other,
            (_, true) => one,
            _ => f64::midpoint(one, other),
        };
        let at = |a: usize, b: usize| {
            if a == b {
                0.05
            } else {
                both(rows[a][b], rows[b][a])
            }
        };
        let nodes = rows.len();
        Self(
            (0..nodes)
                .map(|a| (0..nodes).map(|b| at(a, b)).collect())
                .collect(),
        )
    }

    /// Matches from a seed: always the same ones.
    pub fn scenes(&self, count: usize, seed: u64) -> Vec<Scene> {
        let mut dice = Dice::new(seed);
        let scene = || self.scene(&mut dice);
        std::iter::repeat_with(scene).flatten().take(count).collect()
    }

    fn scene(&self, dice: &mut Dice) -> Option<Scene> {
        let nodes = self.0.len();
        let (a, b) = (dice.below(nodes), dice.below(nodes));
        if !APART_MS.contains(&self.0[a][b]) {
            return None;
        }
        let shuffled = dice.shuffled(nodes);
        let (hosts, others) = shuffled.split_at(nodes / 2);
        let clan = |middle: usize, dice: &mut Dice| -> Option<Vec<(usize, f64)>> {
            let near: Vec<usize> = others
                .iter()
                .copied()
                .filter(|node| self.0[middle][*node] <= REGION_MS)
                .take(CLAN)
                .collect();
            (near.len() == CLAN).then(|| {
                near.iter()
                    .map(|node| (*node, dice.exponential(LAST_MILE_MS)))
                    .collect()
            })
        };
        let players = [clan(a, dice)?, clan(b, dice)?].concat();
        let twice = |at: usize| players[..at].iter().any(|player| player.0 == players[at].0);
        if (0..players.len()).any(twice) {
            return None;
        }
        let row = |host: &usize| -> Vec<Option<f64>> {
            let path =
                |(node, mile): &(usize, f64)| Some(self.0[*host][*node] + mile).filter(|path| !path.is_nan());
            players.iter().map(path).collect()
        };
        let paths: Vec<Vec<Option<f64>>> = hosts.iter().map(row).collect();
        let plain = |path: f64| micros(path);
        let noisy =
            |path: f64, dice: &mut Dice| micros(path + dice.half_normal(1.0) + path * dice.half_normal(0.02));
        let truth: Vec<Row> = paths
            .iter()
            .map(|row| row.iter().map(|path| path.map(plain)).collect())
            .collect();
        let noisy = paths
            .iter()
            .map(|row| {
                row.iter()
                    .map(|path| path.map(|path| noisy(path, dice)))
                    .collect()
            })
            .collect();
        let mesh = hosts
            .iter()
            .map(|one| {
                hosts
                    .iter()
                    .map(|other| {
                        Some(self.0[*one][*other])
                            .filter(|ms| one != other && !ms.is_nan())
                            .map(micros)
                    })
                    .collect()
            })
            .collect();
        let scene = Scene { truth, noisy, mesh };
        scene.best().is_some().then_some(scene)
    }
}

fn micros(ms: f64) -> Micros {
    Micros::new((ms * 1000.0).round().max(1.0) as u32).unwrap()
}

/// What one host measured to all players.
pub type Row = Vec<Option<Micros>>;

pub struct Scene {
    /// A row per host.
    pub truth: Vec<Row>,
    /// The same as measured.
    pub noisy: Vec<Row>,
    /// Between hosts.
    pub mesh: Vec<Row>,
}

impl Scene {
    pub fn measured(&self, noise: bool) -> &[Row] {
        if noise { &self.noisy } else { &self.truth }
    }

    /// The smallest true closeness factor under the cap, milliseconds.
    pub fn best(&self) -> Option<f64> {
        self.truth.iter().filter_map(score).min_by(f64::total_cmp)
    }
}

/// The closeness factor of a host that is possible, milliseconds.
pub fn score(row: &Row) -> Option<f64> {
    let mut known: Vec<Micros> = row.iter().copied().collect::<Option<_>>()?;
    let over = known.iter().any(|rtt| rtt.us() > CAP_US);
    closeness(&mut known).filter(|_| !over).map(|mean| mean.ms())
}
