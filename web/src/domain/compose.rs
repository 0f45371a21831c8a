//! The whole of what a host should be doing, from rows; and what its report and its witnesses' say of its VMs.

use super::{
    Host, HostId, HostRecord, INTERVAL_MS, MatchId, MeshHost, MeshPlan, Purpose, RoundId, SAMPLES, Snapshot,
    SnapshotId, TIMEOUT_MS, Time, Visit, Vm, VmGoal, VmSeen, VmmSeen, host_witness, mesh_slot, passes,
    witness::{hear_witnesses, vm_witness},
};
use std::{collections::BTreeMap, net::SocketAddr};
use vmatrix_wire::{
    Ask, Beacon, Goal, Lookout, LookoutId, MatchSettings, Orders, PROTOCOL, Phase, ProbeOrder, Role, Target,
    VmOrder,
};

/// Everything that orders are made of.
#[derive(Debug, Default)]
pub struct Fleet {
    /// All hosts by id.
    pub hosts: Vec<HostRecord>,
    /// All VMs that are not known to be gone, by id.
    pub vms: Vec<Vm>,
    /// The snapshots that they are of.
    pub snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// What the games of matches are told.
    pub games: BTreeMap<MatchId, MatchSettings>,
    /// Rounds that have not ended.
    pub rounds: Vec<OpenRound>,
    /// Master servers that games register with.
    pub masters: Vec<SocketAddr>,
    /// Visits of players whose tickets may be good.
    pub visits: Vec<Visit>,
}

impl Fleet {
    /// The hosts for matches whose agents are there: those that measure each other.
    fn there(&self, now: Time) -> Vec<MeshHost> {
        let there = |record: &&HostRecord| record.host.role == Role::Production && !record.is_gone(now);
        let host = |record: &HostRecord| MeshHost {
            id: record.host.id,
            site: record.host.site.id,
            address: record.host.public_address,
            joined_at: record.host.joined_at,
        };
        self.hosts.iter().filter(there).map(host).collect()
    }
}

/// A round that has not ended.
#[derive(Debug)]
pub struct OpenRound {
    /// Which.
    pub id: RoundId,
    /// From where it is measured.
    pub from: Vec<HostId>,
    /// To whom.
    pub targets: Vec<Target>,
}

/// Whether a VM can be looked at from outside: it should be open, and its host says that it is.
#[must_use]
pub fn is_out(vm: &Vm) -> bool {
    vm.goal == VmGoal::Ordered(Goal::Open) && vm.phase() == Phase::Open
}

/// The port on which a host answers its beacon: its highest that no VM has.
#[must_use]
pub fn beacon_port(host: &Host, vms: &[Vm]) -> Option<u16> {
    host.ports
        .ports()
        .rev()
        .find(|port| vms.iter().all(|vm| vm.host != host.id || vm.port != *port))
}

/// What each host should be doing, in the fleet's order. The generation is that of its present orders if nothing is different, or
/// the next.
#[must_use]
pub fn compose(fleet: &Fleet, now: Time) -> Vec<Orders> {
    let mesh_hosts = fleet.there(now);
    let mesh = MeshPlan::of(&mesh_hosts, mesh_slot(now));
    let mut vms: BTreeMap<HostId, Vec<&Vm>> = BTreeMap::new();
    for vm in &fleet.vms {
        vms.entry(vm.host).or_default().push(vm);
    }
    let mut rounds: BTreeMap<HostId, Vec<&OpenRound>> = BTreeMap::new();
    for round in &fleet.rounds {
        for host in &round.from {
            rounds.entry(*host).or_default().push(round);
        }
    }
    let mut lookouts = lookouts(fleet, now);
    let orders = |record: &HostRecord| {
        let id = record.host.id;
        let (vms, rounds) = (vms.remove(&id), rounds.remove(&id));
        let mut orders = Orders {
            protocol: PROTOCOL,
            host: id,
            generation: record.orders.generation,
            vms: vms
                .unwrap_or_default()
                .into_iter()
                .filter_map(|vm| vm_order(vm, &record.orders, fleet))
                .collect(),
            probes: rounds
                .unwrap_or_default()
                .into_iter()
                .map(probe_order)
                .chain(mesh.order(id))
                .collect(),
            lookouts: lookouts.remove(&id).unwrap_or_default(),
            beacon: beacon(record, fleet),
            passes: passes(id, &fleet.visits, now),
        };
        if orders != record.orders {
            orders.generation += 1;
        }
        orders
    };
    fleet.hosts.iter().map(orders).collect()
}

/// What was ordered once stays: a server that is started with other masters, or a clan with another name, must not have a
/// running game set up anew.
fn vm_order(vm: &Vm, before: &Orders, fleet: &Fleet) -> Option<VmOrder> {
    let VmGoal::Ordered(goal) = vm.goal else {
        return None;
    };
    let game = match vm.purpose {
        Purpose::Match(id) => {
            let ordered = before.vms.iter().find(|order| order.vm == vm.id);
            let ordered = ordered.and_then(|order| order.game.as_ref());
            Some(ordered.or_else(|| fleet.games.get(&id))?.clone())
        }
        Purpose::Service(_) => None,
    };
    Some(VmOrder {
        vm: vm.id,
        snapshot: vm.snapshot,
        goal,
        port: vm.port,
        game,
    })
}

