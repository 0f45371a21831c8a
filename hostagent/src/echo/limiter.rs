//! How often each prefix of source addresses is answered. Pure: the time is an argument.
//!
//! Sources can be forged, so there may be any number of them, and a table with an entry for each would grow, or be
//! full. This is a count-min sketch instead: each prefix has one place in each of several rows, found by a hash whose
//! key nobody outside knows. A place says until when its prefixes have used up their share; of a prefix's places the
//! least used one counts, as what others have added to the rest is not its own doing. So a prefix never gets more than
//! its share, and gets less only when all of its places are shared with prefixes that take all of theirs.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

/// Places of a prefix.
const ROWS: usize = 4;

/// Places in one row, as a power of two: half a megabyte in all. A flood from forged sources of all prefixes in turn
/// stays below the share of each place up to 16384 × [`Share::A_SECOND`], about 3 million questions a second: several
/// times what one core can read.
const ROW_BITS: u32 = 14;

/// What one prefix may have.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Nanoseconds of credit that one answer costs.
    cost: u64,
    /// Credit that can be saved up, in nanoseconds.
    burst: u64,
}

impl Share {
    /// Answers a second. A player's browser or `vmatrix ping` asks 17 times a second, and a house, a school or a
    /// provider's shared address may hold a dozen players.
    pub const A_SECOND: u32 = 200;
    /// Answers at once.
    pub const AT_ONCE: u32 = 400;

    /// Of this many answers a second, and so many at once; at least one of each.
    #[must_use]
    pub fn of(a_second: u32, at_once: u32) -> Self {
        let cost = 1_000_000_000 / u64::from(a_second.max(1));
        Self {
            cost,
            burst: cost * u64::from(at_once.max(1)),
        }
    }

    /// As much as anybody asks for, so that a bench measures the rest.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { cost: 0, burst: 1 }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::of(Self::A_SECOND, Self::AT_ONCE)
    }
}

/// Who has had how much.
pub struct Limiter {
    share: Share,
    keys: RandomState,
    /// Per row and place: when what was taken is earned again, in nanoseconds since the caller's beginning.
    earned: Vec<[u64; ROWS]>,
}

impl Limiter {
    /// Nobody has had anything.
    #[must_use]
    pub fn new(share: Share) -> Self {
        Self::with_places(share, 1 << ROW_BITS)
    }

    fn with_places(share: Share, places: usize) -> Self {
        Self {
            share,
            keys: RandomState::new(),
            earned: vec![[0; ROWS]; places],
        }
    }

    /// Whether this source is answered now, `now` being the time since any fixed moment.
    pub fn allow(&mut self, source: IpAddr, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let places = places(self.keys.hash_one(prefix(source)), self.earned.len());
        let least = places
            .iter()
            .enumerate()
            .filter_map(|(row, place)| self.earned.get(*place)?.get(row).copied())
            .min()
            .unwrap_or(0)
            .max(now);
        let after = least.saturating_add(self.share.cost);
        if after - now > self.share.burst {
            return false;
        }
        for (row, place) in places.into_iter().enumerate() {
            if let Some(earned) = self.earned.get_mut(place).and_then(|place| place.get_mut(row)) {
                *earned = after.max(*earned);
            }
        }
        true
    }
}

/// The place in each row of this length, of different bits of one hash.
fn places(hash: u64, length: usize) -> [usize; ROWS] {
    let mut bits = hash;
    [(); ROWS].map(|()| {
        let place = usize::try_from(bits & ((1 << ROW_BITS) - 1)).unwrap_or(0) % length.max(1);
        bits >>= ROW_BITS;
        place
    })
}

