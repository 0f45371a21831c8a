//! A player's real game: Debian's `openarena` under Xvfb, in the player's own namespace.
//!
//! Drawn by the processor, small and at few frames a second, it takes three seconds of one core to join and a tenth
//! of one afterwards.

use crate::players;
use crate::up::{Running, UpError};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use vmatrix_wire::Secret;
use vmatrix_wire::quake3::{UnsafeText, rcon_safe};

/// Pings from here on mean that the client is still connecting. 0 is a ping: the game counts in whole frames of its own.
const CONNECTING: u32 = 900;
/// Between two looks at the game.
const EVERY: Duration = Duration::from_millis(1_500);
/// What servers say to those whom they do not let in, as it stands in the client's console.
const REFUSALS: [&str; 5] = [
    "Invalid password",
    "Server is full",
    "You are banned",
    "Server uses protocol",
    "Invalid game",
];

/// How to join.
#[derive(Debug, Clone)]
pub struct Join {
    /// The game.
    pub server: SocketAddr,
    /// Name in the game; no other client's there.
    pub name: String,
    /// The match password, if one is said.
    pub password: Option<Secret>,
    /// How long it may take.
    pub patience: Duration,
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// In, and seen by the game with a ping.
    Playing {
        /// As `getstatus` says: with what the client's own frames add, and up to a frame of the game short.
        ping_ms: u32,
        /// Dropped, it leaves.
        client: Client,
    },
    /// The server said no.
    Refused {
        /// Why.
        message: String,
    },
}

/// Why nothing became of it.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Name or password cannot be said on a console.
    #[error("name or password: {0}")]
    Text(#[from] UnsafeText),
    /// The world refused.
    #[error(transparent)]
    Up(#[from] UpError),
    /// The client ended by itself.
    #[error("the client ended: {log}")]
    Ended {
        /// The end of its console.
        log: String,
    },
    /// Neither in nor refused in time.
    #[error("neither in nor refused after {seconds} s: {log}")]
    Stuck {
        /// How long.
        seconds: u64,
        /// The end of its console.
        log: String,
    },
}

/// A running client.
#[derive(Debug)]
pub struct Client {
    display: Group,
    game: Group,
    /// Settings and console; goes away with it.
    home: tempfile::TempDir,
}

impl Client {
    fn log_path(&self) -> PathBuf {
        self.home.path().join("console.log")
    }

    fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The last lines of its console.
    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.len() < 200).collect();
        lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default()
            .join(" | ")
    }

    /// Whether it and its screen still run.
    pub fn runs(&mut self) -> bool {
        [&mut self.game, &mut self.display]
            .into_iter()
            .all(|group| matches!(group.0.try_wait(), Ok(None)))
    }
}

/// A program with all that it started; dropped, all are killed.
#[derive(Debug)]
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

/// Starts a player's client, connects it, and waits until the game shows it with a ping or refuses it.
///
/// # Errors
/// A program is missing, or time is up.
pub fn join(running: &Running, player: &str, join: &Join) -> Result<Outcome, JoinError> {
    let start = Instant::now();
    let mut client = launch(running, player, join)?;
    loop {
        std::thread::sleep(EVERY);
        let log = client.log();
        if let Some(message) = log
            .lines()
            .map(str::trim)
            .find(|line| REFUSALS.iter().any(|r| line.starts_with(r)))
        {
            return Ok(Outcome::Refused {
                message: message.to_owned(),
            });
        }
        if !client.runs() {
            return Err(JoinError::Ended {
                log: client.log_end(),
            });
        }
        let status = players::status(running, player, join.server)?.unwrap_or_default();
        let own = status
            .players
            .iter()
            .find(|other| other.plain_name() == join.name);
        if let Some(seen) = own.filter(|own| own.ping < CONNECTING) {
            return Ok(Outcome::Playing {
                ping_ms: seen.ping,
                client,
            });
        }
        if start.elapsed() > join.patience {
            return Err(JoinError::Stuck {
                seconds: join.patience.as_secs(),
                log: client.log_end(),
            });
        }
    }
}

fn launch(running: &Running, player: &str, join: &Join) -> Result<Client, JoinError> {
    let home = tempfile::tempdir().map_err(UpError::io("the client's home"))?;
    let mut screen = Command::new("Xvfb");
    screen.args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "320x240x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]);
    screen
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut display = Group(running.spawn_in(player, &mut screen)?);
    let mut number = String::new();
    if let Some(stdout) = display.0.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut number)
            .map_err(UpError::io("Xvfb"))?;
    }
    if number.trim().is_empty() {
        return Err(JoinError::Ended {
            log: "Xvfb opened no display".into(),
        });
    }

    let log = File::create(home.path().join("console.log")).map_err(UpError::io("the client's console"))?;
    let copy = log.try_clone().map_err(UpError::io("the client's console"))?;
    let mut game = Command::new("/usr/games/openarena");
    game.env("HOME", home.path())
        .env("DISPLAY", format!(":{}", number.trim()));
    game.env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("LP_NUM_THREADS", "1")
        .current_dir(home.path());
    let password = join.password.as_ref().map_or("", Secret::reveal);
    for (cvar, value) in [
        ("r_fullscreen", "0"),
        ("r_mode", "-1"),
        ("r_customwidth", "160"),
        ("r_customheight", "120"),
        ("com_maxfps", "10"),
        ("com_introplayed", "1"),
        ("s_initsound", "0"),
        ("ttycon", "0"),
        ("cl_allowDownload", "0"),
        ("name", rcon_safe(&join.name)?),
        ("password", rcon_safe(password)?),
    ] {
        if !value.is_empty() {
            game.args(["+set", cvar, value]);
        }
    }
    game.args(["+connect", &join.server.to_string()]);
    game.stdin(Stdio::null())
        .stdout(log)
        .stderr(copy)
        .process_group(0);
    let game = Group(running.spawn_in(player, &mut game)?);
    Ok(Client { display, game, home })
}
