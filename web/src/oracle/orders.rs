//! Writes what each host should be doing.

use crate::{
    app::App,
    domain::{
        Clan, Fleet, HostRecord, Match, OpenRound, Time, Vm, VmId, compose, console_text, limits::TICKET_MS,
    },
    store::{StoreError, Tx, clans, hosts, matches, open_rounds, rounds, snapshots, visits, vms},
};
use std::collections::{BTreeMap, btree_map::Entry};
use vmatrix_wire::{Goal, MatchSettings, Orders, Target};

/// One pass; `true` if any host has new orders.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let fleet = load(&mut tx, app).await?;
    let mut changed = false;
    for (record, orders) in fleet.hosts.iter().zip(compose(&fleet, now)) {
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
    }
    let clans = clans::with_vms(tx).await?;
    for of in matches::with_vms(tx).await? {
        if let Some(of) = if_readable(of.map(Some))? {
            fleet.games.insert(of.id, settings(app, &of, &clans));
        }
    }
    fleet.rounds = open(tx).await?;
    Ok(fleet)
}

/// Rounds that have not ended.
async fn open(tx: &mut Tx) -> Result<Vec<OpenRound>, StoreError> {
    let mut hosts = open_rounds::hosts(tx).await?;
    let mut targets = open_rounds::targets(tx).await?;
    let mut all = Vec::new();
    for round in rounds::open(tx).await? {
        let hosts = hosts.remove(&round.id).unwrap_or_default();
        let targets = targets.remove(&round.id).unwrap_or_default();
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
        all.push(OpenRound {
            id: round.id,
            from: hosts.into_iter().map(|(host, _)| host).collect(),
            targets,
        });
    }
    Ok(all)
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

fn settings(app: &App, of: &Match, clans: &[Clan]) -> MatchSettings {
    let name = |id| clans.iter().find(|clan| clan.id == id);
    let names: Vec<&str> = [of.home, of.away]
        .into_iter()
        .filter_map(|id| Some(name(id)?.name.as_str()))
        .collect();
    MatchSettings {
        server_name: console_text(&format!("vMatrix {}", names.join(" - "))),
        password: of.password.clone(),
        rcon: of.rcon.clone(),
        map: of.map.clone(),
        masters: app.settings.masters.clone(),
        farewell: "The match is over. Thank you for playing.".into(),
    }
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
