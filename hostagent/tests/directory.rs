//! The directory as players' programs see it: Debian's `quakestat`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;
use vmatrix_hostagent::command::run;
use vmatrix_hostagent::directory::Directory;
use vmatrix_wire::quake3::{GAMENAME, Packet};

/// Answers `getinfo` and `getstatus` as a game does.
async fn serve_game(socket: UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let vars = |challenge: &str| {
            format!(
                "\\challenge\\{challenge}\\protocol\\71\\gamename\\{GAMENAME}\\hostname\\Wolves against Bears\\sv_hostname\\Wolves against Bears\\mapname\\oa_dm1\\clients\\0\\sv_maxclients\\16\n"
            )
        };
        let answer = match Packet::parse(&buffer[..length]) {
            Ok(Packet::GetInfo { challenge }) => format!("infoResponse\n{}", vars(&challenge)),
            Ok(Packet::GetStatus { challenge }) => format!("statusResponse\n{}", vars(&challenge)),
            _ => continue,
        };
        socket
            .send_to(&[&[0xFF; 4], answer.as_bytes()].concat(), from)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn quakestat_lists_a_game_from_its_heartbeat_on_and_queries_it() {
    if run("quakestat", &["-default", "q3s", "127.0.0.1:1"], None)
        .await
        .is_err()
    {
        return println!("skipped: quakestat (package qstat) is not installed");
    }
    let directory = Directory::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let master = directory.address().unwrap();
    tokio::spawn(directory.serve());
    let game = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = game.local_addr().unwrap();
    let heartbeat = Packet::Heartbeat {
        tag: "QuakeArena-1".into(),
    }
    .encode();
    game.send_to(&heartbeat, master).await.unwrap();
    tokio::spawn(serve_game(game));
    // It waits for more packets of the list as long as it would wait for the first: 4 s with one retry.
    let args = ["-q3m,71", &master.to_string(), "-retry", "1", "-raw", "|"];
    let mut listed = String::new();
    for _ in 0..3 {
        listed = run("quakestat", &args, None).await.unwrap().stdout;
        if listed.contains("Wolves") {
            break;
        }
    }
    assert!(
        listed.contains(&format!("Q3S|{address}|Wolves against Bears|oa_dm1|16|0|")),
        "{listed}"
    );
}
