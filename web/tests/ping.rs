//! `vmatrix ping` as players run it, against a host's echo and a server of one link on the loopback.
#![allow(clippy::unwrap_used)]

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Output;
use std::sync::{Arc, Mutex};
use tokio::process::Command;
use vmatrix_wire::echo::{Echo, Times};

/// A host's echo; gives its port.
fn host() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let question = Echo::parse(&buffer[..length]).unwrap().question;
            let times = Times {
                received_us: 1,
                sent_us: 2,
            };
            socket
                .send_to(&Echo::answer(question, times).encode(), from)
                .unwrap();
        }
    });
    port
}

type Said = Arc<Mutex<Vec<Value>>>;

/// A server with one link, which says this of its hosts and keeps what is sent in.
async fn server(hosts: Value) -> (String, Said) {
    let said = Said::default();
    let begun =
        json!({"nonce": "n1", "ticket": "t", "samples": 3, "warm_up": 1, "interval_ms": 20, "hosts": hosts});
    let begin = move |Json(who): Json<Value>| async move {
        if who["name"] == "strixx" && who["new"] != true {
            let question = "strixx is not among those who are expected (strix): join as a new player?";
            let problem = json!({"detail": question, "errors": [{"field": "new"}]});
            return (StatusCode::CONFLICT, Json(problem));
        }
        (StatusCode::OK, Json(begun))
    };
    let result = |State(said): State<Said>, Json(body): Json<Value>| async move {
        let answer = if body["name"] == "nobody" {
            let problem = json!({"type": "about:blank", "detail": "name: the roster is full"});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(problem))
        } else {
            let joined = json!({"player": body["name"], "measured": 1});
            (StatusCode::OK, Json(joined))
        };
        said.lock().unwrap().push(body);
        answer
    };
    let app = Router::new()
        .route("/play/secret/begin", post(begin))
        .route("/play/secret/result", post(result))
        .with_state(Arc::clone(&said));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (format!("http://{address}/play/secret"), said)
}

async fn ping(words: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmatrix"));
    let output = command
        .arg("ping")
        .args(words)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("secret"), "the link is a secret: {errors}");
    (output, errors)
}

#[tokio::test]
async fn hosts_are_measured_and_who_is_silent_is_seen() {
    let near = format!("127.0.0.1:{}", host());
    let mute = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = mute.local_addr().unwrap().to_string();
    let few = ["--samples", "2", "--interval", "20"];
    let (output, errors) = ping(&[&few[..], &[&near, &silent]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let table = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| {
        table
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(line(&near).ends_with(" 0 %"), "{table}");
    assert!(line(&silent).ends_with(" 100 %"), "{table}");
    let (output, _) = ping(&[&few[..], &[&silent]].concat()).await;
    assert_eq!(output.status.code(), Some(1), "nobody answered");
    let (_, errors) = ping(&[&few[..], &[&near, &silent]].concat()).await;
    let hint = format!("nothing came back from {silent}: the echo may be off there");
    assert!(errors.contains(&hint) && errors.contains("firewall"), "{errors}");
    assert!(!errors.contains(&near), "{errors}");
}

#[tokio::test]
async fn a_link_is_measured_and_sent_in() {
    let mute = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (link, said) = server(json!([
        {"id": "h1", "name": "near", "address": "127.0.0.1", "doors": {"echo": host()}},
        {"id": "h2", "name": "silent", "address": "127.0.0.1", "doors": {"echo": mute.local_addr().unwrap().port()}},
        {"id": "h3", "name": "none", "address": "127.0.0.1", "doors": {}},
    ]))
    .await;
    let (output, errors) = ping(&["--link", &link, "--name", "akela"]).await;
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let body = said.lock().unwrap().remove(0);
    assert_eq!(
        (&body["nonce"], &body["name"], &body["may_ping"], &body["via"]),
        (&json!("n1"), &json!("akela"), &Value::Null, &json!("udp"))
    );
    let hosts = body["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 1, "who did not answer is left out: {body}");
    assert_eq!(
        (&hosts[0]["id"], &hosts[0]["way"], &hosts[0]["sent"]),
        (&json!("h1"), &json!("udp"), &json!(3))
    );
    assert!(!hosts[0]["rtts_us"].as_array().unwrap().is_empty());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("akela is on the roster, with round-trip times to 1 hosts"),
        "{told}"
    );
    assert!(told.contains("You said nothing of pings"), "{told}");
    let (output, errors) = ping(&["--link", &link, "--name", "akela", "--may-ping"]).await;
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(said.lock().unwrap().remove(0)["may_ping"], true);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("You agreed that the game hosts ping"), "{told}");
}

#[tokio::test]
async fn who_cannot_join_under_their_name_is_told_before_they_measure() {
    let mute = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let echo = mute.local_addr().unwrap().port();
    let (link, said) =
        server(json!([{"id": "h1", "name": "silent", "address": "127.0.0.1", "doors": {"echo": echo}}]))
            .await;
    let (output, errors) = ping(&["--link", &link, "--name", "a\u{202e}b"]).await;
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("is not a name"), "{errors}");
    let (output, errors) = ping(&["--link", &link, "--name", "strixx"]).await;
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("expected (strix): join as a new player? With --new you do"),
        "{errors}"
    );
    assert!(output.stdout.is_empty(), "nothing was measured");
    mute.set_nonblocking(true).unwrap();
    assert!(mute.recv(&mut [0; 1]).is_err(), "no question came");
    assert!(said.lock().unwrap().is_empty());
}

#[tokio::test]
async fn each_failure_is_said_in_words() {
    let (link, _) =
        server(json!([{"id": "h1", "name": "near", "address": "127.0.0.1", "doors": {"echo": host()}}]))
            .await;
    let (without, _) = server(json!([{"id": "h1", "name": "near", "address": "127.0.0.1"}])).await;
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = format!(
        "http://127.0.0.1:{}/play/secret",
        taken.local_addr().unwrap().port()
    );
    for (link, name, code, words) in [
        (
            link.as_str(),
            "nobody",
            1,
            "the server refuses: name: the roster is full",
        ),
        (
            &link.replace("/play/", "/vm/play/"),
            "akela",
            1,
            "answered 404, not in the words of a vMatrix server",
        ),
        (&without, "akela", 1, "none of the match's 1 hosts has a UDP echo"),
        (&closed, "akela", 1, "the server 127.0.0.1 cannot be reached"),
        ("http://127.0.0.1/matches/7", "akela", 1, "is no invite link"),
        ("here", "akela", 2, "--link"),
    ] {
        let (output, errors) = ping(&["--link", link, "--name", name]).await;
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
    for wrong in [
        &[][..],
        &["--link", "http://127.0.0.1/play/x"],
        &["--samples", "0", "a"],
        &["--name", "x", "a"],
        &["--link", "http://127.0.0.1/play/x", "--name", "x", "a"],
        &[
            "--link",
            "http://127.0.0.1/play/x",
            "--name",
            "x",
            "--samples",
            "3",
        ],
        &["127.0.0.1:0"],
    ] {
        let (output, errors) = ping(wrong).await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {errors}");
        let by_parser = errors.contains("invalid value");
        assert!(
            by_parser || errors.contains("vmatrix ping --link <URL> --name <NAME>"),
            "{errors}"
        );
    }
}
