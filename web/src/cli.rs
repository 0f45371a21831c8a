//! The command line: `vmatrix serve | migrate | admin … | place | ping`.

mod admin;
mod ping;
mod place;
mod serve;

use crate::{config, resolve::Resolver, store::Db};
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Puts game servers where they are fair, and wakes them there in under a second.
#[derive(Debug, Parser)]
#[command(name = "vmatrix", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the website, the API and the Oracle
    Serve(config::Serve),
    /// Bring the database's schema up to date
    Migrate(config::Place),
    /// Make users, tokens and join tokens; remove a host that is gone
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Say where a match would be fair, from a file of round-trip times
    Place(place::Place),
    /// Measure how far hosts are by UDP, for players without a browser
    Ping(ping::Ping),
}

/// Runs one command. The exit code is 0 if it was done, 1 if it failed, and 2 if it was asked for in a wrong way;
/// `place` has one more.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        // Reads a file and computes: no threads, no database.
        Command::Place(flags) => place::run(&flags),
        Command::Serve(flags) => run_async(succeeded(serve::serve(flags))),
        Command::Migrate(place) => run_async(succeeded(migrate(place))),
        Command::Admin(admin) => run_async(succeeded(admin::run(admin))),
        Command::Ping(ping) => run_async(ping.carry_out()),
    }
}

async fn succeeded(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    command.await.map(|()| ExitCode::SUCCESS)
}

fn run_async(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(command);
    // A blocking thread that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("vmatrix: {error:#}");
    ExitCode::from(if error.is::<config::ConfigError>() { 2 } else { 1 })
}

async fn migrate(place: config::Place) -> anyhow::Result<()> {
    let db = open(&place).await?;
    db.close().await;
    println!("The database is up to date.");
    Ok(())
}

/// Opens the database of a data directory, which is made if absent, for its owner only.
async fn open(place: &config::Place) -> anyhow::Result<Db> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(&place.data)
        .with_context(|| format!("data directory {}", place.data.display()))?;
    Ok(Db::open(&place.database_url()).await?)
}

/// An app without a server, for commands that do one thing.
async fn app(place: &config::Place) -> anyhow::Result<crate::app::App> {
    let settings = crate::app::Settings {
        data: place.data.clone(),
        ..crate::app::Settings::default()
    };
    Ok(crate::app::App::new(
        open(place).await?,
        settings,
        Resolver::system(false),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_asked_for_in_a_wrong_way_exits_with_two() {
        for flags in [
            &["vmatrix"][..],
            &["vmatrix", "dance"],
            &["vmatrix", "serve", "--listen", "here"],
        ] {
            let refused = Cli::try_parse_from(flags).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{flags:?}");
        }
    }
}
