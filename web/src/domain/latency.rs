//! From measurements of all kinds to the matrix of a choice. Pure; the rules are those of `vmatrix_placement::fusion`.

use super::{
    HostId, Learned, MOST_LEARNED_US, PlayerId, Reading, Round, RoundTarget, Time, limits::ANSWERS_OF_A_VISIT,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vmatrix_placement::{
    Micros, Note, Source, error_of_median,
    fusion::{self, Smell, Trust, fuse, king_error_us, smells, trust},
    shortlist::Mesh,
};
use vmatrix_wire::{RttSample, Way};

/// All that is known of the round trips between some players and hosts.
#[derive(Debug, Default)]
pub struct Known {
    by: BTreeMap<(PlayerId, HostId), Vec<fusion::Reading>>,
    learned: BTreeMap<(HostId, Source), Learned>,
}

/// What a choice is made from: a row per host, a column per player.
#[derive(Debug, Default, PartialEq)]
pub struct Fused {
    /// The values.
    pub rows: Vec<Vec<Option<Micros>>>,
    /// Where each comes from.
    pub notes: Vec<Vec<Option<Note>>>,
    /// What does not fit together.
    pub smells: Vec<Smelt>,
}

/// Of one player: what the league looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smelt {
    /// Which column of the matrix.
    pub player: usize,
    /// What does not fit together.
    pub smells: Vec<Smell>,
}

/// From so many promises on that games have put to the test, what was learned of a host and a source counts.
const ENOUGH_PROMISES: u32 = 8;

impl Known {
    /// Nothing is known but how wrong promises have been: an error that is stated is never less than that.
    #[must_use]
    pub fn after(mut learned: BTreeMap<(HostId, Source), Learned>) -> Self {
        learned.retain(|_, learned| learned.promises >= ENOUGH_PROMISES);
        Self {
            learned,
            ..Self::default()
        }
    }

    /// Takes what hosts have measured in a round: to players themselves, and to name servers near them.
    pub fn measured(
        &mut self,
        round: Option<&Round>,
        targets: &[RoundTarget],
        samples: &[(HostId, RttSample)],
        now: Time,
    ) {
        let age_s = seconds(
            round
                .and_then(|round| round.ended_at)
                .map_or(0, |at| now.since(at)),
        );
        let targets: BTreeMap<_, _> = targets.iter().map(|one| (one.target, one)).collect();
        for (host, sample) in samples {
            let Some(target) = targets.get(&sample.target) else {
                continue;
            };
            let source = match target.by {
                Way::Icmp => Source::Icmp,
                Way::Dns { .. } => Source::King,
            };
            self.take(target.player, *host, source, sample, age_s);
        }
    }

    /// Takes what a player's own program has measured. What is of the future was written down by a wrong clock: its age is
    /// unknown, and it does not count.
    pub fn own(&mut self, reading: &Reading, now: Time) {
        if reading.taken_at > now {
            return;
        }
        let age_s = seconds(now.since(reading.taken_at));
        self.take(
            reading.player,
            reading.host,
            reading.source,
            &reading.sample,
            age_s,
        );
    }

    fn take(&mut self, player: PlayerId, host: HostId, source: Source, sample: &RttSample, age_s: u32) {
        if let Some(reading) = reading(source, sample, age_s) {
            self.by.entry((player, host)).or_default().push(reading);
        }
    }

    /// With what was learned of the host in their errors. Smells are looked for without: whoever spoils what is learned, by
    /// playing otherwise than they measured, would widen the margins for the next result that is made up.
    fn with_learned(&self, host: HostId, readings: &mut [fusion::Reading]) {
        for reading in readings {
            let learned = self.learned.get(&(host, reading.source));
            let error_us = learned.map_or(0, |learned| learned.error_us.min(MOST_LEARNED_US));
            reading.error_us = reading.error_us.max(error_us);
        }
    }

    /// One value for each pair. `hosts` are ids and names, in the order of the mesh's hosts if there is one.
    #[must_use]
    pub fn fused(&self, hosts: &[(HostId, &str)], players: &[PlayerId], mesh: Option<&Mesh>) -> Fused {
        let names: Vec<String> = hosts.iter().map(|(_, name)| (*name).to_owned()).collect();
        let mut fused = Fused {
            rows: vec![Vec::new(); hosts.len()],
            notes: vec![Vec::new(); hosts.len()],
            smells: Vec::new(),
        };
        for (column, player) in players.iter().enumerate() {
            let of = |(host, _): &(HostId, &str)| self.by.get(&(*player, *host)).cloned();
            let mut readings: Vec<Vec<fusion::Reading>> =
                hosts.iter().map(|host| of(host).unwrap_or_default()).collect();
            let smells = smells(&readings, &names, mesh);
            for ((host, _), readings) in hosts.iter().zip(&mut readings) {
                self.with_learned(*host, readings);
            }
            fused.add_column(&readings, trust(&smells));
            if !smells.is_empty() {
                fused.smells.push(Smelt {
                    player: column,
                    smells,
                });
            }
        }
        fused
    }
}

