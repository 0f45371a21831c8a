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
/// What a visitor by a players' link sends, bytes: all hosts with all round trips.
pub const BODY_OF_A_VISIT: usize = 64 * 1024;
/// Any other body of the API, bytes; of snapshots that are pushed more, see `api::nest`.
pub const BODY: usize = 256 * 1024;

/// How long a match may last, minutes.
pub const LENGTH_MINUTES: RangeInclusive<i64> = 5..=480;
/// How far ahead one may book, milliseconds.
pub const AHEAD_MS: i64 = 366 * 24 * 3_600_000;

/// Hosts that a visitor by a players' link is offered: as many as a phone measures in some seconds.
pub const HOSTS_OF_A_VISIT: usize = 24;
/// Round trips to one host that a visitor brings.
pub const RTTS_OF_A_VISIT: usize = 64;
/// Echo requests that a visitor's program is asked to send to each host, after some to warm up.
pub const SAMPLES_OF_A_VISIT: u16 = 15;
/// With fewer answers a host is not measured: one answer, or some equal ones, would look surer than all pings.
pub const ANSWERS_OF_A_VISIT: u16 = 10;
/// Requests before those, which do not count: routes, radios and caches wake up.
pub const WARM_UP_OF_A_VISIT: u16 = 3;
/// Pause between two of them, milliseconds: all together last about a second per host.
pub const INTERVAL_OF_A_VISIT_MS: u64 = 60;
/// How long a visit's result is waited for, milliseconds.
pub const VISIT_MS: i64 = 10 * 60_000;
/// How long hosts let a visit's ticket pass, milliseconds.
pub const TICKET_MS: i64 = 5 * 60_000;
/// Tickets that one host lets pass at a time: as many visits as an agent has at once. Who comes when there are so many waits.
pub const PASSES_OF_A_HOST: usize = 256;
/// Of these, tickets of one clan, by all its links: one clan does not keep all others from hosts.
pub const PASSES_OF_A_CLAN: usize = PASSES_OF_A_HOST / 4;
/// Visits by one link that are under way at the same time: nobody with a link keeps all others from hosts.
pub const LIVE_VISITS_OF_A_LINK: usize = 32;
/// Players who come by one link: a full roster.
pub const PLAYERS_OF_A_LINK: usize = PLAYERS_OF_A_ROSTER;
/// Visits begun and results brought, by one link: a full roster at once, twice.
pub const VISITS_OF_A_LINK: Rate = Rate {
    at_once: 128,
    a_minute: 64,
};
/// The same from one address, or one /64: a LAN party behind one line.
pub const VISITS_OF_AN_ADDRESS: Rate = Rate {
    at_once: 64,
    a_minute: 32,
};

/// How long what players' own programs have measured is kept, milliseconds. What a choice was made from stays in the choice.
pub const READINGS_MS: i64 = 24 * 3_600_000;
/// How long an address is kept after it was entered, or its player came from it, or was in a match: days.
pub const ADDRESS_DAYS: i64 = 30;
/// How long it is kept, as a hash, that nobody is to be pinged at an address: days since its player last said so.
pub const DECLINED_DAYS: i64 = 365;

/// Packets from all hosts to one player's address: less than the game itself sends to them in the same time, about 30 a second.
pub const PACKETS_TO_AN_ADDRESS: Packets = Packets {
    ten_minutes: 10_000,
    day: 100_000,
};
/// To all addresses of one network, a /24 or /48: a LAN party or two.
pub const PACKETS_TO_A_NETWORK: Packets = Packets {
    ten_minutes: 100_000,
    day: 1_000_000,
};
/// For the matches that one captain has booked: twenty of two teams, each measured twice from 100 hosts, at a time.
pub const PACKETS_OF_A_CAPTAIN: Packets = Packets {
    ten_minutes: 400_000,
    day: 2_000_000,
};
/// For the matches that one organiser or operator has booked: a league's evening.
pub const PACKETS_OF_STAFF: Packets = Packets {
    ten_minutes: 20_000_000,
    day: 200_000_000,
};
/// How long what was sent is kept, days; addresses are left out of it after one.
pub const PROBES_SENT_DAYS: i64 = 30;

/// Matches that are measured at the same time; others wait for their turn. A host pings the players of all of them at once.
pub const ROUNDS_AT_ONCE: usize = 32;

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

/// How many packets may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packets {
    /// In any ten minutes.
    pub ten_minutes: u64,
    /// In any day.
    pub day: u64,
}

/// How often something may be done.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// After a pause.
    pub at_once: u32,
    /// In the long run.
    pub a_minute: u32,
}
