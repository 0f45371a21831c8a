//! What has come back in one round.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use vmatrix_wire::{RttSample, Target, TargetId, Way};

/// What is known of each target so far.
pub(super) struct Answers {
    noted: Mutex<Noted>,
    changed: watch::Sender<u64>,
    /// Each target and the number of whom is asked for it.
    targets: Vec<(TargetId, usize)>,
}

struct Noted {
    done: bool,
    asked: Vec<Asked>,
}

/// Somebody who is asked: once, however many targets share the address and the way.
struct Asked {
    address: IpAddr,
    by: Way,
    sent: u16,
    /// By the number of the request, as answers overtake each other.
    rtts: BTreeMap<u16, Duration>,
}

impl Answers {
    pub(super) fn none_yet(targets: &[Target], changed: watch::Sender<u64>) -> Self {
        let mut asked: Vec<Asked> = Vec::new();
        let mut number = |one: &Target| {
            let same = |known: &Asked| known.address == one.address && known.by == one.by;
            asked.iter().position(same).unwrap_or_else(|| {
                asked.push(Asked {
                    address: one.address,
                    by: one.by.clone(),
                    sent: 0,
                    rtts: BTreeMap::new(),
                });
                asked.len() - 1
            })
        };
        let targets = targets.iter().map(|one| (one.target, number(one))).collect();
        Self {
            noted: Mutex::new(Noted { done: false, asked }),
            changed,
            targets,
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to ask, and how.
    pub(super) fn whom(&self) -> Vec<(IpAddr, Way)> {
        let noted = self.noted();
        noted
            .asked
            .iter()
            .map(|one| (one.address, one.by.clone()))
            .collect()
    }

    /// A request was answered, or is lost.
    pub(super) fn note(&self, index: usize, turn: u16, rtt: Option<Duration>) {
        if let Some(asked) = self.noted().asked.get_mut(index) {
            asked.sent += 1;
            if let Some(rtt) = rtt {
                asked.rtts.insert(turn, rtt);
            }
        }
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn end(&self) {
        self.noted().done = true;
        self.changed.send_modify(|count| *count += 1);
    }

    /// Whether nothing more will come, and what has.
    pub(super) fn sum_up(&self) -> (bool, Vec<RttSample>) {
        let noted = self.noted();
        let of = |(target, index): &(TargetId, usize)| Some(noted.asked.get(*index)?.sum_up(*target));
        (noted.done, self.targets.iter().filter_map(of).collect())
    }
}

impl Asked {
    fn sum_up(&self, target: TargetId) -> RttSample {
        // A name server that has not heard of us first has to find its way back to us.
        let warm_up = usize::from(self.by != Way::Icmp && self.rtts.len() > 1);
        let rtts: Vec<u32> = self.rtts.values().skip(warm_up).map(|rtt| micros(*rtt)).collect();
        let sent = self.sent.saturating_sub(u16::from(warm_up > 0));
        RttSample::of(target, sent, &rtts)
    }
}

/// To the nearest microsecond.
fn micros(time: Duration) -> u32 {
    u32::try_from((time.as_nanos() + 500) / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn target(number: u128, address: &str, by: Way) -> Target {
        Target {
            target: TargetId(Uuid::from_u128(number)),
            address: address.parse().unwrap(),
            by,
        }
    }

    fn dns() -> Way {
        Way::Dns { zone: "a.".into() }
    }

    fn answers(targets: &[Target]) -> Answers {
        Answers::none_yet(targets, watch::Sender::new(0))
    }

    fn ms(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    #[test]
    fn who_shares_an_address_and_a_way_is_asked_once() {
        let answers = answers(&[
            target(1, "192.0.2.1", Way::Icmp),
            target(2, "192.0.2.1", Way::Icmp),
            target(3, "192.0.2.1", dns()),
        ]);
        assert_eq!(answers.whom().len(), 2);
        answers.note(0, 0, ms(40));
        let (done, samples) = answers.sum_up();
        let received: Vec<u16> = samples.iter().map(|sample| sample.received).collect();
        assert_eq!((done, received), (false, vec![1, 1, 0]));
    }

    #[test]
    fn answers_that_overtake_each_other_count_in_the_order_of_their_requests() {
        let answers = answers(&[target(1, "192.0.2.1", Way::Icmp)]);
        for (turn, rtt) in [(1, ms(50)), (0, ms(90)), (3, ms(50)), (2, None)] {
            answers.note(0, turn, rtt);
        }
        let (_, samples) = answers.sum_up();
        assert_eq!((samples[0].sent, samples[0].received), (4, 3));
        assert_eq!(samples[0].jitter_us, Some(20_000), "of 90, 50, 50");
    }

    #[test]
    fn the_first_answer_of_a_name_server_counts_only_while_it_is_the_only_one() {
        let answers = answers(&[target(1, "192.0.2.1", dns())]);
        answers.note(0, 0, None);
        answers.note(0, 1, ms(90));
        let (_, samples) = answers.sum_up();
        assert_eq!(
            (samples[0].sent, samples[0].min_us, samples[0].received),
            (2, Some(90_000), 1)
        );
        answers.note(0, 2, ms(40));
        answers.note(0, 3, ms(41));
        let (_, samples) = answers.sum_up();
        assert_eq!(
            (samples[0].sent, samples[0].min_us, samples[0].received),
            (3, Some(40_000), 2)
        );
        assert_eq!(samples[0].p90_us, Some(41_000));
    }
}
