//! Measures one address by ICMP echo requests.

use super::turns::Turns;
use super::{Answers, Timing};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use surge_ping::{Client, IcmpPacket, PingIdentifier, PingSequence, SurgeError};
use tokio::time::{Instant, sleep_until};

/// Bytes of an echo request, as ping(8) sends them.
const PAYLOAD: [u8; 56] = [0; 56];

/// Sends all requests to one address, each in its time, and notes what comes back. One task for them all: there may be
/// tens of thousands of requests in a round.
pub(super) async fn measure(turns: &Turns, address: IpAddr, index: usize, timing: Timing, answers: &Answers) {
    let Some(client) = turns.socket(address) else {
        return;
    };
    let ident = PingIdentifier(rand::random());
    let mut on_the_way = FuturesUnordered::new();
    let mut due = timing.first;
    for turn in 0..timing.samples {
        let mut now = pin!(async move {
            sleep_until(due).await;
            turns.turn(address).await
        });
        let room = loop {
            tokio::select! {
                biased;
                Some((turn, rtt)) = on_the_way.next() => answers.note(index, turn, rtt),
                room = &mut now => break room,
            }
        };
        let sent = Instant::now();
        let asked = ask(client.clone(), address, ident, turns.number(), timing.timeout);
        on_the_way.push(async move {
            let _room = room;
            (turn, asked.await)
        });
        due = timing.next(turn, sent);
    }
    while let Some((turn, rtt)) = on_the_way.next().await {
        answers.note(index, turn, rtt);
    }
}

/// One request. `None` if no answer came in time.
async fn ask(
    client: Client,
    address: IpAddr,
    ident: PingIdentifier,
    number: PingSequence,
    timeout: Duration,
) -> Option<Duration> {
    let mut pinger = client.pinger(address, ident).await;
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
