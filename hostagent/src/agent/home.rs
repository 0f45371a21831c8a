//! The agent's directory: who it is, how often it was started, and what it was last told to do.
//!
//! All files are for the agent's user only, as they hold secrets, and are replaced by renaming, so that a killed agent
//! leaves the old one or the new one.

use crate::doors::certificate::KeptCertificate;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use url::Url;
use vmatrix_wire::{HostId, Orders, PortRange, Role, Secret};

/// What a joined host knows of itself: `host.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    /// The server that it belongs to.
    pub server: Url,
    /// Whether plain HTTP to that server was allowed by hand.
    pub insecure: bool,
    /// Its id.
    pub host: HostId,
    /// What it shows to the server.
    pub secret: Secret,
    /// Its name.
    pub name: String,
    /// Its site.
    pub site: String,
    /// The address that players reach it by.
    pub public_address: IpAddr,
    /// The ports of that address for VMs.
    pub ports: PortRange,
    /// How many VMs may run at once.
    pub slots: u16,
    /// What its VMs are for.
    pub role: Role,
}

/// A file of the directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The host has not joined.
    #[error("{0} is not there: this host has not joined yet (`vmatrix-agent join`)")]
    NotJoined(PathBuf),
    /// It has joined already.
    #[error("{file} is there: this host has joined {server} already; remove the file to join anew")]
    Already {
        /// Which file.
        file: PathBuf,
        /// Where it belongs.
        server: Url,
    },
    /// Another agent works with the directory.
    #[error("another agent runs with {0}")]
    Locked(PathBuf),
    /// It cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It has not the form that it should have.
    #[error("{file} is damaged: {source}")]
    Damaged {
        /// Which.
        file: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
}

