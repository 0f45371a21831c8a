//! What people see of a match: the one type that the API and the pages show. Already redacted for its viewer.

pub use super::view_choice::{AlternativeView, ChosenView, HostView, RecheckView, SeriesView, SettleView};
pub use super::view_roster::{RosterClan, RosterPlayer, RosterView};
pub use super::view_sources::{FlagView, FrozenView, ProbedView, SourceView, SourcesView};

use super::{MatchId, Time};
use serde::Serialize;
use std::collections::BTreeMap;

/// A match as one viewer may see it. As JSON it is the body of `GET /api/v1/matches/{id}`.
///
/// Staff (organisers, operators) see all. A clan admin sees the own players by name; the other clan's players are
/// numbered, and their round trips are there only for the chosen host and its alternatives (the hosts that all
/// players can use). Nobody sees an address here but the one to connect to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchView {
    /// What was booked, and where it is in its life.
    #[serde(rename = "match")]
    pub booked: BookedView,
    /// Name of the policy: `thesis`.
    pub policy: String,
    /// The policy in words.
    pub rule: String,
    /// The largest round trip allowed, milliseconds.
    pub cap_ms: f64,
    /// The host that is held, if one is.
    pub chosen: Option<ChosenView>,
    /// The values were not measured for this match but taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reused: Option<ReusedView>,
    /// Every host, in the order of the choice's input (by id).
    pub hosts: Vec<HostView>,
    /// What each preset would have chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<AlternativeView>,
    /// Hosts for a best of three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesView>,
    /// Which measurements would settle the hosts that are undecided and could win.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settle: Vec<SettleView>,
    /// Host name to player name to median round trip in milliseconds; what the current reservation was chosen from.
    pub matrix_ms: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    /// Host name to player name to what the value there comes from, for those values of `matrix_ms` that are known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_at: BTreeMap<String, BTreeMap<String, &'static str>>,
    /// Where the values of each player come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourcesView>,
    /// Players in whose measurements something does not fit together: all for staff, the own ones for a clan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<FlagView>,
    /// Players whom no host has measured, only their own browser or program: for staff to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// How many hosts were probed, if not all that could have been had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probed: Option<ProbedView>,
    /// A later measurement that did not move the reservation.
    pub recheck: Option<RecheckView>,
    /// Home clan first, in roster order.
    pub players: Vec<PlayerView>,
    /// Players who are booked elsewhere at the same time: all for staff, the own ones for a clan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<ElsewhereView>,
    /// Promised and observed, once the game has said something of two players.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairness: Option<FairnessView>,
    /// Where the game's directories list it.
    pub directory: DirectoryView,
    /// What runs it, once a VM is there.
    pub vmm: Option<VmmView>,
    /// Cold boot of the image to its first answer, milliseconds.
    pub boot_ms: Option<u64>,
    /// How long the steps took, as far as they have been taken.
    pub times_ms: TimesView,
    /// How to join; present at `ready` only.
    pub connect: Option<ConnectView>,
    /// What happened, oldest first.
    pub story: Vec<StoryView>,
    /// Home first, then away.
    pub rosters: Vec<RosterView>,
}

/// What was booked, and where it is in its life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BookedView {
    /// Its id.
    pub id: MatchId,
    /// See [`super::MatchState::name`].
    pub state: &'static str,
    /// The state in a sentence for people; for `unplaced` and `failed` the reason and what would help.
    pub explanation: String,
    /// What keeps the VM from its goal at this moment, if anything.
    pub problem: Option<String>,
    /// Whether who asks may end or cancel it now.
    pub may_end: bool,
    /// Whether it may be played again.
    pub may_rematch: bool,
    /// Each side is measured and frozen before it knows the other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub freeze: bool,
    /// The match that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rematch_of: Option<MatchId>,
    /// Home clan against away clan.
    pub title: String,
    /// Name of the image.
    pub image: String,
    /// Map that it starts with.
    pub map: String,
    /// When it starts.
    pub start: Time,
    /// When it ends.
    pub end: Time,
    /// How long it lasts.
    pub length_minutes: i64,
    /// How far a measurement or a fetch is, while there is one.
    pub progress: Option<ProgressView>,
}

