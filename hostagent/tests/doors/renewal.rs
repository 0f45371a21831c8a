//! What is kept over restarts, and doors that cannot be opened.

use super::house::{ANY, House};
use std::os::unix::fs::PermissionsExt as _;
use vmatrix_hostagent::agent::Home;
use vmatrix_hostagent::doors::{Doors, DoorsConfig};

fn both() -> DoorsConfig {
    DoorsConfig {
        webtransport: Some(ANY),
        webrtc: Some(ANY),
        websocket: None,
    }
}

fn described(doors: &Doors) -> vmatrix_wire::Doors {
    let mut open = vmatrix_wire::Doors {
        echo: Some(27_900),
        ..Default::default()
    };
    doors.describe(&mut open);
    open
}

#[tokio::test]
async fn an_agent_that_is_started_again_is_known_by_the_same_certificate() {
    let House { doors, open, dir } = House::with(both()).await;
    drop(doors);
    let again = Doors::open(Home::open(dir.path()).unwrap(), both()).await;
    let seen = described(&again);
    let (before, after) = (open.webtransport.unwrap(), seen.webtransport.unwrap());
    assert_eq!(before.hashes, after.hashes);
    assert_eq!(before.hashes.len(), 1);
    assert_eq!(open.webrtc.unwrap().fingerprint, seen.webrtc.unwrap().fingerprint);
    assert_eq!(seen.echo, Some(27_900), "what others have written stays");
    let file = dir.path().join("certificates.json");
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_damaged_file_is_replaced_by_a_new_certificate() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("certificates.json"), "[{]").unwrap();
    let doors = Doors::open(Home::open(dir.path()).unwrap(), both()).await;
    assert_eq!(described(&doors).webtransport.unwrap().hashes.len(), 1);
}

#[tokio::test]
async fn a_port_that_is_taken_costs_only_that_door() {
    let taken = std::net::UdpSocket::bind(ANY).unwrap();
    let house = House::with(DoorsConfig {
        webtransport: Some(taken.local_addr().unwrap()),
        ..both()
    })
    .await;
    assert_eq!(house.open.webtransport, None);
    assert!(house.open.webrtc.is_some());
    let doors = Doors::none();
    assert_eq!(described(&doors).webrtc, None);
}
