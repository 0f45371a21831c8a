//! What the server asks itself, where no other host can look or none has had an answer: one datagram or one request each, once a second.

use super::orders;
use crate::{
    app::App,
    domain::{Fleet, Onlooker, Time, Vm, VmSeen, beacon_port, host_witness, is_out, vm_lookout, vm_witness},
    store::{StoreError, hosts, vms},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};
use vmatrix_wire::{
    Ask, Lookout, Proof,
    quake3::{MAX_PACKET, Packet, ServersQuery},
};

/// How long an answer is waited for.
const WITHIN: Duration = Duration::from_millis(800);

/// One look at everything that nobody else looks at.
pub(super) async fn step(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let fleet = orders::load(&mut tx, app).await?;
    drop(tx);
    let ours = |vm: &&Vm| is_out(vm) && vm_witness(vm, &fleet.hosts, now).is_none();
    for vm in fleet.vms.iter().filter(ours) {
        if let Some(lookout) = vm_lookout(vm, &fleet) {
            look_at(app, vm, &lookout).await?;
        }
    }
    reach(app, &fleet, now).await
}

/// Asks what is not known of a VM yet.
async fn look_at(app: &App, vm: &Vm, lookout: &Lookout) -> Result<(), StoreError> {
    let Ask::Vm {
        proof,
        gamename,
        game_protocol,
        masters,
    } = &lookout.ask
    else {
        return Ok(());
    };
    let verified = vm.seen.verified_at.is_none() && answers(lookout.address, proof).await;
    let query = ServersQuery::all(gamename, *game_protocol);
    let listed = vm.seen.listed_at.is_none() && is_listed(lookout.address, masters, &query).await;
    if !verified && !listed {
        return Ok(());
    }
    let now = app.now();
    let seen = VmSeen {
        verified_at: verified.then_some(now),
        listed_at: listed.then_some(now),
        ..VmSeen::default()
    };
    let mut tx = app.db.begin().await?;
    vms::add_facts(&mut tx, vm, &seen).await?;
    tx.commit().await?;
    app.changed();
    Ok(())
}

async fn reach(app: &App, fleet: &Fleet, now: Time) -> Result<(), StoreError> {
    let unseen = fleet
        .hosts
        .iter()
        .filter(|record| record.reached.is_none() && !record.is_gone(now));
    for record in unseen.filter(|record| host_witness(record, &fleet.hosts, now).is_none()) {
        let Some(port) = beacon_port(&record.host, &fleet.vms) else {
            continue;
        };
        let frame = format!("vmatrix-beacon {}", record.reach_nonce).into_bytes();
        let address = SocketAddr::new(record.host.public_address, port);
        let same = |answer: &[u8]| (answer == frame).then_some(());
        if ask(address, &frame, same).await.is_some() {
            let mut tx = app.db.begin().await?;
            hosts::set_reached(&mut tx, record.host.id, Onlooker::Server, app.now()).await?;
            tx.commit().await?;
            app.changed();
        }
    }
    Ok(())
}

async fn answers(address: SocketAddr, proof: &Proof) -> bool {
    match proof {
        Proof::Quake3 => {
            let question = Packet::GetInfo {
                challenge: "vmatrix".into(),
            }
            .encode();
            let is_info =
                |answer: &[u8]| matches!(Packet::parse(answer), Ok(Packet::Info(_))).then_some(true);
            ask(address, &question, is_info).await.unwrap_or(false)
        }
        Proof::Http { path } => tokio::time::timeout(WITHIN, get(address, path))
            .await
            .is_ok_and(|answer| answer.unwrap_or(false)),
    }
}

async fn is_listed(address: SocketAddr, masters: &[SocketAddr], query: &ServersQuery) -> bool {
    let question = Packet::GetServers(query.clone()).encode();
    let has_it = |answer: &[u8]| match Packet::parse(answer) {
        Ok(Packet::Servers(list)) if list.servers.contains(&address) => Some(true),
        Ok(Packet::Servers(list)) if list.last => Some(false),
        _ => None,
    };
    let asked = masters.iter().map(|master| ask(*master, &question, has_it));
    futures_util::future::join_all(asked).await.contains(&Some(true))
}

/// One datagram; then what comes back from there, until an answer is the right one.
async fn ask<T>(address: SocketAddr, question: &[u8], right: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let any: SocketAddr = if address.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let exchange = async {
        let socket = UdpSocket::bind(any).await.ok()?;
        // Connected, so that only answers from there are heard.
        socket.connect(address).await.ok()?;
        socket.send(question).await.ok()?;
        let mut answer = vec![0; MAX_PACKET];
        loop {
            let length = socket.recv(&mut answer).await.ok()?;
            if let Some(found) = right(answer.get(..length)?) {
                return Some(found);
            }
        }
    };
    tokio::time::timeout(WITHIN, exchange).await.ok()?
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
