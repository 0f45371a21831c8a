//! Who looks at what from outside, and whose word counts.

use super::{Host, HostId, HostRecord, Onlooker, Time, Vm, VmSeen};
use std::net::SocketAddr;
use vmatrix_wire::{LookoutId, LookoutReport};

/// How long one witness is waited for before the next one has its turn, milliseconds.
const TURN_MS: i64 = 20_000;
/// After so many hosts the server itself has its turn: before a match gives up the host that it waits for.
const HOSTS_BEFORE_SERVER: usize = 3;

/// Whose turn it is, after `waited_ms` without an answer. `None`: the server itself.
fn witness(of: &Host, hosts: &[HostRecord], waited_ms: i64, now: Time) -> Option<HostId> {
    let mut there: Vec<&Host> = hosts
        .iter()
        .filter(|other| other.host.id != of.id && !other.is_gone(now))
        .map(|other| &other.host)
        .collect();
    // Behind one address a neighbour is often not reached by that address, and what is wrong with a site is wrong for
    // all in it. Otherwise a ring by id, so that not all hosts have the same witness.
    there.sort_by_key(|other| {
        let near = (
            other.public_address == of.public_address,
            other.site.id == of.site.id,
        );
        (near, other.id < of.id, other.id)
    });
    let mut turns: Vec<_> = there.iter().map(|other| Some(other.id)).collect();
    turns.insert(turns.len().min(HOSTS_BEFORE_SERVER), None);
    let turn = usize::try_from(waited_ms / TURN_MS).unwrap_or(0);
    turns.get(turn % turns.len()).copied().flatten()
}

/// Who looks at a VM that is open. `None`: the server itself. Who has had its answer stays.
#[must_use]
pub fn vm_witness(vm: &Vm, hosts: &[HostRecord], now: Time) -> Option<HostId> {
    let of = hosts.iter().find(|record| record.host.id == vm.host)?;
    let since = vm.seen.answered_at.or(vm.seen.ordered_at).unwrap_or(now);
    let until = vm.seen.verified_at.unwrap_or(now);
    witness(&of.host, hosts, until.since(since), now)
}

/// Who looks for a host's beacon. `None`: the server itself.
#[must_use]
pub fn host_witness(of: &HostRecord, hosts: &[HostRecord], now: Time) -> Option<HostId> {
    witness(&of.host, hosts, now.since(of.host.joined_at), now)
}

/// What another host says, if its own present orders ask it for that.
fn testimony(lookout: LookoutId, host: &HostRecord) -> Option<(&LookoutReport, Time)> {
    let order = host.orders.lookouts.iter().find(|one| one.lookout == lookout)?;
    let (report, at) = host.report.as_ref()?;
    let said = report.lookouts.iter().find(|said| said.lookout == lookout)?;
    (said.address == order.address).then_some((said, *at))
}

/// Takes what witnesses say of a VM: only since it was ordered to be open.
pub(super) fn hear_witnesses(vm: &Vm, host: &HostRecord, hosts: &[HostRecord], seen: &mut VmSeen) {
    let Some(ordered_at) = seen.ordered_at else { return };
    let address = SocketAddr::new(host.host.public_address, vm.port);
    let others = hosts.iter().filter(|other| other.host.id != vm.host);
    for (said, at) in others.filter_map(|other| testimony(LookoutId::Vm(vm.id), other)) {
        let back = |ago: Option<u64>| {
            let when = at.plus(-i64::try_from(ago?).ok()?);
            (when >= ordered_at && said.address == address).then_some(when)
        };
        seen.verified_at = seen.verified_at.or_else(|| back(said.answered_ms_ago));
        seen.listed_at = seen.listed_at.or_else(|| back(said.listed_ms_ago));
    }
}

/// Which other host, of those that were asked to, has seen a host's beacon from outside.
#[must_use]
pub fn reached_by(of: HostId, hosts: &[HostRecord]) -> Option<Onlooker> {
    let answered = |other: &&HostRecord| {
        testimony(LookoutId::Host(of), other).is_some_and(|(said, _)| said.answered_ms_ago.is_some())
    };
    let mut others = hosts.iter().filter(|other| other.host.id != of);
    others.find(answered).map(|other| Onlooker::Host(other.host.id))
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