impl Fused {
    fn add_column(&mut self, readings: &[Vec<fusion::Reading>], trust: Trust) {
        let both = self.rows.iter_mut().zip(&mut self.notes);
        for ((row, notes), readings) in both.zip(readings) {
            let one = fuse(readings, trust);
            row.push(one.as_ref().map(|one| one.value));
            notes.push(one.map(|one| one.note));
        }
    }
}

/// What a player's own program sends in is never surer than its clock, which nobody knows: a millisecond, microseconds.
const OWN_CLOCK_US: u32 = 1_000;
/// With few answers it is less sure, as a program may choose which it sends: this divided by their number, microseconds.
const OWN_FEW_US: u32 = 15_000;

/// What is out of all reason is unknown, and so is zero; so is what a player's own program has few answers from.
fn reading(source: Source, sample: &RttSample, age_s: u32) -> Option<fusion::Reading> {
    let is_own = matches!(source, Source::Browser | Source::Udp);
    let least_answers = if is_own { ANSWERS_OF_A_VISIT } else { 1 };
    if sample.received < least_answers {
        return None;
    }
    let value = Micros::new(sample.median_us?).ok()?;
    let least = sample.min_us.and_then(|us| Micros::new(us).ok());
    let noise = error_of_median(sample.deviation_us.unwrap_or_default(), sample.received);
    Some(fusion::Reading {
        source,
        value,
        least: least.map_or(value, |least| least.min(value)),
        error_us: match source {
            Source::King => noise.saturating_add(king_error_us(value)),
            _ if is_own => noise
                .max(OWN_CLOCK_US)
                .max(OWN_FEW_US / u32::from(sample.received)),
            _ => noise,
        },
        age_s,
    })
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.max(0) / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use vmatrix_wire::TargetId;

    fn player(number: u128) -> PlayerId {
        PlayerId(Uuid::from_u128(number))
    }

    fn host(number: u128) -> HostId {
        HostId(Uuid::from_u128(100 + number))
    }

    fn target(number: u128, of: u128, by: Way) -> RoundTarget {
        RoundTarget {
            target: TargetId(Uuid::from_u128(number)),
            player: player(of),
            address: None,
            by,
        }
    }

    fn sample(target: u128, ms: &[u32]) -> RttSample {
        let us: Vec<u32> = ms.iter().map(|ms| ms * 1000).collect();
        RttSample::of(TargetId(Uuid::from_u128(target)), 15, &us)
    }

    fn browser(of: u128, at: u128, ms: u32, taken_s: i64) -> Reading {
        Reading {
            player: player(of),
            host: host(at),
            source: Source::Browser,
            taken_at: Time::from_millis(taken_s * 1000),
            sample: sample(0, &[ms; 15]),
        }
    }

    /// One by ICMP, one by browser, one by King alone, and one by nothing.
    fn known() -> Known {
        let dns = Way::Dns {
            zone: "2.0.192.in-addr.arpa.".into(),
        };
        let targets = [
            target(1, 1, Way::Icmp),
            target(2, 2, Way::Icmp),
            target(3, 3, dns),
        ];
        let samples = [
            (host(1), sample(1, &[40, 41, 43])),
            (host(1), sample(2, &[])),
            (host(1), sample(3, &[50; 9])),
            (host(1), sample(99, &[1, 1, 1])),
        ];
        let mut known = Known::default();
        let now = Time::from_millis(100_000);
        known.measured(None, &targets, &samples, now);
        known.own(&browser(2, 1, 70, 60), now);
        known
    }

    #[test]
    fn each_player_is_known_by_what_there_is() {
        let fused = known().fused(&[(host(1), "mad")], &[1, 2, 3, 4].map(player), None);
        let ms = |at: usize| fused.rows[0][at].map(|rtt| rtt.us() / 1000);
        assert_eq!([0, 1, 2, 3].map(ms), [Some(41), Some(70), Some(50), None]);
        let note = |at: usize| fused.notes[0][at].map(|note| (note.source, note.age_s));
        assert_eq!(note(0), Some((Source::Icmp, 0)));
        assert_eq!(note(1), Some((Source::Browser, 40)));
        assert_eq!(note(2), Some((Source::King, 0)));
        assert_eq!(note(3), None);
        assert_eq!(
            fused.notes[0][2].unwrap().error_us,
            20_000,
            "a fifth, and a last mile"
        );
        let nobody_checks_the_second = Smelt {
            player: 1,
            smells: vec![Smell::Unchecked],
        };
        assert_eq!(fused.smells, [nobody_checks_the_second]);
    }

    #[test]
    fn a_single_answer_of_their_own_does_not_beat_nine_pings() {
        let targets = [target(1, 1, Way::Icmp)];
        let pings = [(host(1), sample(1, &[40, 41, 43, 44, 45, 46, 47, 49, 50]))];
        let now = Time::from_millis(1_000);
        let used = |answers: &[u32]| {
            let mut known = Known::default();
            known.measured(None, &targets, &pings, now);
            let own = Reading {
                sample: sample(0, answers),
                ..browser(1, 1, 1, 1)
            };
            known.own(&own, now);
            let note = known.fused(&[(host(1), "mad")], &[player(1)], None).notes[0][0];
            note.map(|note| note.source)
        };
        assert_eq!(used(&[44]), Some(Source::Icmp));
        assert_eq!(used(&[44; 9]), Some(Source::Icmp), "nine are too few");
        assert_eq!(
            used(&[44; 15]),
            Some(Source::Browser),
            "fifteen are enough, and theirs are surer"
        );
    }

    #[test]
    fn what_is_sent_in_is_never_surer_than_a_clock_and_few_answers_are_less_sure() {
        let error = |source, count| reading(source, &sample(0, &vec![40; count]), 0).map(|one| one.error_us);
        assert_eq!(error(Source::Browser, 9), None);
        assert_eq!(error(Source::Udp, 10), Some(1_500));
        assert_eq!(error(Source::Udp, 60), Some(1_000));
        assert_eq!(error(Source::Icmp, 1), Some(10_000));
        assert_eq!(error(Source::Icmp, 9), Some(0));
    }

    #[test]
    fn of_a_player_who_forges_what_hosts_have_measured_is_used() {
        let mut known = Known::default();
        let targets = [target(1, 1, Way::Icmp)];
        let samples = [1, 2].map(|at| (host(at), sample(1, &[80, 80, 80])));
        let now = Time::from_millis(1_000);
        known.measured(None, &targets, &samples, now);
        for at in [1, 2] {
            known.own(&browser(1, at, 20, 1), now);
        }
        let hosts = [(host(1), "mad"), (host(2), "ams")];
        let fused = known.fused(&hosts, &[player(1)], None);
        assert_eq!(
            fused.rows,
            [vec![Micros::new(80_000).ok()], vec![Micros::new(80_000).ok()]]
        );
        assert!(
            matches!(&fused.smells[..], [Smelt { player: 0, smells }] if smells.len() == 1),
            "{:?}",
            fused.smells
        );
    }

    #[test]
    fn what_games_have_shown_of_promises_is_in_the_error() {
        let promises = |count: u32| (0..count).fold(Learned::default(), |learned, _| learned.with(7_000));
        for (count, error) in [(ENOUGH_PROMISES - 1, false), (ENOUGH_PROMISES, true)] {
            let learned = BTreeMap::from([((host(1), Source::Browser), promises(count))]);
            let mut known = Known::after(learned);
            known.own(&browser(2, 1, 70, 60), Time::from_millis(60_000));
            let fused = known.fused(&[(host(1), "mad")], &[player(2)], None);
            let found = fused.notes[0][0].map(|note| note.error_us);
            assert_eq!(found == Some(7_000), error, "{found:?}");
        }
    }

    #[test]
    fn what_was_learned_hides_no_forged_result() {
        let now = Time::from_millis(1_000);
        let spoilt = (0..99).fold(Learned::default(), |learned, _| learned.with(900_000));
        let sources = [Source::Icmp, Source::Browser];
        let hosts = [1, 2].map(host);
        let keys = hosts
            .iter()
            .flat_map(|host| sources.map(|source| (*host, source)));
        let mut known = Known::after(keys.map(|key| (key, spoilt)).collect());
        let samples = hosts.map(|host| (host, sample(1, &[80; 9])));
        known.measured(None, &[target(1, 1, Way::Icmp)], &samples, now);
        known.own(&browser(1, 1, 20, 1), now);
        known.own(&browser(1, 2, 20, 1), now);
        let fused = known.fused(&[(host(1), "mad"), (host(2), "ams")], &[player(1)], None);
        assert_eq!(fused.smells.len(), 1, "{:?}", fused.smells);
        let error = fused.notes[0][0].map(|note| note.error_us);
        assert_eq!(error, Some(MOST_LEARNED_US), "and no promise becomes worthless");
    }

    #[test]
    fn a_reading_of_the_future_does_not_count() {
        let mut known = Known::default();
        known.own(&browser(1, 1, 70, 86_400), Time::from_millis(1_000));
        let fused = known.fused(&[(host(1), "mad")], &[player(1)], None);
        assert_eq!(fused.rows, [[None]]);
        known.own(&browser(1, 1, 70, 1), Time::from_millis(1_000));
        let fused = known.fused(&[(host(1), "mad")], &[player(1)], None);
        assert_eq!(fused.rows, [[Micros::new(70_000).ok()]]);
    }

    #[test]
    fn a_round_is_as_old_as_its_end() {
        let mut known = Known::default();
        let round = Round {
            id: vmatrix_wire::ProbeId(Uuid::from_u128(1)),
            match_id: super::super::MatchId(Uuid::from_u128(1)),
            reason: super::super::RoundReason::Booking,
            started_at: Time::from_millis(0),
            until_at: Time::from_millis(0),
            ended_at: Some(Time::from_millis(5_000)),
            taken_from: None,
        };
        let targets = [target(1, 1, Way::Icmp)];
        known.measured(
            Some(&round),
            &targets,
            &[(host(1), sample(1, &[9]))],
            Time::from_millis(65_000),
        );
        let fused = known.fused(&[(host(1), "mad")], &[player(1)], None);
        assert_eq!(fused.notes[0][0].map(|note| note.age_s), Some(60));
    }
}
