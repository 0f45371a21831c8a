//! Which host, why, and why not the others.
//!
//! Pure decisions: no I/O, no clock, no randomness, no hash order. Times are whole microseconds and all
//! comparisons are exact, so the same values always give the same answer, in whatever order the hosts come.
//!
//! * [`Matrix`]: who was measured, by which hosts, and what came back. Unknown is `None`, never zero.
//! * [`choose()`]: the host with the smallest closeness factor under the cap, and one [`Reason`] for each host.
//! * [`shortlist`]: which few hosts to probe, where they are too many to probe all.
//! * [`fusion`]: one value per pair from several sources, and what smells.
//! * [`recheck()`]: whether a reservation moves after the players were measured again.
//! * [`closeness_by_definition`]: the plain definition that everything is tested against.

mod advice;
mod choose;
mod closeness;
mod definition;
mod doubt;
mod explain;
mod figures;
pub mod fusion;
mod judge;
mod leaders;
mod lineups;
mod matrix;
mod ms;
mod notes;
mod people;
mod policy;
mod presets;
pub mod read;
mod recheck;
mod report;
mod rtt;
mod score;
pub mod screen;
mod series;
mod settle;
pub mod shortlist;
mod words;
mod written;

pub use advice::Help;
pub use choose::{BadRequest, Choice, HostAnswer, HostState, Standing, choose, choose_index};
pub use closeness::{closeness, closeness_by_definition, closeness_error_us};
pub use definition::choose_by_definition;
pub use doubt::{AtCap, Doubt, doubts};
pub use explain::{Break, Limit, LimitBreak, Reason, TieBreak, Verdict};
pub use leaders::{Leaders, leaders};
pub use lineups::LineupRisk;
pub use matrix::{BadMatrix, Host, MAX_PLAYERS, Matrix};
pub use ms::Ms;
pub use notes::{Note, Source};
pub use people::{BadWeight, Player, Role, Side, Weight};
pub use policy::{BadPolicy, Limits, Metric, Policy, TieMargin};
pub use presets::Preset;
pub use recheck::{KeepReason, MoveReason, Recheck, error_of_median, recheck};
pub use report::{ENGINE, HelpLine, HostLine, Inputs, ReplayError, Report, replay};
pub use rtt::{BadRtt, MeanUs, Micros};
pub use series::{Series, Turns, series};
pub use settle::Settle;

#[cfg(test)]
mod tests;
