use super::scene::{Row, Scene};

pub type Way = fn(&Scene, &[Row]) -> Vec<usize>;
pub const WAYS: &[(&str, Way)] = &[
    ("random", |s, _| (0..s.truth.len()).collect()),
    ("twins3", |s, m| ours(s, m, 4, 2, &|d, p| twins(d, p, 3))),
    ("twins5", |s, m| ours(s, m, 4, 2, &|d, p| twins(d, p, 5))),
    ("twins10", |s, m| ours(s, m, 4, 2, &|d, p| twins(d, p, 10))),
    ("twins5 f5 s1", |s, m| ours(s, m, 5, 1, &|d, p| twins(d, p, 5))),
    ("gp global", |s, m| ours(s, m, 4, 2, &|d, p| gp(d, p, false))),
    ("gp local", |s, m| ours(s, m, 4, 2, &|d, p| gp(d, p, true))),
    ("gp local s1", |s, m| ours(s, m, 4, 1, &|d, p| gp(d, p, true))),
];

pub type Dist = Vec<Vec<f64>>;

fn mesh(s: &Scene) -> Dist {
    let n = s.mesh.len();
    let mut d: Dist = s.mesh.iter().map(|r| r.iter().map(|v| v.map_or(f64::NAN, |v| v.ms())).collect()).collect();
    for x in 0..n {
        d[x][x] = 0.05;
        for y in 0..n {
            if d[x][y].is_nan() {
                // shortest detour
                d[x][y] = (0..n).map(|z| d[x][z] + d[z][y]).filter(|v| !v.is_nan()).fold(f64::INFINITY, f64::min);
            }
        }
    }
    d
}

fn first(d: &Dist, count: usize) -> Vec<usize> {
    let n = d.len();
    // start: the host with the smallest sum
    let total = |x: usize| d[x].iter().sum::<f64>();
    let start = (0..n).min_by(|a, b| total(*a).total_cmp(&total(*b))).unwrap();
    let mut out = vec![start];
    while out.len() < count {
        let far = |x: usize| out.iter().map(|l| d[x][*l]).fold(f64::INFINITY, f64::min);
        let next = (0..n).max_by(|a, b| far(*a).total_cmp(&far(*b))).unwrap();
        out.push(next);
    }
    out
}

fn ours(s: &Scene, m: &[Row], firsts: usize, step: usize, predict: &dyn Fn(&Dist, &[(usize, f64)]) -> Vec<f64>) -> Vec<usize> {
    let d = mesh(s);
    let n = d.len();
    let mut order = first(&d, firsts);
    while order.len() < 50 {
        let players = m[0].len();
        let predicted: Vec<Vec<f64>> = (0..players)
            .map(|p| {
                let probed: Vec<(usize, f64)> = order.iter().filter_map(|h| Some((*h, m[*h][p]?.ms()))).collect();
                predict(&d, &probed)
            })
            .collect();
        let mut todo: Vec<(f64, usize)> = (0..n)
            .filter(|h| !order.contains(h))
            .map(|h| {
                let row: Vec<f64> = (0..players).map(|p| predicted[p][h]).collect();
                (scoref(&row), h)
            })
            .collect();
        todo.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.extend(todo.iter().take(step).map(|t| t.1));
    }
    order.truncate(50);
    order
}

fn scoref(row: &[f64]) -> f64 {
    let mut t = 0.0;
    for (i, a) in row.iter().enumerate() {
        for b in &row[i + 1..] {
            t += (a - b).abs();
        }
    }
    let over = row.iter().map(|v| (v - 180.0).max(0.0)).sum::<f64>();
    t / (row.len() * (row.len() - 1) / 2) as f64 + over * 10.0
}

fn fit(d: &Dist, probed: &[(usize, f64)], x: usize) -> (f64, f64) {
    let n = probed.len() as f64;
    let a = (probed.iter().map(|(l, r)| r - d[x][*l]).sum::<f64>() / n).max(0.0);
    let cost = probed.iter().map(|(l, r)| (r - d[x][*l] - a).powi(2)).sum::<f64>() / n;
    (a, cost.sqrt())
}

fn twins(d: &Dist, probed: &[(usize, f64)], k: usize) -> Vec<f64> {
    let n = d.len();
    let mut c: Vec<(f64, f64, usize)> = (0..n).map(|x| { let (a, c) = fit(d, probed, x); (c, a, x) }).collect();
    c.sort_by(|a, b| a.0.total_cmp(&b.0));
    c.truncate(k);
    (0..n)
        .map(|h| {
            let (mut s, mut w) = (0.0, 0.0);
            for (cost, a, x) in &c {
                let weight = 1.0 / (cost * cost + 1.0);
                s += weight * (d[*x][h] + a);
                w += weight;
            }
            s / w
        })
        .collect()
}

fn gp(d: &Dist, probed: &[(usize, f64)], local: bool) -> Vec<f64> {
    let n = d.len();
    let k = probed.len();
    let w: Vec<f64> = (0..n)
        .map(|x| if local { let c = fit(d, probed, x).1; 1.0 / (c * c + 4.0) } else { 1.0 })
        .collect();
    let wt: f64 = w.iter().sum();
    let mean: Vec<f64> = (0..n).map(|h| (0..n).map(|x| w[x] * d[x][h]).sum::<f64>() / wt).collect();
    let height = 400.0;
    let mut a: Vec<Vec<f64>> = vec![vec![0.0; k + 1]; k];
    for i in 0..k {
        for j in 0..k {
            let (li, lj) = (probed[i].0, probed[j].0);
            a[i][j] = (0..n).map(|x| w[x] * (d[x][li] - mean[li]) * (d[x][lj] - mean[lj])).sum::<f64>() / wt + height;
        }
        a[i][i] += 1.0;
        a[i][k] = probed[i].1 - mean[probed[i].0] - 10.0;
    }
    let z = solve(a);
    // pred_h = mean_h + 10 + sum_i (cov(h, l_i) + height) z_i
    let proj: Vec<f64> = (0..n).map(|x| (0..k).map(|i| (d[x][probed[i].0] - mean[probed[i].0]) * z[i]).sum::<f64>()).collect();
    let hz: f64 = z.iter().sum::<f64>() * height;
    (0..n).map(|h| mean[h] + 10.0 + hz + (0..n).map(|x| w[x] * (d[x][h] - mean[h]) * proj[x]).sum::<f64>() / wt).collect()
}

fn solve(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let k = a.len();
    for i in 0..k {
        let p = (i..k).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs())).unwrap();
        a.swap(i, p);
        for r in 0..k {
            if r != i {
                let f = a[r][i] / a[i][i];
                for c in i..=k { let v = a[i][c]; a[r][c] -= f * v; }
            }
        }
    }
    (0..k).map(|i| a[i][k] / a[i][i]).collect()
}
