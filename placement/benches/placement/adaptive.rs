//! How few probes are enough.
mod proto;
mod scene;

use crate::row::Row;
use crate::worlds::shared;
use scene::{Nodes, Scene, score};

pub fn rows() -> Vec<Row> {
    for (name, file) in [("planetlab", "planetlab490_median.csv.gz"), ("wonder", "wonder_cities_avg.csv.gz")] {
        let Some(text) = shared(file) else { continue };
        let nodes = Nodes::read(&text);
        let n: usize = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
        let seed: u64 = std::env::var("SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(7);
        let scenes = nodes.scenes(n, seed);
        for noise in [false, true] {
            let full: f64 = scenes.iter().map(|s| loss(s, noise, &(0..s.truth.len()).collect::<Vec<_>>())).sum::<f64>() / n as f64;
            println!("{name} noise {noise}: all probed: {full:.2} %  best mean {:.2}", scenes.iter().map(|s| s.best().unwrap()).sum::<f64>() / n as f64);
            for (way, f) in proto::WAYS {
                let orders: Vec<Vec<usize>> = scenes.iter().map(|s| f(s, s.measured(noise))).collect();
                print!("{way:<16}");
                for l in [5, 6, 8, 10, 11, 12, 13, 14, 16, 18, 20, 25] {
                    let losses: Vec<f64> = scenes.iter().zip(&orders).map(|(s, o)| loss(s, noise, &o[..l])).collect();
                    let mean = losses.iter().sum::<f64>() / n as f64;
                    let within = losses.iter().filter(|x| **x <= 5.0).count() as f64 / n as f64 * 100.0;
                    print!(" {l}:{mean:.1}/{within:.0}");
                }
                println!();
            }
        }
    }
    Vec::new()
}

fn loss(s: &Scene, noise: bool, order: &[usize]) -> f64 {
    let m = s.measured(noise);
    let chosen = order.iter().filter_map(|h| Some((score(&m[*h])?, *h))).min_by(|a, b| a.0.total_cmp(&b.0));
    match chosen {
        Some((_, h)) => match score(&s.truth[h]) {
            Some(c) => 100.0 * (c / s.best().unwrap() - 1.0),
            None => 100.0,
        },
        None => 100.0,
    }
}
