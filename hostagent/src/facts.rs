//! What this machine is and can do.

use crate::command::{self, run, run_within};
use std::path::Path;
use std::time::Duration;
use vmatrix_wire::{Accelerator, Facts, Network, Vmm};

/// QEMU's program for this architecture.
pub const QEMU: &str = "qemu-system-x86_64";

/// How long the accelerator's probe may take.
const PROBE: Duration = Duration::from_secs(10);

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
        std::fs::read_to_string(path)
            .map_err(|source| FactsError::Read { what: path.to_owned(), source })
    };
    let version = run(QEMU, &["--version"], None).await?.stdout;
    let version = qemu_version(&version).ok_or(FactsError::Version(version))?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Facts {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        cores: u16::try_from(cores).unwrap_or(u16::MAX),
        memory_mb: memory_mb(&read("/proc/meminfo")?).unwrap_or(0),
        disk_free_mb: disk_free_mb(data)?,
        cpu_model: cpu_model(&read("/proc/cpuinfo")?).unwrap_or_else(|| "unknown".to_owned()),
        vmm: Vmm { name: "qemu".to_owned(), version },
        accelerator: accelerator().await,
        network,
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
    let stat = nix::sys::statvfs::statvfs(data)
        .map_err(|errno| FactsError::Read { what: data.display().to_string(), source: errno.into() })?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()) >> 20)
}

/// KVM if a guest has really run on it, else TCG: a device file that opens proves nothing.
async fn accelerator() -> Accelerator {
    if std::fs::File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Accelerator::Tcg;
    }
    match try_accelerator(Accelerator::Kvm).await {
        Ok(()) => Accelerator::Kvm,
        Err(why) => {
            tracing::info!(%why, "KVM is there but runs no guest; falling back to TCG");
            Accelerator::Tcg
        }
    }
}

/// Boots [`crate::tiny`]'s guest, which switches QEMU off with a status of its own.
async fn try_accelerator(accelerator: Accelerator) -> Result<(), String> {
    let kernel = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(kernel.path(), crate::tiny::guest()).map_err(|error| error.to_string())?;
    let path = kernel.path().to_string_lossy();
    let args = [
        "-accel", accelerator.name(), "-M", "pc-q35-10.0", "-cpu", "qemu64", "-m", "32", "-nodefaults",
        "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", &path,
    ];
    match run_within(PROBE, QEMU, &args, None).await {
        Err(command::CommandError { failure: command::Failure::Status(status), .. })
            if status.code() == Some(crate::tiny::STATUS) =>
        {
            Ok(())
        }
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("the guest was reset before it was through".to_owned()),
    }
}

/// `10.0.2` of `QEMU emulator version 10.0.2 (Debian …)`.
fn qemu_version(text: &str) -> Option<String> {
    let word = text.lines().next()?.split("version ").nth(1)?.split_whitespace().next()?;
    word.starts_with(|c: char| c.is_ascii_digit()).then(|| word.to_owned())
}

fn memory_mb(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
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
        assert_eq!(qemu_version(text).as_deref(), Some("10.0.2"));
        assert_eq!(qemu_version("bash: not found"), None);
        assert_eq!(memory_mb("MemTotal:       16316540 kB\nMemFree: 1 kB"), Some(15_934));
        assert_eq!(cpu_model("x: 1\nmodel name\t: Some CPU @ 2GHz\n").as_deref(), Some("Some CPU @ 2GHz"));
    }

    #[tokio::test]
    async fn the_probes_guest_runs_to_its_end_under_tcg() {
        if run(QEMU, &["--version"], None).await.is_err() {
            return println!("skipped: {QEMU} is not installed");
        }
        assert_eq!(try_accelerator(Accelerator::Tcg).await, Ok(()));
    }
}
