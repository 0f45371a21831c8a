//! A host with an agent that does as it is told, keeps its state, and can be made to fail.

use crate::domain::{Host, is_mesh, testing};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};
use vmatrix_wire::{
    Ask, Digest, GamePings, Goal, LookoutReport, Orders, Phase, PlayerPing, ProbeId, ProbeReport, Problem,
    Report, RttSample, TargetId, VmId, VmOrder, VmReport, VmTimes,
};

/// What is open in this world, seen from outside: VMs and beacons.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) open: BTreeSet<SocketAddr>,
    pub(super) beacons: BTreeMap<SocketAddr, Digest>,
}

pub(super) struct FakeHost {
    pub(super) host: Host,
    /// Round trips to players, microseconds; who is absent does not answer.
    pub(super) rtts: BTreeMap<IpAddr, u32>,
    /// How far measurements stray, microseconds.
    pub(super) deviation_us: u32,
    /// Says and does nothing, though its VMs go on.
    pub(super) silent: bool,
    /// Ports that other programs have.
    pub(super) taken: BTreeSet<u16>,
    /// Every VM meets this.
    pub(super) problem: Option<Problem>,
    /// A VM gets this far and no further.
    pub(super) stuck_at: Option<Phase>,
    /// What its games say of who plays.
    pub(super) pings: Vec<(String, u16)>,
    /// Nothing from outside gets here.
    pub(super) walled: bool,
    pub(super) vms: BTreeMap<VmId, (Phase, VmOrder)>,
    probes: BTreeMap<ProbeId, u16>,
    sequence: u64,
    beacon: Option<(u16, Digest)>,
}

const UP: [Phase; 6] = [
    Phase::Absent,
    Phase::Fetched,
    Phase::Wired,
    Phase::Paused,
    Phase::Running,
    Phase::Answering,
];

impl FakeHost {
    pub(super) fn new(number: u8) -> Self {
        Self {
            host: testing::host(&format!("host-{number}"), number),
            rtts: BTreeMap::new(),
            deviation_us: 100,
            silent: false,
            taken: BTreeSet::new(),
            problem: None,
            stuck_at: None,
            walled: false,
            pings: Vec::new(),
            vms: BTreeMap::new(),
            probes: BTreeMap::new(),
            sequence: 0,
            beacon: None,
        }
    }

    /// How many rounds of matches it was asked for.
    pub(super) fn probed(&self) -> usize {
        self.probes.keys().filter(|probe| !is_mesh(**probe)).count()
    }

    /// What others can reach here.
    pub(super) fn show(&self, outside: &mut Outside) {
        if self.walled {
            return;
        }
        let at = |port| SocketAddr::new(self.host.public_address, port);
        let open = self.vms.values().filter(|(phase, _)| *phase == Phase::Open);
        outside.open.extend(open.map(|(_, order)| at(order.port)));
        outside
            .beacons
            .extend(self.beacon.map(|(port, nonce)| (at(port), nonce)));
    }

