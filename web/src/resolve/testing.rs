//! A name server of our own, for tests.

use super::{Resolver, set_options};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::UdpSocket;

/// What a name server does with questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers A questions about `known.example.org` with 10.9.0.1 and AAAA ones about it and `six.example.org` with 2620:fe::fe,
    /// good for no time at all, and with authority that it serves 10.9.0.0/24's reverse zone; no other name exists.
    Knows,
    /// The same without authority.
    HearsSay,
    /// No name exists.
    KnowsNothing,
    /// It does not answer.
    Silent,
}

pub(crate) struct NameServer {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: socket.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(Mood::Knows)),
            asked: Arc::default(),
        };
        let (mood, asked) = (Arc::clone(&server.mood), Arc::clone(&server.asked));
        tokio::spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                asked.fetch_add(1, Ordering::SeqCst);
                let mood = *mood.lock().unwrap();
                if mood != Mood::Silent {
                    let mut answer = answer(&packet[..length], mood != Mood::KnowsNothing);
                    if mood == Mood::Knows {
                        answer[2] |= AUTHORITY;
                    }
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        server
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many questions have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A resolver that asks this one and knows nothing yet.
    pub(crate) fn resolver(&self, allow_private: bool) -> Resolver {
        use hickory_resolver::{TokioResolver, config, net::runtime::TokioRuntimeProvider};
        let mut one = config::NameServerConfig::udp(self.address.ip());
        one.connections[0].port = self.address.port();
        let config = config::ResolverConfig::from_name_servers(vec![one]);
        let mut names = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(names.options_mut());
        Resolver::new(Some(names.build().unwrap()), allow_private)
    }
}

/// In the third byte of an answer.
const AUTHORITY: u8 = 0x04;

fn answer(asked: &[u8], knows: bool) -> Vec<u8> {
    let name_end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let question = &asked[12..name_end + 4];
    let name = question.to_ascii_lowercase();
    let is_zone = knows && name.starts_with(b"\x010\x019\x0210\x07in-addr\x04arpa\0");
    let is_ns = asked[name_end..name_end + 2] == [0, 2];
    let is_six = knows && name.starts_with(b"\x03six\x07example\x03org\0");
    let is_a = asked[name_end..name_end + 2] == [0, 1];
    let is_known =
        is_zone || (is_six && !is_a) || (knows && name.starts_with(b"\x05known\x07example\x03org\0"));
    let is_soa = asked[name_end..name_end + 2] == [0, 6];
    let mut answer = asked[..2].to_vec();
    // A name that has nothing of this kind is there all the same.
    answer.extend([0x81, if is_known || is_six { 0x80 } else { 0x83 }, 0, 1]);
    answer.extend([0, u8::from(is_known), 0, 0, 0, 0]);
    answer.extend(question);
    if is_zone && is_ns {
        let server = b"\x05known\x07example\x03org\0";
        answer.extend([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 19]);
        answer.extend(server);
    } else if is_zone && is_soa {
        // Both names are the root; five numbers.
        answer.extend([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22]);
        answer.extend([0; 22]);
    } else if is_known && is_a {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 9, 0, 1]);
    } else if is_known {
        answer.extend([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 0, 0, 16, 0x26, 0x20, 0, 0xfe]);
        answer.extend([0; 11]);
        answer.push(0xfe);
    }
    answer
}