/// What one party is taken to have to itself: 24 bits of IPv4, 48 bits of IPv6.
fn prefix(source: IpAddr) -> u64 {
    match source.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        // The mark keeps the families apart.
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 80).unwrap_or(0) | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// The same rule with an entry for each prefix: what the sketch must do as long as places are not shared.
    #[derive(Default)]
    struct Exact(HashMap<u64, u64>);

    impl Exact {
        fn allow(&mut self, share: Share, source: IpAddr, now: Duration) -> bool {
            let now = u64::try_from(now.as_nanos()).unwrap();
            let earned = self.0.entry(prefix(source)).or_default();
            let after = now.max(*earned) + share.cost;
            let allowed = after - now <= share.burst;
            if allowed {
                *earned = after;
            }
            allowed
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_neighbour_and_another_port_are_the_same_party_and_the_next_prefix_is_not() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.255", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("2001:db8:1::1", "2001:db8:1:ffff::2", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
            ("0.0.0.1", "::1", false),
        ] {
            assert_eq!(prefix(ip(one)) == prefix(ip(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn unlimited_is_unlimited() {
        let mut limiter = Limiter::new(Share::unlimited());
        assert!((0..1_000_000).all(|_| limiter.allow(ip("192.0.2.1"), Duration::ZERO)));
    }

    #[test]
    fn forged_sources_of_two_million_prefixes_a_second_lock_nobody_out() {
        let mut limiter = Limiter::new(Share::default());
        let size = limiter.earned.len();
        let behaves = ip("192.0.2.77");
        for n in 0..2_000_000_u32 {
            let now = Duration::from_nanos(u64::from(n) * 500);
            limiter.allow(Ipv4Addr::from_bits(n << 8).into(), now);
            // 17 a second, as clients do.
            if n % 117_000 == 0 {
                assert!(limiter.allow(behaves, now), "after {n}");
            }
        }
        assert_eq!(limiter.earned.len(), size);
    }

    /// 300 prefixes that ask without end, each within its own rights a nuisance.
    #[test]
    fn greedy_prefixes_do_not_take_the_share_of_one_that_behaves() {
        let mut limiter = Limiter::new(Share::default());
        let greedy = |n: u32| IpAddr::from(Ipv6Addr::from_bits(u128::from(n) << 80));
        let mut refused = 0;
        for step in 0..2_000_u64 {
            let now = Duration::from_millis(step);
            for n in 0..300 {
                limiter.allow(greedy(n), now);
            }
            if step % 60 == 0 && !limiter.allow(ip("192.0.2.77"), now) {
                refused += 1;
            }
        }
        // All four places shared has a probability of (300 / 16384)^4, one in nine million.
        assert_eq!(refused, 0);
    }

    fn asks() -> impl Strategy<Value = Vec<(u8, u64)>> {
        proptest::collection::vec((0_u8..6, 0_u64..20_000), 1..400)
    }

    proptest! {
        #[test]
        fn a_few_prefixes_get_what_exact_counting_gives(asks in asks(), a_second in 1_u32..2_000, at_once in 1_u32..30) {
            let share = Share::of(a_second, at_once);
            let (mut limiter, mut exact) = (Limiter::new(share), Exact::default());
            let mut now = Duration::ZERO;
            for (who, pause) in asks {
                now += Duration::from_micros(pause);
                let source = IpAddr::from([192, 0, who, 1]);
                prop_assert_eq!(limiter.allow(source, now), exact.allow(share, source, now));
            }
        }

        /// Whatever others do, and even if their places are the same.
        #[test]
        fn nobody_gets_more_than_the_share(asks in asks(), at_once in 1_u32..30) {
            let share = Share::of(1_000, at_once);
            // So few that they are shared all the time.
            let mut limiter = Limiter::with_places(share, 3);
            let mut given: HashMap<u8, Vec<u64>> = HashMap::new();
            let mut now = 0;
            for (who, pause) in asks {
                now += pause;
                if limiter.allow(IpAddr::from([192, 0, who, 1]), Duration::from_micros(now)) {
                    given.entry(who).or_default().push(now);
                }
            }
            for times in given.values() {
                for (first, from) in times.iter().enumerate() {
                    for (last, to) in times.iter().enumerate().skip(first) {
                        let most = u64::from(at_once) + (to - from) / 1_000 + 1;
                        prop_assert!((last - first + 1) as u64 <= most);
                    }
                }
            }
        }
    }
}