    /// One step towards what is ordered, and a report of it.
    pub(super) fn live(&mut self, orders: &Orders, outside: &Outside) -> Report {
        self.sequence += 1;
        self.beacon = orders.beacon.as_ref().map(|beacon| (beacon.port, beacon.nonce));
        let ordered: BTreeSet<VmId> = orders.vms.iter().map(|order| order.vm).collect();
        // Draining, then absent: two reports.
        self.vms
            .retain(|vm, (phase, _)| ordered.contains(vm) || *phase != Phase::Draining);
        for (vm, (phase, _)) in &mut self.vms {
            if !ordered.contains(vm) {
                *phase = Phase::Draining;
            }
        }
        let vms = orders.vms.iter().map(|order| self.vm(order)).collect::<Vec<_>>();
        let leaving = self.vms.iter().filter(|(vm, _)| !ordered.contains(vm));
        let leaving: Vec<_> = leaving
            .map(|(vm, (phase, _))| report_of(*vm, *phase, None))
            .collect();
        let probes = orders.probes.iter().map(|order| {
            let sent = self.probes.entry(order.probe).or_insert(0);
            *sent = (*sent + 4).min(order.samples);
            let done = *sent == order.samples;
            let samples = order.targets.iter().map(|target| {
                self.rtts.get(&target.address).map_or_else(
                    || lost(target.target, *sent),
                    |us| measured(target.target, *sent, *us, self.deviation_us),
                )
            });
            ProbeReport {
                probe: order.probe,
                done,
                samples: samples.collect(),
            }
        });
        Report {
            sequence: self.sequence,
            generation: orders.generation,
            facts: self.host.facts.clone(),
            probes: probes.collect(),
            vms: vms.into_iter().chain(leaving).collect(),
            lookouts: orders
                .lookouts
                .iter()
                .map(|lookout| {
                    let answered = match &lookout.ask {
                        Ask::Vm { .. } => outside.open.contains(&lookout.address),
                        Ask::Beacon { nonce } => outside.beacons.get(&lookout.address) == Some(nonce),
                    };
                    let masters = matches!(&lookout.ask, Ask::Vm { masters, .. } if !masters.is_empty());
                    LookoutReport {
                        lookout: lookout.lookout,
                        address: lookout.address,
                        answered_ms_ago: answered.then_some(10),
                        listed_ms_ago: (answered && masters).then_some(5),
                    }
                })
                .collect(),
            ..testing::report()
        }
    }

    fn vm(&mut self, order: &VmOrder) -> VmReport {
        let (phase, kept) = self.vms.entry(order.vm).or_insert((Phase::Absent, order.clone()));
        *kept = order.clone();
        let taken = self
            .taken
            .contains(&order.port)
            .then_some(Problem::PortTaken { port: order.port });
        let problem = self
            .problem
            .clone()
            .or(taken.filter(|_| order.goal == Goal::Open));
        let goal = match order.goal {
            Goal::Fetched => Phase::Fetched,
            Goal::Open => Phase::Open,
            Goal::Suspended => Phase::Suspended,
        };
        if problem.is_none() && *phase != goal && self.stuck_at != Some(*phase) {
            let next = UP.iter().skip_while(|one| *one != phase).nth(1).copied();
            *phase = match (*phase, order.goal) {
                (Phase::Suspended, Goal::Open) => Phase::Running,
                (Phase::Answering, Goal::Open) => Phase::Open,
                (Phase::Open, Goal::Suspended) => Phase::Suspended,
                (now, _) => next.unwrap_or(now),
            };
        }
        let players = self.pings.iter().map(|(name, ping_ms)| PlayerPing {
            name: name.clone(),
            ping_ms: *ping_ms,
        });
        let pings = GamePings {
            number: self.sequence,
            players: players.collect(),
        };
        VmReport {
            pings: (*phase == Phase::Open && !self.pings.is_empty()).then_some(pings),
            ..report_of(order.vm, *phase, problem)
        }
    }
}

fn report_of(vm: VmId, phase: Phase, problem: Option<Problem>) -> VmReport {
    let up = phase >= Phase::Answering;
    VmReport {
        vm,
        phase,
        problem,
        revived: 0,
        times: VmTimes {
            resume_to_answer: up.then_some(150.0),
            ..VmTimes::default()
        },
        game: None,
        silent: false,
        fetched_bytes: if phase == Phase::Absent { 0 } else { 100 },
        fetch_bytes: 100,
        pings: None,
    }
}

fn lost(target: TargetId, sent: u16) -> RttSample {
    RttSample {
        target,
        sent,
        received: 0,
        min_us: None,
        median_us: None,
        deviation_us: None,
        p90_us: None,
        jitter_us: None,
    }
}

fn measured(target: TargetId, sent: u16, us: u32, deviation_us: u32) -> RttSample {
    RttSample {
        target,
        sent,
        received: sent,
        min_us: Some(us),
        median_us: Some(us),
        deviation_us: Some(deviation_us),
        p90_us: None,
        jitter_us: None,
    }
}
