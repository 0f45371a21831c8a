//! One round-trip time from several sources. Pure; the rules are written for people in `docs/latency.md`.
//!
//! * [`fuse`]: the readings of one pair become one value, with where it comes from, its age and its error.
//! * [`smells`]: what does not fit together in all that is known of one player; [`Trust`] says what is then used instead.

mod rules;
mod smell;
#[cfg(test)]
mod smell_tests;
#[cfg(test)]
mod tests;

pub use smell::{Smell, Trust, smells, trust};

use crate::{Micros, Note, Source};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// What one source says of one pair of player and host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Which source.
    pub source: Source,
    /// The median.
    pub value: Micros,
    /// The least of what came back; never more than the median.
    pub least: Micros,
    /// How wrong the median was when it was taken, microseconds.
    pub error_us: u32,
    /// How old it is, seconds.
    pub age_s: u32,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fused {
    /// The value: always that of one reading.
    pub value: Micros,
    /// Its source, age and error; the error has grown with the age.
    pub note: Note,
}

/// So long a reading is as good as new, seconds.
pub const FRESH_S: u32 = 15 * 60;
/// What is older than this does not count, seconds.
pub const TOO_OLD_S: u32 = 24 * 60 * 60;
/// By so much of its value a reading may have become wrong in each hour that it is no longer fresh, per cent.
const PER_HOUR: u64 = 2;
/// Clocks and queues of both ends: less than this is no difference, microseconds.
const FLOOR_US: u32 = 1_000;

impl Reading {
    /// Measured with the player's own line, and not derived.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        !matches!(self.source, Source::King | Source::Predicted)
    }

    /// Sent in by the player's own program: what a player can forge.
    #[must_use]
    pub fn is_own(&self) -> bool {
        matches!(self.source, Source::Browser | Source::Udp)
    }

    /// The error with what the age adds to it, microseconds.
    #[must_use]
    pub fn aged_error_us(&self) -> u32 {
        let stale = u64::from(self.age_s.saturating_sub(FRESH_S));
        let more = u64::from(self.value.us()) * PER_HOUR * stale / (100 * 3600);
        self.error_us
            .saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
    }

    /// How far both are apart beyond what their errors explain.
    fn excess(&self, other: &Self) -> u32 {
        let errors = self.aged_error_us().saturating_add(other.aged_error_us());
        let apart = self.value.us().abs_diff(other.value.us());
        apart.saturating_sub(errors.saturating_add(FLOOR_US))
    }

    /// The smaller the better: by error, then by age; of equal ones the larger value. No two unlike readings have the same, so
    /// that the order in which readings come does not matter.
    fn rank(&self) -> Rank {
        let larger = (Reverse(self.value), Reverse(self.least));
        (self.aged_error_us(), self.age_s, larger, self.source)
    }

    fn class(&self) -> u8 {
        match self.source {
            Source::King => 1,
            Source::Predicted => 2,
            _ => 0,
        }
    }
}

type Rank = (u32, u32, (Reverse<Micros>, Reverse<Micros>), Source);

/// How wrong an estimate by name servers (King) may be, microseconds: King's published median error is 10 to 20 %, of which the
/// larger is taken, and of the player's last mile, which it does not see, nothing is known: 10 ms.
#[must_use]
pub fn king_error_us(value: Micros) -> u32 {
    (value.us() / 5).saturating_add(10_000)
}

/// The value of a pair, of which these readings are known in any order. Readings that are too old do not count; `None` if none
/// counts.
///
/// 1. What was measured beats an estimate, and an estimate beats a prediction.
/// 2. Of measurements that agree within their errors, that with the smallest error is used. Errors grow with age.
/// 3. If one contradicts it, the largest measurement is used: the promise of a cap must hold for whatever is true.
///
/// With [`Trust::Largest`] and [`Trust::HostsOwn`], of a player of whom something smells, see there.
#[must_use]
pub fn fuse(readings: &[Reading], trust: Trust) -> Option<Fused> {
    let mut counted: Vec<Reading> = readings.to_vec();
    counted.retain(|one| one.age_s <= TOO_OLD_S);
    counted.sort_by_key(|one| (one.class(), one.rank()));
    let first = *counted.first()?;
    let peers = counted.partition_point(|one| one.class() == first.class());
    let peers = counted.get(..peers)?;
    let used = if first.is_direct() {
        among(peers, trust)?
    } else {
        first
    };
    Some(Fused {
        value: used.value,
        note: Note {
            source: used.source,
            age_s: used.age_s,
            error_us: used.aged_error_us(),
        },
    })
}

/// The note of a value that was fused so many seconds ago: older, and by as much less sure as a reading of it would be.
#[must_use]
pub fn later(value: Micros, note: Note, seconds: u32) -> Note {
    let grown = |age_s: u32| {
        let (source, error_us) = (note.source, 0);
        let reading = Reading {
            source,
            value,
            least: value,
            error_us,
            age_s,
        };
        reading.aged_error_us()
    };
    let age_s = note.age_s.saturating_add(seconds);
    let more = grown(age_s).saturating_sub(grown(note.age_s));
    Note {
        age_s,
        error_us: note.error_us.saturating_add(more),
        ..note
    }
}

/// Of measurements, the best first: the one that is used.
fn among(measured: &[Reading], trust: Trust) -> Option<Reading> {
    let hosts_own: Vec<Reading> = measured.iter().copied().filter(|one| !one.is_own()).collect();
    if trust == Trust::HostsOwn && !hosts_own.is_empty() {
        return among(&hosts_own, Trust::All);
    }
    let best = *measured.first()?;
    let contradicted = measured.iter().any(|one| best.excess(one) > 0);
    if !contradicted && trust != Trust::Largest {
        return Some(best);
    }
    // Of the largest ones the best.
    let most = measured.iter().map(|one| one.value).max()?;
    measured.iter().copied().find(|one| one.value == most)
}
