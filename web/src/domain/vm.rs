//! VMs as the server knows them.

use super::{HostId, Purpose, ReservationId, SnapshotId, Time, VmId};
use serde::{Deserialize, Serialize};
use vmatrix_wire::{Accelerator, Goal, Phase, Problem, VmReport};

/// How far a VM should be: what is ordered, or that it should be no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmGoal {
    /// It is in its host's orders.
    Ordered(Goal),
    /// It is not, and its host should take it away.
    Gone,
}

impl VmGoal {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordered(Goal::Fetched) => "fetched",
            Self::Ordered(Goal::Open) => "open",
            Self::Ordered(Goal::Suspended) => "suspended",
            Self::Gone => "gone",
        }
    }

    /// From the stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Ordered(Goal::Fetched),
            Self::Ordered(Goal::Open),
            Self::Ordered(Goal::Suspended),
            Self::Gone,
        ]
        .into_iter()
        .find(|goal| goal.name() == name)
    }
}

/// One VM on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Vm {
    /// Its id.
    pub id: VmId,
    /// The slot and port that it has.
    pub reservation: ReservationId,
    /// Where.
    pub host: HostId,
    /// What for.
    pub purpose: Purpose,
    /// What it is resumed from.
    pub snapshot: SnapshotId,
    /// How far it should be.
    pub goal: VmGoal,
    /// Port of its host's public address.
    pub port: u16,
    /// Since when.
    pub created_at: Time,
    /// What has been seen of it.
    pub seen: VmSeen,
}

/// What has been seen of a VM; kept when it is gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VmSeen {
    /// The last that its host said of it.
    pub report: Option<VmReport>,
    /// What runs it.
    pub vmm: Option<VmmSeen>,
    /// When the generation was committed that asks for it to be open.
    pub ordered_at: Option<Time>,
    /// When its host first said that it answers.
    pub answered_at: Option<Time>,
    /// When somebody elsewhere first had its answer on the public address.
    pub verified_at: Option<Time>,
    /// When a directory was first seen to list it.
    pub listed_at: Option<Time>,
    /// When its host said that nothing is left of it.
    pub gone_at: Option<Time>,
}

/// What runs a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmmSeen {
    /// `qemu 10.0.2`.
    pub name: String,
    /// What executes the guest.
    pub accelerator: Accelerator,
}

impl Vm {
    /// How far it was at last.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.seen
            .report
            .as_ref()
            .map_or(Phase::Absent, |report| report.phase)
    }

    /// Whether its host says that another program has the port that it should have. The problem of the port before this
    /// one may still be in the report.
    #[must_use]
    pub fn is_port_taken(&self) -> bool {
        let problem = self
            .seen
            .report
            .as_ref()
            .and_then(|report| report.problem.as_ref());
        problem == Some(&Problem::PortTaken { port: self.port })
    }
}
