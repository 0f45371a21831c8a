//! Packets of games and master servers: nothing panics, and what is told of players is bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmatrix_wire::quake3::{Packet, Status};

fuzz_target!(|bytes: &[u8]| {
    match Packet::parse(bytes) {
        Ok(Packet::Status(status)) => {
            let pings = status.pings();
            assert!(pings.len() <= Status::PLAYERS);
            assert!(pings.iter().all(|one| (1..999).contains(&one.ping_ms) && one.name.chars().count() <= Status::NAME));
        }
        Ok(Packet::Info(info)) => drop(info.seen()),
        Ok(_) | Err(_) => {}
    }
});
