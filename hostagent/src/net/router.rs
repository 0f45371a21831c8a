//! Forwarding on a host that was no router: switched on for VMs, and for nothing else.

use super::host::nft;
use super::state::{self, failed};
use super::{NetError, names, rules};
use crate::command::run;
use std::path::{Path, PathBuf};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What became of `net.ipv4.ip_forward` when an agent left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarding {
    /// The agent had not switched it on since the machine was started: it was not touched.
    NotOurs,
    /// The agent had switched it on, and it is off again.
    Off,
    /// The agent had switched it on, and somebody else may use it by now: it stays on, and so does the guard.
    Left {
        /// Who, or how that is known; for people.
        why: String,
        /// The guard's table, if it is there.
        guard: Option<String>,
    },
}

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

    /// Makes the host what it was, unless somebody else may have come to rely on forwarding. To be called when the agent's
    /// own slots are gone.
    pub(super) async fn switch_off(&self) -> Result<Forwarding, NetError> {
        if !self.switched_on()? {
            return Ok(Forwarding::NotOurs);
        }
        let table = names::no_router(&self.agent);
        let guarded = run("nft", &["list", "table", "ip", &table], None).await.is_ok();
        let is_on = read(FORWARD)? != "0";
        if is_on
            && let Some(why) = other_use(
                &self.agent,
                &links(&[]).await?,
                &links(&["type", "bridge"]).await?,
                guarded,
            )
        {
            state::remove(&self.marker)?;
            let guard = guarded.then_some(table);
            return Ok(Forwarding::Left { why, guard });
        }
        write(Path::new(FORWARD), "0")?;
        // "add" first makes deleting what is not there succeed, in one batch.
        nft(&format!("add table ip {table}\ndelete table ip {table}\n")).await?;
        state::remove(&self.marker)?;
        Ok(Forwarding::Off)
    }

    /// Whether it was this agent, since the machine was started.
    pub(super) fn switched_on(&self) -> Result<bool, NetError> {
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

/// The names of this namespace's links, or of those of a kind.
async fn links(kind: &[&str]) -> Result<Vec<String>, NetError> {
    let args = [&["-br", "link", "show"], kind].concat();
    let listed = run("ip", &args, None).await?.stdout;
    let name = |line: &str| Some(line.split_whitespace().next()?.split('@').next()?.to_owned());
    Ok(listed.lines().filter_map(name).collect())
}

/// Who else may need forwarding, that this agent has switched on. Pure.
///
/// While the guard stands it drops what is not for slots' links, so only another agent can have a use of it; but a bridge
/// says that containers or other VMs are here and wait for it.
fn other_use(agent: &str, links: &[String], bridges: &[String], guarded: bool) -> Option<String> {
    let own = names::links(agent);
    let all = names::ALL_LINKS.trim_end_matches('*');
    let other = |link: &&String| link.starts_with(all) && !link.starts_with(&own);
    if let Some(link) = links.iter().find(other) {
        return Some(format!("another agent on this machine may use it (link {link})"));
    }
    if let Some(bridge) = bridges.first() {
        return Some(format!("containers or other VMs may use it (bridge {bridge})"));
    }
    (!guarded)
        .then(|| "somebody has removed the agent's rule against other forwarding, and may use it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarding_goes_only_if_nobody_else_can_use_it() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let told = |links: &[&str], bridges: &[&str], guarded| {
            other_use("a1b2c3d4", &words(links), &words(bridges), guarded)
        };
        assert_eq!(told(&["lo", "eth0"], &[], true), None);
        assert!(
            told(&["lo", "vxlan0"], &[], true).is_some(),
            "the guard lets it pass"
        );
        assert_eq!(told(&["lo", "vxa1b2c3d4s0"], &[], true), None, "its own links");
        for (links, bridges, guarded, word) in [
            (&["vxffffffffs0"][..], &[][..], true, "vxffffffffs0"),
            (&["eth0", "docker0"], &["docker0"], true, "docker0"),
            (&["eth0"], &[], false, "removed"),
        ] {
            let why = told(links, bridges, guarded).unwrap();
            assert!(why.contains(word), "{why}");
        }
    }
}
