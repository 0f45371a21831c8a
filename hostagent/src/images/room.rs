//! Directories of snapshots that come and go, and the room that they take. Blocking I/O.

use nix::sys::statvfs::statvfs;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};
use vmatrix_wire::SnapshotId;

/// Before the digest in the name of what is on its way.
pub(super) const PART: &str = ".part-";
/// Before the digest in the name of what is being removed: a removal that was broken off never looks like a snapshot.
const GONE: &str = ".gone-";

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Enough,
    /// Only so many bytes are free, and nothing more may be removed.
    Only(u64),
}

/// Ends removals that were broken off.
pub(super) fn sweep(snapshots: &Path) -> io::Result<()> {
    for entry in fs::read_dir(snapshots)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(GONE) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the directory that a snapshot comes into. One that has its name but is not whole is begun with.
pub(super) fn begin(home: &Path, part: &Path) -> io::Result<()> {
    if home.is_dir() {
        if part.is_dir() {
            fs::remove_dir_all(part)?;
        }
        fs::rename(home, part)?;
    }
    fs::create_dir_all(part)
}

/// Removes what is not in `keep`, oldest first, until `needed` bytes are free; nothing if `keep` is not known. Also says
/// what was removed.
pub(super) fn make(
    snapshots: &Path,
    needed: u64,
    keep: Option<&HashSet<SnapshotId>>,
) -> io::Result<(Room, Vec<SnapshotId>)> {
    let mut old = keep
        .map(|keep| unwanted(snapshots, keep))
        .transpose()?
        .unwrap_or_default()
        .into_iter();
    let mut removed = Vec::new();
    loop {
        let stat = statvfs(snapshots)?;
        let free = stat.blocks_available().saturating_mul(stat.fragment_size());
        if free >= needed {
            return Ok((Room::Enough, removed));
        }
        let Some((_, id, path)) = old.next() else {
            return Ok((Room::Only(free), removed));
        };
        tracing::info!(snapshot = id.short(), "removed to make room: no VM here needs it");
        let gone = snapshots.join(format!("{GONE}{id}"));
        if path != gone {
            fs::rename(&path, &gone)?;
        }
        fs::remove_dir_all(&gone)?;
        removed.push(id);
    }
}

/// Snapshots, whole or on their way, that are not to be kept, oldest first.
fn unwanted(
    snapshots: &Path,
    keep: &HashSet<SnapshotId>,
) -> io::Result<Vec<(SystemTime, SnapshotId, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(snapshots)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let digest = [PART, GONE]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(&name);
        if let Some(id) = digest.parse().ok().filter(|id| !keep.contains(id)) {
            found.push((entry.metadata()?.modified()?, id, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
