//! What a VM had become when it was suspended: memory and device state in a file, the disk as a snapshot inside its overlay.
//! It stays while the VM runs on, so that a guest which dies goes back to it and not to where it once began.
//!
//! There are two places, and a suspension never touches the one before it: whatever is broken off, one is whole.

use super::driver::Driver;
use super::kept::Kept;
use super::machine::{Machine, Memory};
use super::trouble::Trouble;
use crate::command::{CommandError, run};
use serde::{Deserialize, Serialize};
use std::{io, path::Path};

/// The VM's own disk: an overlay on the snapshot's.
pub(super) const OVERLAY: &str = "disk";
/// What is being written.
const PART: &str = ".suspended";

/// Where a suspension is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    A,
    B,
}

impl Place {
    /// Name of the file with memory and device state, and of the disk's snapshot.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A => "suspended-a",
            Self::B => "suspended-b",
        }
    }

    /// Where the next one goes.
    fn after(last: Option<Self>) -> Self {
        match last {
            Some(Self::A) => Self::B,
            Some(Self::B) | None => Self::A,
        }
    }
}

/// A suspension that can be resumed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspension {
    pub place: Place,
    /// The guest has run since: its disk has gone on, and is put back before this is loaded.
    pub past: bool,
}

impl Driver {
    /// Writes what the guest has become to this host's disk, and ends QEMU.
    pub(super) async fn freeze(&mut self) -> Result<(), Trouble> {
        let last = self.kept.suspension.map(|suspension| suspension.place);
        let place = Place::after(last);
        let machine = self.machine.as_mut().ok_or(Trouble::Died)?;
        machine.pause().await?;
        let kept = Kept {
            suspension: Some(Suspension { place, past: false }),
            ..self.kept.clone()
        };
        let written = async {
            write(machine, &self.dir, place).await?;
            // Not before it is whole, and not the end of the guest before it is known.
            Ok::<_, Trouble>(kept.save(&self.dir)?)
        };
        if let Err(error) = written.await {
            machine.run().await?;
            return Err(error);
        }
        (self.kept, self.seen.suspended) = (kept, true);
        if let Some(last) = last {
            // Its snapshot of the disk goes when the place is used again: the disk would take a second for it now, as it is
            // busy with what was just written.
            let _ = std::fs::remove_file(self.dir.join(last.name()));
        }
        self.end().await
    }

    /// Makes the disk what it was in the suspension, if the guest has run since.
    pub(super) async fn put_back(&mut self) -> Result<(), Trouble> {
        if let Some(suspension) = self.kept.suspension.filter(|suspension| suspension.past) {
            go_back(suspension.place, &self.dir).await?;
            self.asleep(true)?;
        }
        Ok(())
    }

    /// Writes down whether the suspension is what the VM is, or what it was. Known before the guest runs: a successor must
    /// never load that memory onto a newer disk.
    pub(super) fn asleep(&mut self, asleep: bool) -> io::Result<()> {
        if let Some(suspension) = &mut self.kept.suspension {
            suspension.past = !asleep;
            self.kept.save(&self.dir)?;
        }
        Ok(())
    }
}

/// Writes a paused guest into a place, which counts only when all of it is there.
async fn write(machine: &mut Machine, dir: &Path, place: Place) -> Result<(), Trouble> {
    let part = dir.join(PART);
    // QEMU writes into what is there: an old end would stay.
    let _ = std::fs::remove_file(&part);
    let _ = std::fs::remove_file(dir.join(place.name()));
    // Before the state, as QEMU lets go of the disk when that is written.
    machine.snapshot_disk(place.name()).await?;
    machine.save(&part, Memory::InTheState).await?;
    std::fs::rename(&part, dir.join(place.name()))?;
    Ok(())
}

/// Makes the disk what it was when a place was written. QEMU must not be there.
async fn go_back(place: Place, dir: &Path) -> Result<(), CommandError> {
    let overlay = dir.join(OVERLAY).display().to_string();
    let args = ["snapshot", "-a", place.name(), &overlay];
    run("qemu-img", &args, None).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_suspension_never_goes_where_the_last_one_is() {
        for last in [None, Some(Place::A), Some(Place::B)] {
            assert_ne!(Some(Place::after(last)), last);
        }
        assert_ne!(Place::A.name(), Place::B.name());
    }

    #[tokio::test]
    async fn a_disk_that_has_gone_on_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let overlay = dir.path().join(OVERLAY).display().to_string();
        let io = async |command: &str| {
            let done = run("qemu-io", &["-f", "qcow2", "-c", command, &overlay], None).await;
            // It says so, and ends with status 0.
            assert!(!done.unwrap().stdout.contains("verification failed"), "{command}");
        };
        run("qemu-img", &["create", "-q", "-f", "qcow2", &overlay, "1M"], None)
            .await
            .unwrap();
        io("write -P 1 0 128k").await;
        run("qemu-img", &["snapshot", "-c", Place::A.name(), &overlay], None)
            .await
            .unwrap();
        io("write -P 2 64k 128k").await;
        // More than once: a guest may die again and again.
        for _ in 0..2 {
            go_back(Place::A, dir.path()).await.unwrap();
            io("read -P 1 0 128k").await;
            io("read -P 0 128k 64k").await;
            io("write -P 3 0 1M").await;
        }
        assert!(go_back(Place::B, dir.path()).await.is_err(), "never written");
        io("read -P 3 0 1M").await;
    }
}
