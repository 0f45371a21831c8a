//! Images and snapshots: from a recipe to files that QEMU resumes from, and their way from host to host.

pub mod build;
mod chunks;
mod fetch;
mod kernel;
mod local;
mod parts;
mod recipe;
mod room;

pub use fetch::Fetcher;
pub use local::LocalSnapshot;
