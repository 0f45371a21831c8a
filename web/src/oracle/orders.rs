//! Writes what each host should be doing.

use crate::{
    app::App,
    domain::{
        Fleet, HostRecord, Match, OpenRound, Purpose, Time, Vm, VmId, compose, console_text,
        limits::TICKET_MS,
    },
    store::{StoreError, Tx, clans, hosts, matches, rounds, snapshots, visits, vms},
};
use std::collections::{BTreeMap, btree_map::Entry};
use vmatrix_wire::{Goal, MatchSettings, Orders, Target};

/// One pass; `true` if any host has new orders.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let fleet = load(&mut tx, app).await?;
    let mut changed = false;
    for record in &fleet.hosts {
        let orders = compose(record, &fleet, now);
        if orders.generation == record.orders.generation {
            continue;
        }
        // `false`: another server was quicker; the next pass looks again.
        if hosts::write_orders(&mut tx, &orders, now).await? {
            note_ordered(&mut tx, record, &orders, &fleet.vms, now).await?;
            tracing::debug!(host = %record.host.name, generation = orders.generation, "new orders");
            changed = true;
        }
    }
    if changed {
        tx.commit().await?;
        app.orders.bump();
    }
    Ok(changed)
}

/// Everything that orders are made of.
pub(super) async fn load(tx: &mut Tx, app: &App) -> Result<Fleet, StoreError> {
    let mut fleet = Fleet {
        hosts: hosts::list(tx).await?,
        vms: vms::present(tx).await?,
        masters: app.settings.masters.clone(),
        visits: visits::since(tx, app.now().plus(-TICKET_MS)).await?,
        ..Fleet::default()
    };
    for vm in &fleet.vms {
        if let Entry::Vacant(unknown) = fleet.snapshots.entry(vm.snapshot)
            && let Some(snapshot) = if_readable(snapshots::get(tx, vm.snapshot).await)?
        {
            unknown.insert(snapshot);
        }
        if let Purpose::Match(id) = vm.purpose
            && let Some(of) = if_readable(matches::get(tx, id).await)?
        {
            fleet.games.insert(id, settings(tx, app, &of).await?);
        }
    }
    for round in rounds::open(tx).await? {
        let from = rounds::hosts(tx, round.id)
            .await?
            .into_iter()
            .map(|(host, _)| host)
            .collect();
        let targets = rounds::targets(tx, round.id).await?;
        let targets = targets
            .into_iter()
            .filter_map(|target| {
                Some(Target {
                    target: target.target,
                    address: target.address?,
                    by: target.by,
                })
            })
            .collect();
        fleet.rounds.push(OpenRound {
            id: round.id,
            from,
            targets,
        });
    }
    Ok(fleet)
}

/// One row that cannot be read does not keep all hosts from their orders.
fn if_readable<T>(read: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(%error, "left out of the orders");
            Ok(None)
        }
        other => other,
    }
}

async fn settings(tx: &mut Tx, app: &App, of: &Match) -> Result<MatchSettings, StoreError> {
    let mut names = Vec::new();
    for id in [of.home, of.away] {
        names.extend(clans::get(tx, id).await?.map(|clan| clan.name.to_string()));
    }
    Ok(MatchSettings {
        server_name: console_text(&format!("vMatrix {}", names.join(" - "))),
        password: of.password.clone(),
        rcon: of.rcon.clone(),
        map: of.map.clone(),
        masters: app.settings.masters.clone(),
        farewell: "The match is over. Thank you for playing.".into(),
    })
}

/// Notes when it was first ordered that a VM be open: in the same transaction as the generation that says so.
async fn note_ordered(
    tx: &mut Tx,
    before: &HostRecord,
    orders: &Orders,
    all: &[Vm],
    now: Time,
) -> Result<(), StoreError> {
    let opens = |orders: &Orders, vm: VmId| {
        orders
            .vms
            .iter()
            .any(|order| order.vm == vm && order.goal == Goal::Open)
    };
    let by_id: BTreeMap<VmId, &Vm> = all.iter().map(|vm| (vm.id, vm)).collect();
    for order in &orders.vms {
        let Some(vm) = by_id.get(&order.vm) else { continue };
        // Orders that could not be read are written anew, and that is no new order.
        let again = before.orders.vms.iter().any(|order| order.vm == vm.id);
        let first = again || vm.seen.ordered_at.is_none();
        if first && opens(orders, order.vm) && !opens(&before.orders, order.vm) {
            vms::set_ordered(tx, order.vm, now).await?;
        }
    }
    Ok(())
}
