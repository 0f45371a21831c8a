//! `./run demo`, see [`vmatrix_tests::demo`].

use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use vmatrix_tests::demo;

#[tokio::main]
async fn main() -> ExitCode {
    let args = demo::Args::parse();
    let once = args.once;
    // Whoever interrupts it, at whatever step: dropping the story removes the world.
    let played = tokio::select! {
        played = demo::run(args) => played,
        () = interrupted() => if once { Err(anyhow::anyhow!("interrupted")) } else { Ok(()) },
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => std::future::pending().await,
    }
    eprintln!("removing everything");
}
