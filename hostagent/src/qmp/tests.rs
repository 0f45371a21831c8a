use super::*;
use tokio::io::DuplexStream;

/// The other end: greets, accepts the negotiation, then hands over the stream.
async fn qemu(stream: DuplexStream) -> BufReader<DuplexStream> {
    let mut stream = BufReader::new(stream);
    stream
        .write_all(b"{\"QMP\": {\"version\": {}}}\r\n")
        .await
        .unwrap();
    let command = take(&mut stream).await;
    assert_eq!(command["execute"], "qmp_capabilities");
    say(&mut stream, &json!({ "return": {}, "id": command["id"] })).await;
    stream
}

async fn take(stream: &mut BufReader<DuplexStream>) -> Value {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    serde_json::from_str(&line).unwrap()
}

async fn say(stream: &mut BufReader<DuplexStream>, message: &Value) {
    stream
        .write_all(format!("{message}\r\n").as_bytes())
        .await
        .unwrap();
}

async fn connected() -> (Qmp, Events, BufReader<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(4096);
    let (client, server) = tokio::join!(Qmp::over(ours), qemu(theirs));
    let (qmp, events) = client.unwrap();
    (qmp, events, server)
}

#[tokio::test]
async fn answers_find_their_commands_whatever_their_order() {
    let (qmp, mut events, mut server) = connected().await;
    let (first, second) = (qmp.clone(), qmp.clone());
    let both = tokio::spawn(async move {
        tokio::join!(
            first.execute("stop", json!({})),
            second.execute("query-status", json!({}))
        )
    });
    let (a, b) = (take(&mut server).await, take(&mut server).await);
    say(
        &mut server,
        &json!({ "event": "SOMETHING_NEW", "data": { "x": [1] }, "timestamp": {} }),
    )
    .await;
    say(&mut server, &json!({ "return": b["execute"], "id": b["id"] })).await;
    say(
        &mut server,
        &json!({ "error": { "class": "GenericError", "desc": "no" }, "id": a["id"] }),
    )
    .await;
    let (stop, status) = both.await.unwrap();
    assert_eq!(stop.unwrap_err().to_string(), "QEMU refused stop: no");
    assert_eq!(status.unwrap(), "query-status");
    assert_eq!(events.next().await.unwrap().name, "SOMETHING_NEW");
}

#[tokio::test]
async fn whoever_waits_is_woken_when_qemu_dies() {
    let (qmp, mut events, mut server) = connected().await;
    let other = qmp.clone();
    let waiting = tokio::spawn(async move { other.execute("stop", json!({})).await });
    take(&mut server).await;
    drop(server);
    assert!(matches!(waiting.await.unwrap(), Err(QmpError::Gone { command }) if command == "stop"));
    assert!(events.next().await.is_none());
    assert!(
        matches!(qmp.execute("cont", json!({})).await, Err(QmpError::Gone { .. })),
        "and later ones too"
    );
}

#[tokio::test]
async fn who_does_not_greet_is_not_qemu() {
    let (ours, mut theirs) = tokio::io::duplex(64);
    theirs.write_all(b"HTTP/1.1 400\r\n").await.unwrap();
    assert!(matches!(Qmp::over(ours).await, Err(QmpError::Greeting { line }) if line == "HTTP/1.1 400"));
}