/// How far something is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgressView {
    /// `probe`, `fetch`.
    pub what: &'static str,
    /// So far.
    pub done: u64,
    /// In all; never zero.
    pub of: u64,
    /// For a measurement: each host, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostProgressView>,
}

/// How far one host's measurement is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostProgressView {
    /// Name of the host.
    pub host: String,
    /// Players who have answered it so far.
    pub answers: u64,
    /// Players whom it measures.
    pub of: u64,
}

/// Measurements that were taken over from the match before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReusedView {
    /// The match that this one repeats.
    pub from_match: MatchId,
    /// How old they were when the host was chosen, seconds.
    pub age_s: i64,
}

/// Somebody who is to play in another match while this one lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElsewhereView {
    /// Name of the player.
    pub player: String,
    /// The other match.
    #[serde(rename = "match")]
    pub other: MatchId,
    /// When that starts.
    pub start: Time,
}

/// A player, and what was promised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlayerView {
    /// Name, or for a clan admin `<other clan> 1`, `<other clan> 2` …
    pub name: String,
    /// Name of the clan.
    pub clan: String,
    /// Median round trip to the chosen host, milliseconds.
    pub predicted_ms: Option<f64>,
    /// Where that comes from, how old it was, and how wrong it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_by: Option<SourceView>,
    /// Median of the pings that the game itself has measured during the match, milliseconds: with what its own frames add.
    pub measured_ms: Option<f64>,
    /// How many they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
}

/// Whether a match was as fair as promised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FairnessView {
    /// Closeness factor of what was promised to those whom the game knew by name, milliseconds.
    pub promised_ms: f64,
    /// By how much that may be wrong, by the errors of what was promised.
    pub promised_error_ms: f64,
    /// Closeness factor of their pings in the game, milliseconds.
    pub observed_ms: f64,
    /// How many they are.
    pub players: usize,
}

/// Where the game's directories list it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DirectoryView {
    /// The address that is listed, while it is known.
    pub address: Option<String>,
    /// Whether a directory was seen to list it.
    pub listed: bool,
    /// When first.
    pub listed_at: Option<Time>,
}

/// What runs it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VmmView {
    /// `qemu 10.0.2`.
    pub name: String,
    /// `kvm` or `tcg`.
    pub accelerator: String,
}

/// How long the steps took, milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TimesView {
    /// The round that the reservation was chosen from.
    pub probe: Option<f64>,
    /// The choice itself.
    pub choose: Option<f64>,
    /// Fetching the snapshot to the host; absent if it was there.
    pub fetch: Option<f64>,
    /// From QEMU's process started to the first valid answer.
    pub resume_to_answer: Option<f64>,
    /// From `cont` to the first valid answer.
    pub cont_to_answer: Option<f64>,
    /// From the first rcon packet to the confirmed map.
    pub configure: Option<f64>,
    /// From the generation committed to *answering*.
    pub order_to_answer: Option<f64>,
    /// From the booking (or the second roster) to *ready*.
    pub book_to_ready: Option<f64>,
}

/// How to join.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectView {
    /// `203.0.113.5:27960`.
    pub address: String,
    /// What the game asks for.
    pub password: String,
    /// What players paste into the game's console.
    pub line: String,
}

/// One sentence of the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoryView {
    /// When.
    pub at: Time,
    /// What happened.
    pub text: String,
}

/// A match in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchLine {
    /// Its id.
    pub id: MatchId,
    /// See [`super::MatchState::name`].
    pub state: &'static str,
    /// The home clan.
    pub home: RosterClan,
    /// The away clan.
    pub away: RosterClan,
    /// The league has booked it, and not a clan.
    pub by_league: bool,
    /// Name of the image.
    pub image: String,
    /// When it starts.
    pub start: Time,
    /// How long it lasts.
    pub length_minutes: i64,
    /// Name of the host that is held, if one is.
    pub host: Option<String>,
}
