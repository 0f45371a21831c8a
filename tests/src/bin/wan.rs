//! The wide area of a world, as a process of its own: `vmatrix-wan WORLD.toml`, after its namespaces have been made.

use anyhow::{Context, Result};
use vmatrix_tests::world::{WorldFile, wan};

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: vmatrix-wan WORLD.toml")?;
    let world = WorldFile::load(path.as_ref())?;
    wan::forward(&world, || println!("ready"))
}
