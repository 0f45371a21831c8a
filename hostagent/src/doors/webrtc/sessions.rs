//! Whose packet is it? All sessions of the door, by what the browsers call themselves and where they send from.

use super::super::porter::Porter;
use super::session::Session;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::ice::StunMessage;

/// Addresses of one session at once: a browser tries each of its networks.
const ADDRESSES: usize = 8;

/// Something to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Sessions {
    porter: Porter,
    crypto: CryptoProvider,
    /// By `TICKET:FRAGMENT`, the fragment being the browser's own.
    sessions: HashMap<String, Session>,
    addresses: HashMap<SocketAddr, String>,
}

impl Sessions {
    pub(super) fn new(porter: Porter) -> Self {
        Self {
            porter,
            crypto: str0m::crypto::from_feature_flags(),
            sessions: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    /// When [`Sessions::elapse`] is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        self.sessions.values().map(Session::due).min()
    }

    /// Takes a packet.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
        certificate: &DtlsCert,
        out: &mut Vec<Packet>,
    ) {
        let name = if is_stun(bytes) {
            self.known_by_name(now, from, bytes, certificate)
        } else {
            self.addresses.get(&from).cloned()
        };
        let Some(name) = name else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&name) else {
            return;
        };
        if !session.receive(now, from, bytes, out) {
            self.end(&name);
        }
    }

    /// Lets time pass for those who wait for it.
    pub(super) fn elapse(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let due = self
            .sessions
            .iter_mut()
            .filter(|(_, session)| session.due() <= now);
        let ended: Vec<String> = due
            .filter_map(|(name, session)| (!session.elapse(now, out)).then(|| name.clone()))
            .collect();
        for name in ended {
            self.end(&name);
        }
    }

    fn end(&mut self, name: &str) {
        self.sessions.remove(name);
        self.addresses.retain(|_, of| of != name);
    }

    /// The session that a STUN request belongs to, which is begun if the request is signed with a ticket.
    fn known_by_name(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
        certificate: &DtlsCert,
    ) -> Option<String> {
        let request = StunMessage::parse(bytes).ok()?;
        if !request.is_binding_request() {
            return None;
        }
        // At most 512 bytes: else it was not read.
        let name = request.username()?;
        let (ticket, theirs) = request.split_username()?;
        let hmac = |key: &[u8], parts: &[&[u8]]| self.crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        if !request.verify(ticket.as_bytes(), hmac) {
            return None;
        }
        if !self.sessions.contains_key(name) {
            let visit = match self.porter.enter(ticket, Some(from.ip())) {
                Ok(visit) => visit,
                Err(refusal) => {
                    tracing::debug!(%refusal, "WebRTC");
                    return None;
                }
            };
            match Session::begin(now, (ticket, theirs), from, certificate, visit) {
                Ok(session) => self.sessions.insert(name.to_owned(), session),
                Err(error) => {
                    tracing::warn!(%error, "WebRTC: a session cannot begin");
                    return None;
                }
            };
        }
        let known = self.addresses.values().filter(|of| *of == name).count();
        if known < ADDRESSES || self.addresses.contains_key(&from) {
            self.addresses.insert(from, name.to_owned());
        }
        Some(name.to_owned())
    }
}

/// The first two bits of STUN are zeros; of DTLS they are not (RFC 7983).
fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 4)
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
