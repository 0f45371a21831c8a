use super::*;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};
use vmatrix_wire::Secret;

const START: Duration = Duration::from_secs(1_000);

fn passes(tickets: &[&str]) -> Vec<Pass> {
    let pass = |ticket: &&str| Pass {
        ticket: Secret::new(*ticket),
    };
    tickets.iter().map(pass).collect()
}

fn gate(tickets: &[&str]) -> Gate {
    let mut gate = Gate::default();
    gate.intend(&passes(tickets));
    gate
}

fn v4(n: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from(n).into())
}

#[test]
fn only_a_ticket_of_the_orders_opens_and_only_as_long_as_it_is_there() {
    let now = START;
    let mut gate = gate(&["one"]);
    assert_eq!(gate.enter("two", v4(1), now), Err(Refusal::NoTicket));
    assert_eq!(gate.enter("", None, now), Err(Refusal::NoTicket));
    let visit = gate.enter("one", v4(1), now).unwrap();
    assert_eq!(gate.hear(visit, 16, now), Verdict::Answer);
    gate.intend(&passes(&["two"]));
    assert_eq!(gate.hear(visit, 16, now), Verdict::Leave);
    assert_eq!(gate.enter("one", v4(1), now), Err(Refusal::NoTicket));
}

#[test]
fn a_ticket_a_network_and_the_host_have_room_for_so_many_and_who_leaves_makes_room() {
    let now = START;
    let names: Vec<String> = (0..AT_ONCE).map(|n| n.to_string()).collect();
    let mut gate = gate(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let first: Vec<VisitId> = (0..PER_TICKET)
        .map(|_| gate.enter("0", v4(1), now).unwrap())
        .collect();
    assert_eq!(gate.enter("0", v4(1), now), Err(Refusal::Ticket));
    gate.leave(first[0]);
    gate.enter("0", v4(1), now).unwrap();
    for name in names.iter().skip(1).take(PER_PREFIX - PER_TICKET) {
        gate.enter(name, v4(255), now).unwrap();
    }
    assert_eq!(gate.enter("100", v4(17), now), Err(Refusal::Prefix));
    // Behind a proxy nobody knows the network.
    gate.enter("100", None, now).unwrap();
    let mut network = 1;
    while gate.visits() < AT_ONCE {
        network += 1;
        gate.enter(&names[network], v4(u32::try_from(network).unwrap() << 8), now)
            .unwrap();
    }
    assert_eq!(gate.enter("255", None, now), Err(Refusal::Full));
}

#[test]
fn a_visit_ends_after_a_minute_or_after_so_many_messages() {
    let start = START;
    let mut gate = gate(&["one"]);
    let visit = gate.enter("one", v4(1), start).unwrap();
    assert_eq!(gate.hear(visit, 16, start + LONGEST_VISIT), Verdict::Leave);
    let heard = (0..PER_VISIT + 1)
        .map(|n| gate.hear(visit, 16, start + Duration::from_millis(50) * n))
        .filter(|verdict| *verdict == Verdict::Answer)
        .count();
    assert_eq!(heard, PER_VISIT as usize);
    let later = start + Duration::from_millis(50) * (PER_VISIT + 2);
    assert_eq!(gate.hear(visit, 16, later), Verdict::Leave);
}

#[test]
fn what_is_too_long_is_not_answered() {
    let now = START;
    let mut gate = gate(&["one"]);
    let visit = gate.enter("one", v4(1), now).unwrap();
    assert_eq!(gate.hear(visit, LONGEST_MESSAGE + 1, now), Verdict::Drop);
    assert_eq!(gate.hear(visit, LONGEST_MESSAGE, now), Verdict::Answer);
    gate.leave(visit);
    assert_eq!(gate.hear(visit, 1, now), Verdict::Leave);
}

/// A flood from one network leaves the others their handshakes.
#[test]
fn who_floods_shuts_out_only_their_own_network() {
    let now = START;
    let mut gate = Gate::default();
    let flood = (0..10_000)
        .filter(|n| gate.knock(Door::WebTransport, v4(n % 256), now))
        .count();
    assert_eq!(flood, 32);
    assert!(gate.knock(Door::WebTransport, v4(9 << 8), now));
}

/// Behind the proxy nobody's network is seen, so a flood there fills the whole share: that of its own door only.
#[test]
fn a_flood_at_one_door_leaves_the_other_open() {
    let mut gate = Gate::default();
    let flood = (0..10_000)
        .filter(|_| gate.knock(Door::WebSocket, None, START))
        .count();
    assert_eq!(flood, 128);
    assert!(gate.knock(Door::WebTransport, v4(1), START));
    let mut gate = Gate::default();
    let from_everywhere = (0..10_000).map(|n| v4(n << 8));
    let flood = from_everywhere
        .filter(|from| gate.knock(Door::WebTransport, *from, START))
        .count();
    assert_eq!(flood, 128);
    assert!(gate.knock(Door::WebSocket, None, START));
}

proptest! {
    /// However many networks knock, the work of so many handshakes is done, and after a pause everybody is heard again.
    #[test]
    fn a_flood_from_everywhere_is_forgotten(networks in prop::collection::vec(any::<u128>(), 1..3_000)) {
        let mut gate = Gate::default();
        let flood = networks.iter().map(|network| Some(Ipv6Addr::from(*network).into()));
        let let_in = flood.filter(|from| gate.knock(Door::WebTransport, *from, START)).count();
        prop_assert!(let_in <= 128);
        prop_assert!(gate.knock(Door::WebTransport, v4(7), START + Duration::from_secs(10)));
    }

    /// Whatever is sent, and when, no more is answered in any stretch than its length and the first burst allow.
    #[test]
    fn the_messages_of_a_visit_keep_to_their_rate(pauses in prop::collection::vec(0..200_u64, 1..600)) {
        let start = START;
        let mut gate = gate(&["one"]);
        let visit = gate.enter("one", v4(1), start).unwrap();
        let (mut now, mut answered) = (start, 0.0);
        for pause in pauses {
            now += Duration::from_millis(pause);
            if gate.hear(visit, 8, now) == Verdict::Answer {
                answered += 1.0;
            }
            prop_assert!(answered <= 50.0 + 50.0 * (now - start).as_secs_f64() + 1e-6);
        }
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_takes_nothing_away(back in 0..100_u64) {
        let start = START;
        let mut gate = gate(&["one"]);
        let visit = gate.enter("one", v4(1), start).unwrap();
        prop_assert_eq!(gate.hear(visit, 8, start - Duration::from_secs(back)), Verdict::Answer);
    }
}
