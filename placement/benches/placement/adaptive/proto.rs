use super::scene::{Row, Scene};

pub type Way = fn(&Scene, &[Row]) -> Vec<usize>;
pub const WAYS: &[(&str, Way)] = &[
    ("h100", |s, m| ours2(s, m, A)),
    ("fl", |s, m| ours2(s, m, Ad { fl: true, ..A })),
    ("fl5", |s, m| ours2(s, m, Ad { fl: true, first: 5, ..A })),
    ("fl3", |s, m| ours2(s, m, Ad { fl: true, first: 3, ..A })),
    ("fl b+.5", |s, m| ours2(s, m, Ad { fl: true, beta: 0.5, ..A })),
    ("fl b-.5", |s, m| ours2(s, m, Ad { fl: true, beta: -0.5, ..A })),
    ("fl k60", |s, m| ours2(s, m, Ad { fl: true, p: P { k: 60, ..A.p }, ..A })),
    ("fl h30", |s, m| ours2(s, m, Ad { fl: true, p: P { height: 30.0, ..A.p }, ..A })),
    ("fl rel", |s, m| ours2(s, m, Ad { fl: true, p: P { rel: true, ..A.p }, ..A })),
    ("fl noneg", |s, m| ours2(s, m, Ad { fl: true, p: P { w0: 1.0, ..A.p }, ..A })),
    ("fl s1", |s, m| ours2(s, m, Ad { fl: true, step: 1, ..A })),
];
#[derive(Clone, Copy)]
pub struct Ad { first: usize, step: usize, fl: bool, beta: f64, p: P }
const A: Ad = Ad { first: 4, step: 2, fl: false, beta: 0.0, p: P { k: 40, w0: 4.0, ridge: 1.0, height: 100.0, rel: false } };

fn facility(d: &Dist, count: usize) -> Vec<usize> {
    let n = d.len();
    let mut near = vec![300.0f64; n];
    let mut out = vec![];
    while out.len() < count {
        let cost = |l: usize| (0..n).map(|x| near[x].min(d[x][l])).sum::<f64>();
        let next = (0..n).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap();
        for x in 0..n { near[x] = near[x].min(d[x][next]); }
        out.push(next);
    }
    out
}

fn ours2(s: &Scene, m: &[Row], o: Ad) -> Vec<usize> {
    let d = mesh(s);
    let n = d.len();
    let players = m[0].len();
    let mut order = if o.fl { facility(&d, o.first) } else { first(&d, o.first) };
    while order.len() < 25 {
        let predicted: Vec<(Vec<f64>, Vec<f64>)> = (0..players)
            .map(|p| {
                let probed: Vec<(usize, f64)> = order.iter().filter_map(|h| Some((*h, m[*h][p]?.ms()))).collect();
                gp2(&d, &probed, o.p)
            })
            .collect();
        let mut todo: Vec<(f64, usize)> = (0..n)
            .filter(|h| !order.contains(h))
            .map(|h| {
                let row: Vec<f64> = (0..players).map(|p| predicted[p].0[h]).collect();
                let e: f64 = (0..players).map(|p| predicted[p].1[h]).sum::<f64>() / players as f64;
                (scoref(&row) - o.beta * e, h)
            })
            .collect();
        todo.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.extend(todo.iter().take(o.step).map(|t| t.1));
    }
    order.truncate(25);
    order
}
#[derive(Clone, Copy)]
pub struct P { k: usize, w0: f64, ridge: f64, height: f64, rel: bool }


fn gp2(d: &Dist, probed: &[(usize, f64)], o: P) -> (Vec<f64>, Vec<f64>) {
    let n = d.len();
    let k = probed.len();
    let mut c: Vec<(f64, f64, usize)> = (0..n).map(|x| { let (a, c) = if o.rel { fitrel(d, probed, x) } else { fit(d, probed, x) }; (c, a, x) }).collect();
    c.sort_by(|a, b| a.0.total_cmp(&b.0));
    c.truncate(o.k);
    let w: Vec<f64> = c.iter().map(|c| 1.0 / (c.0 * c.0 + o.w0)).collect();
    let wt: f64 = w.iter().sum();
    // heights taken off: each twin is lifted by its own offset
    let mut mean = vec![0.0; n];
    for (w, (_, a, x)) in w.iter().zip(&c) { for h in 0..n { mean[h] += w / wt * (d[*x][h] + a); } }
    let dev = |t: usize, h: usize| d[c[t].2][h] + c[t].1 - mean[h];
    let devs: Vec<Vec<f64>> = (0..c.len()).map(|t| probed.iter().map(|(l, _)| dev(t, *l)).collect()).collect();
    let mut a: Vec<Vec<f64>> = vec![vec![0.0; k + 1]; k];
    for i in 0..k {
        for j in 0..k {
            a[i][j] = (0..c.len()).map(|t| w[t] * devs[t][i] * devs[t][j]).sum::<f64>() / wt + o.height;
        }
        a[i][i] += o.ridge;
        a[i][k] = probed[i].1 - mean[probed[i].0];
    }
    let z = solve(a);
    let hz: f64 = z.iter().sum::<f64>() * o.height;
    let proj: Vec<f64> = (0..c.len()).map(|t| w[t] / wt * devs[t].iter().zip(&z).map(|(d, z)| d * z).sum::<f64>()).collect();
    let mut out: Vec<f64> = mean.iter().map(|m| m + hz).collect();
    for t in 0..c.len() { for h in 0..n { out[h] += proj[t] * dev(t, h); } }
    // spread of the twins
    let mut err = vec![0.0; n];
    for t in 0..c.len() { for h in 0..n { err[h] += w[t] / wt * dev(t, h).powi(2); } }
    (out, err.iter().map(|e: &f64| e.sqrt()).collect())
}

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
    while order.len() < 25 {
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
    order.truncate(25);
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

fn fitrel(d: &Dist, probed: &[(usize, f64)], x: usize) -> (f64, f64) {
    let w = |r: f64| 1.0 / (r + 20.0);
    let n: f64 = probed.iter().map(|(_, r)| w(*r)).sum();
    let a = (probed.iter().map(|(l, r)| w(*r) * (r - d[x][*l])).sum::<f64>() / n).max(0.0);
    let cost = probed.iter().map(|(l, r)| w(*r) * (r - d[x][*l] - a).powi(2)).sum::<f64>() / n;
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
