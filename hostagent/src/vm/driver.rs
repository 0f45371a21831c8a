//! One task owns one VM: asks [`super::reconcile`] what is next, does it, and asks again.

use super::kept::Kept;
use super::machine::{Machine, Status, kill};
use super::reconcile::{Seen, Step, Vmm, next, phase};
use super::trouble::Trouble;
use super::{Intent, Shared, lock};
use crate::facts;
use crate::images::LocalSnapshot;
use crate::net::SlotNet;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use vmatrix_wire::{Goal, Problem, VmReport, VmTimes};

/// A failed step is tried again after this, then after twice this, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A VM and all that is known of it.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) intent: watch::Receiver<Intent>,
    pub(super) report: Arc<Mutex<VmReport>>,
    pub(super) dir: PathBuf,
    pub(super) kept: Kept,
    pub(super) seen: Seen,
    pub(super) machine: Option<Machine>,
    pub(super) slot: Option<SlotNet>,
    pub(super) snapshot: Option<LocalSnapshot>,
    /// Its network is as an earlier agent left it, as applying it again has failed so far.
    pub(super) rewire_owed: bool,
    /// When QEMU was last started.
    pub(super) launched: Instant,
}

impl Driver {
    /// A VM as it is found: new, or left by a killed agent, whose QEMU may still run.
    pub(super) async fn find(
        shared: Arc<Shared>,
        intent: watch::Receiver<Intent>,
        report: Arc<Mutex<VmReport>>,
        kept: Kept,
    ) -> Self {
        let dir = shared.dir(kept.order.vm);
        // One of another key counts as not here: fetching it says why it is of no use.
        let local = shared.fetcher.local(kept.order.snapshot).await;
        let snapshot = local.filter(|snapshot| shared.loads(snapshot).is_ok());
        let seen = Seen {
            fetched: snapshot.is_some(),
            suspended: kept.suspension.is_some(),
            wired: false,
            vmm: Vmm::Off,
            ready: false,
            open: false,
        };
        let mut driver = Self {
            shared,
            intent,
            report,
            dir,
            kept,
            seen,
            machine: None,
            slot: None,
            snapshot,
            rewire_owed: false,
            launched: Instant::now(),
        };
        driver.adopt().await;
        // Before anybody reads the report: a VM that runs must not seem to be absent for a moment.
        driver.publish(Some(driver.kept.order.goal));
        driver
    }

    async fn adopt(&mut self) {
        let Some(slot) = self
            .kept
            .slot
            .and_then(|index| self.shared.retake(index, self.kept.order.vm))
        else {
            kill(&self.dir).await;
            return;
        };
        self.slot = Some(slot);
        self.seen.open = self.kept.open;
        self.seen.wired = true;
        let asleep = self.kept.suspension.is_some_and(|suspension| !suspension.past);
        match Machine::adopt(&self.dir).await {
            // What it had become is written down: the process is only what was left to be ended.
            Some((machine, _)) if asleep => machine.end().await,
            Some((machine, Status::Useless)) => machine.end().await,
            Some((machine, status)) => {
                // A guest that was ready and stands still was being frozen: what it has become is in it alone.
                let was_frozen = status == Status::Paused && self.kept.ready && machine.run().await.is_ok();
                let runs = status == Status::Running || was_frozen;
                self.machine = Some(machine);
                self.seen.vmm = if runs { Vmm::Running } else { Vmm::Paused };
                self.seen.ready = runs && self.kept.ready;
            }
            None => {}
        }
        let serves = self.seen.vmm == Vmm::Running && self.seen.ready;
        self.rewire_owed = true;
        if !self.rewire().await && !serves {
            (self.seen.wired, self.rewire_owed) = (false, false);
        }
    }

    /// Applies the network of an adopted VM again, if that is still to be done. When it fails nothing that an earlier
    /// agent made is undone, so those who play go on; it is reported, and the next look tries again.
    pub(super) async fn rewire(&mut self) -> bool {
        if !self.rewire_owed {
            return true;
        }
        let applied = async {
            self.wire().await?;
            if self.seen.open
                && let (Some(slot), Some(machine)) = (&self.slot, &self.machine)
            {
                slot.open(self.kept.order.port, machine.monitor()).await?;
            }
            Ok::<_, Trouble>(())
        };
        let problem = match applied.await {
            Ok(()) => None,
            Err(trouble) => {
                tracing::warn!(vm = %self.kept.order.vm, %trouble, "an adopted VM's network");
                Some(trouble.problem(step_name(Step::Wire), self.disk_full()))
            }
        };
        self.rewire_owed = problem.is_some();
        self.with_report(|report| report.problem = problem);
        !self.rewire_owed
    }

