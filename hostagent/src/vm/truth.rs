//! The pings that an open game gives of its players: what was promised is set against them.

use super::driver::Driver;
use super::game::Inside;
use std::time::Duration;
use vmatrix_wire::GamePings;

/// How often the game is asked. With the looks every 5 s that is a third of what it answers an address.
pub(super) const SAMPLE_EVERY: Duration = Duration::from_secs(10);

impl Driver {
    /// Asks the game once. Without an answer the last one stays, under its old number.
    pub(super) async fn sample_pings(&self, inside: &Inside) {
        if let Some(status) = inside.status().await {
            self.with_report(|report| {
                let number = number_after(report.pings.as_ref());
                report.pings = Some(GamePings {
                    number,
                    players: status.pings(),
                });
            });
        }
    }
}

/// Of the first of this agent a random one: not that of an agent before, whose number is forgotten.
fn number_after(last: Option<&GamePings>) -> u64 {
    last.map_or_else(
        || u64::from(rand::random::<u32>()),
        |last| last.number.saturating_add(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use tokio::net::UdpSocket;
    use vmatrix_wire::PlayerPing;
    use vmatrix_wire::quake3::{Packet, Player, Status, Vars};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A game that answers one `getstatus` with these challenges after the question's.
    async fn game(after: &'static [&'static str]) -> Inside {
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let to = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 2_000];
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let Ok(Packet::GetStatus { challenge }) = Packet::parse(&buffer[..length]) else {
                panic!("not asked for the status");
            };
            for (ping, suffix) in after.iter().enumerate() {
                let player = Player {
                    score: 0,
                    ping: 40 + u32::try_from(ping).unwrap(),
                    name: "^2akela".into(),
                };
                let status = Status {
                    vars: Vars::new(&[("challenge", &format!("{challenge}{suffix}"))]),
                    players: vec![player],
                };
                socket
                    .send_to(&Packet::Status(status).encode(), from)
                    .await
                    .unwrap();
            }
            std::future::pending::<()>().await;
        });
        Inside::at(to, LOOPBACK)
    }

    #[tokio::test]
    async fn only_the_answer_to_the_question_is_taken() {
        let status = game(&["x", "", "y"]).await.status().await.unwrap();
        let akela = PlayerPing {
            name: "akela".into(),
            ping_ms: 41,
        };
        assert_eq!(status.pings(), [akela]);
        assert_eq!(game(&["x"]).await.status().await, None);
    }

    #[test]
    fn numbers_grow() {
        let of = |number| GamePings {
            number,
            players: Vec::new(),
        };
        assert_eq!(number_after(Some(&of(7))), 8);
        assert_eq!(number_after(Some(&of(u64::MAX))), u64::MAX);
        assert_ne!(
            [number_after(None), number_after(None)],
            [number_after(None), number_after(None)]
        );
    }
}
