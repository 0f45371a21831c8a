//! What the loops do for the doors of a host.

use super::*;
use crate::doors::DoorsConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use vmatrix_wire::Pass;

/// The port of a listener that is gone, so that nobody has it.
async fn websocket() -> crate::doors::WebSocketConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    crate::doors::WebSocketConfig {
        listen: listener.local_addr().unwrap(),
        url: "wss://play.example/host1".parse().unwrap(),
    }
}

#[tokio::test]
async fn what_is_open_is_reported_and_whoever_is_in_the_orders_may_come_in() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let websocket = websocket().await;
    let address = websocket.listen;
    let config = DoorsConfig {
        webtransport: Some("127.0.0.1:0".parse().unwrap()),
        websocket: Some(websocket),
        webrtc: None,
    };
    let doors = Doors::open(home.clone(), config).await;
    let _agent = start_with(&home, fake.server(), &machines, doors);
    let open = fake.report(|_| true).await.facts.doors;
    assert_eq!(open.webtransport.unwrap().hashes.len(), 1);
    assert_eq!(open.websocket.as_deref(), Some("wss://play.example/host1"));
    assert_eq!((open.webrtc, open.echo), (None, None));

    let ticket = "abcdefghijklmnopqrstuvwxyzABCDEF";
    let enter = || async {
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(format!("ws://{address}/measure/{ticket}"), stream)
            .await
            .is_ok()
    };
    assert!(!enter().await);
    for (generation, tickets, admitted) in [(1, vec![ticket], true), (2, vec![], false)] {
        let pass = |ticket: &&str| Pass {
            ticket: Secret::new(*ticket),
        };
        let orders = Orders {
            passes: tickets.iter().map(pass).collect(),
            ..orders(generation, vec![])
        };
        let asked = fake
            .next(&format!("GET /agent/v1/orders?since={}", generation - 1))
            .await;
        asked
            .answer("200 OK", &serde_json::to_string(&orders).unwrap())
            .await;
        fake.report(|report| report.generation == generation).await;
        assert_eq!(enter().await, admitted, "by generation {generation}");
    }
}
