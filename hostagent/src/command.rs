//! The one place where programs are started, so that every failure carries the same facts and nothing is started
//! without a time limit. No secret may stand in an argument: a command line is shown in errors and by `ps`.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the place that the ban points to"
)]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// How long [`run`] waits.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What a program printed that ended with status 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

/// A program that could not be started, took too long, or ended with another status than 0.
#[derive(Debug, thiserror::Error)]
#[error("`{line}` {failure}{}", said(.stderr, .stdout))]
pub struct CommandError {
    /// The whole command line, for people.
    pub line: String,
    /// What happened.
    pub failure: Failure,
    /// What it had printed.
    pub stdout: String,
    /// What it had complained.
    pub stderr: String,
}

/// How a program failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was never started.
    #[error("could not be started: {0}")]
    Start(#[source] std::io::Error),
    /// Its output could not be read, or its input not written.
    #[error("could not be talked to: {0}")]
    Pipe(#[source] std::io::Error),
    /// It was killed after this long.
    #[error("took longer than {0:?} and was killed")]
    Slow(Duration),
    /// It ended in another way than with status 0.
    #[error("ended with {0}")]
    Status(ExitStatus),
}

/// Runs a program to its end, at most [`LIMIT`] long, and hands over its output.
///
/// # Errors
/// If it cannot be started, takes too long (it is killed then), or does not end with status 0.
pub async fn run<A: AsRef<OsStr>>(
    program: &str,
    args: &[A],
    stdin: Option<&[u8]>,
) -> Result<Output, CommandError> {
    run_within(LIMIT, program, args, stdin).await
}

/// As [`run`], with a time limit of its own.
///
/// # Errors
/// As [`run`].
pub async fn run_within<A: AsRef<OsStr>>(
    limit: Duration,
    program: &str,
    args: &[A],
    stdin: Option<&[u8]>,
) -> Result<Output, CommandError> {
    let failed = |failure, stdout: &[u8], stderr: &[u8]| CommandError {
        line: line(program, args),
        failure,
        stdout: text(stdout),
        stderr: text(stderr),
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(Failure::Start(error), b"", b""))?;
    let pipe = child.stdin.take();
    let feed = async {
        if let (Some(mut pipe), Some(bytes)) = (pipe, stdin) {
            // A program that ends without reading its input says why by its status.
            let _ = pipe.write_all(bytes).await;
        }
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = match tokio::time::timeout(limit, both).await {
        Err(_) => return Err(failed(Failure::Slow(limit), b"", b"")),
        Ok(Err(error)) => return Err(failed(Failure::Pipe(error), b"", b"")),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        return Err(failed(
            Failure::Status(output.status),
            &output.stdout,
            &output.stderr,
        ));
    }
    Ok(Output {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

/// A program in a session of its own, which goes on when the agent ends.
#[derive(Debug)]
pub struct Detached {
    /// Its process id (the program's own: the helpers before it replace themselves by it).
    pub pid: u32,
    child: Child,
}

impl Detached {
    /// Waits until it has ended. May be dropped and called again.
    ///
    /// # Errors
    /// If the process cannot be waited for.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }
}

/// Starts a program that survives the agent: in a new session, without input, both outputs appended to `log`.
/// Must be called inside a tokio runtime, which reaps it when it ends.
///
/// # Errors
/// If the log cannot be opened or the program not be started. That the program itself is missing shows only as
/// its early end, with the reason in `log`.
pub fn spawn_detached<A: AsRef<OsStr>>(
    program: &str,
    args: &[A],
    log: &Path,
) -> Result<Detached, CommandError> {
    let failed = |error| CommandError {
        line: line(program, args),
        failure: Failure::Start(error),
        stdout: String::new(),
        stderr: String::new(),
    };
    let out = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(failed)?;
    let err = out.try_clone().map_err(failed)?;
    // setsid(1), as setsid(2) between fork and exec would need unsafe code; it execs, so the process id stays.
    let child = Command::new("setsid")
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .kill_on_drop(false)
        .spawn()
        .map_err(failed)?;
    let pid = child
        .id()
        .ok_or_else(|| failed(std::io::Error::other("ended before it was known")))?;
    Ok(Detached { pid, child })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

fn line<A: AsRef<OsStr>>(program: &str, args: &[A]) -> String {
    let mut words: Vec<OsString> = vec![program.into()];
    words.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
    words
        .iter()
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of what a program said: its complaint, or its output if it complained of nothing.
fn said(stderr: &str, stdout: &str) -> String {
    let text = if stderr.is_empty() { stdout } else { stderr };
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join(" / ");
    if tail.is_empty() {
        tail
    } else {
        format!(": {tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_and_input_pass_through() {
        let output = run("cat", &[] as &[&str], Some(b"words")).await.unwrap();
        assert_eq!(
            output,
            Output {
                stdout: "words".into(),
                stderr: String::new()
            }
        );
    }

    #[tokio::test]
    async fn a_failure_tells_command_line_status_and_both_outputs() {
        let error = run("sh", &["-c", "echo some; echo bad >&2; exit 3"], None)
            .await
            .unwrap_err();
        assert!(matches!(&error.failure, Failure::Status(status) if status.code() == Some(3)));
        assert_eq!((error.stdout.as_str(), error.stderr.as_str()), ("some", "bad"));
        assert!(error.to_string().starts_with("`sh -c echo some;"), "{error}");
        assert!(error.to_string().ends_with(": bad"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = run("/nowhere/program", &["x"], None).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Start(_)));
        assert!(error.to_string().contains("/nowhere/program x"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed() {
        let limit = Duration::from_millis(50);
        let error = run_within(limit, "sleep", &["1000"], None).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Slow(_)));
    }

    #[tokio::test]
    async fn a_detached_program_has_its_own_session_and_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        // Fields 1 and 6 of stat are the process id and the session id.
        let args = ["-c", "cut -d' ' -f1,6 /proc/$$/stat; echo oops >&2"];
        let mut started = spawn_detached("sh", &args, &log).unwrap();
        assert!(started.wait().await.unwrap().success());
        let text = std::fs::read_to_string(log).unwrap();
        assert_eq!(text, format!("{0} {0}\noops\n", started.pid));
    }
}
