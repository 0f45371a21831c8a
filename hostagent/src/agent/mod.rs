//! The agent itself: joins the fleet once, then takes orders and reports what it sees.
//!
//! ```text
//!   orders loop:  long poll -> keep on disk -> Vms, Probes, Lookouts, Beacons, Doors   (the whole intention, each time)
//!   report loop:  something changed, or 3 s passed -> the whole of what is seen -> server
//! ```
//!
//! Cut off from the server it goes on with its last orders, also after a restart.

mod home;
mod join;
mod leave;
mod pace;
mod run;
mod server;

pub use home::{Home, HomeError, Joined};
pub use join::{JoinError, JoinRequest, check_public_address, join};
pub use leave::{LeaveError, Left, Told, leave};
pub use run::{Machines, run};
pub use server::{Server, ServerError, Unfit, check_url};
