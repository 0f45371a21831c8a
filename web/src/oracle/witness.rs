//! What the server asks itself, where no other host can look: one datagram or one request each, at most once a second.

use super::orders;
use crate::{
    app::App,
    domain::{Fleet, Time, beacon_port, is_out, vm_lookout, witness},
    store::{StoreError, hosts, vms},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};
use vmatrix_wire::{Ask, Proof};

/// How long an answer is waited for.
const WITHIN: Duration = Duration::from_millis(800);

/// One look at everything that nobody else looks at.
pub(super) async fn step(app: &App) {
    if let Err(error) = look(app).await {
        tracing::error!(%error, "the server could not look for itself");
    }
}

async fn look(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let fleet = orders::load(&mut tx, app).await?;
    drop(tx);
    for vm in fleet
        .vms
        .iter()
        .filter(|vm| is_out(vm) && vm.seen.verified_at.is_none())
    {
        let alone = witness(vm.host, &fleet.hosts, now).is_none();
        let Some(lookout) = vm_lookout(vm, &fleet).filter(|_| alone) else {
            continue;
        };
        let Ask::Vm { proof, .. } = &lookout.ask else {
            continue;
        };
        if answers(lookout.address, proof).await {
            let mut tx = app.db.begin().await?;
            if let Some(mut vm) = vms::get(&mut tx, vm.id).await? {
                vm.seen.verified_at = vm.seen.verified_at.or(Some(app.now()));
                vms::set_seen(&mut tx, vm.id, &vm.seen).await?;
                tx.commit().await?;
                app.changed();
            }
        }
    }
    reach(app, &fleet, now).await
}

async fn reach(app: &App, fleet: &Fleet, now: Time) -> Result<(), StoreError> {
    let unseen = fleet
        .hosts
        .iter()
        .filter(|record| record.reached_at.is_none() && !record.is_gone(now));
    for record in unseen.filter(|record| witness(record.host.id, &fleet.hosts, now).is_none()) {
        let Some(port) = beacon_port(&record.host, &fleet.vms) else {
            continue;
        };
        let frame = format!("vmatrix-beacon {}", record.reach_nonce).into_bytes();
        let address = SocketAddr::new(record.host.public_address, port);
        if ask(address, &frame).await.is_some_and(|answer| answer == frame) {
            let mut tx = app.db.begin().await?;
            hosts::set_reached(&mut tx, record.host.id, app.now()).await?;
            tx.commit().await?;
            app.changed();
        }
    }
    Ok(())
}

async fn answers(address: SocketAddr, proof: &Proof) -> bool {
    match proof {
        Proof::Quake3 => {
            let answer = ask(address, b"\xff\xff\xff\xffgetinfo vmatrix").await;
            answer.is_some_and(|answer| answer.starts_with(b"\xff\xff\xff\xffinfoResponse\n"))
        }
        Proof::Http { path } => tokio::time::timeout(WITHIN, get(address, path))
            .await
            .is_ok_and(|ok| ok.unwrap_or(false)),
    }
}

/// One datagram, and the first answer to it from there.
async fn ask(address: SocketAddr, frame: &[u8]) -> Option<Vec<u8>> {
    let any: SocketAddr = if address.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let socket = UdpSocket::bind(any).await.ok()?;
    // Connected, so that only answers from there are heard.
    socket.connect(address).await.ok()?;
    socket.send(frame).await.ok()?;
    let mut answer = vec![0; 2048];
    let length = tokio::time::timeout(WITHIN, socket.recv(&mut answer))
        .await
        .ok()?
        .ok()?;
    answer.truncate(length);
    Some(answer)
}

/// Whether a GET is answered with a status below 400.
async fn get(address: SocketAddr, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    let status = head
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| head.strip_prefix(b"HTTP/1.0 "));
    Ok(status.is_some_and(|status| matches!(status.first(), Some(b'1'..=b'3'))))
}
