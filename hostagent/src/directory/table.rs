//! Who is listed: pure. Time is what has passed since the directory was started; challenges are given.
//!
//! ```text
//!   heartbeat --> asked (getinfo sent) --right challenge in time--> listed --every REASK--> asked again
//!                   |                                                 ^          |
//!                   +--not answered in ANSWER_WITHIN--> gone <--------|----------+
//! ```

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use vmatrix_wire::quake3::{Info, ServersQuery};

/// A challenge lives as long as with dpmaster.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Within that time a listed server is asked again with the same challenge, as packets get lost. A stranger is asked
/// once: heartbeats can be forged, and we would answer one packet with several.
const REPEAT: Duration = Duration::from_millis(700);
/// A listed server is asked again this often, so that a closed port is soon noticed: the protocol has no "goodbye".
pub(crate) const REASK: Duration = Duration::from_secs(10);
/// Most servers.
const MOST: usize = 4_096;
/// Most servers of one address: a host's range of ports, and no more.
const MOST_OF_ONE: usize = 64;
/// Most packets that one address gets answered a second. Their sender may be forged, so that answers hit another.
const PACKETS_A_SECOND: u32 = 20;
/// Most addresses whose packets are counted in one second; beyond them nobody new is answered.
const MOST_COUNTED: usize = 10_000;

/// A getinfo to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub to: SocketAddr,
    pub challenge: String,
}

#[derive(Debug)]
struct Asked {
    challenge: String,
    at: Duration,
    times: u32,
}

#[derive(Debug)]
struct Server {
    /// As it last answered; `None` until then.
    info: Option<Info>,
    answered: Duration,
    asked: Option<Asked>,
}

/// All servers that the directory knows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    servers: HashMap<SocketAddr, Server>,
    second: u64,
    packets: HashMap<IpAddr, u32>,
}

impl Table {
    /// Whether a packet of `from` may be looked at: counts it.
    pub(crate) fn admits(&mut self, from: IpAddr, now: Duration) -> bool {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.packets.clear();
        }
        if self.packets.len() >= MOST_COUNTED && !self.packets.contains_key(&from) {
            return false;
        }
        let count = self.packets.entry(from).or_default();
        *count += 1;
        *count <= PACKETS_A_SECOND
    }

    /// Somebody says that they are a server. A second heartbeat while the answer is awaited changes nothing.
    pub(crate) fn heartbeat(
        &mut self,
        from: SocketAddr,
        now: Duration,
        challenge: String,
    ) -> Option<Question> {
        if !self.servers.contains_key(&from) {
            let of_one = self
                .servers
                .keys()
                .filter(|server| server.ip() == from.ip())
                .count();
            if self.servers.len() >= MOST || of_one >= MOST_OF_ONE {
                return None;
            }
        }
        let fresh = Server {
            info: None,
            answered: now,
            asked: None,
        };
        let server = self.servers.entry(from).or_insert(fresh);
        ask(from, server, now, challenge)
    }

    /// An infoResponse. True if it answers a question of ours in time, so that the server is listed now.
    pub(crate) fn answer(&mut self, from: SocketAddr, now: Duration, info: Info) -> bool {
        let Some(server) = self.servers.get_mut(&from) else {
            return false;
        };
        let right = server.asked.as_ref().is_some_and(|asked| {
            asked.challenge == info.challenge && now.saturating_sub(asked.at) <= ANSWER_WITHIN
        });
        if right {
            *server = Server {
                info: Some(info),
                answered: now,
                asked: None,
            };
        }
        right
    }

    /// Drops who did not answer, and asks again who is due. Returns what to send and who was dropped from the list.
    pub(crate) fn tick(
        &mut self,
        now: Duration,
        mut challenge: impl FnMut() -> String,
    ) -> (Vec<Question>, Vec<SocketAddr>) {
        let mut dropped = Vec::new();
        self.servers.retain(|address, server| {
            let late = |asked: &Asked| now.saturating_sub(asked.at) > ANSWER_WITHIN;
            let gone = server.asked.as_ref().is_some_and(late);
            if gone && server.info.is_some() {
                dropped.push(*address);
            }
            !gone
        });
        let due = |server: &Server| server.asked.is_none() && now.saturating_sub(server.answered) >= REASK;
        let questions = self
            .servers
            .iter_mut()
            .filter_map(|(address, server)| {
                if due(server) {
                    ask(*address, server, now, challenge())
                } else {
                    repeat(*address, server, now)
                }
            })
            .collect();
        (questions, dropped)
    }

    /// Whether a server is listed.
    pub(crate) fn lists(&self, server: &SocketAddr) -> bool {
        self.servers
            .get(server)
            .is_some_and(|server| server.info.is_some())
    }

    /// The listed servers that a query asks for, in the order of their addresses.
    pub(crate) fn list(&self, query: &ServersQuery) -> Vec<SocketAddr> {
        let wanted = |address: &SocketAddr, info: &Info| {
            let named = query.gamename.is_empty() || info.gamename.eq_ignore_ascii_case(&query.gamename);
            let family = if address.is_ipv4() { query.ipv4 } else { query.ipv6 };
            let room = (query.empty || info.clients > 0) && (query.full || info.clients < info.max_clients);
            named && family && room && info.protocol == query.protocol
        };
        let listed = self
            .servers
            .iter()
            .filter_map(|(address, server)| Some((address, server.info.as_ref()?)));
        let mut list: Vec<SocketAddr> = listed
            .filter(|(address, info)| wanted(address, info))
            .map(|(address, _)| *address)
            .collect();
        list.sort();
        list
    }
}

fn ask(to: SocketAddr, server: &mut Server, now: Duration, challenge: String) -> Option<Question> {
    if server.asked.is_some() {
        return None;
    }
    server.asked = Some(Asked {
        challenge: challenge.clone(),
        at: now,
        times: 1,
    });
    Some(Question { to, challenge })
}

/// The same question again, if it is time for that.
fn repeat(to: SocketAddr, server: &mut Server, now: Duration) -> Option<Question> {
    let asked = server.asked.as_mut().filter(|_| server.info.is_some())?;
    (now.saturating_sub(asked.at) >= REPEAT * asked.times).then(|| {
        asked.times += 1;
        Question {
            to,
            challenge: asked.challenge.clone(),
        }
    })
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
