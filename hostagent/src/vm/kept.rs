//! What must be known of a VM after its agent was killed: one file per VM, readable by the agent's user only, as it holds passwords.

use super::suspension::Suspension;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use vmatrix_wire::VmOrder;

const FILE: &str = "vm.json";

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// As last ordered.
    pub order: VmOrder,
    /// The slot that it has.
    pub slot: Option<u16>,
    /// It was configured as `order` says, and nothing has happened to it since.
    pub ready: bool,
    /// It was opened.
    pub open: bool,
    /// What it had become when it was last suspended, if it ever was.
    pub suspension: Option<Suspension>,
    /// How often it died and was resumed.
    pub revived: u32,
}

impl Kept {
    pub(super) fn new(order: VmOrder) -> Self {
        Self {
            order,
            slot: None,
            ready: false,
            open: false,
            suspension: None,
            revived: 0,
        }
    }

    /// Reads what was kept; `None` if there is nothing that can be read.
    pub(super) fn load(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(FILE)).ok()?).ok()
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let part = dir.join(".vm.json");
        let mut file = std::fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        std::fs::rename(part, dir.join(FILE))
    }
}
