//! The socket's side: real UDP on the loopback. Links are tested with the whole program in web/tests/ping.rs.

use super::*;
use vmatrix_wire::echo::{Echo, Times};

const QUICK: Plan = Plan {
    samples: 4,
    warm_up: 1,
    interval: Duration::from_millis(20),
    // So long that a machine that is slow for a while loses nothing; who answers is not waited for.
    timeout: Duration::from_secs(20),
};

/// A host whose echo answers all but the questions in `silent`.
async fn host(any: IpAddr, silent: &'static [u16]) -> SocketAddr {
    let socket = UdpSocket::bind((any, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 100];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Echo::parse(&buffer[..length]).unwrap().question;
            let times = Times {
                received_us: 1,
                sent_us: 2,
            };
            if !silent.contains(&question.sequence) {
                let answer = Echo::answer(question, times).encode();
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    address
}

#[tokio::test]
async fn hosts_of_both_families_are_measured_at_once() {
    let hosts = [
        host(Ipv4Addr::LOCALHOST.into(), &[]).await,
        host(Ipv6Addr::LOCALHOST.into(), &[]).await,
    ];
    let asking = measure(QUICK, &hosts).await.unwrap();
    for index in 0..2 {
        assert_eq!(asking.rtts_us(index).len(), 4, "{asking:?}");
    }
}

#[tokio::test]
async fn what_is_lost_is_waited_for_and_then_lost() {
    let hosts = [host(Ipv4Addr::LOCALHOST.into(), &[0, 2, 4]).await];
    let plan = Plan {
        timeout: Duration::from_millis(300),
        ..QUICK
    };
    let asking = measure(plan, &hosts).await.unwrap();
    assert!(asking.rtts_us(0).len() <= 2, "{asking:?}");
}

#[tokio::test]
async fn addresses_are_taken_as_people_write_them() {
    for (text, expected) in [
        ("192.0.2.1", "192.0.2.1:27900"),
        ("192.0.2.1:5", "192.0.2.1:5"),
        ("2001:db8::1", "[2001:db8::1]:27900"),
        ("[2001:db8::1]:5", "[2001:db8::1]:5"),
    ] {
        let address = address_of(&target(text).unwrap()).await.unwrap();
        assert_eq!(address.to_string(), expected);
    }
    let named = target("localhost:77").unwrap();
    assert_eq!(named.to_string(), "localhost:77");
    assert_eq!(address_of(&named).await.unwrap().port(), 77);
    for (text, words) in [
        ("localhost:x", "\"x\" is no number from 1 to 65535"),
        ("localhost:0", "\"0\" is no number from 1 to 65535"),
        ("192.0.2.1:0", "\"0\" is no number from 1 to 65535"),
        ("[2001:db8::1]:0", "\"0\" is no number from 1 to 65535"),
        ("192.0.2.1:65536", "\"65536\" is no number from 1 to 65535"),
        (":0", "no name or address before the port"),
        ("", "no name or address before the port"),
    ] {
        let refused = target(text).unwrap_err();
        assert!(refused.contains(words), "{text}: {refused}");
    }
}
