//! Each service: how far its VM should be, and on which port.

use super::ports::{Moved, move_port};
use crate::{
    app::App,
    domain::{Purpose, Service, ServiceStep, Time, Vm, service_step},
    store::{StoreError, Tx, hosts, services, vms},
};

/// One pass; `true` if anything changed.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let mut changed = false;
    for vm in vms::present(&mut tx).await? {
        let Purpose::Service(id) = vm.purpose else {
            continue;
        };
        if let Some(service) = services::get(&mut tx, id).await? {
            changed |= one(&mut tx, &service, &vm, now).await?;
        }
    }
    if changed {
        tx.commit().await?;
    }
    Ok(changed)
}

async fn one(tx: &mut Tx, service: &Service, vm: &Vm, now: Time) -> Result<bool, StoreError> {
    match service_step(service, vm) {
        ServiceStep::Wait => Ok(false),
        ServiceStep::Goal(goal) => vms::set_goal(tx, vm.id, goal, vm.port).await,
        ServiceStep::OtherPort => {
            let Some(record) = hosts::get(tx, vm.host).await? else {
                return Ok(false);
            };
            // If there is no other, its agent tries this one again and again, and says so.
            let moved = move_port(tx, &record, vm, now).await?;
            Ok(matches!(moved, Moved::To(_)))
        }
    }
}
