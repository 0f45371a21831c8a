//! Removes what slot networks have left on the machine, and says what: by what was made, not by what could be made now.

use super::host::{HostNet, found, remove_slot};
use super::names::{self, Names};
use super::router::{Forwarding, Router};
use super::{NetError, state};
use std::collections::BTreeSet;
use std::path::Path;
use vmatrix_wire::{HostId, Network};

/// In the directory of the wiring, once namespaces and rules were made.
const MADE: &str = "namespaces";

/// What [`HostNet::remove`] has removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many namespaces, each with its link and rules.
    pub namespaces: usize,
    /// What became of forwarding.
    pub forwarding: Forwarding,
}

/// Remembers that namespaces and rules are made from now on.
pub(super) fn note(dir: &Path) -> Result<(), NetError> {
    let file = dir.join(MADE);
    std::fs::write(&file, "").map_err(state::failed(&file))
}

/// Whether there is something to remove that needs root.
fn is_made(agent: &str, dir: &Path) -> Result<bool, NetError> {
    Ok(dir.join(MADE).exists() || Router::new(agent, dir).switched_on()? || !found(agent)?.is_empty())
}

impl HostNet {
    /// Whether [`remove`](Self::remove) can do its work. `dir` is the directory of the wiring.
    ///
    /// # Errors
    /// [`NetError::Unable`] if namespaces and rules were made and cannot be removed now.
    pub async fn check_removable(host: HostId, dir: &Path) -> Result<(), NetError> {
        if is_made(&names::short(host), dir)? && Self::detect().await == Network::User {
            return Err(NetError::Unable);
        }
        Ok(())
    }

    /// Removes all that [`prepare`](Self::prepare) made for this host, VMs' networks too; forwarding is left on if somebody
    /// else may use it. What is not there is not missed. `None`: nothing was made, as on the user network.
    ///
    /// # Errors
    /// If a program fails.
    pub async fn remove(host: HostId, slots: u16, dir: &Path) -> Result<Option<Removed>, NetError> {
        let agent = names::short(host);
        if !is_made(&agent, dir)? {
            return Ok(None);
        }
        let there = found(&agent)?;
        // Also rules whose namespace somebody else has removed.
        for index in there.iter().copied().chain(0..slots).collect::<BTreeSet<_>>() {
            remove_slot(&Names::new(&agent, index)).await?;
        }
        let forwarding = Router::new(&agent, dir).switch_off().await?;
        let made = dir.join(MADE);
        state::remove(&made)?;
        Ok(Some(Removed {
            namespaces: there.len(),
            forwarding,
        }))
    }
}