fn probe_order(round: &OpenRound) -> ProbeOrder {
    ProbeOrder {
        probe: round.id,
        samples: SAMPLES,
        interval_ms: INTERVAL_MS,
        timeout_ms: TIMEOUT_MS,
        targets: round.targets.clone(),
    }
}

fn beacon(record: &HostRecord, fleet: &Fleet) -> Option<Beacon> {
    if record.reached.is_some() {
        return None;
    }
    Some(Beacon {
        port: beacon_port(&record.host, &fleet.vms)?,
        nonce: record.reach_nonce,
    })
}

/// What each host is to look at, VMs first.
fn lookouts(fleet: &Fleet, now: Time) -> BTreeMap<HostId, Vec<Lookout>> {
    let vms = fleet.vms.iter().filter(|vm| is_out(vm)).filter_map(|vm| {
        let by = vm_witness(vm, &fleet.hosts, now)?;
        Some((by, vm_lookout(vm, fleet)?))
    });
    let unseen = fleet.hosts.iter().filter(|host| !host.is_gone(now));
    let hosts = unseen.filter_map(|host| {
        let beacon = beacon(host, fleet)?;
        let by = host_witness(host, &fleet.hosts, now)?;
        let lookout = Lookout {
            lookout: LookoutId::Host(host.host.id),
            address: SocketAddr::new(host.host.public_address, beacon.port),
            ask: Ask::Beacon { nonce: beacon.nonce },
        };
        Some((by, lookout))
    });
    let mut all: BTreeMap<HostId, Vec<Lookout>> = BTreeMap::new();
    for (by, lookout) in vms.chain(hosts) {
        all.entry(by).or_default().push(lookout);
    }
    all
}

/// What is to be asked of a VM from outside.
#[must_use]
pub fn vm_lookout(vm: &Vm, fleet: &Fleet) -> Option<Lookout> {
    let host = fleet.hosts.iter().find(|record| record.host.id == vm.host)?;
    let contract = &fleet.snapshots.get(&vm.snapshot)?.facts.contract;
    let game = contract.game.as_ref();
    Some(Lookout {
        lookout: LookoutId::Vm(vm.id),
        address: SocketAddr::new(host.host.public_address, vm.port),
        ask: Ask::Vm {
            proof: contract.proof.clone(),
            gamename: game.map(|game| game.gamename.clone()).unwrap_or_default(),
            game_protocol: game.map_or(0, |game| game.protocol),
            masters: if game.is_some() {
                fleet.masters.clone()
            } else {
                Vec::new()
            },
        },
    })
}

/// What is known of a VM after the newest reports.
#[must_use]
pub fn see(vm: &Vm, host: &HostRecord, hosts: &[HostRecord], now: Time) -> VmSeen {
    let mut seen = vm.seen.clone();
    if host.left_at.is_some() {
        // Leaving ends and removes all that the host ran; it will not report so.
        seen.gone_at = seen.gone_at.or(Some(now));
        return seen;
    }
    let Some((report, reported_at)) = &host.report else {
        return seen;
    };
    let mine = report.vms.iter().find(|one| one.vm == vm.id);
    if let Some(mine) = mine {
        seen.report = Some(mine.clone());
        if mine.phase >= Phase::Paused {
            let vmm = &host.host.facts.vmm;
            let name = format!("{} {}", vmm.name, vmm.version);
            seen.vmm = Some(VmmSeen {
                name,
                accelerator: host.host.facts.accelerator,
            });
        }
        let answers = matches!(mine.phase, Phase::Answering | Phase::Open);
        let since_order = seen.ordered_at.is_some_and(|ordered| *reported_at >= ordered);
        if answers && since_order && seen.answered_at.is_none() {
            seen.answered_at = Some(*reported_at);
        }
    }
    if vm.goal == VmGoal::Ordered(Goal::Open) {
        hear_witnesses(vm, host, hosts, &mut seen);
    }
    // What its orders of that generation or a later one do not name, and its agent does not see, is not there.
    let withdrawn = host.orders.vms.iter().all(|order| order.vm != vm.id);
    let heard = report.generation >= host.orders.generation;
    let left = mine.is_some_and(|mine| mine.phase != Phase::Absent);
    if vm.goal == VmGoal::Gone && withdrawn && heard && !left && seen.gone_at.is_none() {
        seen.gone_at = Some(now);
    }
    seen
}

/// A text as a game's console takes and gives it back: printable ASCII without `"`, `;`, `\`, `/` and `%`, one blank
/// between words, at most 60 letters.
#[must_use]
pub fn console_text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | ';' | '\\' | '/' | '%');
    let spaced: String = text
        .chars()
        .map(|c| if plain(c) { c } else { ' ' })
        .take(60)
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
