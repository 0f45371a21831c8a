//! Which hosts to probe, where there are too many to probe all: a few first, then those that will be best by what the
//! few say, and so on. A state machine without I/O: it says whom to probe, is told what came back, and says when more
//! probes would change nothing.
//!
//! * [`Mesh`]: how far the hosts are from each other. From it a player's round-trip time to a host that was not probed is
//!   predicted.
//! * [`Coordinates`]: for pairs of hosts that have not measured each other.
//! * [`Shortlist`]: the plan. Which of the probed hosts wins is [`choose()`](crate::choose())'s decision as ever.

mod bad;
mod effort;
mod hope;
mod landmarks;
mod learned;
mod mesh;
mod nearest;
mod plan;
mod step;
mod vivaldi;

pub use bad::{BadObservation, BadShortlist};
pub use effort::{BadEffort, Effort};
pub use mesh::{BadMesh, Mesh};
pub use plan::{Ended, Shortlist};
pub use vivaldi::Coordinates;

#[cfg(test)]
mod tests;