    /// Drives the VM until it is not ordered any more and nothing of it is left.
    pub(super) async fn drive(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let goal = self.take_order();
            let step = next(goal, &self.seen);
            self.publish(goal);
            match step {
                Step::Rest => {
                    let _ = self.intent.changed().await;
                }
                Step::Watch => self.watch().await,
                Step::Remove => {
                    if let Err(error) = std::fs::remove_dir_all(&self.dir)
                        && error.kind() != std::io::ErrorKind::NotFound
                    {
                        tracing::warn!(vm = %self.kept.order.vm, %error, "its directory stays");
                    }
                    return;
                }
                step => match self.take(step).await {
                    Ok(()) => {
                        pause = FIRST_PAUSE;
                        self.with_report(|report| report.problem = None);
                    }
                    Err(trouble) => {
                        self.suffer(step, trouble).await;
                        self.publish(goal);
                        tokio::select! {
                            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                            _ = self.intent.changed() => pause = FIRST_PAUSE,
                        }
                    }
                },
            }
        }
    }

    /// What is wanted now. Other settings than those that it was given make it unready; so it is closed first.
    fn take_order(&mut self) -> Option<Goal> {
        let order = self.intent.borrow_and_update().order.clone()?;
        let goal = order.goal;
        if order != self.kept.order {
            let same = order.game == self.kept.order.game && order.port == self.kept.order.port;
            if !same {
                self.seen.ready = false;
            }
            self.kept.order = order;
            self.keep();
        }
        Some(goal)
    }

    async fn take(&mut self, step: Step) -> Result<(), Trouble> {
        let mut intent = self.intent.clone();
        // What takes long is given up when something else is wanted; doing it again later is the same as doing it once.
        let patient = matches!(step, Step::Fetch | Step::Wire | Step::Run | Step::Configure);
        let done = async {
            match step {
                Step::Fetch => self.fetch().await,
                Step::Wire => self.take_slot().await,
                Step::Launch => self.launch().await,
                Step::Run => self.run().await,
                Step::Configure => self.configure().await,
                Step::Open => self.open().await,
                Step::Close => self.close().await,
                Step::Freeze => self.freeze().await,
                Step::End => self.end().await,
                Step::Unwire => self.give_slot_back().await,
                Step::Watch | Step::Remove | Step::Rest => Ok(()),
            }
        };
        let changed = async {
            if !patient || intent.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            result = done => result,
            () = changed => Ok(()),
        };
        self.keep();
        result
    }

    async fn suffer(&mut self, step: Step, trouble: Trouble) {
        let order = &self.kept.order;
        tracing::warn!(vm = %order.vm, ?step, %trouble, "a step failed");
        if matches!(trouble, Trouble::Died) {
            self.bury().await;
        }
        // What else may have gone wrong with a guest that was stopped comes from that.
        let stopped = match &self.machine {
            Some(machine) => machine.is_out_of_disk().await,
            None => false,
        };
        let trouble = if stopped { Trouble::OutOfDisk } else { trouble };
        let problem = trouble.problem(step_name(step), self.disk_full());
        self.with_report(|report| report.problem = Some(problem));
    }

    /// How full the disk is, and what a VM of this kind may take of it in all.
    pub(super) fn disk_full(&self) -> Problem {
        let needs = self
            .snapshot
            .as_ref()
            .map(|snapshot| snapshot.manifest.contract.needs.disk_mb);
        Problem::DiskFull {
            needed_mb: needs.unwrap_or_default(),
            free_mb: facts::disk_free_mb(&self.dir).unwrap_or_default(),
        }
    }

    /// The machine is gone or useless: what it was is written off, and the next steps bring it back.
    pub(super) async fn bury(&mut self) {
        match self.machine.take() {
            Some(machine) => machine.end().await,
            None => kill(&self.dir).await,
        }
        self.seen.vmm = Vmm::Off;
        self.seen.ready = false;
        let goal = self.intent.borrow().order.as_ref().map(|order| order.goal);
        if goal == Some(Goal::Open) {
            self.kept.revived += 1;
        }
        // Together: a report that counts the death must not show the dead one as open.
        let (revived, phase) = (self.kept.revived, phase(goal, &self.seen));
        self.with_report(|report| (report.revived, report.phase) = (revived, phase));
        self.keep();
    }

    /// Writes down what a successor of a killed agent must know.
    pub(super) fn keep(&mut self) {
        self.kept.ready = self.seen.ready;
        self.kept.open = self.seen.open;
        if let Err(error) = self.kept.save(&self.dir) {
            tracing::error!(vm = %self.kept.order.vm, %error, "cannot be written down");
        }
    }

    fn publish(&self, goal: Option<Goal>) {
        let phase = phase(goal, &self.seen);
        let (have, all) = self.shared.fetcher.progress(self.kept.order.snapshot);
        self.with_report(|report| {
            report.phase = phase;
            (report.fetched_bytes, report.fetch_bytes) = (have, all);
        });
    }

    /// Changes the report and tells the agent, if it is another one than before.
    pub(super) fn with_report(&self, change: impl FnOnce(&mut VmReport)) {
        let differs = {
            let mut report = lock(&self.report);
            let before = report.clone();
            change(&mut report);
            *report != before
        };
        if differs {
            self.shared.changed.send_modify(|count| *count += 1);
        }
    }

    pub(super) fn with_times(&self, change: impl FnOnce(&mut VmTimes)) {
        self.with_report(|report| change(&mut report.times));
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Fetch => "fetching the snapshot",
        Step::Wire => "preparing the network",
        Step::Launch => "resuming the VM",
        Step::Run => "waiting for the first answer",
        Step::Configure => "configuring the guest",
        Step::Open => "opening the port",
        Step::Close => "closing the port",
        Step::Freeze => "suspending the VM",
        Step::End => "stopping the VM",
        Step::Unwire => "giving the network back",
        Step::Watch | Step::Remove | Step::Rest => "waiting",
    }
}
