//! The connectionless packets of the Quake III family: text after four 0xFF bytes, over UDP.
//!
//! Pure: bytes in, values out; no bytes from outside make it panic or take more memory than the packet's own
//! size. Facts from the ioquake3 and dpmaster sources and from trying. Text is shown as the game shows it: bytes
//! outside printable ASCII become a full stop.

mod packet;
mod pings;
mod servers;
mod text;
mod vars;

pub use packet::{Malformed, Packet};
pub use servers::{ServerList, ServersQuery};
pub use text::{UnsafeText, cvar_in, rcon_safe};
pub use vars::{Info, Player, Status, Vars};

/// `gamename` of OpenArena and Quake III.
pub const GAMENAME: &str = "Quake3Arena";

/// Protocol of OpenArena 0.8.8.
pub const PROTOCOL: u32 = 71;

/// Port of master servers.
pub const MASTER_PORT: u16 = 27950;

/// Port of game servers.
pub const GAME_PORT: u16 = 27960;

/// Longest packet that is looked at; the engine's own limit.
pub const MAX_PACKET: usize = 16_384;

/// Longest line that the engine reads, so longest `rcon PASSWORD COMMAND`; what is beyond is lost silently.
pub const MAX_LINE: usize = 1_023;
