//! What this machine is and can do.

use crate::command::{self, run};
use std::path::Path;
use vmatrix_wire::{Doors, Facts, Network, Vmm};

/// QEMU's program for this architecture.
pub const QEMU: &str = "qemu-system-x86_64";

/// A fact that cannot be found out.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// QEMU is missing or does not start.
    #[error("QEMU cannot be asked for its version (is {QEMU} installed?): {0}")]
    Qemu(#[from] command::CommandError),
    /// QEMU answered something else.
    #[error("QEMU's version is not understood: {0:?}")]
    Version(String),
    /// A file of the system or the data directory cannot be read.
    #[error("{what}: {source}")]
    Read {
        /// Which.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// Finds out everything. Takes up to some seconds, as it tries the accelerator; see [`refresh`].
///
/// # Errors
/// If something cannot be found out.
pub async fn find(data: &Path, network: Network) -> Result<Facts, FactsError> {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|source| FactsError::Read {
            what: path.to_owned(),
            source,
        })
    };
    let version = qemu_version().await?;
    let accelerator = crate::accel::accelerator(data, &version).await.accelerator;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Facts {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        cores: u16::try_from(cores).unwrap_or(u16::MAX),
        memory_mb: memory_mb(&read("/proc/meminfo")?).unwrap_or(0),
        disk_free_mb: disk_free_mb(data)?,
        cpu_model: cpu_model(&read("/proc/cpuinfo")?).unwrap_or_else(|| "unknown".to_owned()),
        vmm: Vmm {
            name: "qemu".to_owned(),
            version,
        },
        accelerator,
        network,
        doors: Doors::default(),
    })
}

/// Brings up to date what changes while the agent runs.
pub fn refresh(facts: &mut Facts, data: &Path) {
    if let Ok(free) = disk_free_mb(data) {
        facts.disk_free_mb = free;
    }
}

/// Free disk in MiB where `data` is.
///
/// # Errors
/// If the directory is not there.
pub fn disk_free_mb(data: &Path) -> Result<u64, FactsError> {
    let stat = nix::sys::statvfs::statvfs(data).map_err(|errno| FactsError::Read {
        what: data.display().to_string(),
        source: errno.into(),
    })?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()) >> 20)
}

/// The version of the QEMU that is installed here.
///
/// # Errors
/// If there is none.
pub async fn qemu_version() -> Result<String, FactsError> {
    let text = run(QEMU, &["--version"], None).await?.stdout;
    version_in(&text).ok_or(FactsError::Version(text))
}

/// `10.0.2` of `QEMU emulator version 10.0.2 (Debian …)`.
fn version_in(text: &str) -> Option<String> {
    let word = text
        .lines()
        .next()?
        .split("version ")
        .nth(1)?
        .split_whitespace()
        .next()?;
    word.starts_with(|c: char| c.is_ascii_digit())
        .then(|| word.to_owned())
}

fn memory_mb(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_in_what_the_system_says() {
        let text = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright";
        assert_eq!(version_in(text).as_deref(), Some("10.0.2"));
        assert_eq!(version_in("bash: not found"), None);
        assert_eq!(
            memory_mb("MemTotal:       16316540 kB\nMemFree: 1 kB"),
            Some(15_934)
        );
        assert_eq!(
            cpu_model("x: 1\nmodel name\t: Some CPU @ 2GHz\n").as_deref(),
            Some("Some CPU @ 2GHz")
        );
    }
}
