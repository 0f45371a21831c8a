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
        return match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    };
    let text = serde_json::to_vec(wiring).map_err(|error| failed(error.into()))?;
    let new = file.with_extension("new");
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, file))
        .map_err(failed)
}
