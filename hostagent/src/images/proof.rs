//! Waits until a guest that boots serves, by asking what its contract says, gently.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::UdpSocket,
    time::{sleep, timeout},
};
use vmatrix_wire::{
    Proof,
    quake3::{MAX_PACKET, Packet},
};

/// A page may take seconds when it is made for the first time on a slow accelerator.
const PATIENCE: Duration = Duration::from_secs(5);
/// A game answers ten questions a second in all, one a second per asker after a burst.
const GAME_PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(100);

/// Returns when the guest has answered validly; never if it does not.
pub(super) async fn wait(proof: &Proof, address: SocketAddr) {
    while !answers(proof, address).await {
        sleep(PAUSE).await;
    }
}

/// Asks once.
pub(super) async fn answers(proof: &Proof, address: SocketAddr) -> bool {
    match proof {
        Proof::Quake3 => timeout(GAME_PATIENCE, game(address))
            .await
            .is_ok_and(|answer| answer.is_ok()),
        Proof::Http { path } => page(&format!("http://{address}{path}")).await.unwrap_or(false),
    }
}

async fn game(address: SocketAddr) -> std::io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
    socket.connect(address).await?;
    let challenge = format!("{:08x}", rand::random::<u32>());
    socket
        .send(
            &Packet::GetInfo {
                challenge: challenge.clone(),
            }
            .encode(),
        )
        .await?;
    let mut bytes = vec![0; MAX_PACKET];
    loop {
        let length = socket.recv(&mut bytes).await?;
        if matches!(Packet::parse(&bytes[..length]), Ok(Packet::Info(info)) if info.challenge == challenge) {
            return Ok(());
        }
    }
}

async fn page(url: &str) -> reqwest::Result<bool> {
    let none = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(none)
        .no_proxy()
        .build()?;
    let answer = http.get(url).send().await?;
    let good = answer.status().as_u16() < 400;
    // The page is made when all of it has come.
    answer.bytes().await?;
    Ok(good)
}
