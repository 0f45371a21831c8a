//! Takes a machine out of the fleet: what joining and running have made of it is undone.

use super::{Home, HomeError, Joined, Server, ServerError};
use crate::net::{HostNet, NetError, Removed};
use crate::vm;
use std::ffi::OsString;
use std::path::Path;

/// All that an agent keeps in its directory; who it is comes last, so that leaving can be tried again.
const FILES: [&str; 9] = [
    "vms",
    "snapshots",
    "net",
    "accelerator.json",
    "certificates.json",
    "orders.json",
    "incarnation.json",
    "host.json",
    "lock",
];

/// Why a machine has not left.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// An agent runs, or the host has not joined.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The server was not told.
    #[error(
        "{0}. Nothing was changed here. With --force this machine is cleaned up all the same; the server then takes the host for one that is gone"
    )]
    Untold(ServerError),
    /// VMs are here, and `force` was not said.
    #[error(
        "{count} VMs are on this host: wait until their matches are over and its services are taken off it, or say --force to end them now, with all that they hold"
    )]
    Busy {
        /// How many.
        count: usize,
    },
    /// The networks.
    #[error(transparent)]
    Net(#[from] NetError),
    /// A file.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// What the server makes of it.
#[derive(Debug)]
pub enum Told {
    /// It knows.
    Yes,
    /// It does not know this host any more: an earlier attempt has told it.
    Unknown,
    /// It was not reached, and `force` was said.
    No(ServerError),
}

/// What leaving has done.
#[derive(Debug)]
pub struct Left {
    /// Who the host was.
    pub joined: Joined,
    /// What the server makes of it.
    pub told: Told,
    /// How many VMs were ended, running or suspended.
    pub vms: usize,
    /// What was removed of networks and rules; `None` if none were made, as on the user network.
    pub networks: Option<Removed>,
    /// What else is in the directory, which stays because of it.
    pub others: Vec<OsString>,
}

/// Tells the server; then ends this host's VMs, and removes their networks and rules and what was kept on disk.
///
/// # Errors
/// An agent runs, VMs are here or the server cannot be told and `force` is not given, or something cannot be removed: then try again.
pub async fn leave(home: &Home, force: bool) -> Result<Left, LeaveError> {
    let _lock = home.lock()?;
    let joined = home.joined()?;
    let vms = vm::count(home.dir()).map_err(failed(home.dir()))?;
    if vms > 0 && !force {
        return Err(LeaveError::Busy { count: vms });
    }
    let net = home.dir().join("net");
    HostNet::check_removable(joined.host, &net).await?;
    let told = judge(tell(&joined).await, force)?;
    vm::end_all(home.dir()).await.map_err(failed(home.dir()))?;
    let networks = HostNet::remove(joined.host, joined.slots, &net).await?;
    for name in FILES {
        let path = home.dir().join(name);
        remove(&path).map_err(failed(&path))?;
    }
    Ok(Left {
        others: remove_dir(home.dir()).map_err(failed(home.dir()))?,
        joined,
        told,
        vms,
        networks,
    })
}

/// Removes the directory, unless somebody else keeps something in it: then what that is.
fn remove_dir(dir: &Path) -> std::io::Result<Vec<OsString>> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        others.push(entry?.file_name());
    }
    others.sort();
    if others.is_empty() {
        std::fs::remove_dir(dir)?;
    }
    Ok(others)
}

async fn tell(joined: &Joined) -> Result<(), ServerError> {
    Server::new(&joined.server, joined.insecure, Some(joined.secret.clone()))?
        .leave()
        .await
}

/// Whether to go on with what the server said.
fn judge(said: Result<(), ServerError>, force: bool) -> Result<Told, LeaveError> {
    match said {
        Ok(()) => Ok(Told::Yes),
        Err(ServerError::Unknown(_)) => Ok(Told::Unknown),
        Err(error) if force => Ok(Told::No(error)),
        Err(error) => Err(LeaveError::Untold(error)),
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    let done = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> LeaveError {
    let what = path.display().to_string();
    |source| LeaveError::Io { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_says_so_leaves_untold() {
        let away = || Err(ServerError::Odd("away".into()));
        assert!(matches!(judge(Ok(()), false), Ok(Told::Yes)));
        assert!(matches!(judge(away(), false), Err(LeaveError::Untold(_))));
        assert!(matches!(judge(away(), true), Ok(Told::No(_))));
        let forgotten = Err(ServerError::Unknown("send a token".into()));
        assert!(matches!(judge(forgotten, false), Ok(Told::Unknown)));
        let refused = Err(ServerError::Refused("not you".into()));
        assert!(matches!(judge(refused, false), Err(LeaveError::Untold(_))));
        let said = judge(away(), false).unwrap_err().to_string();
        assert!(
            said.contains("Nothing was changed") && said.contains("--force"),
            "{said}"
        );
    }

    #[test]
    fn what_is_not_there_is_not_missed() {
        let dir = tempfile::tempdir().unwrap();
        remove(&dir.path().join("vms")).unwrap();
        std::fs::create_dir_all(dir.path().join("vms/1")).unwrap();
        std::fs::write(dir.path().join("lock"), "").unwrap();
        remove(&dir.path().join("vms")).unwrap();
        remove(&dir.path().join("lock")).unwrap();
        assert!(!dir.path().join("vms").exists() && !dir.path().join("lock").exists());
    }
}
