//! Things as they commonly are, for tests.

use super::{Host, HostId, Site, SiteId, Time};
use uuid::Uuid;
use vmatrix_wire::{
    Accelerator, Clock, Contract, Digest, Doors, Facts, Game, LoadKey, Machine, Manifest, Need, Network,
    Proof, Report, Role, Secret, Vmm,
};

pub(crate) fn facts() -> Facts {
    Facts {
        agent_version: "0.1.0".into(),
        cores: 4,
        memory_mb: 8192,
        disk_free_mb: 50_000,
        cpu_model: "Test CPU".into(),
        vmm: Vmm {
            name: "qemu".into(),
            version: "10.0.2".into(),
        },
        accelerator: Accelerator::Tcg,
        network: Network::Tap,
        doors: Doors::default(),
    }
}

/// A production host with one slot; `number` gives id and address.
pub(crate) fn host(name: &str, number: u8) -> Host {
    Host {
        id: HostId(Uuid::from_u128(u128::from(number))),
        site: Site {
            id: SiteId(Uuid::from_u128(900)),
            name: "somewhere".into(),
        },
        name: name.into(),
        public_address: [10, 77, 0, number].into(),
        ports: "27960-27963".parse().unwrap(),
        slots: 1,
        role: Role::Production,
        facts: facts(),
        joined_at: Time::from_millis(0),
    }
}

pub(crate) fn report() -> Report {
    Report {
        protocol: vmatrix_wire::PROTOCOL,
        incarnation: 1,
        sequence: 1,
        generation: 1,
        facts: facts(),
        vms: Vec::new(),
        probes: Vec::new(),
        lookouts: Vec::new(),
    }
}

pub(crate) fn manifest(image: &str, frozen_at_ms: i64) -> Manifest {
    Manifest {
        format: 1,
        contract: Contract {
            name: image.into(),
            title: "A game".into(),
            machine: Machine {
                machine_type: "pc-q35-10.0".into(),
                cpu: "qemu64".into(),
                cores: 1,
                memory_mb: 512,
                cmdline: String::new(),
            },
            needs: Need {
                memory_mb: 700,
                disk_mb: 2000,
            },
            port: 27960,
            proof: Proof::Quake3,
            clock: Clock::Keep,
            game: Some(Game {
                gamename: "Quake3Arena".into(),
                protocol: 71,
                boot_rcon: Secret::new("boot"),
                map: "oa_dm1".into(),
            }),
        },
        key: LoadKey {
            vmm: "qemu".into(),
            accelerator: Accelerator::Tcg,
            machine_type: "pc-q35-10.0".into(),
            cpu: "qemu64".into(),
            devices: Digest([9; 32]),
        },
        frozen_at_ms,
        boot_ms: 12_000,
        files: Vec::new(),
    }
}

/// A host that has just reported and was seen from outside.
pub(crate) fn record(name: &str, number: u8, now: Time) -> super::HostRecord {
    let host = host(name, number);
    super::HostRecord {
        holds: 0,
        report: Some((report(), now)),
        orders: vmatrix_wire::Orders::empty(host.id, 1),
        ordered_at: now,
        reach_nonce: Digest([number; 32]),
        reached: Some((now, super::Onlooker::Server)),
        left_at: None,
        host,
    }
}
