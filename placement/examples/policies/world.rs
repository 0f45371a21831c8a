//! Matches as clans are: two latency regions, five players from each, and all other nodes as hosts.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::ops::Range;
use std::path::Path;
use vmatrix_placement::{Host, Matrix, Micros, Player, Side};

/// Players of a clan.
const CLAN: usize = 5;
/// A clan's players sit at nodes that are this near to its middle, milliseconds.
const REGION: f64 = 20.0;
/// Mean of the last mile of each player, milliseconds; exponential.
const LAST_MILE: f64 = 10.0;

/// Round trips between nodes, milliseconds; unknown is not a number.
pub struct World {
    rtt: Vec<Vec<f64>>,
}

impl World {
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let value = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
        Ok(Self {
            rtt: text
                .lines()
                .map(|line| line.split(',').map(value).collect())
                .collect(),
        })
    }

    /// So many matches of clans whose middles are so far apart.
    pub fn matches(&self, count: usize, apart: Range<f64>, seed: u64) -> impl Iterator<Item = Matrix> {
        let mut random = StdRng::seed_from_u64(seed);
        std::iter::repeat_with(move || self.one(&apart, &mut random))
            .flatten()
            .take(count)
    }

    fn one(&self, apart: &Range<f64>, random: &mut StdRng) -> Option<Matrix> {
        let nodes = self.rtt.len();
        let (a, b) = (random.random_range(0..nodes), random.random_range(0..nodes));
        if !apart.contains(&self.rtt[a][b]) {
            return None;
        }
        let region = |middle: usize| -> Vec<usize> {
            (0..nodes)
                .filter(|node| *node == middle || self.rtt[middle][*node] <= REGION)
                .collect()
        };
        let clan = |middle: usize, random: &mut StdRng| -> Vec<usize> {
            region(middle).sample(random, CLAN).copied().collect()
        };
        let at: Vec<usize> = [clan(a, random), clan(b, random)].concat();
        if at.len() < 2 * CLAN || at.iter().enumerate().any(|(i, node)| at[..i].contains(node)) {
            return None;
        }
        let mile: Vec<f64> = at
            .iter()
            .map(|_| -LAST_MILE * (1.0 - random.random::<f64>()).ln())
            .collect();
        let hosts: Vec<usize> = (0..nodes).filter(|node| !at.contains(node)).collect();
        let row = |host: &usize| -> Vec<Option<Micros>> {
            let one = |(node, mile): (&usize, &f64)| {
                Micros::new(((self.rtt[*host][*node] + mile) * 1000.0) as u32).ok()
            };
            at.iter().zip(&mile).map(one).collect()
        };
        let side = |player: usize| if player < CLAN { Side::A } else { Side::B };
        let players = (0..at.len()).map(|p| Player::new(format!("p{p:02}"), format!("p{p:02}"), side(p)));
        let heads = hosts.iter().map(|host| Host {
            id: format!("h{host:03}"),
            name: format!("h{host:03}"),
        });
        Matrix::new(
            players.collect(),
            heads.collect(),
            hosts.iter().map(row).collect(),
        )
        .ok()
    }
}
