//! The wiring of a slot on disk. It is a help for the next start, so what cannot be read is as good as absent.

use super::NetError;
use super::rules::Wiring;
use std::path::Path;

pub(super) fn read(file: &Path) -> Option<Wiring> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Writes by renaming, so that a killed agent never leaves half a file.
pub(super) fn write(file: &Path, wiring: Option<&Wiring>) -> Result<(), NetError> {
    let failed = |source| NetError::Io {
        what: format!("writing {}", file.display()),
        source,
    };
    let Some(wiring) = wiring else {
        return remove(file);
    };
    let text = serde_json::to_vec(wiring).map_err(|error| failed(error.into()))?;
    let new = file.with_extension("new");
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, file))
        .map_err(failed)
}

/// Removes a file, which need not be there.
pub(super) fn remove(file: &Path) -> Result<(), NetError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(file)(error)),
        _ => Ok(()),
    }
}

/// What was wrong with a file.
pub(super) fn failed(file: &Path) -> impl FnOnce(std::io::Error) -> NetError {
    let what = file.display().to_string();
    |source| NetError::Io { what, source }
}
