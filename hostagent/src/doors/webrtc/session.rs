//! One browser's session: ICE, DTLS, SCTP and the one channel. No socket, and the time is an argument.

use super::super::gate::{IDLE, LONGEST_VISIT, Verdict};
use super::super::porter::Visit;
use super::sessions::Packet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::config::{DtlsCert, Fingerprint};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output, Rtc, RtcConfig, RtcError};

/// What one session may send here in all, so that it cannot fill memory: a page needs a twentieth of it.
const MOST_BYTES: usize = 256 << 10;
/// What waits to be sent or to be acknowledged.
const MOST_UNSENT: usize = 16 << 10;

/// Why a session cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("ICE: {0}")]
    Ice(String),
    #[error("{0}")]
    Rtc(#[from] RtcError),
}

pub(super) struct Session {
    rtc: Rtc,
    channel: ChannelId,
    visit: Visit,
    since: Instant,
    heard: Instant,
    bytes: usize,
    due: Instant,
}

impl Session {
    /// Begins a session with a browser that has shown `ticket` and calls itself `theirs`.
    pub(super) fn begin(
        now: Instant,
        (ticket, theirs): (&str, &str),
        from: SocketAddr,
        certificate: &DtlsCert,
        visit: Visit,
    ) -> Result<Self, SessionError> {
        let creds = |ufrag: &str, pass: &str| IceCreds {
            ufrag: ufrag.to_owned(),
            pass: pass.to_owned(),
        };
        let mut rtc = RtcConfig::new()
            .clear_codecs()
            .set_ice_lite(true)
            .set_local_ice_credentials(creds(ticket, ticket))
            .set_dtls_cert(certificate.clone())
            // The ticket is the proof; which key the browser has made a moment ago is nothing to us.
            .set_fingerprint_verification(false)
            .set_sctp_max_buffered_amount(MOST_UNSENT)
            .build(now);
        let own = Candidate::host(here(from), Protocol::Udp)
            .map_err(|error| SessionError::Ice(error.to_string()))?;
        rtc.add_local_candidate(own);
        let mut direct = rtc.direct_api();
        // An ICE-lite end asks nothing, so that it needs no password of the other.
        direct.set_remote_ice_credentials(creds(theirs, ""));
        // It must be told one, although none is compared.
        direct.set_remote_fingerprint(Fingerprint {
            hash_func: "sha-256".to_owned(),
            bytes: vec![0; 32],
        });
        direct.set_ice_controlling(false);
        direct.start_dtls(false)?;
        direct.start_sctp(false);
        let channel = direct.create_data_channel(ChannelConfig {
            label: "measure".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            negotiated: Some(0),
            protocol: String::new(),
        });
        Ok(Self {
            rtc,
            channel,
            visit,
            since: now,
            heard: now,
            bytes: 0,
            due: now,
        })
    }

    /// When it wants to be woken.
    pub(super) fn due(&self) -> Instant {
        self.due.min(self.end())
    }

    fn end(&self) -> Instant {
        (self.since + LONGEST_VISIT).min(self.heard + IDLE)
    }

    /// Takes a packet, and says whether the session goes on.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
        out: &mut Vec<Packet>,
    ) -> bool {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MOST_BYTES {
            return false;
        }
        let Ok(contents) = bytes.try_into() else {
            return true;
        };
        let receive = Receive {
            proto: Protocol::Udp,
            source: from,
            destination: here(from),
            contents,
        };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return true;
        }
        // A packet that is wrong may be somebody else's, with a forged address: it ends nothing.
        let _ = self.rtc.handle_input(input);
        self.drain(now, out)
    }

    /// Lets time pass, and says whether the session goes on.
    pub(super) fn elapse(&mut self, now: Instant, out: &mut Vec<Packet>) -> bool {
        now < self.end() && self.rtc.handle_input(Input::Timeout(now)).is_ok() && self.drain(now, out)
    }

    fn drain(&mut self, now: Instant, out: &mut Vec<Packet>) -> bool {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(due)) => {
                    // Never at once again: a library that asks for the present moment must not make us spin.
                    self.due = due.max(now + Duration::from_millis(1));
                    return self.rtc.is_alive();
                }
                Ok(Output::Transmit(packet)) => out.push(Packet {
                    to: packet.destination,
                    bytes: packet.contents.to_vec(),
                }),
                Ok(Output::Event(event)) => {
                    if !self.note(now, &event) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    }

    fn note(&mut self, now: Instant, event: &Event) -> bool {
        match event {
            Event::ChannelData(message) => {
                self.heard = now;
                match self.visit.hear(message.data.len()) {
                    Verdict::Answer => {
                        if let Some(mut channel) = self.rtc.channel(message.id) {
                            // What does not fit is lost, as on the way.
                            let _ = channel.write(message.binary, &message.data);
                        }
                        true
                    }
                    Verdict::Drop => true,
                    Verdict::Leave => false,
                }
            }
            // One is enough to measure by.
            Event::ChannelOpen(id, _) => *id == self.channel,
            Event::ChannelClose(_) | Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                false
            }
            _ => true,
        }
    }
}

/// What the library calls this end. It is only compared with itself: the address that browsers know may be another's, who
/// translates.
fn here(from: SocketAddr) -> SocketAddr {
    match from {
        SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 9).into(),
        SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 9).into(),
    }
}
