//! What is to be done next about one VM: pure. The driver asks after each step, so the way after a crash is the usual way.
//!
//! ```text
//!   Fetch -> Wire -> Launch -> Run -> Configure -> Open -> Watch
//!                                          Close <- any of these when it should not be open
//!   Freeze -> End -> Unwire -> Remove
//! ```

use vmatrix_wire::{Goal, Phase};

/// What is there of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its snapshot is on this host.
    pub fetched: bool,
    /// What it had become when it was last suspended is on this host. It stays while the VM runs, to go back to.
    pub suspended: bool,
    /// It has a slot, and its network is wired.
    pub wired: bool,
    /// QEMU.
    pub vmm: Vmm,
    /// It answered, is configured as ordered, and was seen to go on.
    pub ready: bool,
    /// The way in from outside is open.
    pub open: bool,
}

/// QEMU, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vmm {
    /// Not there.
    Off,
    /// Up, with state loaded, the guest stopped.
    Paused,
    /// The guest runs.
    Running,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Get the snapshot.
    Fetch,
    /// Take a slot and prepare its network, closed.
    Wire,
    /// Start QEMU and load the state.
    Launch,
    /// Let the guest run and wait for its first answer.
    Run,
    /// Tell the guest what it is for, and see it go on.
    Configure,
    /// Open it to the outside.
    Open,
    /// Nothing: see that it stays so.
    Watch,
    /// Close it to the outside; if it runs, tell the players first.
    Close,
    /// Write what it has become to this host's disk.
    Freeze,
    /// End QEMU.
    End,
    /// Give the slot back.
    Unwire,
    /// Remove what it had on this host's disk.
    Remove,
    /// Nothing, and nothing to watch.
    Rest,
}

/// The next thing to do; `None` as goal: it is not ordered any more.
pub(crate) fn next(goal: Option<Goal>, seen: &Seen) -> Step {
    match goal {
        Some(Goal::Open) => towards_open(seen),
        Some(Goal::Suspended) if seen.vmm == Vmm::Running && seen.ready && !seen.open => Step::Freeze,
        Some(Goal::Suspended | Goal::Fetched) => match down(seen) {
            Some(step) => step,
            None if seen.fetched || seen.suspended => Step::Rest,
            None => Step::Fetch,
        },
        None => down(seen).unwrap_or(Step::Remove),
    }
}

fn towards_open(seen: &Seen) -> Step {
    // What is open but not (or no longer) configured would let strangers in with the snapshot's passwords.
    if seen.open && !(seen.ready && seen.vmm == Vmm::Running) {
        return Step::Close;
    }
    match (seen.vmm, seen.wired) {
        _ if !seen.fetched => Step::Fetch,
        // Somebody may be playing on it: the network is brought back around it.
        (Vmm::Running, false) if seen.ready => Step::Wire,
        // Any other guest without its network has been cut off: it is no use.
        (Vmm::Paused | Vmm::Running, false) => Step::End,
        (Vmm::Off, false) => Step::Wire,
        (Vmm::Off, true) => Step::Launch,
        (Vmm::Paused, true) => Step::Run,
        (Vmm::Running, true) if !seen.ready => Step::Configure,
        (Vmm::Running, true) if !seen.open => Step::Open,
        (Vmm::Running, true) => Step::Watch,
    }
}

/// The next step of taking it down; `None` when nothing is left running.
fn down(seen: &Seen) -> Option<Step> {
    if seen.open {
        Some(Step::Close)
    } else if seen.vmm != Vmm::Off {
        Some(Step::End)
    } else if seen.wired {
        Some(Step::Unwire)
    } else {
        None
    }
}

/// What is reported of it. `goal` tells a VM that goes from one that comes.
pub(crate) fn phase(goal: Option<Goal>, seen: &Seen) -> Phase {
    let goes = goal != Some(Goal::Open);
    match (seen.vmm, seen.wired) {
        (Vmm::Running | Vmm::Paused, _) if goes => Phase::Draining,
        (Vmm::Running, _) if seen.open && seen.ready => Phase::Open,
        (Vmm::Running, _) if seen.ready => Phase::Answering,
        (Vmm::Running, _) => Phase::Running,
        (Vmm::Paused, _) => Phase::Paused,
        (Vmm::Off, true) if goes => Phase::Draining,
        (Vmm::Off, true) => Phase::Wired,
        (Vmm::Off, false) if seen.suspended => Phase::Suspended,
        (Vmm::Off, false) if seen.fetched => Phase::Fetched,
        (Vmm::Off, false) => Phase::Absent,
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
