//! The programs of a fleet: started, killed, started again.

use super::{Fleet, HTTPS};
use crate::up::CONTROL;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

/// Set for all that a world starts, so that `clean.sh` finds what is left of it: guests outlive their agents by design.
const MARK: (&str, &str) = ("VMATRIX_IN_WORLD", "1");

impl Fleet {
    /// Starts the server, which must not run, and waits until it is ready.
    pub async fn start_server(&mut self) -> Result<()> {
        let mut command = self.vmatrix(&["serve"])?;
        let port = self.options.port;
        command.args([
            "--listen",
            &format!("{CONTROL}:{port}"),
            "--public-url",
            self.operator.base(),
        ]);
        command.args([
            "--masters",
            &self.master()?.to_string(),
            "--allow-private-addresses",
            "--trust-captains",
        ]);
        if let Some(above) = self.running.world().name_servers.first() {
            command.args(["--name-servers", &self.running.address(&above.name)?.to_string()]);
        }
        // By IPv4 and by IPv6.
        command.args(["--https-listen", &format!("[::]:{HTTPS}")]);
        command
            .arg("--https-certificate")
            .arg(self.authority.certificate());
        command.arg("--https-key").arg(self.authority.key());
        command.args(&self.options.serve);
        self.log_to(&mut command, "server")?;
        self.programs
            .push(("server".into(), command.spawn().context("starting the server")?));
        self.operator.wait_until_ready(Duration::from_secs(30)).await
    }

    /// Starts a host's agent, which must not run.
    pub fn start_agent(&mut self, host: &str) -> Result<()> {
        let mut words = self
            .options
            .agent
            .iter()
            .map(PathBuf::from)
            .chain([program("vmatrix-agent")?]);
        let mut command = Command::new(words.next().context("no program")?);
        command
            .args(words)
            .arg("run")
            .arg("--data")
            .arg(self.agent_data(host));
        self.log_to(&mut command, host)?;
        let child = self.running.spawn_in(host, &mut command)?;
        self.programs.push((host.to_owned(), child));
        Ok(())
    }

    /// Kills the server (`server`) or a host's agent by SIGKILL.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let at = self.programs.iter().position(|(own, _)| own == name);
        let (_, mut child) = self
            .programs
            .swap_remove(at.with_context(|| format!("no program {name} runs"))?);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Process ids of all guests, those of killed agents too.
    pub fn guests(&self) -> Result<Vec<u32>> {
        let dir = self.dir.path().to_string_lossy();
        let mut guests = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A process may end while we look.
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if line
                .split('\0')
                .next()
                .is_some_and(|name| name.contains("qemu-system"))
                && line.contains(&*dir)
            {
                guests.push(pid);
            }
        }
        Ok(guests)
    }

    pub(super) fn start_directory(&mut self) -> Result<()> {
        let name = self.running.world().directory.name.clone();
        let mut command = Command::new(program("vmatrix-agent")?);
        command.args(["directory", "--listen", &self.master()?.to_string()]);
        self.log_to(&mut command, &name)?;
        let child = self.running.spawn_in(&name, &mut command)?;
        self.programs.push((name, child));
        Ok(())
    }

    pub(super) fn vmatrix(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(program("vmatrix")?);
        command
            .env(MARK.0, MARK.1)
            .args(words)
            .arg("--data")
            .arg(self.server_data());
        if let Some(database) = &self.options.database {
            command.args(["--database", database]);
        }
        Ok(command)
    }

    fn log_to(&self, command: &mut Command, name: &str) -> Result<()> {
        let path = self.options.logs.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        command
            .env(MARK.0, MARK.1)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (_, child) in &mut self.programs {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program of this workspace: beside the running one, or beside the folder of the running test.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: cargo build --workspace --bins"))
}
