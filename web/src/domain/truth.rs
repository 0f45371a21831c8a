//! What a game itself said of its players' round trips, against what they had been promised; and what is learned from it for
//! the next promise. docs/latency.md tells the rules.

use super::{ChoiceBody, HostId, Name, Named, PlayerId, Predicted, predicted};
use std::collections::BTreeMap;
use vmatrix_placement::{Micros, Source, closeness};
use vmatrix_wire::PlayerPing;

/// A match says something of a host's promises from so many players on: with fewer, what the game adds cannot be told from
/// what was wrong.
const FEWEST_PLAYERS: usize = 3;
/// A newer match counts for at least this share of what is learned: one in eight.
const MEMORY: u32 = 8;

/// However far promises were off, no more than this is learned, microseconds: whoever plays otherwise than they measured would
/// make a host's promises worthless for all.
pub const MOST_LEARNED_US: u32 = 50_000;
/// A ping that is so much above its promise, beyond what all have more, is no bad minute, milliseconds.
const FAR_ABOVE_MS: f64 = 30.0;

/// What a game said once, without those of one name: two clients may have it, and whose ping is whose nobody knows.
pub fn unlike(said: &[PlayerPing]) -> impl Iterator<Item = &PlayerPing> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for one in said {
        *times.entry(Name::key_of(&one.name)).or_default() += 1;
    }
    said.iter()
        .filter(move |one| times.get(&Name::key_of(&one.name)) == Some(&1))
}

/// What a game said of one player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// The median of what it said, milliseconds.
    pub median_ms: f64,
    /// How often it said something.
    pub samples: usize,
}

/// By player of the roster, from what the game said by name. Who plays under a name that is nobody's of the roster, or that two
/// of it have, is not counted.
#[must_use]
pub fn observed(said: &[(String, u16)], roster: &[Named]) -> BTreeMap<PlayerId, Observed> {
    let mut by_name: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for (name, ping_ms) in said {
        by_name.entry(Name::key_of(name)).or_default().push(*ping_ms);
    }
    let of = |named: &Named| {
        let key = Name::key_of(&named.name);
        let namesakes = roster.iter().filter(|other| Name::key_of(&other.name) == key);
        if namesakes.count() > 1 {
            return None;
        }
        let pings = by_name.get(&key)?;
        Some((
            named.player,
            Observed {
                median_ms: median(pings)?,
                samples: pings.len(),
            },
        ))
    };
    roster.iter().filter_map(of).collect()
}

fn median(values: &[u16]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(f64::from(*lower), f64::from(*upper)))
}

/// What was promised to those who were observed, and how it was known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// To whom.
    pub player: PlayerId,
    /// How the promise was measured.
    pub source: Source,
    /// How wrong the promise may be, microseconds.
    pub error_us: u32,
    /// What was promised, milliseconds.
    pub promised_ms: f64,
    /// What the game said, milliseconds.
    pub observed_ms: f64,
}

/// Promise and observation of each player who has both, at one host.
#[must_use]
pub fn kept(body: &ChoiceBody, host: HostId, observed: &BTreeMap<PlayerId, Observed>) -> Vec<Kept> {
    let of = |(player, promised): (PlayerId, Predicted)| {
        let note = promised.note?;
        Some(Kept {
            player,
            source: note.source,
            error_us: note.error_us,
            promised_ms: promised.ms,
            observed_ms: observed.get(&player)?.median_ms,
        })
    };
    predicted(body, host).into_iter().filter_map(of).collect()
}

/// What the game adds to all alike: the median of the differences, milliseconds. `None` where too few were observed.
fn added_to_all(kept: &[Kept]) -> Option<f64> {
    if kept.len() < FEWEST_PLAYERS {
        return None;
    }
    let mut added: Vec<f64> = kept.iter().map(|one| one.observed_ms - one.promised_ms).collect();
    added.sort_by(f64::total_cmp);
    let (upper, lower) = (added.get(added.len() / 2)?, added.get((added.len() - 1) / 2)?);
    Some(f64::midpoint(*lower, *upper))
}

/// Who plays far above what was promised to them, beyond what all have more, and what the league reads of it: they may have
/// measured from elsewhere, or they play through something.
#[must_use]
pub fn far_above(kept: &[Kept]) -> Vec<(PlayerId, String)> {
    let Some(common) = added_to_all(kept) else {
        return Vec::new();
    };
    let of = |one: &Kept| {
        let by_ms = one.observed_ms - one.promised_ms - common;
        let sentence = || {
            format!(
                "the game sees {:.0} ms where {:.0} ms were promised, {by_ms:.0} ms more than what it adds to all: measured from \
                 elsewhere, or played through something",
                one.observed_ms, one.promised_ms
            )
        };
        (by_ms > FAR_ABOVE_MS).then(|| (one.player, sentence()))
    };
    kept.iter().filter_map(of).collect()
}

/// How far each promise was off, microseconds, beside what the game adds to all of them alike: it counts its own frames, too.
/// Nothing where too few were observed.
#[must_use]
pub fn residuals(kept: &[Kept]) -> Vec<(Source, u32)> {
    let Some(common) = added_to_all(kept) else {
        return Vec::new();
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds of pings"
    )]
    let of = |one: &Kept| {
        let off = (one.observed_ms - one.promised_ms - common).abs();
        (one.source, (off * 1000.0).round() as u32)
    };
    kept.iter().map(of).collect()
}

/// How wrong promises of one source at one host have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Learned {
    /// From so many promises.
    pub promises: u32,
    /// Mean distance, the newer ones counting more, microseconds.
    pub error_us: u32,
}

