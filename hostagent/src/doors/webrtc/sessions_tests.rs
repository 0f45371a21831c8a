use super::*;
use crate::doors::certificate::Certificate;
use crate::doors::gate::{IDLE, PER_TICKET};
use proptest::prelude::*;
use std::time::Duration;
use str0m::ice::TransId;
use vmatrix_wire::{Pass, Secret};

const TICKET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

struct Door {
    sessions: Sessions,
    porter: Porter,
    certificate: DtlsCert,
    now: Instant,
}

fn door() -> Door {
    let porter = Porter::default();
    porter.intend(&[Pass {
        ticket: Secret::new(TICKET),
    }]);
    Door {
        sessions: Sessions::new(porter.clone()),
        porter,
        certificate: Certificate::make(1_800_000_000_000).unwrap().dtls(),
        now: Instant::now(),
    }
}

impl Door {
    fn receive(&mut self, from: &str, bytes: &[u8]) -> Vec<Packet> {
        let mut out = Vec::new();
        self.sessions.receive(
            self.now,
            from.parse().unwrap(),
            bytes,
            &self.certificate,
            &mut out,
        );
        out
    }

    fn elapse(&mut self, time: Duration) {
        self.now += time;
        self.sessions.elapse(self.now, &mut Vec::new());
    }
}

/// As browsers ask: with their name, a priority, and signed with the password.
fn request(name: &str, password: &str) -> Vec<u8> {
    let message = StunMessage::binding_request(name, TransId::new(), true, 7, 1_862_270_719, true);
    let crypto = str0m::crypto::from_feature_flags();
    let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
    let mut bytes = vec![0; 500];
    let length = message
        .to_bytes(Some(password.as_bytes()), &mut bytes, hmac)
        .unwrap();
    bytes.truncate(length);
    bytes
}

fn asked(fragment: &str) -> Vec<u8> {
    request(&format!("{TICKET}:{fragment}"), TICKET)
}

#[test]
fn a_signed_request_is_answered_with_less_to_where_it_came_from() {
    let mut door = door();
    let question = asked("abcd");
    let answers = door.receive("192.0.2.1:4000", &question);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].to, "192.0.2.1:4000".parse().unwrap());
    assert!(answers[0].bytes.len() < question.len());
    assert_eq!(door.porter.visits(), 1);
}

#[test]
fn a_browser_with_several_networks_is_one_visit() {
    let mut door = door();
    for from in ["192.0.2.1:4000", "192.0.2.1:4001", "[2001:db8::1]:4000"] {
        door.receive(from, &asked("abcd"));
    }
    assert_eq!((door.porter.visits(), door.sessions.addresses.len()), (1, 3));
    for port in 1..100 {
        door.receive(&format!("192.0.2.1:{port}"), &asked("abcd"));
    }
    assert_eq!(door.sessions.addresses.len(), ADDRESSES);
}

#[test]
fn a_ticket_opens_only_so_many_sessions_and_those_that_say_nothing_end() {
    let mut door = door();
    for n in 0..10 {
        door.receive("192.0.2.1:4000", &asked(&format!("browser{n}")));
    }
    assert_eq!(door.porter.visits(), PER_TICKET);
    door.elapse(IDLE);
    assert_eq!((door.porter.visits(), door.sessions.addresses.len()), (0, 0));
    assert_eq!(door.sessions.due(), None);
}

#[test]
fn who_signs_with_anything_else_than_the_ticket_is_not_answered() {
    let mut door = door();
    let other = TICKET.replace('a', "b");
    for question in [
        request(&format!("{TICKET}:abcd"), &other),
        request(&format!("{other}:abcd"), &other),
        request(&format!("{other}:abcd"), TICKET),
        request(&format!(":{TICKET}"), TICKET),
    ] {
        assert_eq!(door.receive("192.0.2.1:4000", &question), []);
    }
    assert_eq!(door.porter.visits(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn noise_from_strangers_is_not_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut door = door();
        prop_assert_eq!(door.receive("192.0.2.1:4000", &bytes), []);
    }

    /// One who has a ticket may send what they want: they are never answered with more than they have asked.
    #[test]
    fn a_spoilt_request_is_answered_with_no_more_than_it_was(
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut door = door();
        door.receive("192.0.2.1:4000", &asked("abcd"));
        let mut question = asked("abcd");
        for (place, byte) in spoilt {
            let place = place.index(question.len());
            question[place] = byte;
        }
        for bytes in [question, noise] {
            let answered: usize = door.receive("192.0.2.1:4000", &bytes).iter().map(|packet| packet.bytes.len()).sum();
            prop_assert!(answered <= bytes.len(), "{answered} for {}", bytes.len());
        }
    }
}
