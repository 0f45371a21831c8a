//! The command line of `vmatrix-agent`: parse, call one function, print.

mod doctor;
mod given;
mod image;
mod join;
mod leave;
mod ping;
mod run;

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs virtual machines on this host for a vMatrix server, and measures how far users are.
#[derive(Debug, Parser)]
#[command(name = "vmatrix-agent", version)]
struct Cli {
    /// Write logs as JSON lines. What is logged is chosen by RUST_LOG, `info` if it is not set.
    #[arg(long, global = true)]
    json_logs: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this machine one of the server's hosts, once.
    Join(join::Join),
    /// Take orders from the server, and carry them out, until stopped. VMs outlive it.
    Run(run::Run),
    /// Take this machine out of the fleet: end its VMs, and remove what agents have changed and kept on it.
    Leave(leave::Leave),
    /// Make images and snapshots, and bring them to the server.
    #[command(subcommand)]
    Image(image::Image),
    /// Be a small master server for games of the Quake III family.
    Directory(Directory),
    /// Measure the round-trip times to some hosts, as for a match.
    Ping(ping::Ping),
    /// Say what this machine lacks to be a host.
    Doctor(Data),
}

#[derive(Debug, Args)]
struct Directory {
    /// Address and port to listen on; games and players know 27950.
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:27950", value_parser = given::address)]
    listen: SocketAddr,
}

/// Where the agent keeps things.
#[derive(Debug, Args)]
struct Data {
    /// The agent's directory. /var/lib/vmatrix-agent for root, else ~/.local/share/vmatrix-agent.
    #[arg(long, value_name = "DIR", env = "VMATRIX_AGENT_DATA")]
    data: Option<PathBuf>,
}

impl Data {
    fn dir(&self) -> PathBuf {
        if let Some(dir) = &self.data {
            return dir.clone();
        }
        match std::env::var_os("HOME") {
            Some(home) if !nix::unistd::geteuid().is_root() => {
                PathBuf::from(home).join(".local/share/vmatrix-agent")
            }
            _ => PathBuf::from("/var/lib/vmatrix-agent"),
        }
    }
}

/// Runs the command line; the whole program but for what must come first.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log(cli.json_logs);
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(carry_out(cli.command)));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vmatrix-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Join(join) => join.carry_out().await?,
        Command::Leave(leave) => leave.carry_out().await?,
        Command::Run(run) => run.carry_out().await?,
        Command::Image(image) => image.carry_out().await?,
        Command::Directory(directory) => {
            let serving = crate::directory::Directory::bind(directory.listen).await?;
            tracing::info!(address = %serving.address()?, "directory listens");
            tokio::select! {
                () = serving.serve() => {}
                () = stopped() => {}
            }
        }
        Command::Ping(ping) => return ping.carry_out().await,
        Command::Doctor(data) => return doctor::carry_out(&data.dir()).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// The DNS library names the address that it asks when somebody answers wrongly: it is somebody's near a player.
const QUIET: &str = "info,hickory_net=error";

fn log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        logs.json().init();
    } else {
        logs.init();
    }
}

/// Comes back when somebody wants the program to end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without it the interrupt still works.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_that_papers_name_are_understood() {
        for line in [
            "join --server https://play.example --token T --site Prague --public-address 192.0.2.7 --ports 27960-27999",
            "join --server http://10.78.0.1:8080 --insecure --token T --site P --public-address 192.0.2.7 --ports 27960-27999 --name a --slots 2 --role loading --data d",
            "run --data d",
            "run --webtransport-port 0 --webrtc-port 443",
            "run --websocket-listen 127.0.0.1:9000 --websocket-url wss://play.example/host1",
            "run",
            "run --echo-port 0 --data d",
            "leave",
            "leave --force --data d",
            "image build hostagent/recipes/openarena --out o",
            "image snapshot i --out o",
            "image push s --server http://127.0.0.1:8080 --token T",
            "directory --listen 10.77.0.9:27950",
            "ping one.example two.example",
            "doctor",
        ] {
            let words = ["vmatrix-agent"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "",
            "join",
            "ping",
            "join --server x",
            "image push s",
            "run --websocket-listen 127.0.0.1:1",
            "run --websocket-listen 127.0.0.1:1 --websocket-url ws://a",
        ] {
            let words = ["vmatrix-agent"].into_iter().chain(line.split_whitespace());
            assert!(Cli::try_parse_from(words).is_err(), "{line:?} was taken");
        }
    }
}
