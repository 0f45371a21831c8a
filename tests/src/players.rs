//! What players see of a game, each asked from their own namespace.

use crate::hurry::{Hurry, hurry};
use crate::up::{Running, UpError};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use vmatrix_wire::quake3::{Packet, Status};

/// Between two questions of one player. All players together must stay below the ten answers a second that a game
/// gives to the whole world, and leave some of them to others.
const EVERY: Duration = Duration::from_millis(1_700);
/// A question without an answer is lost after this long.
const LOST_AFTER: Duration = Duration::from_millis(800);
/// Questions per wanted answer before a player gives up.
const PATIENCE: usize = 4;

/// Round trips of one player's questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoundTrips {
    /// One per answer, in the order of asking; milliseconds.
    pub ms: Vec<f64>,
    /// Questions asked.
    pub sent: usize,
}

impl RoundTrips {
    /// The median; of an even number, the mean of the middle two. `None` without answers.
    #[must_use]
    pub fn median_ms(&self) -> Option<f64> {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
        Some(f64::midpoint(lower, upper))
    }
}

/// Measures the round trip of `getinfo` from each player's namespace, `samples` times, more than a second apart,
/// all players at once. A player whose questions stay unanswered has fewer samples.
///
/// # Errors
/// There is no such player, or no socket.
pub fn measure_getinfo(
    running: &Running,
    players: &[&str],
    server: SocketAddr,
    samples: usize,
) -> Result<BTreeMap<String, RoundTrips>, UpError> {
    let apart = EVERY / u32::try_from(players.len().max(1)).unwrap_or(u32::MAX);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let ask = |(number, player): (u32, &&str)| {
            let socket = socket(running, player)?;
            let first = start + apart * number;
            let measure = move || {
                hurry(Hurry::Watch);
                series(&socket, server, samples, first)
            };
            Ok((player.to_string(), scope.spawn(measure)))
        };
        let asking: Vec<_> = (0..).zip(players).map(ask).collect::<Result<_, UpError>>()?;
        let done = asking.into_iter().map(|(player, thread)| match thread.join() {
            Ok(trips) => Ok((player, trips.map_err(UpError::io("getinfo"))?)),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

/// One player's questions, on a fixed beat.
fn series(
    socket: &UdpSocket,
    server: SocketAddr,
    samples: usize,
    mut next: Instant,
) -> std::io::Result<RoundTrips> {
    let mut trips = RoundTrips::default();
    while trips.ms.len() < samples && trips.sent < samples * PATIENCE {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        // From now on: one that came late must not bring the next one near.
        next = Instant::now() + EVERY;
        trips.sent += 1;
        let challenge = format!("{:08x}{}", rand::random::<u32>(), trips.sent);
        let question = Packet::GetInfo {
            challenge: challenge.clone(),
        };
        let answer = |packet: &Packet| matches!(packet, Packet::Info(info) if info.challenge == challenge);
        if let Some((_, took)) = ask(socket, server, &question, LOST_AFTER, answer)? {
            trips.ms.push(took.as_secs_f64() * 1000.0);
        }
    }
    Ok(trips)
}

/// The game's status as a player sees it, asked up to five times; `None` if it does not answer.
///
/// # Errors
/// There is no such player, or no socket.
pub fn status(running: &Running, player: &str, server: SocketAddr) -> Result<Option<Status>, UpError> {
    let socket = socket(running, player)?;
    for number in 0..5 {
        let challenge = format!("s{number}");
        let answer = |packet: &Packet| matches!(packet, Packet::Status(_));
        let question = Packet::GetStatus { challenge };
        let asked = ask(&socket, server, &question, Duration::from_millis(1_200), answer);
        if let Some((Packet::Status(status), _)) = asked.map_err(UpError::io("getstatus"))? {
            return Ok(Some(status));
        }
    }
    Ok(None)
}

/// A UDP socket of a player's.
pub(crate) fn socket(running: &Running, player: &str) -> Result<UdpSocket, UpError> {
    let bound = running.in_namespace(player, || UdpSocket::bind("0.0.0.0:0"))?;
    bound.map_err(UpError::io(format!("a socket of {player}")))
}

/// Asks one question and waits for its answer; other packets are passed over.
fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    question: &Packet,
    limit: Duration,
    is_answer: impl Fn(&Packet) -> bool,
) -> std::io::Result<Option<(Packet, Duration)>> {
    let question = question.encode();
    let mut buffer = [0; 16_384];
    let sent = Instant::now();
    socket.send_to(&question, server)?;
    loop {
        let left = limit.saturating_sub(sent.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let took = sent.elapsed();
        let packet = buffer.get(..length).and_then(|bytes| Packet::parse(bytes).ok());
        if let Some(packet) = packet.filter(|packet| from == server && is_answer(packet)) {
            return Ok(Some((packet, took)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        let of = |ms: &[f64]| {
            RoundTrips {
                ms: ms.to_vec(),
                sent: 0,
            }
            .median_ms()
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[5.0]), Some(5.0));
        assert_eq!(of(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(of(&[9.0, 1.0, 5.0, 6.0]), Some(5.5));
    }

    #[test]
    fn an_answer_counts_only_from_the_server_and_for_its_own_question() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let player = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = player.local_addr().unwrap();
        let info = |challenge: &str| {
            let text = format!("\\challenge\\{challenge}\\protocol\\71\\sv_maxclients\\8\\clients\\0");
            [b"\xff\xff\xff\xffinfoResponse\n", text.as_bytes()].concat()
        };
        stranger.send_to(&info("mine"), to).unwrap();
        server.send_to(&info("old"), to).unwrap();
        server.send_to(&info("mine"), to).unwrap();
        let question = Packet::GetInfo {
            challenge: "mine".into(),
        };
        let mine = |packet: &Packet| matches!(packet, Packet::Info(info) if info.challenge == "mine");
        let address = server.local_addr().unwrap();
        let answer = ask(&player, address, &question, Duration::from_secs(20), mine).unwrap();
        assert!(answer.is_some());
        let nothing = ask(&player, address, &question, Duration::from_millis(20), mine).unwrap();
        assert!(nothing.is_none());
    }
}
