//! The definition: what everything quick is tested against. Plain loops, O(n²) for each of the m hosts.

use crate::{HostState, Matrix, Micros, Policy, Role, Standing};

/// The index of the host that the thesis's rule with this policy's cap chooses: among the hosts that are free, of
/// which all values are known and none is above the cap, the one with the smallest sum of |a − b| over all pairs of
/// players; of equal ones the smaller mean, then less load, then the smaller id. Looks at players only, who all count
/// alike, and knows no floor, limits or margin.
#[must_use]
pub fn choose_by_definition(policy: &Policy, matrix: &Matrix, states: &[HostState]) -> Option<usize> {
    let mut best = None;
    for (index, ((head, row), state)) in matrix.rows().zip(states).enumerate() {
        let players = matrix
            .players()
            .iter()
            .zip(row)
            .filter(|(player, _)| player.role == Role::Player);
        let known: Option<Vec<Micros>> = players.map(|(_, rtt)| *rtt).collect();
        let Some(known) = known else { continue };
        if state.standing != Standing::Free || known.iter().any(|rtt| *rtt > policy.cap()) {
            continue;
        }
        let mut apart = 0;
        for (first, a) in known.iter().enumerate() {
            for b in known.iter().skip(first + 1) {
                apart += u64::from(a.us().abs_diff(b.us()));
            }
        }
        let total: u64 = known.iter().map(|rtt| u64::from(rtt.us())).sum();
        let rank = (apart, total, state.load, head.id.as_str());
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, index));
        }
    }
    best.map(|(_, index)| index)
}
