//! How VMs reach the network: one *slot network* per VM that may run, made at the agent's start so that there is next
//! to nothing left to do when orders come. See [`SlotNet`] for the order of calls.

mod error;
mod guard;
mod host;
mod names;
mod router;
mod rules;
mod slot;
mod state;
mod tap;
mod user;

pub use error::{Hmp, HmpError, NetError};
pub use host::{HostNet, HostNetConfig};
pub use slot::{SlotNet, Transport};
