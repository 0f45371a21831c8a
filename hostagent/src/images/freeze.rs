//! Makes a snapshot of an image: boots it once, waits until it serves, and freezes it.
//!
//! ```text
//!   OUT/disk, memory, state, kernel   what QEMU resumes from
//!   OUT/manifest.json                 vmatrix_wire::Manifest; its digest is the snapshot's name
//!   OUT/made-of                       image, QEMU and accelerator: if they have not changed, nothing is done
//! ```
//!
//! The guest boots on QEMU's user network, which needs no root. Its devices are those of every host, and the user network's
//! own state is taken out (see `slirp`), so it resumes on a tap as well.

use super::{
    chunks, local, proof,
    slirp::{SlirpError, without_slirp},
};
use crate::{
    accel,
    command::{CommandError, run_within},
    facts::{self, FactsError},
    vm::{
        arguments::{Launch, SERIAL, Start, arguments, load_key},
        machine::{self, Machine, MachineError, Memory},
    },
};
use std::{
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};
use vmatrix_wire::{Accelerator, Contract, FileIndex, LoadKey, Manifest, Proof, SnapshotId};

/// Longest boot, on a slow accelerator and a busy machine.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
/// What a guest that answers still has to do before it is quiet.
const SETTLE: Duration = Duration::from_secs(2);
const COPY_LIMIT: Duration = Duration::from_secs(600);
/// Changes when the same image would give another snapshot.
const FREEZER: &str = "vmatrix-freeze-2";
const MADE_OF: &str = "made-of";

/// Why no snapshot was made.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// A file could not be read, written or moved.
    #[error("can not {doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The contract is not one.
    #[error("{path}: {reason}")]
    Contract {
        /// Which.
        path: PathBuf,
        /// Field and place.
        reason: String,
    },
    /// QEMU is not here.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A program failed.
    #[error(transparent)]
    Program(#[from] CommandError),
    /// QEMU failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The guest did not serve.
    #[error("the guest {how}; the last that its console said: {console:?}")]
    Guest {
        /// Died, or stayed silent.
        how: String,
        /// The end of its serial log.
        console: String,
    },
    /// QEMU wrote its state in another way than we know.
    #[error(transparent)]
    State(#[from] SlirpError),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Its name.
    pub id: SnapshotId,
    /// Bytes of its chunks, not compressed, zeros left out.
    pub bytes: u64,
    /// Cold boot to the first answer, milliseconds.
    pub boot_ms: u64,
    /// From the guest's stop to its state on disk, milliseconds; none if the snapshot was there already.
    pub suspend_ms: Option<u64>,
}

impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            bytes,
            boot_ms,
            suspend_ms,
        } = self;
        write!(f, "snapshot {id}: {} MB, booted in {boot_ms} ms", bytes >> 20)?;
        match suspend_ms {
            Some(suspend_ms) => write!(f, ", frozen in {suspend_ms} ms"),
            None => f.write_str(", is up to date"),
        }
    }
}

/// An image that has been looked at, and what its guest will run on.
struct Plan {
    image: PathBuf,
    work: PathBuf,
    contract: Contract,
    accelerator: Accelerator,
    key: LoadKey,
    made_of: String,
}

