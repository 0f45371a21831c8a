//! A small master server for the Quake III family, for leagues that want their own list: `vmatrix-agent directory`.
//!
//! Unlike dpmaster it drops a server at its first unanswered getinfo, so that a match that is over is soon off the list.

mod table;

use rand::{RngExt, distr::Alphanumeric};
use std::{io, net::SocketAddr, time::Duration};
use table::Table;
use tokio::{net::UdpSocket, time::Instant};
use vmatrix_wire::quake3::{MAX_PACKET, Packet, ServerList};

const TICK: Duration = Duration::from_millis(500);

/// A directory with its socket bound.
pub struct Directory {
    socket: UdpSocket,
}

impl Directory {
    /// Binds the address.
    ///
    /// # Errors
    /// If it is taken or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            socket: UdpSocket::bind(address).await?,
        })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// As the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until it is dropped.
    pub async fn serve(self) {
        let start = Instant::now();
        let mut table = Table::default();
        let mut buffer = vec![0; MAX_PACKET];
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tick(&mut table, start.elapsed()).await,
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => self.take(&mut table, start.elapsed(), from, &buffer[..length]).await,
                    // An ICMP answer to something that we sent: the one it concerns is dropped by its silence.
                    Err(error) => tracing::debug!(%error, "directory socket"),
                },
            }
        }
    }

    async fn tick(&self, table: &mut Table, now: Duration) {
        let (questions, dropped) = table.tick(now, challenge);
        for server in dropped {
            tracing::info!(%server, "off the list");
        }
        for question in questions {
            self.send(
                question.to,
                &Packet::GetInfo {
                    challenge: question.challenge,
                }
                .encode(),
            )
            .await;
        }
    }

    async fn take(&self, table: &mut Table, now: Duration, from: SocketAddr, bytes: &[u8]) {
        if !table.admits(from.ip(), now) {
            return;
        }
        match Packet::parse(bytes) {
            Ok(Packet::Heartbeat { .. }) => {
                if let Some(question) = table.heartbeat(from, now, challenge()) {
                    self.send(
                        from,
                        &Packet::GetInfo {
                            challenge: question.challenge,
                        }
                        .encode(),
                    )
                    .await;
                }
            }
            Ok(Packet::Info(info)) => {
                let known = table.lists(&from);
                if table.answer(from, now, info) && !known {
                    tracing::info!(server = %from, "listed");
                }
            }
            Ok(Packet::GetServers(query)) => {
                for packet in ServerList::packets(query.extended, &table.list(&query)) {
                    self.send(from, &packet).await;
                }
            }
            // Strangers' packets are dropped in silence.
            Ok(_) | Err(_) => {}
        }
    }

    async fn send(&self, to: SocketAddr, packet: &[u8]) {
        if let Err(error) = self.socket.send_to(packet, to).await {
            tracing::debug!(%error, "directory could not answer");
        }
    }
}

fn challenge() -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(12)
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmatrix_wire::quake3::{GAMENAME, PROTOCOL, ServersQuery, Vars};

    async fn receive(socket: &UdpSocket) -> Packet {
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).await.unwrap();
        Packet::parse(&buffer[..length]).unwrap()
    }

    #[tokio::test]
    async fn a_server_that_sends_a_heartbeat_and_answers_is_in_the_list() {
        let directory = Directory::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = directory.address().unwrap();
        tokio::spawn(directory.serve());
        let game = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        game.connect(address).await.unwrap();
        game.send(
            &Packet::Heartbeat {
                tag: "DarkPlaces".into(),
            }
            .encode(),
        )
        .await
        .unwrap();
        let Packet::GetInfo { challenge } = receive(&game).await else {
            panic!("no getinfo")
        };
        let vars = [
            ("challenge", challenge.as_str()),
            ("gamename", GAMENAME),
            ("protocol", "71"),
            ("hostname", "x"),
            ("mapname", "m"),
            ("clients", "0"),
            ("sv_maxclients", "8"),
        ];
        let answer = Vars::new(&vars)
            .iter()
            .map(|(k, v)| format!("\\{k}\\{v}"))
            .collect::<String>();
        let bytes = [b"\xFF\xFF\xFF\xFFinfoResponse\n".as_slice(), answer.as_bytes()].concat();
        game.send(&bytes).await.unwrap();
        let player = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        player.connect(address).await.unwrap();
        player
            .send(&Packet::GetServers(ServersQuery::all(GAMENAME, PROTOCOL)).encode())
            .await
            .unwrap();
        let Packet::Servers(list) = receive(&player).await else {
            panic!("no list")
        };
        assert_eq!(list.servers, [game.local_addr().unwrap()]);
        assert!(list.last);
    }
}
