//! One QEMU process: started, loaded, run, saved, ended; or adopted from an agent that was killed.

use super::arguments::{DISK, MONITOR, QEMU};
use crate::command::{CommandError, spawn_detached};
use crate::net::{Hmp, HmpError};
use crate::qmp::{Events, Qmp, QmpError};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How long QEMU may take to open its monitor, to load or to save.
const START_LIMIT: Duration = Duration::from_secs(10);
const STATE_LIMIT: Duration = Duration::from_secs(120);
/// How long QEMU may take to go after it was told to.
const QUIT_LIMIT: Duration = Duration::from_secs(3);

/// What went wrong with a QEMU process.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] CommandError),
    /// It ended, or never spoke.
    #[error("QEMU did not come up: {log}")]
    NotUp {
        /// The end of what it wrote.
        log: String,
    },
    /// The monitor failed.
    #[error(transparent)]
    Monitor(#[from] QmpError),
    /// Memory and device state could not be written or read.
    #[error("{what} did not complete: {reason}")]
    State {
        /// Loading or saving.
        what: &'static str,
        /// QEMU's words.
        reason: String,
    },
}

/// Where the guest's memory is while its state is written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// In its own file, and not in the state file (`x-ignore-shared`).
    InItsFile,
    /// In the state file, page by page (`mapped-ram`).
    InTheState,
}

/// What a running QEMU says of its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its state is not wholly loaded or not wholly written, or the guest has panicked.
    Useless,
    /// The guest is whole and stopped.
    Paused,
    /// The guest runs.
    Running,
}

/// Why a guest will do nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Death {
    /// QEMU is gone.
    Gone,
    /// The guest's kernel panicked.
    Panicked,
}

/// QEMU's word for a guest that it stopped because the disk could not be written.
const IO_ERROR: &str = "io-error";

/// What a guest that ran has come to by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It will do nothing more.
    Died(Death),
    /// QEMU has stopped it, as it does when it cannot write to the disk. It can go on.
    Stopped,
}

/// A QEMU process with its monitor.
pub(crate) struct Machine {
    qmp: Qmp,
    events: Events,
    dir: PathBuf,
}

impl Hmp for Qmp {
    async fn hmp(&self, command: &str) -> Result<String, HmpError> {
        self.human(command).await.map_err(Into::into)
    }
}

