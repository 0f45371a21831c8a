//! What things are and how they change. No I/O, no async, no clock: time and ids are arguments.

mod address;
mod booking;
mod booking_error;
mod capacity;
mod choice;
mod compose;
mod consent;
mod freeze;
mod gathering;
mod host;
mod ids;
mod king;
mod labels;
mod latency;
mod ledger;
pub mod limits;
mod link;
mod matches;
mod measured_how;
mod mesh;
mod next_step;
mod people;
mod promise;
mod reading;
mod refusal;
mod rematch;
mod round;
mod rule;
mod seat;
mod service;
mod show;
mod show_choice;
mod show_freeze;
mod show_players;
mod show_problem;
mod show_sources;
mod show_waiting;
mod snapshot;
mod standing;
#[cfg(test)]
pub(crate) mod testing;
mod time;
mod truth;
mod unplaced;
pub mod view;
mod view_choice;
mod view_roster;
mod view_sources;
mod visit;
mod visitor;
mod vm;
mod witness;

pub use address::{EnteredAddress, PlayerAddress, PlayerIpv6, reveal_both};
pub use booking::{Asked, Valid, ValidRoster, check_booking, check_roster};
pub use booking_error::BookingError;
pub use capacity::{NoRoom, Purpose, Reservation, Wanted, room};
pub use choice::{ChoiceBody, ChoiceRecord, Unprobed};
pub use compose::{Fleet, OpenRound, beacon_port, compose, console_text, is_out, see, vm_lookout};
pub use consent::{Consent, NotAsked, OfPings};
pub use freeze::{
    AfterRound, FrozenPlayer, FrozenSide, FrozenValues, HoldsNoMore, SideStands, after_round, as_frozen,
    side_stands, was_there,
};
pub use gathering::{LinkStage, gathers_no_longer, may_measure};
pub use host::{Host, HostRecord, Onlooker, Site, all_heard};
pub use ids::{
    ApiTokenId, BadUuid, ChoiceId, ClanId, HostId, MatchId, PlayerId, ReservationId, RoundId, ServiceId,
    SiteId, SnapshotId, StoryId, TargetId, UserId, VmId,
};
pub use king::{NameServer, NoEstimate, king_estimate};
pub use labels::{Labels, Named, unlike_names};
pub use latency::{Fused, Known, Smelt};
pub use ledger::{Ledger, OverLimit, Prefix, Sent, Span, TopTarget};
pub use link::{Link, LinkKind};
pub use matches::{EndedHow, Excluded, Held, Match, MatchState, Recheck, RoundReason};
pub use measured_how::MeasuredHow;
pub use mesh::{
    MESH_SLOT_MS, MESH_TOO_OLD_MS, MeshHost, MeshPlan, MeshWay, is_mesh, mesh_between, mesh_of, mesh_probe,
    mesh_slot, mesh_way,
};
pub use next_step::{Pace, Situation, Step, again_at, may_be_placed_later, next_step};
pub use people::{BadName, BadRole, Clan, Name, Player, Role, User};
pub use promise::{Predicted, predicted};
pub use reading::{Reading, source_name, source_of};
pub use refusal::Refusal;
pub use rematch::{Measured, Present, REUSE_WITHIN_MS, Reuse, WhyNot, may_reuse};
pub use round::{
    FEW_FROM, FEW_ROUND_MS, INTERVAL_MS, MOST_ROUNDS, ROUND_MS, Round, RoundTarget, SAMPLES, TIMEOUT_MS,
    is_time_again, measure_again_at, whose_turn,
};
pub use rule::{is_preset, misnamed, preset_names};
pub use seat::Seat;
pub use service::{Service, ServiceGoal, ServiceStep, service_step};
pub use show::{Whole, show};
pub use show_freeze::{AN_OPPONENT, hides_opponent, show_as_known};
pub use show_problem::show_problem;
pub use show_waiting::{A_PLAYER, Told};
pub use snapshot::{Snapshot, SnapshotFacts};
pub use standing::{Unfit, snapshot_for, standing, unfit};
pub use time::{BadTime, Time};
pub use truth::{
    Kept, Learned, MOST_LEARNED_US, Observed, closeness_kept, far_above, kept, observed, residuals, unlike,
};
pub use visit::{
    Brought, BroughtHost, NoVisits, PlayerLink, Taken, Visit, check_brought, let_in, offer, passes,
    takes_visits,
};
pub use visitor::{Claim, claim, come_from, customer, expected, may_gather, newcomer, word_at};
pub use vm::{Vm, VmGoal, VmSeen, VmmSeen};
pub use witness::{host_witness, reached_by, vm_witness};
