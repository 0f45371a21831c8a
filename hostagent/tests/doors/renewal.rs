//! What is kept over restarts, and doors that cannot be opened.

use super::house::{ANY, House};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use vmatrix_hostagent::agent::Home;
use vmatrix_hostagent::doors::certificate::Certificate;
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

/// As the agent kept it so many days ago.
fn keep_made_before(dir: &Path, days: i64) -> Certificate {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(now.as_millis()).unwrap();
    let made = Certificate::make(now_ms - days * 86_400_000).unwrap();
    let home = Home::open(dir).unwrap();
    home.keep_certificates(std::slice::from_ref(made.kept())).unwrap();
    made
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_shown_while_its_follower_is_told_and_one_that_ends_now_is_replaced()
{
    for (days, hashes, stays) in [(1, 1, true), (10, 2, true), (12, 1, false), (20, 1, false)] {
        let dir = tempfile::tempdir().unwrap();
        let made = keep_made_before(dir.path(), days);
        let house = House::with_dir(dir, both()).await;
        let told = &house.open.webtransport.as_ref().unwrap().hashes;
        assert_eq!(
            (told.len(), told[0] == made.hash()),
            (hashes, stays),
            "after {days} days"
        );
        let shown = &house.open.webrtc.as_ref().unwrap().fingerprint;
        assert_eq!(*shown == made.fingerprint(), stays, "after {days} days");
        let first_alone = vec![told[0].clone()];
        super::webtransport::connect_trusting(&house, &first_alone)
            .await
            .unwrap();
    }
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
