//! From reports to rows.

use super::few;
use crate::{
    app::App,
    domain::{
        HostId, HostRecord, MESH_SLOT_MS, MeshWay, Purpose, REUSE_WITHIN_MS, Round, Time, VmSeen, mesh_probe,
        mesh_slot, mesh_way, reached_by, see,
    },
    store::{StoreError, Tx, hosts, mesh, open_rounds, rematches, reservations, rounds, truth, vms},
};
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_wire::{ProbeReport, RttSample, TargetId};

/// One pass; `true` if anything changed.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let all = hosts::list(&mut tx).await?;
    let mut changed = see_vms(&mut tx, &all, now).await?;
    for record in all.iter().filter(|record| record.reached.is_none()) {
        if let Some(by) = reached_by(record.host.id, &all) {
            changed |= hosts::set_reached(&mut tx, record.host.id, by, now).await?;
            tracing::info!(host = %record.host.name, "public address seen from outside");
        }
    }
    changed |= hear_rounds(&mut tx, app, &all).await?;
    changed |= hear_mesh(&mut tx, &all, now).await?;
    let forgotten = rematches::forget_addresses(&mut tx, now.plus(-REUSE_WITHIN_MS)).await?;
    if changed || forgotten > 0 {
        tx.commit().await?;
    }
    Ok(changed)
}

async fn see_vms(tx: &mut Tx, all: &[HostRecord], now: Time) -> Result<bool, StoreError> {
    let mut changed = false;
    for vm in vms::present(tx).await? {
        let Some(host) = all.iter().find(|record| record.host.id == vm.host) else {
            continue;
        };
        let seen = see(&vm, host, all, now);
        if seen == vm.seen {
            continue;
        }
        let pings = |seen: &VmSeen| seen.report.as_ref().and_then(|report| report.pings.clone());
        if let (Purpose::Match(id), Some(said)) = (
            vm.purpose,
            pings(&seen).filter(|_| pings(&seen) != pings(&vm.seen)),
        ) {
            truth::add_pings(tx, vm.id, id, &said, now).await?;
        }
        changed |= vms::add_facts(tx, &vm, &seen).await?;
        let said = vms::set_report(tx, vm.id, &seen).await?;
        changed |= said;
        if said && seen.gone_at.is_some() {
            reservations::release(tx, vm.reservation, now).await?;
            tracing::info!(vm = %vm.id, host = %host.host.name, "VM is gone, its slot is free");
        }
    }
    Ok(changed)
}

/// A round with what is known of it.
struct Heard {
    round: Round,
    targets: BTreeSet<TargetId>,
    hosts: Vec<(HostId, bool)>,
    known: BTreeMap<(HostId, TargetId), RttSample>,
}

async fn hear_rounds(tx: &mut Tx, app: &App, all: &[HostRecord]) -> Result<bool, StoreError> {
    let open = rounds::open(tx).await?;
    if open.is_empty() {
        return Ok(false);
    }
    let mut targets = open_rounds::targets(tx).await?;
    let mut hosts = open_rounds::hosts(tx).await?;
    let mut known = open_rounds::measurements(tx).await?;
    let mut changed = false;
    for round in open {
        let targets = targets.remove(&round.id).unwrap_or_default();
        let known = known.remove(&round.id).unwrap_or_default();
        let heard = Heard {
            targets: targets.iter().map(|target| target.target).collect(),
            hosts: hosts.remove(&round.id).unwrap_or_default(),
            known: known
                .into_iter()
                .map(|(host, sample)| ((host, sample.target), sample))
                .collect(),
            round,
        };
        changed |= hear(tx, app, &heard, all).await?;
    }
    Ok(changed)
}

/// Takes what hosts have measured in a round, and ends it when nothing more can come.
async fn hear(tx: &mut Tx, app: &App, heard: &Heard, all: &[HostRecord]) -> Result<bool, StoreError> {
    let now = app.now();
    let Heard {
        round,
        targets,
        hosts,
        known,
    } = heard;
    let mut changed = false;
    let mut waiting = false;
    for (host, done) in hosts.iter().copied() {
        if done {
            continue;
        }
        let record = all.iter().find(|record| record.host.id == host);
        let said = record.and_then(|record| said(record, round));
        for sample in said.iter().flat_map(|said| &said.samples) {
            // A host has nothing to say about whom it was not asked about.
            if targets.contains(&sample.target) && known.get(&(host, sample.target)) != Some(sample) {
                rounds::put_measurement(tx, round.id, host, sample).await?;
                changed = true;
            }
        }
        if said.is_some_and(|said| said.done) {
            rounds::set_host_done(tx, round.id, host).await?;
            changed = true;
        } else if record.is_some_and(|record| !record.is_gone(now)) {
            waiting = true;
        }
    }
    if !waiting && now < round.until_at && rounds::is_few(tx, round.id).await? {
        let next = few::next(tx, app, round).await?;
        for host in &next {
            rounds::add_host(tx, round.id, *host).await?;
        }
        changed |= !next.is_empty();
        waiting = !next.is_empty();
    }
    if !waiting || now >= round.until_at {
        changed |= rounds::end(tx, round.id, now).await?;
    }
    Ok(changed)
}

/// Takes what hosts have measured of each other.
async fn hear_mesh(tx: &mut Tx, all: &[HostRecord], now: Time) -> Result<bool, StoreError> {
    let slot = mesh_slot(now);
    let known = mesh::list(tx, Time::from_millis((slot - 1) * MESH_SLOT_MS)).await?;
    let known: BTreeSet<_> = known.iter().map(|way| (way.from, way.to, way.taken_at)).collect();
    let mut changed = false;
    for slot in [slot - 1, slot] {
        for way in all.iter().flat_map(|record| ways(record, slot)) {
            if !known.contains(&(way.from, way.to, way.taken_at)) {
                changed |= mesh::put(tx, &way).await?;
            }
        }
    }
    Ok(changed)
}

/// What a host says of the ways that it was asked about in a slot.
fn ways(record: &HostRecord, slot: i64) -> Vec<MeshWay> {
    let probe = mesh_probe(slot);
    let order = record.orders.probes.iter().find(|order| order.probe == probe);
    let said = record.report.as_ref().and_then(|(report, _)| {
        let said = report.probes.iter().find(|said| said.probe == probe);
        said.filter(|said| said.done)
    });
    let (Some(order), Some(said)) = (order, said) else {
        return Vec::new();
    };
    let was_asked = |sample: &&RttSample| order.targets.iter().any(|target| target.target == sample.target);
    let samples = said.samples.iter().filter(was_asked);
    samples
        .filter_map(|sample| mesh_way(record.host.id, slot, sample))
        .collect()
}

fn said<'a>(record: &'a HostRecord, round: &Round) -> Option<&'a ProbeReport> {
    let (report, _) = record.report.as_ref()?;
    report.probes.iter().find(|probe| probe.probe == round.id)
}
