//! What runs guests on this machine. That `/dev/kvm` opens proves nothing: some machines offer a KVM on which kernels die,
//! or which is itself emulated and a thousand times too slow. So a tiny guest has to get through real work in time.

use crate::command::{CommandError, Failure, run_within};
use crate::facts::QEMU;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use vmatrix_wire::Accelerator;

/// The guest needs 0.2 s on KVM, and 1 s on QEMU's translator.
const LIMIT: Duration = Duration::from_secs(5);

/// File in the data directory that remembers the answer.
const FILE: &str = "accelerator.json";

/// Where Linux has KVM.
const KVM: &str = "/dev/kvm";

/// What runs guests here, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The accelerator to use.
    pub accelerator: Accelerator,
    /// One line for people.
    pub reason: String,
}

/// An answer and what it depends on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    qemu: String,
    kernel: String,
    found: Found,
}

/// What [`try_it`] finds. The answer is remembered in `data` until QEMU or this machine's kernel is another.
pub async fn accelerator(data: &Path, qemu_version: &str) -> Found {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .unwrap_or_default()
        .trim()
        .to_owned();
    let usable = open_kvm().is_ok();
    if let Some(found) = recall(data, qemu_version, &kernel).filter(|_| usable) {
        return found;
    }
    let found = try_it().await;
    if !usable {
        return found;
    }
    tracing::info!(
        accelerator = found.accelerator.name(),
        reason = found.reason,
        "accelerator tried"
    );
    let remembered = Remembered {
        qemu: qemu_version.to_owned(),
        kernel,
        found,
    };
    if let Err(error) = remember(data, &remembered) {
        tracing::warn!(%error, "the accelerator will be tried again at the next start");
    }
    remembered.found
}

fn open_kvm() -> std::io::Result<std::fs::File> {
    std::fs::File::options().read(true).write(true).open(KVM)
}

/// KVM if a guest gets through on it, else QEMU's translator. Takes up to five seconds.
pub async fn try_it() -> Found {
    if let Err(error) = open_kvm() {
        return Found {
            accelerator: Accelerator::Tcg,
            reason: format!("{KVM} cannot be used: {error}"),
        };
    }
    match try_guest(Accelerator::Kvm, LIMIT).await {
        Ok(()) => Found {
            accelerator: Accelerator::Kvm,
            reason: "a guest has run on KVM".to_owned(),
        },
        Err(why) => Found {
            accelerator: Accelerator::Tcg,
            reason: format!("KVM is there but did not get a guest through: {why}"),
        },
    }
}

fn recall(data: &Path, qemu: &str, kernel: &str) -> Option<Found> {
    let text = std::fs::read_to_string(data.join(FILE)).ok()?;
    let remembered: Remembered = serde_json::from_str(&text).ok()?;
    (remembered.qemu == qemu && remembered.kernel == kernel).then_some(remembered.found)
}

fn remember(data: &Path, remembered: &Remembered) -> std::io::Result<()> {
    let new = data.join(format!("{FILE}.new"));
    std::fs::write(&new, serde_json::to_vec(remembered)?)?;
    std::fs::rename(new, data.join(FILE))
}

/// Boots [`crate::tiny`]'s guest, which switches QEMU off with a status of its own.
async fn try_guest(accelerator: Accelerator, limit: Duration) -> Result<(), String> {
    let kernel = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(kernel.path(), crate::tiny::guest()).map_err(|error| error.to_string())?;
    let path = kernel.path().to_string_lossy();
    let line = format!(
        "-accel {} -M q35 -cpu qemu64 -m 32 -nodefaults -display none -no-reboot \
         -device isa-debug-exit,iobase=0xf4,iosize=1 -kernel",
        accelerator.name()
    );
    let args: Vec<&str> = line.split_whitespace().chain([&*path]).collect();
    match run_within(limit, QEMU, &args, None).await {
        Err(CommandError {
            failure: Failure::Status(status),
            ..
        }) if status.code() == Some(crate::tiny::STATUS) => Ok(()),
        Err(CommandError {
            failure: Failure::Slow(limit),
            ..
        }) => Err(format!("a second's work was not done in {} s", limit.as_secs())),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("the guest was reset before it was through".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_guest_gets_through_on_qemus_translator() {
        if crate::command::run(QEMU, &["--version"], None).await.is_err() {
            return println!("skipped: {QEMU} is not installed");
        }
        // The limit is for KVM on a machine in use; here it is whether the guest gets through, and not how soon.
        assert_eq!(try_guest(Accelerator::Tcg, LIMIT * 12).await, Ok(()));
    }

    #[test]
    fn an_answer_is_remembered_for_one_qemu_on_one_kernel() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recall(dir.path(), "10.0.2", "6.1"), None);
        let found = Found {
            accelerator: Accelerator::Kvm,
            reason: "tried".into(),
        };
        let remembered = Remembered {
            qemu: "10.0.2".into(),
            kernel: "6.1".into(),
            found: found.clone(),
        };
        remember(dir.path(), &remembered).unwrap();
        assert_eq!(recall(dir.path(), "10.0.2", "6.1"), Some(found));
        assert_eq!(recall(dir.path(), "10.0.3", "6.1"), None);
        assert_eq!(recall(dir.path(), "10.0.2", "6.2"), None);
    }
}
