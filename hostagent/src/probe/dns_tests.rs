//! A name server of the test's own: right, late, silent, with wrong ids, with refusals and with nonsense.

use super::super::tests::until_done;
use super::super::{ProbeReport, Probes};
use super::*;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use uuid::Uuid;
use vmatrix_wire::{ProbeId, ProbeOrder, Target, TargetId, Way};

/// What the server does with the query of a number.
#[derive(Clone, Copy)]
enum Does {
    Answer,
    Refuse,
    Delay(u64),
    Nothing,
    WrongId,
    OnlyTheId,
    FromElsewhere,
}

type Queries = Arc<Mutex<Vec<(Instant, Vec<u8>)>>>;

/// Gives its port and the queries that it was asked.
async fn server(does: &'static [Does]) -> (u16, Queries) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let queries = Queries::default();
    let seen = Arc::clone(&queries);
    tokio::spawn(async move {
        let mut buffer = [0; 2_000];
        for does in does {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            seen.lock()
                .unwrap()
                .push((Instant::now(), buffer[..length].to_vec()));
            // The query with the bit that makes it an answer: no records, no error.
            let mut answer = buffer[..length].to_vec();
            answer[2] |= 0x80;
            match does {
                Does::Answer => {}
                Does::Refuse => answer[3] = 5,
                Does::Delay(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
                Does::Nothing => continue,
                Does::WrongId => answer[0] ^= 0x55,
                Does::OnlyTheId => answer.truncate(2),
                Does::FromElsewhere => {
                    elsewhere.send_to(&answer, from).await.unwrap();
                    continue;
                }
            }
            socket.send_to(&answer, from).await.unwrap();
        }
        // The rest is not answered, and its port stays taken.
        std::future::pending::<()>().await;
    });
    (port, queries)
}

async fn measured(port: u16, zone: &str, samples: u16, timeout_ms: u64) -> ProbeReport {
    let mut probes = Probes {
        dns_port: port,
        ..Probes::default()
    };
    probes.intend(&[ProbeOrder {
        probe: ProbeId(Uuid::nil()),
        samples,
        interval_ms: 20,
        timeout_ms,
        targets: vec![Target {
            target: TargetId(Uuid::nil()),
            address: Ipv4Addr::LOCALHOST.into(),
            by: Way::Dns { zone: zone.into() },
        }],
    }]);
    until_done(&probes).await.remove(0)
}

/// Long enough that no slow machine loses an answer that was sent.
const PATIENT: u64 = 20_000;

#[tokio::test]
async fn at_most_five_queries_without_recursion_not_too_fast_and_the_first_does_not_count() {
    let (port, queries) = server(&[
        Does::Delay(300),
        Does::Answer,
        Does::Answer,
        Does::Answer,
        Does::Answer,
        Does::Answer,
    ])
    .await;
    let start = Instant::now();
    let report = measured(port, "2.0.192.in-addr.arpa.", 10, PATIENT).await;
    let sample = &report.samples[0];
    assert_eq!((sample.sent, sample.received), (4, 4), "{sample:?}");
    let queries = queries.lock().unwrap();
    assert_eq!(queries.len(), 5);
    for (_, query) in queries.iter() {
        assert_eq!(query[2] & 0x01, 0, "recursion desired");
        let message = Message::from_vec(query).unwrap();
        assert_eq!(message.queries[0].query_type(), RecordType::SOA);
        assert_eq!(message.queries[0].name().to_ascii(), "2.0.192.in-addr.arpa.");
    }
    let last = queries.last().unwrap().0;
    assert!(last - start >= INTERVAL * 4, "{:?} for all", last - start);
    let ids: std::collections::HashSet<&[u8]> = queries.iter().map(|(_, query)| &query[..2]).collect();
    assert!(ids.len() > 1, "ids can be guessed");
}

#[tokio::test]
async fn a_refusal_took_the_way_too_and_a_delay_is_seen() {
    let (port, _) = server(&[Does::Refuse, Does::Refuse, Does::Delay(250)]).await;
    let sample = measured(port, "a.example.", 3, PATIENT).await.samples.remove(0);
    assert_eq!((sample.sent, sample.received), (2, 2), "{sample:?}");
    assert!(sample.p90_us.unwrap() >= 250_000, "{sample:?}");
    assert!(sample.min_us.unwrap() < sample.p90_us.unwrap(), "{sample:?}");
}

#[tokio::test]
async fn silence_wrong_ids_nonsense_and_others_are_no_answers() {
    let (port, queries) = server(&[Does::Nothing, Does::WrongId, Does::OnlyTheId, Does::FromElsewhere]).await;
    let sample = measured(port, "a.example.", 4, 300).await.samples.remove(0);
    assert_eq!((sample.sent, sample.received), (4, 0), "{sample:?}");
    assert_eq!(sample.median_us, None);
    assert_eq!(queries.lock().unwrap().len(), 4, "nothing is asked twice");
}

#[tokio::test]
async fn a_late_answer_is_not_the_next_ones() {
    // The first is answered while the second is asked; the second and the third never are.
    let (port, _) = server(&[Does::Delay(450), Does::Nothing, Does::Nothing]).await;
    let sample = measured(port, "a.example.", 3, 300).await.samples.remove(0);
    assert_eq!((sample.sent, sample.received), (3, 0), "{sample:?}");
}

#[tokio::test]
async fn a_zone_that_is_no_name_measures_nothing() {
    let sample = measured(9, "a..b", 3, 100).await.samples.remove(0);
    assert_eq!((sample.sent, sample.received), (0, 0));
}
