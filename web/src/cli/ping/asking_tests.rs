//! Hosts that answer well, late, twice, from elsewhere, wrongly and not at all.

use super::*;
use proptest::prelude::*;
use vmatrix_wire::echo::Times;

const PLAN: Plan = Plan {
    samples: 4,
    warm_up: 2,
    interval: Duration::from_millis(100),
    timeout: Duration::from_millis(1_000),
};

fn host(number: u8) -> (SocketAddr, [u8; 16]) {
    (SocketAddr::from(([192, 0, 2, number], 27_900)), [number; 16])
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn answer(frame: &[u8; LENGTH]) -> [u8; LENGTH] {
    let times = Times {
        received_us: 5,
        sent_us: 6,
    };
    Echo::answer(Echo::parse(frame).unwrap().question, times).encode()
}

/// Asks all questions at the times when they are due, with nobody answering; gives them with their times.
fn ask_all(asking: &mut Asking) -> Vec<(Duration, SocketAddr, [u8; LENGTH])> {
    let mut asked = Vec::new();
    let mut now = Duration::ZERO;
    while let Some(until) = asking.wait_until(now) {
        now = until;
        match asking.ask(now) {
            Some((to, frame)) => asked.push((now, to, frame)),
            None => break,
        }
    }
    asked
}

#[test]
fn hosts_take_turns_within_one_interval() {
    let mut asking = Asking::new(PLAN, &[host(1), host(2)]);
    let asked = ask_all(&mut asking);
    let times: Vec<u128> = asked.iter().map(|(at, ..)| at.as_millis()).collect();
    assert_eq!(times, [0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550]);
    assert!(asked.iter().step_by(2).all(|(_, to, _)| *to == host(1).0));
    assert_eq!(
        asking.wait_until(ms(551)),
        Some(ms(1_550)),
        "the last answer is waited for"
    );
    assert_eq!(asking.wait_until(ms(1_551)), None);
}

#[test]
fn after_a_sleep_there_is_no_burst() {
    let mut asking = Asking::new(PLAN, &[host(1)]);
    assert!(asking.ask(ms(0)).is_some());
    assert!(asking.ask(ms(5_000)).is_some());
    assert!(asking.ask(ms(5_099)).is_none());
    assert!(asking.ask(ms(5_100)).is_some());
}

#[test]
fn the_warm_up_does_not_count_and_answers_keep_the_order_of_their_questions() {
    let mut asking = Asking::new(PLAN, &[host(1)]);
    let asked = ask_all(&mut asking);
    // The later question's answer comes in first.
    for (turn, took) in [(0, 90), (1, 80), (3, 30), (2, 140), (5, 20)] {
        let (at, from, frame) = &asked[turn];
        asking.hear(*from, &answer(frame), *at + ms(took));
    }
    assert_eq!(asking.rtts_us(0), [140_000, 30_000, 20_000]);
    assert_eq!(asking.ignored(), Ignored::default());
    assert_eq!(asking.rtts_us(9), [0_u32; 0]);
}

#[test]
fn a_late_answer_is_lost_and_not_the_next_ones() {
    let mut asking = Asking::new(PLAN, &[host(1)]);
    let asked = ask_all(&mut asking);
    let (at, from, frame) = &asked[2];
    asking.hear(*from, &answer(frame), *at + ms(1_001));
    assert_eq!((asking.rtts_us(0), asking.ignored().late), (vec![], 1));
    asking.hear(*from, &answer(&asked[3].2), asked[3].0 + ms(40));
    assert_eq!(asking.rtts_us(0), [40_000]);
}

#[test]
fn what_is_no_answer_is_counted_and_changes_nothing() {
    let mut asking = Asking::new(PLAN, &[host(1), host(2)]);
    let asked = ask_all(&mut asking);
    let (at, from, frame) = asked[4];
    let right = answer(&frame);
    let now = at + ms(10);
    let mut damaged = right;
    damaged[33] ^= 4;
    asking.hear(from, &damaged, now);
    asking.hear(from, b"", now);
    asking.hear(SocketAddr::from(([192, 0, 2, 1], 27_901)), &right, now);
    asking.hear(SocketAddr::from(([203, 0, 113, 1], 27_900)), &right, now);
    // Another host that answers in this one's place, the question thrown back, and questions never asked.
    asking.hear(host(2).0, &right, now);
    asking.hear(from, &frame, now);
    for forged in [
        Question {
            nonce: [9; 16],
            ..Echo::parse(&frame).unwrap().question
        },
        Question {
            sequence: 77,
            ..Echo::parse(&frame).unwrap().question
        },
        Question {
            asked: 1,
            ..Echo::parse(&frame).unwrap().question
        },
    ] {
        asking.hear(from, &answer(&Echo::ask(forged).encode()), now);
    }
    assert_eq!(asking.rtts_us(0), [0_u32; 0]);
    asking.hear(from, &right, now);
    asking.hear(from, &right, now + ms(1));
    assert_eq!(asking.rtts_us(0), [10_000]);
    let ignored = Ignored {
        malformed: 2,
        foreign: 2,
        unasked: 5,
        repeated: 1,
        late: 0,
    };
    assert_eq!(asking.ignored(), ignored);
}

proptest! {
    /// Packets of anybody at any time: nothing panics, and only the host itself can be heard.
    #[test]
    fn noise_is_no_measurement(noise in proptest::collection::vec((0_u8..4, proptest::collection::vec(any::<u8>(), 0..60), 0_u64..3_000), 0..40)) {
        let mut asking = Asking::new(PLAN, &[host(1), host(2)]);
        ask_all(&mut asking);
        for (from, bytes, at) in &noise {
            asking.hear(host(*from).0, bytes, ms(*at));
        }
        prop_assert!(asking.rtts_us(0).is_empty() && asking.rtts_us(1).is_empty());
        let Ignored { malformed, foreign, unasked, repeated, late } = asking.ignored();
        prop_assert_eq!((malformed + foreign + unasked + repeated + late) as usize, noise.len());
    }

    /// Whatever order answers come in, each counts for its own question, once, and only in time.
    #[test]
    fn answers_in_any_order(took in proptest::collection::vec(proptest::option::of(1_u64..2_000), 6)) {
        let mut asking = Asking::new(PLAN, &[host(1)]);
        let asked = ask_all(&mut asking);
        let mut answers: Vec<(Duration, [u8; LENGTH])> = asked
            .iter()
            .zip(&took)
            .filter_map(|((at, _, frame), took)| Some((*at + ms((*took)?), answer(frame))))
            .collect();
        answers.sort_by_key(|(at, _)| *at);
        for (at, frame) in answers {
            asking.hear(host(1).0, &frame, at);
        }
        let expected: Vec<u32> = took
            .iter()
            .skip(2)
            .flatten()
            .filter(|took| **took <= 1_000)
            .map(|took| u32::try_from(took * 1_000).unwrap())
            .collect();
        prop_assert_eq!(asking.rtts_us(0), expected);
    }
}
