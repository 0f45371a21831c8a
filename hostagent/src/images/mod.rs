//! Images and snapshots: from a recipe to files that QEMU resumes from.

pub mod build;
mod chunks;
mod kernel;
mod recipe;
