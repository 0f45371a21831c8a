//! How much anybody may ask for: all limits on what people, programs and hosts do, in one place.

use std::{ops::RangeInclusive, time::Duration};

/// Matches that a clan's own admins have booked and that are not over, failed or cancelled. What organisers book is not
/// counted, and nor is what other clans challenge this one to.
pub const OPEN_MATCHES_OF_A_CLAN: usize = 20;
/// Players of one clan in a match.
pub const PLAYERS_OF_A_ROSTER: usize = 32;
/// Players of a clan: all hosts measure every one that is chosen.
pub const PLAYERS_OF_A_CLAN: usize = 100;
/// Tokens of the API that a user has.
pub const TOKENS_OF_A_USER: usize = 20;
/// Links that a clan's admin has handed out and that can still be used.
pub const LIVE_LINKS_OF_A_CAPTAIN: usize = 20;
/// The same of an organiser or operator, who invite a whole league, or let a whole site join.
pub const LIVE_LINKS_OF_STAFF: usize = 200;

/// People in a preview of a placement: two full rosters and their bench, twice.
pub const PEOPLE_OF_A_PREVIEW: usize = 128;
/// Hosts times people in a preview of a placement. A report says of each host who is too far from it, so it is much larger
/// than what came in.
pub const VALUES_OF_A_PREVIEW: usize = 64 * 1024;
/// Characters of a name in a preview of a placement, each of 4 bytes at most: a report repeats names for each host.
pub const LETTERS_OF_A_PREVIEWED_NAME: usize = 64;
/// The body of a preview of a placement, bytes: as many values as it may have, with all their digits.
pub const BODY_OF_A_PREVIEW: usize = 2 * 1024 * 1024;
/// Any other body of the API, bytes; of snapshots that are pushed more, see `api::nest`.
pub const BODY: usize = 256 * 1024;

/// How long a match may last, minutes.
pub const LENGTH_MINUTES: RangeInclusive<i64> = 5..=480;
/// How far ahead one may book, milliseconds.
pub const AHEAD_MS: i64 = 366 * 24 * 3_600_000;

/// What a user writes, by pages and API together; chunks put into the nest are not counted.
pub const WRITES: Rate = Rate {
    at_once: 60,
    a_minute: 60,
};
/// Passwords, links and join tokens that one address tries.
pub const TRIES: Rate = Rate {
    at_once: 20,
    a_minute: 20,
};

/// Pairs of addresses whose latency a user asks for, and that one network is asked about: others' name servers are asked eleven
/// questions for each.
pub const LATENCIES: Rate = Rate {
    at_once: 10,
    a_minute: 10,
};

/// Live pages that a user has open at a time. A browser keeps six to one server.
pub const STREAMS_OF_A_USER: usize = 16;
/// Requests of a host that wait for its orders: one, and one that was cut off and is not noticed yet.
pub const POLLS_OF_A_HOST: usize = 2;
/// How long a connection may take for the head of its next request.
pub const HEAD_WITHIN: Duration = Duration::from_secs(20);

/// How often something may be done.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// After a pause.
    pub at_once: u32,
    /// In the long run.
    pub a_minute: u32,
}
