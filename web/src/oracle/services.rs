//! Each service: its VM.

use crate::{
    app::App,
    domain::{Purpose, Reservation, Service, ServiceGoal, Time, Vm, VmGoal, VmId, VmSeen},
    store::{StoreError, Tx, reservations, services, snapshots, vms},
};
use vmatrix_wire::Goal;

/// One pass; `true` if anything changed.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let mut changed = false;
    for reservation in reservations::held(&mut tx).await? {
        let Purpose::Service(id) = reservation.purpose else {
            continue;
        };
        if let Some(service) = services::get(&mut tx, id).await? {
            changed |= one(&mut tx, app, &service, &reservation, now).await?;
        }
    }
    if changed {
        tx.commit().await?;
    }
    Ok(changed)
}

async fn one(
    tx: &mut Tx,
    app: &App,
    service: &Service,
    held: &Reservation,
    now: Time,
) -> Result<bool, StoreError> {
    let vm = vms::of_service(tx, service.id)
        .await?
        .filter(|vm| vm.reservation == held.id);
    let Some(vm) = vm else {
        if service.removed_at.is_some() {
            return reservations::release(tx, held.id, now).await;
        }
        return make(tx, app, service, held, now).await;
    };
    let goal = match (service.removed_at, service.goal) {
        (Some(_), _) => VmGoal::Gone,
        (None, ServiceGoal::Open) => VmGoal::Ordered(Goal::Open),
        (None, ServiceGoal::Suspended) => VmGoal::Ordered(Goal::Suspended),
    };
    if vm.goal == goal {
        return Ok(false);
    }
    vms::set_goal(tx, vm.id, goal, vm.port).await
}

async fn make(
    tx: &mut Tx,
    app: &App,
    service: &Service,
    held: &Reservation,
    now: Time,
) -> Result<bool, StoreError> {
    let Some(snapshot) = snapshots::newest(tx, &service.image).await? else {
        return Ok(false);
    };
    let vm = Vm {
        id: VmId(app.new_id()),
        reservation: held.id,
        host: held.host,
        purpose: held.purpose,
        snapshot: snapshot.id,
        goal: VmGoal::Ordered(Goal::Open),
        port: held.port,
        created_at: now,
        seen: VmSeen::default(),
    };
    vms::insert(tx, &vm).await?;
    Ok(true)
}
