//! VMs from orders to an open port, and back. [`Vms`] holds one task per VM; each asks `reconcile` what is next.

pub(crate) mod arguments;
mod driver;
mod game;
mod kept;
pub(crate) mod machine;
mod reconcile;
mod service;
mod steps;
mod suspension;
mod trouble;
mod truth;
mod watching;

use crate::agent::Machines;
use crate::images::{Fetcher, LocalSnapshot};
use crate::net::{HostNet, SlotNet};
use driver::Driver;
use kept::Kept;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use trouble::unless_same;
use vmatrix_wire::{Accelerator, Phase, Problem, SnapshotId, VmId, VmOrder, VmReport, VmTimes};

/// How long a VM waits for a slot before it says that there is none.
const SLOT_LIMIT: Duration = Duration::from_secs(10);

/// Where the VMs are in the agent's directory.
const FOLDER: &str = "vms";

/// What is wanted of one VM.
#[derive(Debug, Clone)]
struct Intent {
    /// `None`: it is to go.
    order: Option<VmOrder>,
    /// When its goal was last changed.
    since: Instant,
}

/// What all VMs of a host share.
struct Shared {
    data: PathBuf,
    net: HostNet,
    fetcher: Fetcher,
    accelerator: Accelerator,
    slots: Mutex<Vec<Option<VmId>>>,
    /// A slot was given back.
    freed: Notify,
    changed: watch::Sender<u64>,
}

struct Task {
    /// What it is resumed from; also while it goes.
    snapshot: SnapshotId,
    intent: watch::Sender<Intent>,
    report: Arc<Mutex<VmReport>>,
    /// Nothing of it is left on this host.
    gone: Arc<AtomicBool>,
}

/// All VMs of this host. Dropping it, or killing the agent, ends no VM: the next agent adopts them.
pub struct Vms {
    shared: Arc<Shared>,
    tasks: Mutex<HashMap<VmId, Task>>,
}

