//! Another port where the one that was held turns out to be taken by another program.

use crate::{
    domain::{HostRecord, Time, Vm, VmGoal, Wanted, room},
    store::{StoreError, Tx, hosts, reservations, vms},
};
use vmatrix_wire::Goal;

/// What became of a VM whose port is taken.
pub(super) enum Moved {
    /// It is to be open on this one.
    To(u16),
    /// The host has no other.
    Nowhere,
    /// Somebody else was quicker: to be thought over again.
    Clash,
}

/// Moves a VM to the lowest free port of its host that was not tried yet.
pub(super) async fn move_port(
    tx: &mut Tx,
    record: &HostRecord,
    vm: &Vm,
    now: Time,
) -> Result<Moved, StoreError> {
    let taken = reservations::held(tx).await?;
    let Some(ours) = taken.iter().find(|one| one.id == vm.reservation) else {
        return Ok(Moved::Nowhere);
    };
    let mut tried = ours.ports_tried.clone();
    tried.push(ours.port);
    let wanted = Wanted {
        span: (ours.from_at, ours.until_at),
        memory_mb: ours.memory_mb,
        instead_of: Some(ours.id),
        avoid: &tried,
    };
    let Ok(port) = room(&record.host, &taken, wanted, now) else {
        return Ok(Moved::Nowhere);
    };
    if !hosts::hold(tx, record.host.id, record.holds).await? {
        return Ok(Moved::Clash);
    }
    reservations::set_port(tx, ours.id, port, &tried).await?;
    vms::set_goal(tx, vm.id, VmGoal::Ordered(Goal::Open), port).await?;
    tracing::info!(vm = %vm.id, host = %record.host.name, taken = ours.port, port, "another port");
    Ok(Moved::To(port))
}