impl Machine {
    /// Starts QEMU, detached, and connects to its monitor. `launcher` are words before the command.
    pub(crate) async fn start(
        launcher: &[String],
        args: &[String],
        dir: &Path,
    ) -> Result<Self, MachineError> {
        let socket = dir.join(MONITOR);
        // A socket of an earlier process would be connected to in vain.
        let _ = std::fs::remove_file(&socket);
        let words: Vec<&str> = launcher.iter().map(String::as_str).chain([QEMU]).collect();
        let rest: Vec<&str> = words[1..]
            .iter()
            .copied()
            .chain(args.iter().map(String::as_str))
            .collect();
        let log = dir.join("qemu.log");
        let _ = std::fs::remove_file(&log);
        let mut process = spawn_detached(words[0], &rest, &log)?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match Qmp::connect(&socket).await {
                Ok((qmp, events)) => {
                    return Ok(Self {
                        qmp,
                        events,
                        dir: dir.to_owned(),
                    });
                }
                Err(error @ QmpError::Greeting { .. }) => return Err(error.into()),
                Err(_) if Instant::now() > deadline => break,
                Err(_) => {}
            }
            let ended = timeout(Duration::from_millis(2), process.wait()).await;
            if ended.is_ok() {
                break;
            }
        }
        kill(dir).await;
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        Err(MachineError::NotUp {
            log: log.lines().last().unwrap_or("it said nothing").to_owned(),
        })
    }

    /// The process that an earlier agent started for this directory, if it still answers. What does not answer is killed.
    pub(crate) async fn adopt(dir: &Path) -> Option<(Self, Status)> {
        let found = timeout(START_LIMIT, async {
            let (qmp, events) = Qmp::connect(&dir.join(MONITOR)).await.ok()?;
            break_off(&qmp).await.ok()?;
            let status = match status(&qmp).await.ok()?.as_str() {
                "running" => Status::Running,
                // Loaded and not yet run, or stopped and written, with nobody left who knows: it may go on. So may one
                // whose disk was full.
                "prelaunch" | "paused" | "postmigrate" | IO_ERROR => Status::Paused,
                _ => Status::Useless,
            };
            Some((
                Self {
                    qmp,
                    events,
                    dir: dir.to_owned(),
                },
                status,
            ))
        })
        .await;
        match found {
            Ok(Some(found)) => Some(found),
            Ok(None) | Err(_) => {
                kill(dir).await;
                None
            }
        }
    }

    /// The monitor, for the network's forwardings.
    pub(crate) fn monitor(&self) -> &Qmp {
        &self.qmp
    }

    /// Loads device state, and memory as said, into a QEMU that was started with `-incoming defer`.
    pub(crate) async fn load(&mut self, state: &Path, memory: Memory) -> Result<(), MachineError> {
        self.capabilities(memory).await?;
        self.qmp
            .execute("migrate-incoming", json!({ "uri": uri(state) }))
            .await?;
        self.migrated("loading the snapshot").await
    }

    /// Writes device state, and memory as said. The guest must be paused.
    pub(crate) async fn save(&mut self, state: &Path, memory: Memory) -> Result<(), MachineError> {
        self.capabilities(memory).await?;
        // QEMU spares the network unless told otherwise, 128 MiB a second; this is a disk.
        let unlimited = json!({ "max-bandwidth": 1_u64 << 40 });
        self.qmp.execute("migrate-set-parameters", unlimited).await?;
        self.qmp.execute("migrate", json!({ "uri": uri(state) })).await?;
        self.migrated("freezing the guest").await
    }

    /// Keeps the disk as it is now inside its overlay, under a name, in place of what had that name. The guest must be paused.
    pub(crate) async fn snapshot_disk(&self, name: &str) -> Result<(), MachineError> {
        let named = json!({ "device": DISK, "name": name });
        // That there is none is as good.
        let _ = self
            .qmp
            .execute("blockdev-snapshot-delete-internal-sync", named.clone())
            .await;
        self.qmp.execute("blockdev-snapshot-internal-sync", named).await?;
        Ok(())
    }

    /// Lets the guest run.
    pub(crate) async fn run(&self) -> Result<(), MachineError> {
        self.qmp.execute("cont", json!({})).await?;
        Ok(())
    }

    /// Stops the guest.
    pub(crate) async fn pause(&self) -> Result<(), MachineError> {
        self.qmp.execute("stop", json!({})).await?;
        Ok(())
    }

    /// Ends QEMU and waits until it is gone.
    pub(crate) async fn end(mut self) {
        // The answer may be lost because QEMU is gone already: that is what we want.
        let _ = timeout(QUIT_LIMIT, self.qmp.execute("quit", json!({}))).await;
        let gone = async { while self.events.next().await.is_some() {} };
        let _ = timeout(QUIT_LIMIT, gone).await;
        kill(&self.dir).await;
    }

    /// Waits until the guest will do nothing more.
    pub(crate) async fn died(&mut self) -> Death {
        loop {
            if let Turn::Died(death) = self.turned().await {
                return death;
            }
        }
    }

    /// Waits until the guest dies or is stopped by QEMU itself.
    pub(crate) async fn turned(&mut self) -> Turn {
        while let Some(event) = self.events.next().await {
            match event.name.as_str() {
                "GUEST_PANICKED" => return Turn::Died(Death::Panicked),
                "SHUTDOWN" => return Turn::Died(Death::Gone),
                // Not one of an earlier stop that was ordered.
                "STOP" if self.is_out_of_disk().await => return Turn::Stopped,
                _ => {}
            }
        }
        Turn::Died(Death::Gone)
    }

    /// Whether QEMU has stopped the guest because its disk could not be written.
    pub(crate) async fn is_out_of_disk(&self) -> bool {
        status(&self.qmp).await.is_ok_and(|status| status == IO_ERROR)
    }

    async fn capabilities(&self, memory: Memory) -> Result<(), MachineError> {
        let set = |name: &str, state: bool| json!({ "capability": name, "state": state });
        let list = [
            set("events", true),
            set("x-ignore-shared", memory == Memory::InItsFile),
            set("mapped-ram", memory == Memory::InTheState),
        ];
        self.qmp
            .execute("migrate-set-capabilities", json!({ "capabilities": list }))
            .await?;
        Ok(())
    }

    async fn migrated(&mut self, what: &'static str) -> Result<(), MachineError> {
        let completed = async {
            loop {
                let Some(event) = self.events.next().await else {
                    return Err(MachineError::State {
                        what,
                        reason: "QEMU is gone".into(),
                    });
                };
                match event.data.get("status").and_then(Value::as_str) {
                    Some("completed") if event.name == "MIGRATION" => return Ok(()),
                    Some("failed") if event.name == "MIGRATION" => {
                        return Err(MachineError::State {
                            what,
                            reason: "QEMU says failed".into(),
                        });
                    }
                    _ => {}
                }
            }
        };
        timeout(STATE_LIMIT, completed).await.unwrap_or_else(|_| {
            Err(MachineError::State {
                what,
                reason: format!("not within {STATE_LIMIT:?}"),
            })
        })
    }
}

/// QEMU's word for what it is doing.
async fn status(qmp: &Qmp) -> Result<String, QmpError> {
    let status = qmp.execute("query-status", json!({})).await?;
    let word = status.get("status").and_then(Value::as_str);
    Ok(word.unwrap_or_default().to_owned())
}

/// Ends the writing of state that an earlier agent began and nobody waits for; else the guest could not be frozen again.
async fn break_off(qmp: &Qmp) -> Result<(), QmpError> {
    qmp.execute("migrate_cancel", json!({})).await?;
    loop {
        let migration = qmp.execute("query-migrate", json!({})).await?;
        match migration.get("status").and_then(Value::as_str) {
            None | Some("none" | "completed" | "failed" | "cancelled") => return Ok(()),
            Some(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

fn uri(state: &Path) -> String {
    format!("file:{}", state.display())
}

/// Kills whatever QEMU still has this directory's monitor, and waits until it is gone. Nobody is not missed.
pub(crate) async fn kill(dir: &Path) {
    let deadline = Instant::now() + QUIT_LIMIT;
    loop {
        let pids = processes_of(dir);
        if pids.is_empty() || Instant::now() > deadline {
            return;
        }
        for pid in pids {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a QEMU has this directory's monitor.
pub(crate) fn is_there(dir: &Path) -> bool {
    !processes_of(dir).is_empty()
}

/// Processes that have this directory's monitor on their command line. By what they are, not by a remembered number, which
/// the system may have given to another.
fn processes_of(dir: &Path) -> Vec<i32> {
    let mark = format!(
        "unix:{},server=on",
        dir.join(MONITOR).display().to_string().replace(',', ",,")
    );
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_ours = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|word| word.starts_with(mark.as_bytes()))
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_ours)
        .collect()
}
