//! Forwarding on a host that was no router: switched on for VMs, and for nothing else.

use super::NetError;
use super::host::nft;
use super::{names, rules};
use std::path::{Path, PathBuf};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Remembers on disk that it was this agent that switched forwarding on, as rules may be flushed by others.
#[derive(Debug, Clone)]
pub(super) struct Router {
    agent: String,
    /// Holds the id of the boot in which forwarding was switched on: the next boot's setting is somebody else's.
    marker: PathBuf,
}

impl Router {
    pub(super) fn new(agent: &str, state: &Path) -> Self {
        Self {
            agent: agent.to_owned(),
            marker: state.join("forwarding"),
        }
    }

    /// Switches forwarding on, if it is off; and sees that nothing but VMs has a use of that.
    pub(super) async fn switch_on(&self) -> Result<(), NetError> {
        if read(FORWARD)? == "0" {
            tracing::warn!(
                table = names::no_router(&self.agent),
                "forwarding was off: it is switched on for VMs (links vx*), and all else that would be forwarded is \
                 dropped, also containers' packets; switch it on yourself before the agent starts if this host is a router"
            );
            write(&self.marker, &read(BOOT)?)?;
            // First the guard, then the forwarding.
            self.guard().await?;
            write(Path::new(FORWARD), "1")
        } else {
            self.mend().await
        }
    }

    /// Sets the guard again, if it was this agent that switched forwarding on.
    pub(super) async fn mend(&self) -> Result<(), NetError> {
        if self.switched_on()? {
            self.guard().await?;
        }
        Ok(())
    }

    /// Makes the host what it was.
    pub(super) async fn switch_off(&self) -> Result<(), NetError> {
        if self.switched_on()? {
            write(Path::new(FORWARD), "0")?;
            let table = names::no_router(&self.agent);
            // "add" first makes deleting what is not there succeed, in one batch.
            nft(&format!("add table ip {table}\ndelete table ip {table}\n")).await?;
            std::fs::remove_file(&self.marker).map_err(failed(&self.marker))?;
        }
        Ok(())
    }

    fn switched_on(&self) -> Result<bool, NetError> {
        let boot = read(BOOT)?;
        Ok(std::fs::read_to_string(&self.marker).is_ok_and(|then| then == boot))
    }

    async fn guard(&self) -> Result<(), NetError> {
        nft(&rules::no_router_table(&self.agent)).await.map(drop)
    }
}

fn read(path: &str) -> Result<String, NetError> {
    let text = std::fs::read_to_string(path).map_err(failed(Path::new(path)))?;
    Ok(text.trim().to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), NetError> {
    std::fs::write(path, text).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> NetError {
    let what = path.display().to_string();
    |source| NetError::Io { what, source }
}
