//! Which host, why, and why not the others.
//!
//! Pure decisions: no I/O, no clock, no randomness, no hash order. Times are whole microseconds and all
//! comparisons are exact, so the same values always give the same answer, in whatever order the hosts come.
//!
//! * [`Matrix`]: who was measured, by which hosts, and what came back. Unknown is `None`, never zero.
//! * [`choose()`]: the host with the smallest closeness factor under the cap, and one [`Reason`] for each host.
//! * [`recheck()`]: whether a reservation moves after the players were measured again.
//! * [`closeness_by_definition`]: the plain definition that everything is tested against.

mod advice;
mod choose;
mod closeness;
mod explain;
mod matrix;
mod policy;
mod recheck;
mod rtt;

pub use advice::Help;
pub use choose::{BadHosts, Choice, HostAnswer, HostState, Standing, choose};
pub use closeness::{closeness, closeness_by_definition};
pub use explain::{Break, Reason, TieBreak, Verdict};
pub use matrix::{BadMatrix, Host, MAX_PLAYERS, Matrix, Player, Side};
pub use policy::Policy;
pub use recheck::{KeepReason, MoveReason, Recheck, closeness_error, error_of_median, recheck};
pub use rtt::{BadRtt, MeanUs, Micros};

#[cfg(test)]
mod tests;
