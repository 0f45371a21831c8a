//! Which hosts are probed first.

use super::mesh::Distances;

/// A host counts as no further than this from the nearest landmark, milliseconds: so few that lie off everybody's way
/// do not draw the landmarks to them.
const FAR_MS: f64 = 300.0;

/// So many of `from`, spread so that all hosts are near to one of them: each next one is that which brings the sum of
/// all hosts' ways to their nearest landmark down furthest (greedy k-median). The other usual rule, whoever is furthest
/// from all landmarks, takes the hosts with the worst access lines, which say least about others. Hosts of which
/// nothing is known come last. Equal ones in order.
pub(super) fn spread(distances: &Distances, from: &[usize], count: usize) -> Vec<usize> {
    let mut near = vec![FAR_MS; distances.count()];
    let mut left: Vec<usize> = from.to_vec();
    let mut landmarks = Vec::new();
    while landmarks.len() < count && !left.is_empty() {
        let cost = |host: usize| -> f64 {
            if !distances.knows(host) {
                return f64::INFINITY;
            }
            let to = distances.from(host).iter().zip(&near);
            // `min` takes the number where the other is none.
            to.map(|(ms, near)| near.min(*ms)).sum()
        };
        let costs: Vec<f64> = left.iter().map(|host| cost(*host)).collect();
        let best = (0..left.len()).min_by(|a, b| {
            costs
                .get(*a)
                .partial_cmp(&costs.get(*b))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let Some(best) = best else { break };
        let host = left.remove(best);
        for (near, ms) in near.iter_mut().zip(distances.from(host)) {
            *near = near.min(*ms);
        }
        landmarks.push(host);
    }
    landmarks
}
