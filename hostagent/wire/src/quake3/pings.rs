//! The pings that a game itself gives: what its players really have.

use super::{Player, Status};
use crate::PlayerPing;

impl Status {
    /// Most players of whom pings are told; the engine takes no more.
    pub const PLAYERS: usize = 64;
    /// Longest name that is told, in characters; what is beyond is cut off.
    pub const NAME: usize = 64;

    /// The pings of those who play: without bots, whose ping is 0, and without those who still connect, whose ping is 999.
    #[must_use]
    pub fn pings(&self) -> Vec<PlayerPing> {
        self.players.iter().filter_map(ping).take(Self::PLAYERS).collect()
    }
}

fn ping(player: &Player) -> Option<PlayerPing> {
    let name: String = player.plain_name().chars().take(Status::NAME).collect();
    let ping_ms = u16::try_from(player.ping)
        .ok()
        .filter(|ping| (1..999).contains(ping))?;
    (!name.trim().is_empty()).then_some(PlayerPing { name, ping_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quake3::Packet;
    use proptest::prelude::*;

    fn pings(body: &[u8]) -> Vec<PlayerPing> {
        let packet = [b"\xff\xff\xff\xffstatusResponse\n\\mapname\\oa_dm1\n", body].concat();
        match Packet::parse(&packet) {
            Ok(Packet::Status(status)) => status.pings(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_those_who_play_are_told() {
        let body = b"3 48 \"^1Ake^7la\"\n0 0 \"Grunt\"\n0 999 \"late\"\n-2 998 \"far away\"\n7 1 \"near\"\n1 -1 \"odd\"\n1 70000 \"odder\"\n0 50 \"^1\"\nnonsense\n";
        let told = pings(body).into_iter().map(|one| (one.name, one.ping_ms));
        let expected = [("Akela", 48), ("far away", 998), ("near", 1)];
        assert!(told.eq(expected.map(|(name, ping)| (name.to_owned(), ping))));
    }

    #[test]
    fn neither_players_nor_names_are_without_end() {
        let long = "x".repeat(90);
        let body: String = (0..100).map(|n| format!("0 {} \"{long}\"\n", n + 1)).collect();
        let told = pings(body.as_bytes());
        assert_eq!((told.len(), told[63].name.len()), (64, 64));
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_says_what_cannot_be(
            lines in proptest::collection::vec((any::<i64>(), any::<i32>(), "[^\n]{0,40}"), 0..60),
            noise in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let text: String = lines.iter().map(|(score, ping, name)| format!("{score} {ping} \"{name}\"\n")).collect();
            for told in [pings(&[text.as_bytes(), &noise].concat()), pings(&noise)] {
                prop_assert!(told.len() <= Status::PLAYERS);
                for one in told {
                    prop_assert!((1..999).contains(&one.ping_ms));
                    prop_assert!(!one.name.is_empty() && one.name.chars().count() <= Status::NAME);
                }
            }
        }
    }
}
