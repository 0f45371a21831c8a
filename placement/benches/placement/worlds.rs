//! What is measured on: values made from a fixed seed.

use std::path::{Path, PathBuf};
use std::process::Command;
use vmatrix_placement::{Host, Matrix, Micros, Player};

pub const CAP_US: u32 = 180_000;

/// Numbers that look random: the same for the same seed (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// The numbers below `end` in any order.
    pub fn shuffled(&mut self, end: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..end).collect();
        for at in (1..end).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }

    /// Above 0, at most 1.
    pub fn share(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.share().ln()
    }

    /// The size of a normal value.
    pub fn half_normal(&mut self, deviation: f64) -> f64 {
        deviation * (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos().abs()
    }
}

/// Values in microseconds, row after row.
pub struct Values {
    pub players: usize,
    pub us: Vec<u32>,
}

impl Values {
    /// Data (a): anything up to the cap, so that the cap says nothing.
    pub fn any(hosts: usize, players: usize) -> Self {
        let mut dice = Dice::new(1);
        let us = (0..hosts * players).map(|_| 1 + dice.below(CAP_US as usize) as u32);
        Self {
            players,
            us: us.collect(),
        }
    }

    /// The worst case: all hosts are alike but for some microseconds, so that no byte says anything.
    pub fn alike(hosts: usize, players: usize) -> Self {
        let mut dice = Dice::new(2);
        let row: Vec<u32> = (0..players).map(|_| 1000 + dice.below(150_000) as u32).collect();
        let us = (0..hosts * players).map(|at| row[at % players] + dice.below(10) as u32);
        Self {
            players,
            us: us.collect(),
        }
    }

    /// Data (b): the hosts are as many at each site of a measured matrix, ordered by site; the players are two clans at
    /// home near two sites 100 to 180 ms apart, each with a last mile of 10 ms on average; every measurement is longer
    /// than the path by half-normal noise of 1 ms and 2 %.
    pub fn by_site(sites: &[Vec<f64>], hosts: usize, players: usize) -> Self {
        let mut dice = Dice::new(3);
        let (a, b) = loop {
            let (a, b) = (dice.below(sites.len()), dice.below(sites.len()));
            if (100.0..=180.0).contains(&sites[a][b]) {
                break (a, b);
            }
        };
        let near = |site: usize| {
            let mut others: Vec<usize> = (0..sites.len()).collect();
            others.sort_by(|one, other| sites[site][*one].total_cmp(&sites[site][*other]));
            others
        };
        let near = [near(a), near(b)];
        let homes: Vec<(usize, f64)> = (0..players)
            .map(|player| (near[player * 2 / players][dice.below(10)], dice.exponential(10.0)))
            .collect();
        let mut us = Vec::with_capacity(hosts * players);
        for host in 0..hosts {
            let site = &sites[host * sites.len() / hosts];
            us.extend(homes.iter().map(|(home, last_mile)| {
                let path = site[*home] + last_mile;
                let measured = path + dice.half_normal(1.0) + path * dice.half_normal(0.02);
                (measured * 1000.0).round().max(1.0) as u32
            }));
        }
        Self { players, us }
    }

    pub fn matrix(&self) -> Matrix {
        let rows = self.us.chunks_exact(self.players);
        let hosts = (0..rows.len()).map(|host| {
            let id = format!("h{host:07}");
            Host { name: id.clone(), id }
        });
        let players = (0..self.players).map(|player| Player::new(format!("p{player}"), "", None));
        let values = self.us.iter().map(|us| Micros::new(*us).ok());
        Matrix::from_values(players.collect(), hosts.collect(), values.collect()).unwrap()
    }

    pub fn over_cap(&self) -> f64 {
        let rows = self.us.chunks_exact(self.players);
        let hosts = rows.len() as f64;
        100.0 * rows.filter(|row| row.iter().any(|us| *us > CAP_US)).count() as f64 / hosts
    }
}

/// Round-trip times between PlanetLab's nodes, milliseconds: all 490 where the data lies beside the project, else every
/// eighth. From uofa-rzhu3/NetLatency-Data (Zhu and others, ToN 2017), MIT.
pub fn planetlab() -> Vec<Vec<f64>> {
    let text =
        shared("planetlab490_median.csv.gz").unwrap_or_else(|| include_str!("planetlab62.csv").to_owned());
    // A node's way to itself is not in the data.
    let cell = |cell: &str| cell.trim().parse().unwrap_or(0.05);
    text.lines()
        .map(|line| line.split(',').map(cell).collect())
        .collect()
}

/// A file of the data that lies beside the project, or in `VMATRIX_BENCH_DATA`, and is not all part of it. `None`, and
/// a message, if it is absent.
pub fn shared(name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("VMATRIX_BENCH_DATA")
        .map_or_else(beside, PathBuf::from)
        .join(name);
    if !path.exists() {
        eprintln!("there is no {}: less is measured", path.display());
        return None;
    }
    let output = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
    assert!(
        output.status.success(),
        "gzip: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}
