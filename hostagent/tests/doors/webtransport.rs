use super::house::{House, TICKET};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::time::timeout;
use vmatrix_hostagent::doors::DoorsConfig;
use wtransport::error::ConnectingError;
use wtransport::tls::{Sha256Digest, Sha256DigestFmt};
use wtransport::{ClientConfig, Connection, Endpoint, VarInt};

const PATIENCE: Duration = Duration::from_secs(20);
/// What must not happen is waited for this long.
const A_WHILE: Duration = Duration::from_millis(800);

fn digest(hex: &str) -> Sha256Digest {
    let pairs: Vec<&str> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect();
    Sha256Digest::from_str_fmt(pairs.join(":"), Sha256DigestFmt::DottedHex).unwrap()
}

async fn connect_to(
    address: SocketAddr,
    hashes: &[String],
    path: &str,
) -> Result<Connection, ConnectingError> {
    let config = ClientConfig::builder()
        .with_bind_default()
        .with_server_certificate_hashes(hashes.iter().map(|hash| digest(hash)))
        .build();
    let client = Endpoint::client(config).unwrap();
    let url = format!("https://{address}{path}");
    timeout(PATIENCE, client.connect(url))
        .await
        .expect("no answer in time")
}

async fn connect(house: &House, path: &str) -> Result<Connection, ConnectingError> {
    let hashes = &house.open.webtransport.as_ref().unwrap().hashes;
    connect_to(house.webtransport(), hashes, path).await
}

/// Connects as one who was told these hashes.
pub async fn connect_trusting(house: &House, hashes: &[String]) -> Result<Connection, ConnectingError> {
    connect_to(house.webtransport(), hashes, &path()).await
}

async fn echo(connection: &Connection, message: &[u8]) -> Option<Vec<u8>> {
    connection.send_datagram(message).unwrap();
    let patience = if message.len() > 64 { A_WHILE } else { PATIENCE };
    let answer = timeout(patience, connection.receive_datagram()).await;
    answer.ok().map(|datagram| datagram.unwrap().to_vec())
}

fn path() -> String {
    format!("/measure/{TICKET}")
}

#[tokio::test]
async fn who_has_a_ticket_gets_small_datagrams_back_as_they_came() {
    let house = House::open().await;
    let connection = connect(&house, &path()).await.unwrap();
    for length in [1, 16, 64] {
        let message: Vec<u8> = (0..length).collect();
        assert_eq!(echo(&connection, &message).await.as_deref(), Some(&message[..]));
    }
    assert_eq!(echo(&connection, &[0; 65]).await, None, "a long one is dropped");
    assert_eq!(echo(&connection, b"again").await.as_deref(), Some(&b"again"[..]));
}

#[tokio::test]
async fn who_has_no_ticket_is_refused_with_a_status() {
    let house = House::open().await;
    for path in [
        "/measure/abcdefghijklmnopqrstuvwxyzABCDEG",
        "/measure/",
        "/",
        "/other",
    ] {
        let refused = connect(&house, path).await;
        assert!(
            matches!(refused, Err(ConnectingError::SessionRejected)),
            "{path}: {:?}",
            refused.err()
        );
    }
}

#[tokio::test]
async fn a_ticket_that_was_withdrawn_opens_no_more_and_ends_what_it_had_opened() {
    let house = House::open().await;
    let connection = connect(&house, &path()).await.unwrap();
    assert!(echo(&connection, b"1").await.is_some());
    house.admit(&[]);
    connection.send_datagram(b"2").unwrap();
    timeout(PATIENCE, connection.closed())
        .await
        .expect("the visit goes on");
    assert!(connect(&house, &path()).await.is_err());
    house.wait_for(0).await;
}

#[tokio::test]
async fn the_fifth_visit_with_a_ticket_is_refused_until_another_has_left() {
    let house = House::open().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(connect(&house, &path()).await.unwrap());
    }
    assert!(matches!(
        connect(&house, &path()).await,
        Err(ConnectingError::SessionRejected)
    ));
    open.pop().unwrap().close(VarInt::from_u32(0), b"");
    house.wait_for(3).await;
    connect(&house, &path()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_was_given_another_hash_does_not_talk_to_this_host() {
    let house = House::open().await;
    assert!(connect_trusting(&house, &["00".repeat(32)]).await.is_err());
}

/// Garbage is not answered at all, or with less than was sent, and nobody else notices.
#[tokio::test]
async fn garbage_is_not_answered_with_more_and_hurts_nobody() {
    let house = House::open().await;
    let connection = connect(&house, &path()).await.unwrap();
    let address = house.webtransport();
    let seen = tokio::task::spawn_blocking(move || throw_garbage(address));
    for (sent, answered) in seen.await.unwrap() {
        assert!(answered <= sent, "{answered} bytes for {sent}");
    }
    assert!(echo(&connection, b"still here").await.is_some());
}

/// Bytes sent and bytes that came back, for packets of every kind and some lengths.
pub fn throw_garbage(to: SocketAddr) -> Vec<(usize, usize)> {
    let socket = UdpSocket::bind((to.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0; 2_000];
    let mut seen = Vec::new();
    for first in (0..=255_u8).step_by(5) {
        for length in [1, 20, 100, 1_200] {
            let mut packet: Vec<u8> = (0..length)
                .map(|n: usize| (n * 31 + usize::from(first)) as u8)
                .collect();
            packet[0] = first;
            socket.send_to(&packet, to).unwrap();
            let answered = if first % 3 == 0 && length >= 100 {
                socket.recv(&mut buffer).unwrap_or(0)
            } else {
                0
            };
            seen.push((length, answered));
        }
    }
    // What came later is an answer to something, too.
    while let Ok(length) = socket.recv(&mut buffer) {
        seen.push((1_200, length));
    }
    seen
}

/// As an agent opens it: one socket for both families.
#[tokio::test]
async fn both_families_come_in_by_one_port() {
    let any = DoorsConfig {
        webtransport: Some((std::net::Ipv6Addr::UNSPECIFIED, 0).into()),
        ..DoorsConfig::default()
    };
    let house = House::with(any).await;
    let port = house.webtransport().port();
    let hashes = house.open.webtransport.as_ref().unwrap().hashes.clone();
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        if UdpSocket::bind(address.replace(&port.to_string(), "0")).is_err() {
            println!("{address} is left out: this machine does not have that family");
            continue;
        }
        let connection = connect_to(address.parse().unwrap(), &hashes, &path())
            .await
            .unwrap();
        assert!(echo(&connection, b"here").await.is_some(), "{address}");
    }
}
