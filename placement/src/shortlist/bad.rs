//! What cannot be taken.

use crate::{BadMatrix, BadRequest};

/// What was given does not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadShortlist {
    /// Players or hosts.
    #[error(transparent)]
    Matrix(#[from] BadMatrix),
    /// States or policy.
    #[error(transparent)]
    Request(#[from] BadRequest),
    /// The mesh is of other hosts.
    #[error("a mesh of {mesh} hosts for {hosts} hosts")]
    Mesh {
        /// Hosts of the mesh.
        mesh: usize,
        /// Hosts given.
        hosts: usize,
    },
}

/// An answer that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadObservation {
    /// The host was not to be probed, or has answered already.
    #[error("host {host} is not one of those to be probed now")]
    NotAsked {
        /// Which, from 0.
        host: usize,
    },
    /// Not one value per player.
    #[error("host {host} has {found} values for {players} players")]
    Ragged {
        /// Which, from 0.
        host: usize,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        players: usize,
    },
}
