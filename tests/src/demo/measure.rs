//! What people see of the game and the directory, asked from a player's own namespace.

use crate::up::Running;
use anyhow::{Result, bail};
use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};
use vmatrix_wire::quake3::{Packet, ServersQuery};

const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the game answers one of some questions from there.
pub fn answers(running: &Running, player: &str, server: SocketAddr, questions: u32) -> Result<bool> {
    let socket = socket(running, player)?;
    for number in 0..questions {
        let challenge = format!("a{number}");
        socket.send_to(
            &Packet::GetInfo {
                challenge: challenge.clone(),
            }
            .encode(),
            server,
        )?;
        let mut buffer = [0; 4096];
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && let Ok(Packet::Info(info)) = Packet::parse(&buffer[..length])
            && from == server
            && info.challenge == challenge
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The servers that a directory lists, by `getserversExt`.
pub fn listed(
    running: &Running,
    player: &str,
    directory: SocketAddr,
    query: &ServersQuery,
) -> Result<Vec<SocketAddr>> {
    let socket = socket(running, player)?;
    let question = Packet::GetServers(query.clone()).encode();
    for _ in 0..3 {
        let mut servers = Vec::new();
        socket.send_to(&question, directory)?;
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let (true, Ok(Packet::Servers(list))) = (from == directory, Packet::parse(&buffer[..length])) {
                servers.extend(list.servers);
                if list.last {
                    return Ok(servers);
                }
            }
        }
    }
    bail!("the directory {directory} does not answer {player}")
}

fn socket(running: &Running, player: &str) -> Result<UdpSocket> {
    let socket = running.in_namespace(player, || UdpSocket::bind("0.0.0.0:0"))??;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}
