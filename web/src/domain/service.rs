//! Web services, as far as they are one VM on a chosen host.

use super::{HostId, ServiceId, Time, Vm, VmGoal};
use vmatrix_wire::Goal;

/// How far a service should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceGoal {
    /// It answers.
    Open,
    /// It is frozen on its host with what it has become.
    Suspended,
}

impl ServiceGoal {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
        }
    }

    /// From the stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "suspended" => Some(Self::Suspended),
            _ => None,
        }
    }
}

/// A service: one VM of an image on a chosen host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Unique.
    pub name: String,
    /// Name of the image.
    pub image: String,
    /// Where it runs.
    pub host: HostId,
    /// How far it should be.
    pub goal: ServiceGoal,
    /// Since when.
    pub created_at: Time,
    /// Since when it should be no more.
    pub removed_at: Option<Time>,
}

/// What is to be done next for a service's VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStep {
    /// Nothing.
    Wait,
    /// Set its goal.
    Goal(VmGoal),
    /// Take another port of its host.
    OtherPort,
}

/// What is to be done next for a service's VM.
#[must_use]
pub fn service_step(service: &Service, vm: &Vm) -> ServiceStep {
    let open = VmGoal::Ordered(Goal::Open);
    let goal = match (service.removed_at, service.goal) {
        (Some(_), _) => VmGoal::Gone,
        (None, ServiceGoal::Open) => open,
        (None, ServiceGoal::Suspended) => VmGoal::Ordered(Goal::Suspended),
    };
    if vm.goal != goal {
        ServiceStep::Goal(goal)
    } else if goal == open && vm.is_port_taken() {
        ServiceStep::OtherPort
    } else {
        ServiceStep::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Purpose, ReservationId, VmId, VmSeen};
    use uuid::Uuid;
    use vmatrix_wire::{Digest, Phase, Problem, VmReport, VmTimes};

    fn step(goal: ServiceGoal, removed: bool, vm_goal: VmGoal, problem: Option<Problem>) -> ServiceStep {
        let id = Uuid::from_u128;
        let service = Service {
            id: ServiceId(id(1)),
            name: "wiki".into(),
            image: "wiki".into(),
            host: HostId(id(2)),
            goal,
            created_at: Time::from_millis(1),
            removed_at: removed.then_some(Time::from_millis(2)),
        };
        let report = VmReport {
            vm: VmId(id(3)),
            phase: Phase::Answering,
            problem,
            revived: 0,
            times: VmTimes::default(),
            game: None,
            silent: false,
            fetched_bytes: 0,
            fetch_bytes: 0,
            pings: None,
        };
        let vm = Vm {
            id: report.vm,
            reservation: ReservationId(id(4)),
            host: service.host,
            purpose: Purpose::Service(service.id),
            snapshot: Digest([1; 32]),
            goal: vm_goal,
            port: 27960,
            created_at: Time::from_millis(1),
            seen: VmSeen {
                report: Some(report),
                ..VmSeen::default()
            },
        };
        service_step(&service, &vm)
    }

    #[test]
    fn a_vm_is_to_be_as_its_service_until_that_is_removed() {
        use ServiceGoal::{Open, Suspended};
        let ordered = VmGoal::Ordered;
        let wanted = |goal, removed, vm_goal| step(goal, removed, vm_goal, None);
        assert_eq!(wanted(Open, false, ordered(Goal::Open)), ServiceStep::Wait);
        assert_eq!(
            wanted(Suspended, false, ordered(Goal::Open)),
            ServiceStep::Goal(ordered(Goal::Suspended))
        );
        assert_eq!(
            wanted(Open, false, ordered(Goal::Suspended)),
            ServiceStep::Goal(ordered(Goal::Open))
        );
        assert_eq!(
            wanted(Open, true, ordered(Goal::Open)),
            ServiceStep::Goal(VmGoal::Gone)
        );
        assert_eq!(wanted(Open, true, VmGoal::Gone), ServiceStep::Wait);
    }

    #[test]
    fn a_taken_port_is_left_while_the_service_is_to_be_open_and_an_old_report_of_it_means_nothing() {
        let (open, suspended) = (VmGoal::Ordered(Goal::Open), VmGoal::Ordered(Goal::Suspended));
        let taken = |port| Some(Problem::PortTaken { port });
        let step = |goal, vm_goal, port| step(goal, false, vm_goal, taken(port));
        assert_eq!(step(ServiceGoal::Open, open, 27960), ServiceStep::OtherPort);
        assert_eq!(step(ServiceGoal::Open, open, 27961), ServiceStep::Wait);
        assert_eq!(step(ServiceGoal::Suspended, suspended, 27960), ServiceStep::Wait);
        assert_eq!(
            step(ServiceGoal::Suspended, open, 27960),
            ServiceStep::Goal(suspended)
        );
    }
}
