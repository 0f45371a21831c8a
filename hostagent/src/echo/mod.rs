//! The UDP echo of this host: answers players' questions at once, on a thread of its own, so that what is measured is the
//! way and not the agent's other work. The frame is `vmatrix_wire::echo`; who is answered how often, [`limiter`].

pub mod limiter;

use limiter::{Limiter, Share};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vmatrix_wire::echo::{Echo, LENGTH, Question, Times};

/// How soon the thread sees that it is to end.
const LOOK_UP: Duration = Duration::from_millis(200);

/// The door of the echo while it is open; closed when dropped.
pub struct Door {
    port: u16,
    end: Arc<AtomicBool>,
}

impl Door {
    /// Answers on this port; 0 lets the system choose one. On the host's public address if that is an address of this
    /// machine, so that answers come from where was asked; else, behind NAT, on all addresses.
    ///
    /// # Errors
    /// If the port is taken, or there is no thread.
    pub fn open(public: IpAddr, port: u16, share: Share) -> std::io::Result<Self> {
        let socket = bind(public, port)?;
        let port = socket.local_addr()?.port();
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        std::thread::Builder::new()
            .name("echo".to_owned())
            .spawn(move || serve(&socket, Limiter::new(share), &ended))?;
        Ok(Self { port, end })
    }

    /// The port that it is answered on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

fn bind(public: IpAddr, port: u16) -> std::io::Result<UdpSocket> {
    let everywhere: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    let mut bound = UdpSocket::bind(SocketAddr::new(public, port));
    for address in everywhere {
        match &bound {
            // Not an address of this machine, or a system without IPv6.
            Err(error) if error.kind() != ErrorKind::AddrInUse => bound = UdpSocket::bind((address, port)),
            _ => break,
        }
    }
    let socket = bound?;
    socket.set_read_timeout(Some(LOOK_UP))?;
    Ok(socket)
}

fn asked(frame: &[u8]) -> Option<Question> {
    match Echo::parse(frame) {
        Ok(Echo {
            question,
            times: None,
        }) => Some(question),
        _ => None,
    }
}

fn answer(question: Question, received: Duration, sent: Duration) -> [u8; LENGTH] {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let times = Times {
        received_us: us(received),
        sent_us: us(sent),
    };
    Echo::answer(question, times).encode()
}

/// Answers until told to end. The socket has a read timeout.
fn serve(socket: &UdpSocket, limiter: Limiter, end: &AtomicBool) {
    let mut answering = Answering::new(limiter);
    while !end.load(Ordering::Relaxed) {
        match answering.next(socket) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // No error is lasting, and none may make this loop spin.
            Err(error) => {
                tracing::debug!(%error, "the echo's socket");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// What answers one question after the other.
pub struct Answering {
    start: Instant,
    limiter: Limiter,
    /// One byte more than a frame, so that a longer packet is seen to be longer.
    buffer: [u8; LENGTH + 1],
}

impl Answering {
    /// Whose clock begins now.
    #[must_use]
    pub fn new(limiter: Limiter) -> Self {
        Self {
            start: Instant::now(),
            limiter,
            buffer: [0; LENGTH + 1],
        }
    }

    /// Takes the next packet, and answers it if it is a question and its prefix is not over its share.
    ///
    /// # Errors
    /// If the socket cannot be read.
    pub fn next(&mut self, socket: &UdpSocket) -> std::io::Result<()> {
        let (length, from) = socket.recv_from(&mut self.buffer)?;
        let received = self.start.elapsed();
        let frame = self.buffer.get(..length).unwrap_or_default();
        if let Some(question) = asked(frame)
            && self.limiter.allow(from.ip(), received)
        {
            let answer = answer(question, received, self.start.elapsed());
            // Nobody can be told of a failure; it is a lost packet.
            let _ = socket.send_to(&answer, from);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn client(door: &Door) -> UdpSocket {
        let client = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        client.connect((LOOPBACK, door.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client
    }

    fn question(sequence: u16) -> Question {
        Question {
            nonce: [7; 16],
            sequence,
            asked: 99,
        }
    }

    /// What is answered comes in turn, so what came before the answered question was not answered.
    #[test]
    fn well_formed_questions_are_answered_and_nothing_else_is() {
        let door = Door::open(LOOPBACK, 0, Share::default()).unwrap();
        let client = client(&door);
        let frame = Echo::ask(question(1)).encode();
        let mut damaged = frame;
        damaged[30] ^= 1;
        let times = Times {
            received_us: 1,
            sent_us: 2,
        };
        let an_answer = Echo::answer(question(2), times).encode();
        for refused in [
            &frame[..51],
            &[frame.as_slice(), b"x"].concat(),
            &damaged,
            &an_answer,
            b"",
        ] {
            client.send(refused).unwrap();
        }
        client.send(&Echo::ask(question(3)).encode()).unwrap();
        let mut buffer = [0; 100];
        let length = client.recv(&mut buffer).unwrap();
        let answer = Echo::parse(&buffer[..length]).unwrap();
        assert_eq!(answer.question, question(3));
        let times = answer.times.unwrap();
        assert!(times.received_us <= times.sent_us);
    }

    #[test]
    fn what_is_beyond_the_share_is_not_answered() {
        let share = Share::of(1, 2);
        let mut limiter = Limiter::new(share);
        let allowed = (0..5).filter(|_| limiter.allow(LOOPBACK, Duration::ZERO)).count();
        assert_eq!(allowed, 2);
        // By the socket: of any number of questions within one second the first two are, and at most one more for each second.
        let door = Door::open(LOOPBACK, 0, share).unwrap();
        let client = client(&door);
        for sequence in 0..5 {
            client.send(&Echo::ask(question(sequence)).encode()).unwrap();
        }
        let mut buffer = [0; 100];
        for expected in 0..2 {
            let length = client.recv(&mut buffer).unwrap();
            assert_eq!(
                Echo::parse(&buffer[..length]).unwrap().question.sequence,
                expected
            );
        }
    }

    #[test]
    fn a_taken_port_is_told() {
        let door = Door::open(LOOPBACK, 0, Share::default()).unwrap();
        let refused = Door::open(LOOPBACK, door.port(), Share::default()).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    }

    /// An address of documentation: no machine has it.
    #[test]
    fn behind_nat_all_addresses_are_listened_on() {
        let door = Door::open("192.0.2.1".parse().unwrap(), 0, Share::default()).unwrap();
        let client = client(&door);
        client.send(&Echo::ask(question(1)).encode()).unwrap();
        assert_eq!(client.recv(&mut [0; 100]).unwrap(), LENGTH);
    }
}
