use super::house::{House, TICKET};
use super::rtc::{Client, Shown};
use super::webtransport::throw_garbage;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;
use vmatrix_hostagent::doors::DoorsConfig;

const PATIENCE: Duration = Duration::from_secs(20);
/// What must not happen is waited for this long.
const A_WHILE: Duration = Duration::from_millis(800);

fn client(house: &House, ticket: &str, password: &str) -> Client {
    let fingerprint = &house.open.webrtc.as_ref().unwrap().fingerprint;
    Client::new(
        house.webrtc(),
        &Shown {
            ticket,
            password,
            fingerprint,
        },
    )
}

/// The client blocks, and the doors go on meanwhile.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn who_has_a_ticket_gets_small_messages_back_as_they_came() {
    let house = House::open().await;
    let mut client = client(&house, TICKET, TICKET);
    beside(move || {
        assert!(client.opens_within(PATIENCE));
        for length in [1, 16, 64] {
            let message: Vec<u8> = (0..length).collect();
            assert_eq!(client.echo(&message, PATIENCE).as_deref(), Some(&message[..]));
        }
        assert_eq!(client.echo(&[0; 65], A_WHILE), None, "a long one is dropped");
        assert_eq!(client.echo(b"again", PATIENCE).as_deref(), Some(&b"again"[..]));
    })
    .await;
}

#[tokio::test]
async fn without_the_ticket_or_its_password_nothing_opens_and_nobody_is_inside() {
    let house = House::open().await;
    let strange = "abcdefghijklmnopqrstuvwxyzABCDEG";
    for (ticket, password) in [(strange, strange), (TICKET, strange), (strange, TICKET)] {
        let mut client = client(&house, ticket, password);
        assert!(!beside(move || client.opens_within(A_WHILE)).await);
        assert_eq!(house.doors.visits(), 0);
    }
}

#[tokio::test]
async fn a_ticket_that_arrives_later_opens_for_who_has_waited() {
    let house = House::open().await;
    house.admit(&[]);
    let mut client = client(&house, TICKET, TICKET);
    let mut client = beside(move || {
        assert!(!client.opens_within(A_WHILE));
        client
    })
    .await;
    house.admit(&[TICKET]);
    assert!(beside(move || client.opens_within(PATIENCE)).await);
}

#[tokio::test]
async fn a_ticket_that_was_withdrawn_ends_what_it_had_opened() {
    let house = House::open().await;
    let mut client = client(&house, TICKET, TICKET);
    let mut client = beside(move || {
        assert!(client.opens_within(PATIENCE) && client.echo(b"1", PATIENCE).is_some());
        client
    })
    .await;
    house.admit(&[]);
    assert_eq!(beside(move || client.echo(b"2", A_WHILE)).await, None);
    house.wait_for(0).await;
}

#[tokio::test]
async fn the_fifth_visit_with_a_ticket_is_not_answered() {
    let house = House::open().await;
    let mut inside = Vec::new();
    for _ in 0..4 {
        let mut client = client(&house, TICKET, TICKET);
        inside.push(
            beside(move || {
                assert!(client.opens_within(PATIENCE));
                client
            })
            .await,
        );
    }
    let mut fifth = client(&house, TICKET, TICKET);
    assert!(!beside(move || fifth.opens_within(A_WHILE)).await);
    assert_eq!(house.doors.visits(), 4);
}

#[tokio::test]
async fn garbage_is_not_answered_and_hurts_nobody() {
    let house = House::open().await;
    let address = house.webrtc();
    let mut client = client(&house, TICKET, TICKET);
    beside(move || {
        assert!(client.opens_within(PATIENCE));
        let answered: usize = throw_garbage(address).iter().map(|(_, answered)| answered).sum();
        assert_eq!(answered, 0);
        assert!(client.echo(b"still here", PATIENCE).is_some());
    })
    .await;
}

/// As an agent opens it: one socket for both families.
#[tokio::test]
async fn both_families_come_in_by_one_port() {
    let any = DoorsConfig {
        webrtc: Some((Ipv6Addr::UNSPECIFIED, 0).into()),
        ..DoorsConfig::default()
    };
    let house = House::with(any).await;
    let door = house.open.webrtc.clone().unwrap();
    for address in [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ] {
        if UdpSocket::bind((address, 0)).is_err() {
            println!("{address} is left out: this machine does not have that family");
            continue;
        }
        let shown = Shown {
            ticket: TICKET,
            password: TICKET,
            fingerprint: &door.fingerprint,
        };
        let mut client = Client::new((address, door.port).into(), &shown);
        assert!(beside(move || client.opens_within(PATIENCE)).await, "{address}");
    }
}
