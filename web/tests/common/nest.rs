//! Snapshots for the nest.

use super::{Answer, Person, World, send};
use reqwest::Method;
use vmatrix_wire::{
    Accelerator, Clock, Contract, Digest, FileIndex, Game, LoadKey, Machine, Manifest, Need, Proof, Secret,
};

pub fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

pub fn manifest(image: &str, game: Option<Game>, chunk: &[u8]) -> Manifest {
    let (size, chunks) = (chunk.len() as u64, vec![Some(digest(chunk))]);
    let file = |name: &str| FileIndex {
        name: name.into(),
        size,
        chunks: chunks.clone(),
    };
    Manifest {
        format: Manifest::FORMAT,
        contract: Contract {
            name: image.into(),
            title: format!("The {image}"),
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
            port: 80,
            proof: Proof::Quake3,
            clock: Clock::Keep,
            game,
        },
        key: LoadKey {
            vmm: "qemu".into(),
            accelerator: Accelerator::Tcg,
            machine_type: "pc-q35-10.0".into(),
            cpu: "qemu64".into(),
            devices: digest(b"devices"),
        },
        frozen_at_ms: 1,
        boot_ms: 12_000,
        files: Manifest::FILES.map(file).to_vec(),
    }
}

pub fn openarena() -> Option<Game> {
    Some(Game {
        gamename: "Quake3Arena".into(),
        protocol: 71,
        boot_rcon: Secret::new("frozen-rcon-password"),
        map: "oa_dm1".into(),
    })
}

pub async fn put_chunk(world: &World, person: &Person, name: Digest, body: Vec<u8>) -> Answer {
    let put = world.request(Method::PUT, &format!("/api/v1/nest/chunks/{name}"));
    send(put.bearer_auth(person.token()).body(body)).await
}

pub async fn put_manifest(world: &World, person: &Person, name: Digest, body: Vec<u8>) -> Answer {
    let put = world.request(Method::PUT, &format!("/api/v1/nest/manifests/{name}"));
    send(put.bearer_auth(person.token()).body(body)).await
}

pub async fn publish(world: &World, operator: &Person, manifest: &Manifest, chunk: &[u8]) -> Answer {
    let packed = zstd::encode_all(chunk, 1).unwrap();
    assert_eq!(
        put_chunk(world, operator, digest(chunk), packed).await.status,
        204
    );
    let bytes = serde_json::to_vec(manifest).unwrap();
    put_manifest(world, operator, digest(&bytes), bytes).await
}

/// A game that can be booked, without a person having pushed it.
pub async fn publish_game(world: &World) {
    let chunk = b"game";
    let bytes = serde_json::to_vec(&manifest("openarena", openarena(), chunk)).unwrap();
    world
        .app
        .nest
        .put(digest(chunk), &zstd::encode_all(&chunk[..], 1).unwrap())
        .unwrap();
    let pusher = world.person("pusher", vmatrix_web::domain::Role::Operator).await;
    assert_eq!(
        put_manifest(world, &pusher, digest(&bytes), bytes).await.status,
        201
    );
}
