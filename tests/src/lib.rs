//! Worlds to run vMatrix in, and people as its clients.
//!
//! A *world* is a file of hosts, players and a directory in named cities ([`world::World`]). Brought up, each of
//! them is a network namespace `vmx-<name>` with a TUN device `wan0`, and a forwarder moves packets between them
//! with the round-trip times and the jitter of the file. All of it needs root.
//!
//! ```text
//! world::World::load(path: &Path) -> Result<World, BadWorld>        hosts, players, directory, round-trip times
//! World::rtt_ms(&self, a: &str, b: &str) -> Option<f64>             by names of nodes: what a ping must show
//! World::rtt(&self, a: &str, b: &str) -> Option<Rtt>                the same with its mean deviation
//! World::{hosts: Vec<Host{name, city, site}>, players: Vec<Player{name, clan, city, last_mile_ms}>, directory: Node{name, city}}
//!
//! turn::Turn::come(say: &dyn Fn(&str)) -> Result<Turn, UpError>      waits for another world on this machine to end
//! up::Running::start_in(turn: Turn, world: World) -> Result<Running, UpError>
//! up::Running::start(world: World) -> Result<Running, UpError>      waits for another world on this machine to end,
//!                                                                   removes what a killed run left, sets up
//! Running::world(&self) -> &World
//! Running::address(&self, name: &str) -> Result<Ipv4Addr, UpError>          on the emulated internet, 10.77.x.y
//! Running::address6(&self, name: &str) -> Result<Ipv6Addr, UpError>         the same by IPv6, fd77:0:x::y
//! Running::control_address(&self, host: &str) -> Result<Ipv4Addr, UpError>  on the management bridge, 10.78.0.x
//! up::CONTROL: Ipv4Addr                                             10.78.0.1: where the website listens, in the root namespace
//! Running::spawn_in(&self, name: &str, command: &mut std::process::Command) -> Result<Child, UpError>
//! Running::in_namespace<T: Send>(&self, name: &str, work: impl FnOnce() -> T + Send) -> Result<T, UpError>
//! drop(Running)                                                     kills every process in vmx-* namespaces, removes all
//! up::clean() -> Result<(), UpError>                                the same for leftovers, unless a world is up
//!
//! players::measure_getinfo(&Running, players: &[&str], server: SocketAddr, samples: usize)
//!     -> Result<BTreeMap<String, RoundTrips>, UpError>              all at once, staggered; RoundTrips::median_ms() -> Option<f64>
//! players::status(&Running, player: &str, server: SocketAddr) -> Result<Option<quake3::Status>, UpError>
//!
//! client::join(&Running, player: &str, &client::Join{server, name, password: Option<Secret>, patience: Duration})
//!     -> Result<client::Outcome, client::JoinError>                 Outcome::Playing{ping_ms, client} (drop `client` to leave)
//!                                                                   or Outcome::Refused{message}: a real client
//! ```

mod addresses;
pub mod authority;
pub mod browser;
pub mod client;
pub mod demo;
mod devices;
pub mod fleet;
mod hurry;
pub mod name_servers;
mod namespace;
pub mod players;
pub mod turn;
pub mod up;
pub mod wan;
pub mod world;