impl Learned {
    /// With one more.
    #[must_use]
    pub fn with(self, residual_us: u32) -> Self {
        let promises = self.promises.saturating_add(1);
        let share = u64::from(promises.min(MEMORY));
        let (before, now) = (u64::from(self.error_us), u64::from(residual_us));
        let error = (before * (share - 1) + now) / share;
        Self {
            promises,
            error_us: u32::try_from(error).unwrap_or(u32::MAX).min(MOST_LEARNED_US),
        }
    }
}

/// The closeness factor of what was promised and of what was observed, of the same players, milliseconds.
#[must_use]
pub fn closeness_kept(kept: &[Kept]) -> Option<(f64, f64)> {
    let of = |value: fn(&Kept) -> f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds of pings"
        )]
        let micros = |one: &Kept| Micros::new(((value(one) * 1000.0).round() as u32).max(1)).ok();
        let mut all: Vec<Micros> = kept.iter().filter_map(micros).collect();
        closeness(&mut all).map(vmatrix_placement::MeanUs::ms)
    };
    Some((of(|one| one.promised_ms)?, of(|one| one.observed_ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClanId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn named(number: u128, name: &str) -> Named {
        Named {
            player: PlayerId(Uuid::from_u128(number)),
            clan: ClanId(Uuid::nil()),
            name: name.into(),
        }
    }

    fn said(all: &[(&str, u16)]) -> Vec<(String, u16)> {
        all.iter()
            .map(|(name, ping)| ((*name).to_owned(), *ping))
            .collect()
    }

    #[test]
    fn a_player_is_known_by_their_name_whatever_its_capitals() {
        let roster = [
            named(1, "Akela"),
            named(2, "baloo"),
            named(3, "urs"),
            named(4, "Urs"),
        ];
        let all = said(&[("akela", 40), ("AKELA", 44), ("nobody", 5), ("urs", 9)]);
        let seen = observed(&all, &roster);
        let akela = Observed {
            median_ms: 42.0,
            samples: 2,
        };
        // Two of the roster have the third name: whose ping it is nobody knows.
        assert_eq!(seen, BTreeMap::from([(PlayerId(Uuid::from_u128(1)), akela)]));
    }

    fn promise(source: Source, promised_ms: f64, observed_ms: f64) -> Kept {
        Kept {
            player: PlayerId(Uuid::nil()),
            source,
            error_us: 0,
            promised_ms,
            observed_ms,
        }
    }

    #[test]
    fn what_the_game_adds_to_all_is_no_ones_error() {
        let all = [
            promise(Source::Icmp, 40.0, 65.0),
            promise(Source::Icmp, 80.0, 105.0),
            promise(Source::King, 60.0, 97.0),
        ];
        let expected = [(Source::Icmp, 0), (Source::Icmp, 0), (Source::King, 12_000)];
        assert_eq!(residuals(&all), expected);
        assert_eq!(residuals(&all[..2]), [], "two say nothing");
    }

    #[test]
    fn who_plays_far_above_the_promise_is_seen_and_a_slow_game_is_not() {
        let with = |number: u128, observed_ms| Kept {
            player: PlayerId(Uuid::from_u128(number)),
            ..promise(Source::Browser, 40.0, observed_ms)
        };
        let slow = [with(1, 140.0), with(2, 141.0), with(3, 169.0)];
        assert_eq!(far_above(&slow), [], "the game adds 100 ms to all");
        let found = far_above(&[with(1, 60.0), with(2, 61.0), with(3, 101.0)]);
        assert_eq!((found.len(), found[0].0), (1, PlayerId(Uuid::from_u128(3))));
        let said = "the game sees 101 ms where 40 ms were promised, 40 ms more";
        assert!(found[0].1.starts_with(said), "{found:?}");
        assert_eq!(far_above(&[with(1, 60.0), with(2, 300.0)]), [], "two say nothing");
    }

    #[test]
    fn two_of_one_name_in_one_sample_are_nobody() {
        let said = ["Akela", "AKELA", "Baloo"].map(|name| PlayerPing {
            name: name.into(),
            ping_ms: 40,
        });
        let names: Vec<&str> = unlike(&said).map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Baloo"]);
    }

    #[test]
    fn no_promise_is_learned_to_be_worthless() {
        let learned = (0..99).fold(Learned::default(), |learned, _| learned.with(u32::MAX));
        assert_eq!(learned.error_us, MOST_LEARNED_US);
    }

    #[test]
    fn the_newest_promises_count_most() {
        let long_good = (0..100).fold(Learned::default(), |learned, _| learned.with(1_000));
        assert_eq!(long_good.error_us, 1_000);
        let now_bad = (0..16).fold(long_good, |learned, _| learned.with(20_000));
        assert!(now_bad.error_us > 15_000, "{now_bad:?}");
    }

    proptest! {
        #[test]
        fn what_is_learned_lies_between_what_came(values in proptest::collection::vec(0_u32..MOST_LEARNED_US, 1..40)) {
            let learned = values.iter().fold(Learned::default(), |learned, value| learned.with(*value));
            let (least, most) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            // Whole microseconds are rounded down at each step.
            prop_assert!(learned.error_us + MEMORY >= *least && learned.error_us <= *most);
            prop_assert_eq!(learned.promises as usize, values.len());
        }

        #[test]
        fn a_delay_that_all_have_changes_nothing(
            promised in proptest::collection::vec(1_u16..300, 3..12),
            off in proptest::collection::vec(-9_i16..9, 12),
            added in 0_u16..200,
        ) {
            let of = |added: u16| -> Vec<Kept> {
                promised
                    .iter()
                    .zip(&off)
                    .map(|(ms, off)| {
                        let promised = f64::from(*ms) + 10.0;
                        promise(Source::Icmp, promised, promised + f64::from(*off) + f64::from(added))
                    })
                    .collect()
            };
            prop_assert_eq!(residuals(&of(0)), residuals(&of(added)));
        }
    }
}
