//! Measures one name server by queries, as an estimate for the players near it (King): for those who are only an address and
//! answer nothing themselves. Any answer will do, a refusal too: it took the way.

use super::turns::Turns;
use super::{Answers, Timing};
use hickory_net::client::Client;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, Message, Query};
use hickory_net::proto::rr::{Name, RecordType};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsHandle, FirstAnswer};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// Most queries of one round to one name server, which serves others: the first warms up.
pub(super) const SAMPLES: u16 = 5;

/// Least time between two of them.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);

/// Where name servers listen.
pub(super) const PORT: u16 = 53;

/// Sends all queries to one name server, one after the other, and notes what comes back.
pub(super) async fn measure(
    turns: &Turns,
    server: SocketAddr,
    zone: &str,
    index: usize,
    timing: Timing,
    answers: &Answers,
) {
    let Ok(zone) = Name::from_ascii(zone) else {
        return tracing::warn!(%zone, "no zone that can be asked for");
    };
    let mut due = timing.first;
    for turn in 0..timing.samples {
        sleep_until(due).await;
        turns.turn(IpAddr::to_canonical(&server.ip())).await;
        let sent = Instant::now();
        let rtt = ask(server, &zone, timing.timeout).await;
        answers.note(index, turn, rtt);
        due = timing.next(turn, sent).max(sent + INTERVAL);
    }
}

/// One query without recursion, from a port and with an id of its own. `None` if no answer came in time.
async fn ask(server: SocketAddr, zone: &Name, patience: Duration) -> Option<Duration> {
    let stream = UdpClientStream::builder(server, TokioRuntimeProvider::default())
        .with_timeout(Some(patience))
        .with_max_retries(0)
        .with_os_port_selection(true)
        .build();
    let (client, exchange) = Client::<TokioRuntimeProvider>::from_sender(stream);
    let mut message = Message::query();
    message.add_query(Query::query(zone.clone(), RecordType::SOA));
    message.metadata.recursion_desired = false;
    let request = DnsRequest::new(message, DnsRequestOptions::default());
    let sent = Instant::now();
    let answered = async { client.send(request).first_answer().await.map(|_| sent.elapsed()) };
    tokio::select! {
        answered = timeout(patience, answered) => answered.ok()?.ok(),
        // It carries the query and the answer, and ends after the answer has been taken.
        _ = exchange => None,
    }
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
