//! Images and snapshots: from a recipe to files that QEMU resumes from, and their way from host to host.

pub mod build;
mod chunks;
mod fetch;
pub mod freeze;
mod kernel;
mod local;
mod parts;
mod proof;
pub mod push;
mod recipe;
mod room;
#[cfg(test)]
mod samples;
mod slirp;

pub use fetch::Fetcher;
pub use local::LocalSnapshot;
