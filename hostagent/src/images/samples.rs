//! A small snapshot's manifest, for tests.

use vmatrix_wire::{
    Accelerator, Clock, Contract, Digest, FileIndex, LoadKey, Machine, Manifest, Need, Proof,
};

/// A manifest of these files.
pub(super) fn manifest(files: Vec<FileIndex>) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        contract: contract(),
        key: key(),
        frozen_at_ms: 0,
        boot_ms: 15_000,
        files,
    }
}

fn contract() -> Contract {
    Contract {
        name: "wiki".into(),
        title: "A wiki".into(),
        machine: Machine {
            machine_type: "pc-q35-10.0".into(),
            cpu: "qemu64".into(),
            cores: 1,
            memory_mb: 3,
            cmdline: String::new(),
        },
        needs: Need {
            memory_mb: 3,
            disk_mb: 2,
        },
        port: 80,
        proof: Proof::Http { path: "/".into() },
        clock: Clock::Step,
        game: None,
    }
}

fn key() -> LoadKey {
    LoadKey {
        vmm: "qemu".into(),
        accelerator: Accelerator::Tcg,
        machine_type: "pc-q35-10.0".into(),
        cpu: "qemu64".into(),
        devices: Digest([0; 32]),
    }
}
