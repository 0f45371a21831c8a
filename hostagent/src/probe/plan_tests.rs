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
        for request in plan.due(now, |_| Ok(now)) {
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

/// Of three who are due one may not be asked yet, and one only much later.
#[test]
fn who_is_put_off_asks_once_and_later_and_keeps_nobody_waiting() {
    let timing = timing(1, 10);
    let mut plan = Plan::new(3, timing);
    let now = timing.first;
    let mut asked = Vec::new();
    let due = plan.due(now, |who| {
        asked.push(who);
        match who {
            0 => Err(now + 5 * MS),
            1 => Ok(now + 300 * MS),
            _ => Ok(now),
        }
    });
    assert_eq!(asked, [0, 1, 2], "each once");
    assert_eq!(due.iter().map(|request| request.who).collect::<Vec<_>>(), [2]);
    plan.sent(due[0], now);
    assert_eq!(plan.next(), Some(now + 5 * MS));
    let again = plan.due(now + 5 * MS, |_| Ok(now + 5 * MS));
    assert_eq!(again.iter().map(|request| request.who).collect::<Vec<_>>(), [0]);
    plan.sent(again[0], now + 5 * MS);
    assert_eq!(plan.due(now + 289 * MS, |_| Ok(now)), []);
    let promised = plan.due(now + 290 * MS, |_| Err(now + 999 * MS));
    assert_eq!(promised.len(), 1, "who has a place does not ask for another");
    plan.sent(promised[0], now + 290 * MS);
    assert_eq!(plan.lost().count(), 3);
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
