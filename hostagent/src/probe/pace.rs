//! How soon each request of a measurement may be sent: nobody is asked too often, by however many rounds, and all
//! together are not too many. Pure: times are those since the caller's beginning.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Between two requests to one address, of all rounds together.
pub(super) const SAME: Duration = Duration::from_millis(20);

/// Between two requests to anybody: 2,000 a second.
pub(super) const ANY: Duration = Duration::from_micros(500);

/// What has been promised.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the next request to anybody may be sent.
    next: Duration,
    /// The same of each address that was asked of late.
    addresses: HashMap<IpAddr, Duration>,
    /// How many addresses there may be before those that may be asked again are forgotten.
    sweep_at: usize,
}

impl Pace {
    /// Ok: when to send one request to this address. Err: it was asked too short a time ago; ask again at that time.
    /// Nothing is promised then, so that nobody else waits because of it.
    pub(super) fn book(&mut self, address: IpAddr, now: Duration) -> Result<Duration, Duration> {
        if let Some(soonest) = self.addresses.get(&address).filter(|soonest| **soonest > now) {
            return Err(*soonest);
        }
        if self.addresses.len() >= self.sweep_at {
            self.addresses.retain(|_, soonest| *soonest > now);
            self.sweep_at = 2 * self.addresses.len() + 64;
        }
        let at = now.max(self.next);
        self.next = at + ANY;
        self.addresses.insert(address, at + SAME);
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn who_was_just_asked_makes_nobody_else_wait() {
        let mut pace = Pace::default();
        let now = Duration::from_secs(1);
        assert_eq!(pace.book(ip(1), now), Ok(now));
        assert_eq!(pace.book(ip(1), now), Err(now + SAME));
        assert_eq!(pace.book(ip(2), now), Ok(now + ANY));
        assert_eq!(pace.book(ip(1), now + SAME), Ok(now + SAME));
    }

    #[test]
    fn addresses_are_forgotten_when_they_may_be_asked_again() {
        let mut pace = Pace::default();
        for number in 0..1_000_000_u32 {
            let now = Duration::from_millis(u64::from(number));
            assert_eq!(
                pace.book(std::net::Ipv4Addr::from_bits(number).into(), now),
                Ok(now)
            );
        }
        assert!(pace.addresses.len() < 200, "{}", pace.addresses.len());
    }

    proptest! {
        /// Many who want to ask few, all at the same moments: each who is put off asks again when told to.
        #[test]
        fn neither_one_nor_all_are_asked_too_often(wanted in proptest::collection::vec((0_u8..5, 0_u64..100_000), 1..200)) {
            let mut pace = Pace::default();
            let mut waiting: Vec<(Duration, u8)> = wanted.iter().map(|(who, at)| (Duration::from_micros(*at), *who)).collect();
            let mut sent: Vec<(Duration, u8)> = Vec::new();
            while !waiting.is_empty() {
                waiting.sort();
                let (now, who) = waiting.remove(0);
                match pace.book(ip(who), now) {
                    Ok(at) => {
                        prop_assert!(at >= now);
                        sent.push((at, who));
                    }
                    Err(again) => {
                        prop_assert!(again > now);
                        waiting.push((again, who));
                    }
                }
            }
            prop_assert_eq!(sent.len(), wanted.len(), "everybody has a turn");
            sent.sort();
            for (number, (at, who)) in sent.iter().enumerate() {
                for (later, other) in &sent[number + 1..] {
                    prop_assert!(*later - *at >= ANY);
                    prop_assert!(who != other || *later - *at >= SAME);
                }
            }
        }

        /// Nobody waits longer than all that was wanted before takes.
        #[test]
        fn a_queue_is_as_long_as_it_must_be(count in 1_u32..2_000) {
            let mut pace = Pace::default();
            let last = (0..count).map(|number| pace.book(std::net::Ipv4Addr::from_bits(number).into(), Duration::ZERO));
            prop_assert_eq!(last.last(), Some(Ok(ANY * (count - 1))));
        }
    }
}
