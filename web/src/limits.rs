//! What is counted in memory against [`crate::domain::limits`]: what each user writes, the live pages they have open, and
//! the requests of each host that wait for orders. After a restart everybody begins anew.

use crate::domain::{
    HostId, UserId,
    limits::{
        LATENCIES, POLLS_OF_A_HOST, Rate, STREAMS_OF_A_USER, VISITS_OF_A_LINK, VISITS_OF_AN_ADDRESS, WRITES,
    },
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use std::{
    collections::{BTreeMap, VecDeque},
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Above this many keys those that did nothing lately are forgotten.
const MANY: usize = 10_000;

/// All that is counted.
#[derive(Clone)]
pub struct Limits {
    /// What each user writes.
    pub writes: Paced<UserId>,
    /// What comes by each players' link, by the hash of its token.
    pub by_link: Paced<String>,
    /// What comes by players' links from each address that stands for a customer.
    pub by_visitor: Paced<IpAddr>,
    /// Pairs of addresses that each user asks for.
    pub latency: Paced<UserId>,
    /// The same for each network that is asked about.
    pub latency_at: Paced<String>,
    /// The live pages that each user has open.
    pub streams: Streams,
    /// The requests of each host that wait for orders.
    pub polls: Polls,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            writes: Paced::at(WRITES),
            by_link: Paced::at(VISITS_OF_A_LINK),
            by_visitor: Paced::at(VISITS_OF_AN_ADDRESS),
            latency: Paced::at(LATENCIES),
            latency_at: Paced::at(LATENCIES),
            streams: Streams::default(),
            polls: Polls::default(),
        }
    }
}

/// How often each of many may do something.
#[derive(Clone)]
pub struct Paced<K: Hash + Eq + Clone>(Arc<DefaultKeyedRateLimiter<K>>);

impl<K: Hash + Eq + Clone> Paced<K> {
    /// At this rate.
    #[must_use]
    pub fn at(rate: Rate) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(rate.a_minute)).allow_burst(at_least_one(rate.at_once));
        Self(Arc::new(RateLimiter::keyed(quota)))
    }

    /// Counts one more, or says how long to wait.
    ///
    /// # Errors
    /// How long until there is room for one.
    pub fn count(&self, key: &K) -> Result<(), Duration> {
        if self.0.len() > MANY {
            self.0.retain_recent();
        }
        self.0
            .check_key(key)
            .map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many live pages each user has open.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<BTreeMap<UserId, usize>>>);

/// One open live page, until it is dropped.
pub struct OpenStream {
    of: UserId,
    all: Streams,
}

impl Streams {
    /// One more, if there is room.
    #[must_use]
    pub fn open(&self, of: UserId) -> Option<OpenStream> {
        let mut open = lock(&self.0);
        let count = open.entry(of).or_default();
        if *count >= STREAMS_OF_A_USER {
            return None;
        }
        *count += 1;
        Some(OpenStream {
            of,
            all: self.clone(),
        })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = lock(&self.all.0);
        if let Some(count) = open.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// The requests of each host that wait for its orders, oldest first.
#[derive(Clone, Default)]
pub struct Polls(Arc<Mutex<BTreeMap<HostId, VecDeque<Arc<Notify>>>>>);

/// One request that waits, until it is dropped.
pub struct Poll {
    of: HostId,
    over: Arc<Notify>,
    all: Polls,
}

impl Polls {
    /// One more. If they are too many by it, the oldest is over.
    #[must_use]
    pub fn begin(&self, of: HostId) -> Poll {
        let over = Arc::new(Notify::new());
        let mut waiting = lock(&self.0);
        let of_host = waiting.entry(of).or_default();
        of_host.push_back(over.clone());
        if of_host.len() > POLLS_OF_A_HOST
            && let Some(oldest) = of_host.pop_front()
        {
            oldest.notify_one();
        }
        Poll {
            of,
            over,
            all: self.clone(),
        }
    }
}

impl Poll {
    /// Comes when newer ones have taken its place.
    pub async fn over(&self) {
        self.over.notified().await;
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        let mut waiting = lock(&self.all.0);
        if let Some(of_host) = waiting.get_mut(&self.of) {
            of_host.retain(|other| !Arc::ptr_eq(other, &self.over));
            if of_host.is_empty() {
                waiting.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn whoever_writes_too_much_waits_and_nobody_else_does() {
        let writes = Paced::at(Rate {
            at_once: 2,
            a_minute: 1,
        });
        assert_eq!(writes.count(&user(1)), Ok(()));
        assert_eq!(writes.count(&user(1)), Ok(()));
        let wait = writes.count(&user(1)).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(60),
            "{wait:?}"
        );
        assert_eq!(writes.count(&user(2)), Ok(()));
    }

    #[test]
    fn a_closed_page_makes_room_for_another() {
        let streams = Streams::default();
        let mut open: Vec<_> = (0..STREAMS_OF_A_USER)
            .map(|_| streams.open(user(1)).unwrap())
            .collect();
        assert!(streams.open(user(1)).is_none());
        assert!(streams.open(user(2)).is_some());
        open.pop();
        assert!(streams.open(user(1)).is_some());
        drop(open);
        assert!(lock(&streams.0).is_empty(), "who has none is not kept");
    }

    #[test]
    fn of_three_requests_of_one_host_the_oldest_is_over() {
        let polls = Polls::default();
        let host = |n| HostId(Uuid::from_u128(n));
        let is_over = |poll: &Poll| poll.over().now_or_never().is_some();
        let (first, second) = (polls.begin(host(1)), polls.begin(host(1)));
        let other = polls.begin(host(2));
        assert!(!is_over(&first) && !is_over(&second));
        let third = polls.begin(host(1));
        assert!(is_over(&first) && !is_over(&second) && !is_over(&third) && !is_over(&other));
        drop((second, third));
        let (fourth, fifth) = (polls.begin(host(1)), polls.begin(host(1)));
        assert!(
            !is_over(&fourth) && !is_over(&fifth),
            "those that have ended do not count"
        );
        drop((first, fourth, fifth, other));
        assert!(lock(&polls.0).is_empty(), "who has none is not kept");
    }
}
