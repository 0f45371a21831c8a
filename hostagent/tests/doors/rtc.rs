//! A client by WebRTC that is no browser: it does what `static/measure.js` has a browser do.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::config::Fingerprint;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};

pub struct Client {
    rtc: Rtc,
    socket: UdpSocket,
    channel: ChannelId,
    open: bool,
    answers: Vec<Vec<u8>>,
}

/// What the client shows, and what it was told of the host.
pub struct Shown<'a> {
    pub ticket: &'a str,
    pub password: &'a str,
    pub fingerprint: &'a str,
}

impl Client {
    pub fn new(host: SocketAddr, shown: &Shown<'_>) -> Self {
        let socket = UdpSocket::bind((host.ip(), 0)).unwrap();
        let mut rtc = Rtc::builder().clear_codecs().build(Instant::now());
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), Protocol::Udp).unwrap());
        rtc.add_remote_candidate(Candidate::host(host, Protocol::Udp).unwrap());
        let mut direct = rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: shown.ticket.to_owned(),
            pass: shown.password.to_owned(),
        });
        let pairs = shown.fingerprint.split(':');
        direct.set_remote_fingerprint(Fingerprint {
            hash_func: "sha-256".to_owned(),
            bytes: pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect(),
        });
        direct.set_ice_controlling(true);
        direct.start_dtls(true).unwrap();
        direct.start_sctp(true);
        let channel = direct.create_data_channel(ChannelConfig {
            label: "measure".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            negotiated: Some(0),
            protocol: String::new(),
        });
        Self {
            rtc,
            socket,
            channel,
            open: false,
            answers: Vec::new(),
        }
    }

    /// Whether the channel is open within that time.
    pub fn opens_within(&mut self, time: Duration) -> bool {
        self.go_on(time, |client| client.open);
        self.open
    }

    /// What comes back to a message within that time.
    pub fn echo(&mut self, message: &[u8], time: Duration) -> Option<Vec<u8>> {
        let mut channel = self.rtc.channel(self.channel)?;
        assert!(channel.write(true, message).unwrap());
        self.go_on(time, |client| !client.answers.is_empty());
        self.answers.pop()
    }

    /// Goes on for that time, or until that is so.
    pub fn go_on(&mut self, time: Duration, until: impl Fn(&Self) -> bool) {
        let end = Instant::now() + time;
        let mut buffer = [0; 2_000];
        while Instant::now() < end && !until(self) && self.rtc.is_alive() {
            let Some(due) = self.drain() else {
                return;
            };
            let wait = due.min(end).saturating_duration_since(Instant::now());
            self.socket
                .set_read_timeout(Some(wait.max(Duration::from_millis(1))))
                .unwrap();
            let input = match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => Input::Receive(
                    Instant::now(),
                    Receive {
                        proto: Protocol::Udp,
                        source,
                        destination: self.socket.local_addr().unwrap(),
                        contents: buffer[..length].try_into().unwrap(),
                    },
                ),
                Err(_) => Input::Timeout(Instant::now()),
            };
            if self.rtc.handle_input(input).is_err() {
                return;
            }
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.rtc.poll_output().ok()? {
                Output::Timeout(due) => return Some(due),
                Output::Transmit(packet) => {
                    let _ = self.socket.send_to(&packet.contents, packet.destination);
                }
                Output::Event(Event::ChannelOpen(id, _)) => self.open = id == self.channel,
                Output::Event(Event::ChannelData(message)) => self.answers.push(message.data),
                Output::Event(_) => {}
            }
        }
    }
}
