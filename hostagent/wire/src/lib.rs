//! What the server and the agents say to each other, and nothing else.
//!
//! ```text
//!   server                                   agent (dials out; may sit behind NAT)
//!     <---- POST /agent/v1/enrol ------------  once, with a join token: Enrolment -> Enrolled
//!     <---- GET  /agent/v1/orders?since=G ---  held until there is a generation newer than G: Orders
//!     <---- POST /agent/v1/report -----------  the whole of what the agent sees: Report
//!     <---- GET  /agent/v1/manifests/{digest}, /agent/v1/chunks/{digest}
//! ```
//!
//! Every message carries [`PROTOCOL`]. Requests refuse unknown fields, so that a misspelt field is an answer and
//! not a silence. The crate has no I/O: it can be read in one sitting by whoever writes another agent.

mod contract;
pub mod echo;
mod enrol;
mod figures;
mod ids;
mod orders;
pub mod quake3;
mod report;
mod secret;

pub use contract::{
    Clock, Contract, FileIndex, Game, LoadKey, Machine, Manifest, ManifestError, Need, Proof,
};
pub use enrol::{
    Accelerator, Doors, Enrolled, Enrolment, Facts, Network, Role, Vmm, WebRtcDoor, WebTransportDoor,
};
pub use ids::{BadId, Digest, HostId, PortRange, ProbeId, SnapshotId, TargetId, VmId};
pub use orders::{
    Ask, Beacon, Goal, Lookout, LookoutId, MatchSettings, Orders, Pass, ProbeOrder, Target, VmOrder, Way,
};
pub use report::{
    GamePings, GameSeen, LookoutReport, Phase, PlayerPing, ProbeReport, Problem, Report, RttSample, VmReport,
    VmTimes,
};
pub use secret::Secret;

/// The version of this protocol. A message of another version is refused with both versions named.
pub const PROTOCOL: u16 = 2;

/// How long the server holds an orders request that has nothing new to answer, in seconds.
pub const HOLD_SECONDS: u64 = 20;

/// An agent that has not reported for this long is taken to be gone, in milliseconds. Agents report at least
/// every [`REPORT_EVERY_MS`].
pub const GONE_AFTER_MS: i64 = 12_000;

/// The longest pause between two reports of a living agent, in milliseconds.
pub const REPORT_EVERY_MS: u64 = 3_000;