/// Makes the snapshot of `image` in `out`, or finds it there. Twice is once; two at a time wait for each other.
///
/// `say` is told of steps that take long.
///
/// # Errors
/// The step that failed. `out` is then as it was.
pub async fn freeze(image: &Path, out: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<Frozen, FreezeError> {
    let parent = out
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(file("create", parent))?;
    let plan = look(image, &beside(out, "freezing"), parent).await?;
    let lock = beside(out, "lock");
    let lock_file = fs::File::create(&lock).map_err(file("create", &lock))?;
    lock_file.lock().map_err(file("lock", &lock))?;
    if fs::read_to_string(out.join(MADE_OF)).is_ok_and(|text| text == plan.made_of)
        && let Some(frozen) = found(out)
    {
        return Ok(frozen);
    }
    machine::kill(&plan.work).await;
    remove(&plan.work)?;
    let made = tokio::select! {
        made = make(&plan, say) => made,
        _ = tokio::signal::ctrl_c() => Err(FreezeError::Interrupted),
    };
    machine::kill(&plan.work).await;
    let frozen = made?;
    remove(out)?;
    fs::rename(&plan.work, out).map_err(file("move", &plan.work))?;
    Ok(frozen)
}

async fn look(image: &Path, work: &Path, place: &Path) -> Result<Plan, FreezeError> {
    let contract_path = image.join("contract.toml");
    let text = read(&contract_path)?;
    let contract: Contract = toml::from_str(&text).map_err(|error| FreezeError::Contract {
        path: contract_path,
        reason: error.to_string(),
    })?;
    let recipe = read(&image.join("recipe.digest"))?;
    let qemu = facts::qemu_version().await?;
    let accelerator = accel::accelerator(place, &qemu).await.accelerator;
    let key = load_key(&contract.machine, contract.clock, accelerator);
    let made_of = format!(
        "{FREEZER}\nimage {recipe}\nqemu {qemu}\n{} {}\n",
        accelerator.name(),
        key.devices
    );
    let absolute = |path: &Path| std::path::absolute(path).map_err(file("find", path));
    Ok(Plan {
        image: absolute(image)?,
        work: absolute(work)?,
        contract,
        accelerator,
        key,
        made_of,
    })
}

fn found(out: &Path) -> Option<Frozen> {
    let bytes = fs::read(out.join(local::MANIFEST)).ok()?;
    let manifest = local::parse_manifest(&bytes).ok()?;
    let is = |file: &FileIndex| {
        out.join(&file.name)
            .metadata()
            .is_ok_and(|meta| meta.len() == file.size)
    };
    manifest
        .files
        .iter()
        .all(is)
        .then(|| frozen(&bytes, &manifest, None))
}

fn frozen(bytes: &[u8], manifest: &Manifest, suspend_ms: Option<u64>) -> Frozen {
    Frozen {
        id: chunks::digest(bytes),
        bytes: local::bytes(manifest),
        boot_ms: manifest.boot_ms,
        suspend_ms,
    }
}

async fn make(plan: &Plan, say: &(dyn Fn(&str) + Sync)) -> Result<Frozen, FreezeError> {
    let Plan {
        image,
        work,
        contract,
        ..
    } = plan;
    fs::create_dir_all(work).map_err(file("create", work))?;
    say(&format!("snapshot {}: copying the disk", contract.name));
    for name in ["disk", "kernel"] {
        let (from, to) = (image.join(name), work.join(name));
        let args = [
            "--sparse=always",
            "--reflink=auto",
            &*from.to_string_lossy(),
            &*to.to_string_lossy(),
        ];
        run_within(COPY_LIMIT, "cp", &args, None).await?;
    }
    say(&format!("snapshot {}: booting, until it answers", contract.name));
    let (machine, boot) = boot(plan).await?;
    let (frozen_at_ms, suspend) = suspend(machine, work).await?;
    say(&format!("snapshot {}: naming its chunks", contract.name));
    let manifest = Manifest {
        format: Manifest::FORMAT,
        contract: contract.clone(),
        key: plan.key.clone(),
        frozen_at_ms,
        boot_ms: millis(boot),
        files: index(work).await?,
    };
    let bytes = serde_json::to_vec(&manifest)
        .map_err(io::Error::other)
        .map_err(file("write", work))?;
    tidy(work)?;
    write(&work.join(local::MANIFEST), &bytes)?;
    write(&work.join(MADE_OF), plan.made_of.as_bytes())?;
    Ok(frozen(&bytes, &manifest, Some(millis(suspend))))
}

/// Boots the guest, and says how long it took from QEMU's start to the first answer.
async fn boot(plan: &Plan) -> Result<(Machine, Duration), FreezeError> {
    let (image, work) = (&plan.image, &plan.work);
    let (address, netdev) = network(&plan.contract).map_err(file("find a free port for", work))?;
    let initrd = image.join("initrd");
    let args = arguments(&Launch {
        contract: &plan.contract,
        accelerator: plan.accelerator,
        start: Start::Boot {
            initrd: initrd.exists().then_some(&*initrd),
            memory: &work.join("memory"),
        },
        kernel: &work.join("kernel"),
        disk: (&work.join("disk"), "raw"),
        netdev: &netdev,
        dir: work,
    });
    let began = Instant::now();
    let mut machine = Machine::start(&[], &args, work).await?;
    let proof = &plan.contract.proof;
    let silent = || guest(work, format!("did not answer within {} s", BOOT_LIMIT.as_secs()));
    tokio::select! {
        () = proof::wait(proof, address) => {}
        death = machine.died() => return Err(guest(work, format!("died while it booted ({death:?})"))),
        () = tokio::time::sleep(BOOT_LIMIT) => return Err(silent()),
    }
    let boot = began.elapsed();
    tokio::time::sleep(SETTLE).await;
    // What the guest made for the first answer is frozen with it, if it is asked again.
    if !proof::answers(proof, address).await {
        tokio::time::timeout(BOOT_LIMIT, proof::wait(proof, address))
            .await
            .map_err(|_| silent())?;
    }
    Ok((machine, boot))
}

/// A way to the guest that nobody else has. A guest that is reached by TCP is cut off from all else; QEMU would drop the
/// answers of one that is reached by UDP, whose contract says that it is silent while it boots.
fn network(contract: &Contract) -> io::Result<(SocketAddr, String)> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let (transport, restrict, address) = match contract.proof {
        Proof::Quake3 => ("udp", "off", UdpSocket::bind(any)?.local_addr()?),
        Proof::Http { .. } => ("tcp", "on", TcpListener::bind(any)?.local_addr()?),
    };
    let port = contract.port;
    Ok((
        address,
        format!("user,id=net0,restrict={restrict},hostfwd={transport}:{address}-10.0.2.15:{port}"),
    ))
}

