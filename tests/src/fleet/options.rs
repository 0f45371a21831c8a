//! What a fleet is made of.

use std::path::{Path, PathBuf};

/// What a fleet is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file of `tests/worlds`.
    pub world: PathBuf,
    /// Port of the website, on loopback and on the management network.
    pub port: u16,
    /// Snapshots that go into the nest.
    pub snapshots: Vec<PathBuf>,
    /// URL of a PostgreSQL database instead of SQLite.
    pub database: Option<String>,
    /// More arguments for `vmatrix serve`.
    pub serve: Vec<String>,
    /// Words before `vmatrix-agent run`, such as `faketime`.
    pub agent: Vec<String>,
    /// Where the output of all programs goes.
    pub logs: PathBuf,
}

impl Options {
    /// For a test of the project: with the snapshots that `./run test` has made. Without them, or without root, it
    /// says that the test is skipped.
    #[must_use]
    pub fn for_test(name: &str) -> Option<Self> {
        let snapshots = std::env::var_os("VMATRIX_SNAPSHOTS").map(PathBuf::from);
        let (Some(snapshots), true) = (snapshots, nix::unistd::geteuid().is_root()) else {
            eprintln!("skipped {name}: it needs root and real snapshots: ./run test");
            return None;
        };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        Some(Self {
            world: project.join("worlds/atlantic.toml"),
            port: 8093,
            snapshots: vec![snapshots.join("openarena")],
            database: None,
            serve: Vec::new(),
            agent: Vec::new(),
            logs: project.join("../target/test-logs").join(name),
        })
    }
}
