//! Whether a host can be had for an image at some time, latencies aside.

use super::{Excluded, HostRecord, Reservation, ReservationId, Snapshot, Time, Wanted, room};
use vmatrix_placement::{HostState, Standing};
use vmatrix_wire::{Accelerator, Phase, Role};

/// Why a host cannot run an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its VMs are not for users.
    #[error("it is a loading chamber: its VMs are run for their maintainers")]
    Loading,
    /// It has joined and was never heard of again.
    #[error("its agent has not reported yet")]
    NeverReported,
    /// Its agent was told to leave.
    #[error("it has left the fleet")]
    Left,
    /// Its agent is gone.
    #[error("its agent has not reported for {seconds} s")]
    Gone {
        /// For how long.
        seconds: i64,
    },
    /// Nobody has seen its public address from outside.
    #[error("its public address has not been seen from outside yet")]
    NotReached,
    /// Another monitor.
    #[error("it runs {here}, the snapshot needs {needs}")]
    Vmm {
        /// Here.
        here: String,
        /// Needed.
        needs: String,
    },
    /// The snapshot was frozen under another accelerator.
    #[error("its accelerator is {}, the snapshot needs {}", here.name(), needs.name())]
    Accelerator {
        /// Here.
        here: Accelerator,
        /// Needed.
        needs: Accelerator,
    },
    /// Its monitor is older than the machine type.
    #[error("its {vmm} does not know the machine type {machine_type}")]
    MachineType {
        /// Here.
        vmm: String,
        /// Needed.
        machine_type: String,
    },
    /// Too little memory, even if nothing else ran there.
    #[error("it has {here_mb} MB of memory, the image needs {needs_mb} MB")]
    Memory {
        /// Here.
        here_mb: u64,
        /// Needed.
        needs_mb: u64,
    },
    /// Too little disk.
    #[error("it has {here_mb} MB of disk free, the image needs {needs_mb} MB")]
    Disk {
        /// Here.
        here_mb: u64,
        /// Needed.
        needs_mb: u64,
    },
    /// It was tried.
    #[error("it was tried: {0}")]
    Tried(String),
}

/// Why `record` cannot run `snapshot` now, the gravest first.
#[must_use]
pub fn unfit(record: &HostRecord, snapshot: &Snapshot, now: Time) -> Option<Unfit> {
    if record.host.role == Role::Loading {
        return Some(Unfit::Loading);
    }
    if record.left_at.is_some() {
        return Some(Unfit::Left);
    }
    if record.report.is_none() {
        return Some(Unfit::NeverReported);
    }
    if record.is_gone(now) {
        return Some(Unfit::Gone {
            seconds: record.silent_ms(now) / 1000,
        });
    }
    if record.reached.is_none() {
        return Some(Unfit::NotReached);
    }
    does_not_load(record, snapshot).or_else(|| too_small(record, snapshot))
}

/// The snapshot that a host would resume: the newest whose key it can load. If it can load none, the newest of all, so that
/// what is said against the host is said of that one. `newest_first` are those of one image.
#[must_use]
pub fn snapshot_for<'a>(record: &HostRecord, newest_first: &'a [Snapshot]) -> Option<&'a Snapshot> {
    newest_first
        .iter()
        .find(|snapshot| does_not_load(record, snapshot).is_none())
        .or(newest_first.first())
}

/// Why `record` cannot load `snapshot`, by its key.
fn does_not_load(record: &HostRecord, snapshot: &Snapshot) -> Option<Unfit> {
    let facts = &record.host.facts;
    let key = &snapshot.facts.key;
    let vmm = format!("{} {}", facts.vmm.name, facts.vmm.version);
    if facts.vmm.name != key.vmm {
        return Some(Unfit::Vmm {
            here: vmm,
            needs: key.vmm.clone(),
        });
    }
    if facts.accelerator != key.accelerator {
        return Some(Unfit::Accelerator {
            here: facts.accelerator,
            needs: key.accelerator,
        });
    }
    // `pc-q35-10.0` came with QEMU 10.0, and later ones know it too.
    let needed = key.machine_type.rsplit('-').next().and_then(version);
    if needed
        .zip(version(&facts.vmm.version))
        .is_some_and(|(needed, here)| here < needed)
    {
        return Some(Unfit::MachineType {
            vmm,
            machine_type: key.machine_type.clone(),
        });
    }
    None
}