/// Freezes the guest and ends QEMU. Also says when, in milliseconds UTC, and how long it took.
async fn suspend(mut machine: Machine, work: &Path) -> Result<(i64, Duration), FreezeError> {
    let began = Instant::now();
    machine.pause().await?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    machine.save(&work.join("state"), Memory::InItsFile).await?;
    let took = began.elapsed();
    machine.end().await;
    let path = work.join("state");
    let state = fs::read(&path).map_err(file("read", &path))?;
    write(&path, &without_slirp(&state)?)?;
    Ok((i64::try_from(now.as_millis()).unwrap_or(i64::MAX), took))
}

async fn index(work: &Path) -> Result<Vec<FileIndex>, FreezeError> {
    let dir = work.to_owned();
    let all = move || {
        Manifest::FILES
            .iter()
            .map(|name| chunks::index(name, &dir.join(name)))
            .collect()
    };
    let done = tokio::task::spawn_blocking(all).await.map_err(io::Error::other);
    done.and_then(|indexes: io::Result<Vec<FileIndex>>| indexes)
        .map_err(file("read", work))
}

/// Removes what QEMU left beside the snapshot.
fn tidy(work: &Path) -> Result<(), FreezeError> {
    for entry in fs::read_dir(work).map_err(file("read", work))?.flatten() {
        if !Manifest::FILES.iter().any(|name| entry.file_name() == *name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn guest(work: &Path, how: String) -> FreezeError {
    let console = fs::read(work.join(SERIAL)).unwrap_or_default();
    let console = String::from_utf8_lossy(&console);
    // After a panic comes a long trace that says less.
    let panic = console.lines().find(|line| line.contains("Kernel panic"));
    let last = panic.or_else(|| console.lines().rev().find(|line| !line.trim().is_empty()));
    FreezeError::Guest {
        how,
        console: last.unwrap_or_default().trim().chars().take(300).collect(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn beside(out: &Path, what: &str) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    out.with_file_name(name)
}

fn read(path: &Path) -> Result<String, FreezeError> {
    fs::read_to_string(path).map_err(file("read", path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FreezeError> {
    fs::write(path, bytes).map_err(file("write", path))
}

fn remove(path: &Path) -> Result<(), FreezeError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("remove", path)(error)),
        _ => Ok(()),
    }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FreezeError + use<> {
    let path = path.to_owned();
    move |source| FreezeError::File { doing, path, source }
}

#[cfg(test)]
mod tests;
