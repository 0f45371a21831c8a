//! What things are and how they change. No I/O, no async, no clock: time and ids are arguments.

mod host;
mod ids;
mod link;
mod matches;
mod people;
mod refusal;
mod service;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod time;
pub mod view;

pub use host::{Host, HostRecord, Site};
pub use ids::{
    ApiTokenId, BadUuid, ChoiceId, ClanId, HostId, MatchId, PlayerId, ReservationId, RoundId, ServiceId,
    SiteId, SnapshotId, StoryId, TargetId, UserId, VmId,
};
pub use link::{Link, LinkKind};
pub use matches::{EndedHow, Excluded, Held, Match, MatchState, Recheck, RoundReason};
pub use people::{BadName, BadRole, Clan, Name, Player, PlayerAddress, Role, User};
pub use refusal::Refusal;
pub use service::{Service, ServiceGoal};
pub use snapshot::{Snapshot, SnapshotFacts};
pub use time::{BadTime, Time};