/// Why `snapshot` has no room on `record`, whatever else runs there.
fn too_small(record: &HostRecord, snapshot: &Snapshot) -> Option<Unfit> {
    let facts = &record.host.facts;
    let needs = &snapshot.facts.contract.needs;
    if facts.memory_mb < needs.memory_mb {
        return Some(Unfit::Memory {
            here_mb: facts.memory_mb,
            needs_mb: needs.memory_mb,
        });
    }
    if facts.disk_free_mb < needs.disk_mb && !has(record, snapshot) {
        return Some(Unfit::Disk {
            here_mb: facts.disk_free_mb,
            needs_mb: needs.disk_mb,
        });
    }
    None
}

/// Whether the snapshot is on the host already, so that its room is not needed twice.
fn has(record: &HostRecord, snapshot: &Snapshot) -> bool {
    let Some((report, _)) = &record.report else {
        return false;
    };
    record
        .orders
        .vms
        .iter()
        .filter(|order| order.snapshot == snapshot.id)
        .any(|order| {
            report
                .vms
                .iter()
                .any(|seen| seen.vm == order.vm && seen.phase >= Phase::Fetched)
        })
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// How a host stands for a match, and the port that it would get. `ours` does not count: what the match
/// has now.
#[must_use]
pub fn standing(
    record: &HostRecord,
    snapshot: &Snapshot,
    held: &[Reservation],
    excluded: &[Excluded],
    ours: Option<ReservationId>,
    span: (Time, Time),
    now: Time,
) -> (HostState, Option<u16>) {
    let load = held
        .iter()
        .filter(|other| other.host == record.host.id && Some(other.id) != ours)
        .count();
    let load = u32::try_from(load).unwrap_or(u32::MAX);
    let state = |standing| HostState { standing, load };
    if let Some(tried) = excluded.iter().find(|tried| tried.host == record.host.id) {
        return (
            state(Standing::Unfit(Unfit::Tried(tried.why.clone()).to_string())),
            None,
        );
    }
    if let Some(why) = unfit(record, snapshot, now) {
        return (state(Standing::Unfit(why.to_string())), None);
    }
    let wanted = Wanted {
        span,
        memory_mb: snapshot.facts.contract.needs.memory_mb,
        instead_of: ours,
        avoid: &[],
    };
    match room(&record.host, held, wanted, now) {
        Ok(port) => (state(Standing::Free), Some(port)),
        Err(why) => (state(Standing::NoCapacity(why.to_string())), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Host, SnapshotFacts, testing};
    use vmatrix_wire::{Digest, Facts, Vmm};

    fn snapshot() -> Snapshot {
        Snapshot {
            id: Digest([1; 32]),
            facts: SnapshotFacts::from(&testing::manifest("openarena", 1)),
            created_at: Time::from_millis(1),
        }
    }

    fn check(change: impl FnOnce(&mut HostRecord)) -> Option<Unfit> {
        let mut record = testing::record("a", 1, Time::from_millis(0));
        change(&mut record);
        unfit(&record, &snapshot(), Time::from_millis(5_000))
    }

    fn with_facts(change: impl FnOnce(&mut Facts)) -> Option<Unfit> {
        check(|record| change(&mut record.host.facts))
    }

    #[test]
    fn a_host_that_can_run_the_image_is_fit() {
        assert_eq!(check(|_| {}), None);
        assert_eq!(with_facts(|facts| facts.vmm.version = "10.1.3".into()), None);
        assert_eq!(with_facts(|facts| facts.vmm.version = "11.0.0".into()), None);
    }

    #[test]
    fn a_host_that_cannot_run_it_says_what_is_missing() {
        assert_eq!(
            check(|record| record.host = Host {
                role: Role::Loading,
                ..record.host.clone()
            }),
            Some(Unfit::Loading)
        );
        assert_eq!(check(|record| record.report = None), Some(Unfit::NeverReported));
        assert_eq!(check(|record| record.reached = None), Some(Unfit::NotReached));
        assert_eq!(
            with_facts(|facts| facts.accelerator = Accelerator::Kvm),
            Some(Unfit::Accelerator {
                here: Accelerator::Kvm,
                needs: Accelerator::Tcg
            })
        );
        assert!(matches!(
            with_facts(|facts| facts.vmm = Vmm {
                name: "other".into(),
                version: "1".into()
            }),
            Some(Unfit::Vmm { .. })
        ));
        assert!(matches!(
            with_facts(|facts| facts.vmm.version = "8.2.0".into()),
            Some(Unfit::MachineType { .. })
        ));
        assert_eq!(
            with_facts(|facts| facts.memory_mb = 699),
            Some(Unfit::Memory {
                here_mb: 699,
                needs_mb: 700
            })
        );
        assert_eq!(
            with_facts(|facts| facts.disk_free_mb = 1999),
            Some(Unfit::Disk {
                here_mb: 1999,
                needs_mb: 2000
            })
        );
    }

    #[test]
    fn a_host_resumes_the_newest_snapshot_whose_key_it_loads() {
        let made_by = |number: u8, accelerator| {
            let mut one = snapshot();
            one.id = Digest([number; 32]);
            one.facts.key.accelerator = accelerator;
            one
        };
        let (tcg, kvm) = (Accelerator::Tcg, Accelerator::Kvm);
        let all = [made_by(4, kvm), made_by(3, tcg), made_by(2, tcg), made_by(1, kvm)];
        let record = |accelerator| {
            let mut record = testing::record("a", 1, Time::from_millis(0));
            record.host.facts.accelerator = accelerator;
            record
        };
        let id_for = |accelerator, all: &[Snapshot]| {
            snapshot_for(&record(accelerator), all).map(|snapshot| snapshot.id.0[0])
        };
        assert_eq!(id_for(tcg, &all), Some(3));
        assert_eq!(id_for(kvm, &all), Some(4));
        assert_eq!(
            id_for(tcg, &[made_by(4, kvm), made_by(1, kvm)]),
            Some(4),
            "none loads"
        );
        assert_eq!(id_for(tcg, &[]), None);
        // What is too large for the host is not passed over: an older one is not meant to be used in its place.
        let mut large = made_by(5, tcg);
        large.facts.contract.needs.memory_mb = 1_000_000;
        assert_eq!(id_for(tcg, &[large, made_by(2, tcg)]), Some(5));
    }

    #[test]
    fn a_silent_agent_is_gone_after_twelve_seconds_and_not_before() {
        let record = testing::record("a", 1, Time::from_millis(0));
        assert_eq!(unfit(&record, &snapshot(), Time::from_millis(12_000)), None);
        assert_eq!(
            unfit(&record, &snapshot(), Time::from_millis(12_001)),
            Some(Unfit::Gone { seconds: 12 })
        );
    }

    #[test]
    fn a_host_that_was_tried_says_why_it_was_left() {
        let record = testing::record("a", 1, Time::from_millis(0));
        let tried = [Excluded {
            host: record.host.id,
            why: "disk full".into(),
        }];
        let span = (Time::from_millis(0), Time::from_millis(10));
        let (state, port) = standing(
            &record,
            &snapshot(),
            &[],
            &tried,
            None,
            span,
            Time::from_millis(0),
        );
        assert_eq!(state.standing, Standing::Unfit("it was tried: disk full".into()));
        assert_eq!(port, None);
    }
}
