//! A world to look around in by hand: `vmatrix-wan up WORLD.toml` until it is interrupted, `vmatrix-wan clean`.

use anyhow::Result;
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use vmatrix_tests::turn::Turn;
use vmatrix_tests::up::{self, Running};
use vmatrix_tests::world::World;

#[derive(Parser)]
enum Args {
    /// Sets a world up, and keeps it until it is interrupted.
    Up {
        /// A file of `tests/worlds`.
        world: PathBuf,
    },
    /// Removes what a killed run left.
    Clean,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let world = match Args::parse() {
        Args::Up { world } => World::load(&world)?,
        Args::Clean => return Ok(up::clean()?),
    };
    let turn = Turn::wait(&|line| eprintln!("{line}"))?;
    // Before any thread is there, so that all of them leave these signals to us.
    let ends: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
        .into_iter()
        .collect();
    ends.thread_block()?;
    let running = Running::start_in(turn, world)?;
    for name in running.names() {
        println!(
            "{:<12} {}",
            running.address(&name)?,
            running.namespace(&name)?.display()
        );
    }
    ends.wait()?;
    if let Some(counters) = running.counters() {
        let (through, lost) = (
            counters.forwarded.load(Ordering::Relaxed),
            counters.dropped.load(Ordering::Relaxed),
        );
        println!("{through} packets delivered, {lost} dropped");
    }
    Ok(())
}
