//! `vmatrix`: the server, and what its operator does by hand.

use clap::Parser;
use std::process::ExitCode;
use vmatrix_web::cli;

fn main() -> ExitCode {
    // Two providers are in the tree, and rustls panics unless one is chosen before its first use.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("vmatrix: TLS was set up twice");
        return ExitCode::FAILURE;
    }
    cli::run(cli::Cli::parse())
}