/// The agent's directory.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// Takes the directory, and makes it if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| dir.canonicalize());
        let dir = made.map_err(|source| HomeError::Io {
            file: dir.to_owned(),
            source,
        })?;
        Ok(Self { dir })
    }

    /// Takes the directory as it is; `None` if it is missing. Changes nothing.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn find(dir: &Path) -> Result<Option<Self>, HomeError> {
        match dir.canonicalize() {
            Ok(dir) => Ok(Some(Self { dir })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(HomeError::Io {
                file: dir.to_owned(),
                source,
            }),
        }
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps other agents out until the lock is dropped or the process ends, in whatever way.
    ///
    /// # Errors
    /// If another agent has it.
    pub fn lock(&self) -> Result<Flock<File>, HomeError> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| HomeError::Io { file: path, source })?;
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| HomeError::Locked(self.dir.clone()))
    }

    /// Who this host is.
    ///
    /// # Errors
    /// If it has not joined, or the file is damaged.
    pub fn joined(&self) -> Result<Joined, HomeError> {
        let file = self.dir.join("host.json");
        self.read("host.json")?.ok_or(HomeError::NotJoined(file))
    }

    /// Refuses if the host has joined already.
    ///
    /// # Errors
    /// [`HomeError::Already`], or the file cannot be read.
    pub fn check_not_joined(&self) -> Result<(), HomeError> {
        let file = self.dir.join("host.json");
        match self.read::<Joined>("host.json")? {
            Some(joined) => Err(HomeError::Already {
                file,
                server: joined.server,
            }),
            None => Ok(()),
        }
    }

    /// Keeps who this host is.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_joined(&self, joined: &Joined) -> Result<(), HomeError> {
        self.write("host.json", joined)
    }

    /// How many times an agent has been started here, this time included.
    ///
    /// # Errors
    /// If the file cannot be read or written: without the number the server would take the reports for old ones.
    pub fn next_incarnation(&self) -> Result<u64, HomeError> {
        let next = self.read::<u64>("incarnation.json")?.unwrap_or(0) + 1;
        self.write("incarnation.json", &next)?;
        Ok(next)
    }

    /// What the host was last told; `None` if nothing yet. A damaged file is as good as none: the server tells it again.
    #[must_use]
    pub fn orders(&self) -> Option<Orders> {
        self.read("orders.json").unwrap_or_else(|error| {
            tracing::warn!(%error, "the last orders are lost");
            None
        })
    }

    /// Keeps what the host was told.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_orders(&self, orders: &Orders) -> Result<(), HomeError> {
        self.write("orders.json", orders)
    }

    /// What browsers know this host by; none if there is nothing yet, or it is damaged: others are made then.
    #[must_use]
    pub fn certificates(&self) -> Vec<KeptCertificate> {
        let read = self.read("certificates.json").unwrap_or_else(|error| {
            tracing::warn!(%error, "the certificates are lost");
            None
        });
        read.unwrap_or_default()
    }

    /// Keeps what browsers know this host by.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_certificates(&self, certificates: &[KeptCertificate]) -> Result<(), HomeError> {
        self.write("certificates.json", certificates)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, HomeError> {
        let file = self.dir.join(name);
        match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|source| HomeError::Damaged { file, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(HomeError::Io { file, source }),
        }
    }

    fn write<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), HomeError> {
        let file = self.dir.join(name);
        let new = self.dir.join(format!("{name}.new"));
        let work = || {
            // A file of that name that was left may have other rights.
            let _ = std::fs::remove_file(&new);
            let mut out = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&new)?;
            out.write_all(&serde_json::to_vec_pretty(value)?)?;
            std::fs::rename(&new, &file)
        };
        work().map_err(|source| HomeError::Io {
            file: file.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use uuid::Uuid;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(&dir.path().join("data")).unwrap();
        (dir, home)
    }

    pub(crate) fn joined() -> Joined {
        Joined {
            server: "https://play.example/".parse().unwrap(),
            insecure: false,
            host: HostId(Uuid::from_u128(1)),
            secret: Secret::new("hush"),
            name: "prague-1".into(),
            site: "Prague".into(),
            public_address: IpAddr::from([192, 0, 2, 7]),
            ports: "27960-27999".parse().unwrap(),
            slots: 1,
            role: Role::Production,
        }
    }

    #[test]
    fn what_holds_a_secret_is_for_its_owner_only() {
        let (_dir, home) = home();
        home.keep_joined(&joined()).unwrap();
        home.keep_joined(&joined()).unwrap();
        let mode = |name: &str| {
            std::fs::metadata(home.dir().join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!((mode("host.json"), mode(".")), (0o600, 0o700));
        assert_eq!(home.joined().unwrap().secret.reveal(), "hush");
    }

    #[test]
    fn looking_for_a_directory_does_not_make_it() {
        let (dir, home) = home();
        assert!(Home::find(&dir.path().join("other")).unwrap().is_none());
        assert!(!dir.path().join("other").exists());
        assert_eq!(Home::find(home.dir()).unwrap().unwrap().dir(), home.dir());
    }

    #[test]
    fn a_host_joins_once() {
        let (_dir, home) = home();
        assert!(matches!(home.joined(), Err(HomeError::NotJoined(_))));
        home.check_not_joined().unwrap();
        home.keep_joined(&joined()).unwrap();
        let error = home.check_not_joined().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("has joined https://play.example/ already"),
            "{error}"
        );
    }

    #[test]
    fn each_start_is_a_new_incarnation() {
        let (_dir, home) = home();
        assert_eq!(
            [home.next_incarnation().unwrap(), home.next_incarnation().unwrap()],
            [1, 2]
        );
        std::fs::write(home.dir().join("incarnation.json"), "many").unwrap();
        assert!(matches!(home.next_incarnation(), Err(HomeError::Damaged { .. })));
    }

    #[test]
    fn damaged_orders_are_as_good_as_none() {
        let (_dir, home) = home();
        assert_eq!(home.orders(), None);
        let orders = Orders::empty(HostId(Uuid::nil()), 7);
        home.keep_orders(&orders).unwrap();
        assert_eq!(home.orders(), Some(orders));
        std::fs::write(home.dir().join("orders.json"), "{").unwrap();
        assert_eq!(home.orders(), None);
    }

    #[test]
    fn one_directory_has_one_agent() {
        let (_dir, home) = home();
        let lock = home.lock().unwrap();
        assert!(matches!(home.lock(), Err(HomeError::Locked(_))));
        drop(lock);
        home.lock().unwrap();
    }
}
