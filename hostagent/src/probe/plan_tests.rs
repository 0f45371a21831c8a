use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn timing(samples: u16, interval_ms: u32) -> Timing {
    Timing {
        first: Instant::now(),
        interval: interval_ms * MS,
        samples,
        timeout: 1_000 * MS,
    }
}

/// Sends all when the plan wakes up; `rtt` says what becomes of each. When each was sent, and the end.
fn run(
    count: usize,
    timing: Timing,
    rtt: impl Fn(usize, u16) -> Option<Duration>,
) -> (Vec<(Instant, Request)>, Instant) {
    let mut plan = Plan::new(count, timing);
    let (mut sent, mut coming, mut now) = (Vec::new(), BTreeMap::new(), timing.first);
    while let Some(next) = plan.next() {
        let arrival = coming
            .first_key_value()
            .map(|((at, ..), _): (&(Instant, usize, u16), _)| *at);
        if arrival.is_some_and(|at| at <= next) {
            let ((at, ..), (request, rtt)) = coming.pop_first().unwrap();
            now = at.max(now);
            plan.answered(request, Some(rtt));
            continue;
        }
        now = next.max(now);
        if plan.over(now) {
            break;
        }
        while let Some(request) = plan.take(now) {
            sent.push((now, request));
            plan.sent(request, now);
            if let Some(rtt) = rtt(request.who, request.turn) {
                coming.insert((now + rtt, request.who, request.turn), (request, rtt));
            }
        }
    }
    (sent, now)
}

#[test]
fn when_all_have_answered_nobody_is_waited_for() {
    let timing = timing(10, 200);
    let (sent, end) = run(64, timing, |_, _| Some(80 * MS));
    assert_eq!(sent.len(), 640);
    let last = sent.last().unwrap().0;
    assert_eq!(end, last + 80 * MS);
    assert!(last - timing.first <= 2_000 * MS);
}

#[test]
fn who_never_answers_has_the_whole_time() {
    let (sent, end) = run(2, timing(5, 50), |who, _| (who == 0).then_some(20 * MS));
    assert_eq!(end, sent.last().unwrap().0 + 1_000 * MS);
}

#[test]
fn a_packet_lost_at_the_end_does_not_make_everybody_wait() {
    let (sent, end) = run(1, timing(5, 50), |_, turn| (turn < 4).then_some(30 * MS));
    assert_eq!(end, sent.last().unwrap().0 + 60 * MS + GRACE);
}

#[test]
fn who_was_put_off_is_asked_later() {
    let timing = timing(1, 200);
    let mut plan = Plan::new(1, timing);
    let request = plan.take(timing.first).unwrap();
    plan.put_off(request, timing.first + 300 * MS);
    assert_eq!(plan.take(timing.first + 289 * MS), None);
    assert_eq!(plan.take(timing.first + 290 * MS), Some(request));
    plan.sent(request, timing.first + 290 * MS);
    assert_eq!(plan.lost().collect::<Vec<_>>(), [(0, 0)]);
}

proptest! {
    /// However many, however fast: each request once, in order, in its time, and the round ends.
    #[test]
    fn each_request_is_sent_once_and_in_its_time(
        count in 0_usize..40, samples in 0_u16..8, interval in 1_u32..300, slow in 0_u32..1_500, loses in 0_usize..7,
    ) {
        let timing = timing(samples, interval);
        let late = |who: usize, turn: u16| {
            let lost = loses > 0 && (who + usize::from(turn)).is_multiple_of(loses);
            (!lost).then_some(slow * MS)
        };
        let (sent, end) = run(count, timing, late);
        let mut wanted: Vec<(usize, u16)> = (0..count).flat_map(|who| (0..samples).map(move |turn| (who, turn))).collect();
        let mut of: Vec<(usize, u16)> = sent.iter().map(|(_, request)| (request.who, request.turn)).collect();
        of.sort_unstable();
        wanted.sort_unstable();
        prop_assert_eq!(of, wanted);
        for (at, request) in &sent {
            let planned = timing.share(request.who, count).first + timing.interval * u32::from(request.turn);
            prop_assert!(*at + TICK >= planned, "too early");
            prop_assert!(*at <= planned + timing.interval, "late by {:?}", *at - planned);
        }
        let last = sent.last().map_or(timing.first, |(at, _)| *at);
        prop_assert!(end <= last.max(timing.first) + timing.timeout);
    }
}