impl Vms {
    /// Takes over what an earlier agent left in `data`, as it was last ordered.
    ///
    /// # Errors
    /// If the directory cannot be made or read.
    pub async fn start(
        data: PathBuf,
        net: HostNet,
        fetcher: Fetcher,
        accelerator: Accelerator,
    ) -> std::io::Result<Self> {
        let slots = Mutex::new(vec![None; usize::from(net.slots())]);
        let shared = Shared {
            data,
            net,
            fetcher,
            accelerator,
            slots,
            freed: Notify::new(),
            changed: watch::Sender::new(0),
        };
        let vms = Self {
            shared: Arc::new(shared),
            tasks: Mutex::default(),
        };
        let folder = vms.shared.folder();
        std::fs::create_dir_all(&folder)?;
        for entry in std::fs::read_dir(folder)? {
            let dir = entry?.path();
            match Kept::load(&dir) {
                // Before the first new VM, so that no slot is given away that a living one has.
                Some(kept) => vms.adopt(kept).await,
                // Killed before it was written down: nothing was made that would need it.
                None => {
                    machine::kill(&dir).await;
                    std::fs::remove_dir_all(&dir)?;
                }
            }
        }
        Ok(vms)
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<VmId, Task>> {
        lock(&self.tasks)
    }

    /// Takes over a VM that an earlier agent left.
    async fn adopt(&self, kept: Kept) {
        let (task, wanted) = Task::new(&kept);
        let vm = kept.order.vm;
        let driver = Driver::find(Arc::clone(&self.shared), wanted, Arc::clone(&task.report), kept).await;
        self.shared.tend(vm, std::future::ready(driver), &task);
        self.tasks().insert(vm, task);
    }
}

/// Ends all VMs that agents have left in `data`, at once and without a word to their players.
///
/// # Errors
/// If the directory cannot be read, or a QEMU does not go.
pub(crate) async fn end_all(data: &Path) -> std::io::Result<()> {
    for folder in folders(data)? {
        machine::kill(&folder).await;
        if machine::is_there(&folder) {
            let what = format!("its QEMU does not end: {}", folder.display());
            return Err(std::io::Error::other(what));
        }
    }
    Ok(())
}

/// How many VMs an agent of this directory keeps, running or suspended.
///
/// # Errors
/// If the directory cannot be read.
pub(crate) fn count(data: &Path) -> std::io::Result<usize> {
    Ok(folders(data)?.len())
}

fn folders(data: &Path) -> std::io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(data.join(FOLDER)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

impl Machines for Vms {
    fn intend(&self, orders: &[VmOrder]) {
        let mut tasks = self.tasks();
        tasks.retain(|_, task| !task.gone());
        for (vm, task) in tasks.iter_mut() {
            let order = orders.iter().find(|order| order.vm == *vm).cloned();
            task.snapshot = order.as_ref().map_or(task.snapshot, |order| order.snapshot);
            task.intent.send_if_modified(|intent| intent.change_to(order));
        }
        for order in orders {
            tasks.entry(order.vm).or_insert_with(|| {
                let kept = Kept::new(order.clone());
                let (task, wanted) = Task::new(&kept);
                let driver = Driver::find(Arc::clone(&self.shared), wanted, Arc::clone(&task.report), kept);
                self.shared.tend(order.vm, driver, &task);
                task
            });
        }
        // All others may make room for what is to come.
        let wanted: Vec<SnapshotId> = tasks.values().map(|task| task.snapshot).collect();
        self.shared.fetcher.retain(&wanted);
    }

    fn observe(&self) -> Vec<VmReport> {
        let tasks = self.tasks();
        let here = tasks.values().filter(|task| !task.gone());
        let mut reports: Vec<VmReport> = here.map(|task| lock(&task.report).clone()).collect();
        reports.sort_by_key(|report| report.vm);
        reports
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }
}

impl Intent {
    /// Takes another order; false if it is the same.
    fn change_to(&mut self, order: Option<VmOrder>) -> bool {
        let differs = self.order != order;
        if self.order.as_ref().map(|old| old.goal) != order.as_ref().map(|new| new.goal) {
            self.since = Instant::now();
        }
        self.order = order;
        differs
    }
}

impl Task {
    fn new(kept: &Kept) -> (Self, watch::Receiver<Intent>) {
        let report = VmReport {
            vm: kept.order.vm,
            phase: Phase::Absent,
            problem: None,
            revived: kept.revived,
            times: VmTimes::default(),
            game: None,
            silent: false,
            fetched_bytes: 0,
            fetch_bytes: 0,
            pings: None,
        };
        let (intent, wanted) = watch::channel(Intent {
            order: Some(kept.order.clone()),
            since: Instant::now(),
        });
        (
            Self {
                snapshot: kept.order.snapshot,
                intent,
                report: Arc::new(Mutex::new(report)),
                gone: Arc::default(),
            },
            wanted,
        )
    }

    fn gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}

impl Shared {
    fn folder(&self) -> PathBuf {
        self.data.join(FOLDER)
    }

    fn dir(&self, vm: VmId) -> PathBuf {
        self.folder().join(vm.to_string())
    }

    /// Whether a snapshot loads on this host.
    fn loads(&self, snapshot: &LocalSnapshot) -> Result<(), Problem> {
        let contract = &snapshot.manifest.contract;
        let here = arguments::load_key(&contract.machine, contract.clock, self.accelerator);
        unless_same(&here, &snapshot.manifest.key)
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Option<VmId>>> {
        lock(&self.slots)
    }

    /// Starts the task that owns a VM.
    fn tend(self: &Arc<Self>, vm: VmId, driver: impl Future<Output = Driver> + Send + 'static, task: &Task) {
        let (shared, gone) = (Arc::clone(self), Arc::clone(&task.gone));
        tokio::spawn(async move {
            driver.await.drive().await;
            shared.give_back(vm);
            gone.store(true, Ordering::Release);
            shared.changed.send_modify(|count| *count += 1);
        });
    }

    /// The first free slot, or the one that the VM has. Waits a while if there is none: the VM before this one may be
    /// just going.
    async fn take_slot(&self, vm: VmId) -> Result<(u16, SlotNet), Problem> {
        let found = async {
            loop {
                let freed = self.freed.notified();
                if let Some(found) = self.free_slot(vm) {
                    return found;
                }
                freed.await;
            }
        };
        let slots = self.net.slots();
        timeout(SLOT_LIMIT, found)
            .await
            .map_err(|_| Problem::NoSlot { slots })
    }

    fn free_slot(&self, vm: VmId) -> Option<(u16, SlotNet)> {
        let mut slots = self.slots();
        let mine = slots.iter().position(|slot| *slot == Some(vm));
        let at = mine.or_else(|| slots.iter().position(Option::is_none))?;
        let index = u16::try_from(at).ok()?;
        let found = (index, self.net.slot(index)?);
        slots[at] = Some(vm);
        Some(found)
    }

    /// The slot that a VM had before its agent was killed; `None` if another has it or it is no more.
    fn retake(&self, index: u16, vm: VmId) -> Option<SlotNet> {
        let mut slots = self.slots();
        let slot = slots.get_mut(usize::from(index))?;
        if slot.is_some_and(|other| other != vm) {
            return None;
        }
        *slot = Some(vm);
        self.net.slot(index)
    }

    fn give_back(&self, vm: VmId) {
        for slot in self.slots().iter_mut().filter(|slot| **slot == Some(vm)) {
            *slot = None;
        }
        self.freed.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
