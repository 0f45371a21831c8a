//! What a player's round-trip time to a host will be, from what was measured to a few others.

use super::mesh::Distances;
use crate::Micros;

/// So many hosts that are most like the player are asked.
const TWINS: usize = 60;
/// Added to a twin's mean square misfit before it is weighed, ms²: no twin counts for everything.
const MISFIT_MS2: f64 = 4.0;
/// How far a value may be off whatever the twins say, as a variance, ms²: noise of the measurement.
const NOISE_MS2: f64 = 1.0;
/// How far the player's last mile may be off from what the twins' misfits make of it, as a variance, ms².
const LAST_MILE_MS2: f64 = 100.0;

/// A host as if the player sat beside it.
struct Twin<'a> {
    /// From it to all hosts, ms.
    to: &'a [f64],
    /// How much further away the player is than the twin, ms: the last mile. Not below zero.
    lift: f64,
    weight: f64,
    /// Mean square misfit at the landmarks, ms².
    misfit: f64,
    host: usize,
}

/// The player's round-trip time to each host in milliseconds, from what was measured to some: `(host, ms)`. Not a
/// number where nothing can be said.
///
/// The hosts whose own ways to the landmarks are most like the player's, but for a last mile that is the same to all, stand
/// in for the player (k nearest over the host-to-host mesh). Their weighted mean is the first guess; what it misses at the
/// landmarks is carried over to the other hosts as far as these go with the landmarks among the twins (the best linear guess
/// from the twins' covariance, with noise on the diagonal so that it always has a solution).
///
/// Where all ways are between coordinates, the player gets coordinates too: hosts that stand in for them would only be
/// wrong twice.
pub(super) fn predict(distances: &Distances, measured: &[(usize, Micros)]) -> Vec<f64> {
    let Some(coordinates) = distances.coordinates() else {
        let measured: Vec<(usize, f64)> = measured.iter().map(|(host, rtt)| (*host, rtt.ms())).collect();
        return by_twins(distances, &measured);
    };
    let placed = coordinates.with_node(measured);
    let player = coordinates.count();
    let way = |host| placed.rtt(host, player).map_or(f64::NAN, Micros::ms);
    (0..player).map(way).collect()
}

fn by_twins(distances: &Distances, measured: &[(usize, f64)]) -> Vec<f64> {
    let measured: Vec<(usize, f64)> = measured
        .iter()
        .copied()
        .filter(|(host, _)| distances.knows(*host))
        .collect();
    let twins = twins(distances, &measured);
    if twins.is_empty() {
        return vec![f64::NAN; distances.count()];
    }
    let mut guess = vec![0.0; distances.count()];
    for twin in &twins {
        for (guess, to) in guess.iter_mut().zip(twin.to) {
            *guess += twin.weight * (to + twin.lift);
        }
    }
    let at = |values: &[f64], host: usize| values.get(host).copied().unwrap_or(f64::NAN);
    // Per twin: how far it is off the mean, at the landmarks.
    let off = |twin: &Twin, host: usize| at(twin.to, host) + twin.lift - at(&guess, host);
    let offs: Vec<Vec<f64>> = twins
        .iter()
        .map(|twin| measured.iter().map(|(host, _)| off(twin, *host)).collect())
        .collect();
    let missed: Vec<f64> = measured.iter().map(|(host, ms)| ms - at(&guess, *host)).collect();
    let Some(pull) = solve(covariance(&twins, &offs, measured.len()), missed) else {
        return guess;
    };
    let lift = LAST_MILE_MS2 * pull.iter().sum::<f64>();
    let mut predicted: Vec<f64> = guess.iter().map(|ms| ms + lift).collect();
    for (twin, offs) in twins.iter().zip(&offs) {
        let pulled = twin.weight * offs.iter().zip(&pull).map(|(off, pull)| off * pull).sum::<f64>();
        for ((predicted, to), guess) in predicted.iter_mut().zip(twin.to).zip(&guess) {
            *predicted += pulled * (to + twin.lift - guess);
        }
    }
    predicted
}

