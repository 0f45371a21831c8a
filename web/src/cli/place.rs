//! `vmatrix place`: where a match would be fair, from a file of round-trip times. Needs no server, no database and no
//! network, and starts none.
//!
//! Exit codes: 0 a host was chosen, 2 something given is wrong, 3 no host is possible, 1 anything else. With
//! `--replay`: 0 the same bytes come out, 1 they do not, 2 the file cannot be read.

mod given;
mod say;

use clap::Args;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use vmatrix_placement::{BadRequest, HostState, Inputs, Report, leaders, read::Teams, replay};

/// What is asked for.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Round-trip times: CSV, a row per host and a column per player, milliseconds, empty if unknown; or lines
    /// "host player microseconds"
    #[arg(long, value_name = "FILE", required_unless_present = "replay")]
    rtt: Option<PathBuf>,
    /// Who plays for whom: A=p1,p2;B=p3,p4
    #[arg(long, conflicts_with = "replay")]
    teams: Option<String>,
    /// The rule: thesis, valid-first, team-gap-25, cap-65, floor-51, or a file of your own, TOML or JSON
    #[arg(
        long,
        value_name = "NAME|FILE",
        default_value = "thesis",
        conflicts_with = "replay"
    )]
    policy: String,
    /// Print the whole report as JSON
    #[arg(long, conflicts_with = "replay")]
    json: bool,
    /// Compute a report again and compare it byte by byte
    #[arg(long, value_name = "REPORT", conflicts_with = "rtt")]
    replay: Option<PathBuf>,
}

/// Nothing was printed, and why.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// What was given is wrong.
    #[error("{0}")]
    Given(String),
    /// Anything else.
    #[error("{0}")]
    Else(String),
}

impl From<BadRequest> for Failed {
    fn from(bad: BadRequest) -> Self {
        match bad {
            BadRequest::NoSides { .. } => Self::Given(format!("{bad}, with --teams \"A=p1,p2;B=p3,p4\"")),
            other => Self::Given(other.to_string()),
        }
    }
}

/// How it went.
enum Done {
    Chosen,
    Nobody,
}

pub(super) fn run(flags: &Place) -> ExitCode {
    let done = match (&flags.replay, &flags.rtt) {
        (Some(report), _) => again(report),
        (None, Some(rtt)) => place(flags, rtt),
        (None, None) => Err(Failed::Given("--rtt or --replay is needed".into())),
    };
    match done {
        Ok(Done::Chosen) => ExitCode::SUCCESS,
        Ok(Done::Nobody) => ExitCode::from(3),
        Err(failed) => {
            eprintln!("vmatrix: {failed}");
            ExitCode::from(if matches!(failed, Failed::Given(_)) { 2 } else { 1 })
        }
    }
}

fn place(flags: &Place, rtt: &Path) -> Result<Done, Failed> {
    let teams: Option<Teams> = flags
        .teams
        .as_ref()
        .map(|teams| teams.parse())
        .transpose()
        .map_err(|bad| Failed::Given(format!("--teams: {bad}")))?;
    let policy = given::policy(&flags.policy)?;
    let mut table = given::table(rtt)?;
    if let Some(host) = table.header_like_host() {
        eprintln!(
            "note: row 1 is read as the round-trip times of {host:?}: a header has a cell after the first that is no number"
        );
    }
    if let Some(teams) = &teams {
        table
            .set_teams(teams)
            .map_err(|bad| Failed::Given(format!("--teams: {bad}")))?;
    }
    let matrix = table
        .into_matrix()
        .map_err(|bad| Failed::Given(format!("{}: {bad}", rtt.display())))?;
    if flags.json {
        let report = Report::of(Inputs {
            policy,
            matrix,
            states: Vec::new(),
        })?;
        let mut text = report
            .to_json()
            .map_err(|error| Failed::Else(error.to_string()))?;
        text.push('\n');
        print(&text)?;
        return Ok(if report.chosen.is_some() {
            Done::Chosen
        } else {
            Done::Nobody
        });
    }
    let states = vec![HostState::free(); matrix.hosts().len()];
    let leaders = leaders(&policy, &matrix, &states, 1 + say::RUNNERS_UP)?;
    print(&say::leaders(&leaders, &policy))?;
    Ok(if leaders.hosts.is_empty() {
        Done::Nobody
    } else {
        Done::Chosen
    })
}

fn again(path: &Path) -> Result<Done, Failed> {
    let bytes = std::fs::read(path).map_err(|error| given::unreadable(path, &error))?;
    let differs = |why: String| Failed::Else(format!("{}: {why}", path.display()));
    let report =
        String::from_utf8(bytes).map_err(|_| differs("this is no report: it is not UTF-8 text".into()))?;
    // As editors on Windows save it.
    let report = report.strip_prefix('\u{feff}').unwrap_or(&report);
    replay(report).map_err(|why| differs(why.to_string()))?;
    print(&format!(
        "The same bytes come out: {} is what {} makes of its inputs.\n",
        path.display(),
        vmatrix_placement::ENGINE
    ))?;
    Ok(Done::Chosen)
}

/// To standard output. That nobody reads on, as behind `| head -1`, is fine.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::Else(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
