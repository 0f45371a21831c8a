//! `./run demo`, see [`vmatrix_tests::demo`].

use clap::Parser;
use std::process::ExitCode;
use vmatrix_tests::demo;

#[tokio::main]
async fn main() -> ExitCode {
    match demo::run(demo::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