/// The most alike first; weights add up to 1.
fn twins<'a>(distances: &'a Distances, measured: &[(usize, f64)]) -> Vec<Twin<'a>> {
    if measured.is_empty() {
        return Vec::new();
    }
    let mut twins: Vec<Twin> = (0..distances.count())
        .map(|host| twin(host, distances.from(host), measured))
        .filter(|twin| !twin.misfit.is_nan() && !twin.to.iter().any(|ms| ms.is_nan()))
        .collect();
    let order = |one: &Twin, other: &Twin| {
        one.misfit
            .total_cmp(&other.misfit)
            .then(one.host.cmp(&other.host))
    };
    twins.sort_unstable_by(order);
    twins.truncate(TWINS);
    let total: f64 = twins.iter().map(|twin| twin.weight).sum();
    twins.iter_mut().for_each(|twin| twin.weight /= total);
    twins
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred landmarks")]
fn twin<'a>(host: usize, to: &'a [f64], measured: &[(usize, f64)]) -> Twin<'a> {
    let more = || {
        measured
            .iter()
            .map(|(landmark, ms)| ms - to.get(*landmark).copied().unwrap_or(f64::NAN))
    };
    let count = measured.len() as f64;
    let lift = more().sum::<f64>() / count;
    // `max` would make a number of none.
    let lift = if lift < 0.0 { 0.0 } else { lift };
    let misfit = more().map(|more| (more - lift) * (more - lift)).sum::<f64>() / count;
    Twin {
        to,
        lift,
        weight: 1.0 / (misfit + MISFIT_MS2),
        misfit,
        host,
    }
}

/// How the landmarks go with each other among the twins.
fn covariance(twins: &[Twin], offs: &[Vec<f64>], landmarks: usize) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![LAST_MILE_MS2; landmarks]; landmarks];
    for (twin, offs) in twins.iter().zip(offs) {
        for (sums, one) in sums.iter_mut().zip(offs) {
            for (sum, other) in sums.iter_mut().zip(offs) {
                *sum += twin.weight * one * other;
            }
        }
    }
    for (at, sums) in sums.iter_mut().enumerate() {
        sums.iter_mut().skip(at).take(1).for_each(|sum| *sum += NOISE_MS2);
    }
    sums
}

/// Solves `rows · x = right` for a symmetric positive matrix by elimination, which needs no pivots then. `None` if it
/// is not one.
fn solve(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let count = right.len();
    for at in 0..count {
        let (above, below) = rows.split_at_mut(at + 1);
        let pivot_row = above.get(at)?;
        let (pivot, value) = (*pivot_row.get(at)?, *right.get(at)?);
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        for (row, right) in below.iter_mut().zip(right.iter_mut().skip(at + 1)) {
            let factor = row.get(at)? / pivot;
            for (cell, above) in row.iter_mut().zip(pivot_row).skip(at) {
                *cell -= factor * above;
            }
            *right -= factor * value;
        }
    }
    for at in (0..count).rev() {
        let row = rows.get(at)?;
        let known: f64 = row
            .iter()
            .zip(&right)
            .skip(at + 1)
            .map(|(cell, x)| cell * x)
            .sum();
        let pivot = *row.get(at)?;
        let x = right.get_mut(at)?;
        *x = (*x - known) / pivot;
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved() {
        let rows = vec![vec![4.0, 2.0, 1.0], vec![2.0, 5.0, 3.0], vec![1.0, 3.0, 6.0]];
        let x = solve(rows, vec![11.0, 21.0, 25.0]).unwrap();
        for (found, expected) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-9, "{x:?}");
        }
        assert_eq!(solve(vec![vec![0.0]], vec![1.0]), None);
        assert_eq!(solve(vec![vec![f64::NAN]], vec![1.0]), None);
    }
}
