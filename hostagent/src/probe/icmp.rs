//! Measures the addresses of a round by ICMP echo requests. One task for them all: there may be tens of thousands of
//! requests in a round.

use super::plan::{Plan, TICK};
use super::turns::Turns;
use super::{Answers, Timing};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use surge_ping::{Client, IcmpPacket, PingIdentifier, PingSequence, SurgeError};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes of an echo request, as ping(8) sends them.
const PAYLOAD: [u8; 56] = [0; 56];

/// Somebody who is asked.
struct Asked {
    /// The number among the answers.
    index: usize,
    address: IpAddr,
    client: Client,
    ident: PingIdentifier,
}

/// Sends all requests to these addresses, each in its time, and notes what comes back for the number beside it.
pub(super) async fn measure(turns: &Turns, whom: &[(usize, IpAddr)], timing: Timing, answers: &Answers) {
    let asked = |(index, address): &(usize, IpAddr)| {
        Some(Asked {
            index: *index,
            address: *address,
            client: turns.socket(*address)?,
            ident: PingIdentifier(rand::random()),
        })
    };
    let asked: Vec<Asked> = whom.iter().filter_map(asked).collect();
    let note = |who: usize, turn: u16, rtt: Option<Duration>| {
        if let Some(asked) = asked.get(who) {
            answers.note(asked.index, turn, rtt);
        }
    };
    let mut plan = Plan::new(asked.len(), timing);
    let mut on_the_way = FuturesUnordered::new();
    let mut alarm = pin!(sleep_until(timing.first));
    while let Some(next) = plan.next() {
        if alarm.deadline() != next {
            alarm.as_mut().reset(next);
        }
        tokio::select! {
            biased;
            Some((request, rtt)) = on_the_way.next() => {
                plan.answered(request, rtt);
                note(request.who, request.turn, rtt);
            }
            () = &mut alarm => {
                let now = Instant::now();
                if plan.over(now) {
                    break;
                }
                let book = |who: usize| asked.get(who).map_or(Ok(now), |asked| turns.book(asked.address));
                for request in plan.due(now, book) {
                    let Some(asked) = asked.get(request.who) else { continue };
                    let asking = ask(asked, turns.number(), timing.timeout);
                    on_the_way.push(async move { (request, asking.await) });
                    plan.sent(request, now);
                }
            }
        }
    }
    // What came while this process stood still is in the socket, and not late.
    sleep(TICK).await;
    while let Some(Some((request, rtt))) = on_the_way.next().now_or_never() {
        plan.answered(request, rtt);
        note(request.who, request.turn, rtt);
    }
    plan.lost().for_each(|(who, turn)| note(who, turn, None));
}

/// One request. `None` if no answer came in time.
async fn ask(asked: &Asked, number: PingSequence, timeout: Duration) -> Option<Duration> {
    let mut pinger = asked.client.pinger(asked.address, asked.ident).await;
    pinger.timeout(timeout);
    match pinger.ping(number, &PAYLOAD).await {
        Ok((packet, rtt)) if is_echo(&packet) => Some(rtt),
        // A router that says "unreachable" is near, the target is not.
        Ok(_) | Err(SurgeError::Timeout { .. }) => None,
        Err(error) => {
            tracing::debug!(%error, "an echo request failed");
            None
        }
    }
}

/// The library hands over errors of routers on the way as answers, too.
fn is_echo(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == 0,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == 129,
    }
}
