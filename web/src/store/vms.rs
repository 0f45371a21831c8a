//! VMs: what is ordered of them and what was seen.

use super::{StoreError, Tx, corrupt, or_else, parsed, reservations, to_json};
use crate::domain::{MatchId, ServiceId, Time, Vm, VmGoal, VmId, VmSeen};
use std::collections::BTreeMap;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    reservation_id: String,
    host_id: String,
    match_id: Option<String>,
    service_id: Option<String>,
    snapshot: String,
    goal: String,
    port: i64,
    created_at: i64,
    report: Option<String>,
    vmm: Option<String>,
    ordered_at: Option<i64>,
    answered_at: Option<i64>,
    verified_at: Option<i64>,
    listed_at: Option<i64>,
    gone_at: Option<i64>,
}

impl Row {
    fn vm(self) -> Result<Vm, StoreError> {
        let id = self.id.as_str();
        Ok(Vm {
            id: parsed("vms", id, "id", id)?,
            reservation: parsed("vms", id, "reservation_id", &self.reservation_id)?,
            host: parsed("vms", id, "host_id", &self.host_id)?,
            purpose: reservations::purpose("vms", id, self.match_id.as_deref(), self.service_id.as_deref())?,
            snapshot: parsed("vms", id, "snapshot", &self.snapshot)?,
            goal: VmGoal::parse(&self.goal)
                .ok_or_else(|| corrupt("vms", id, "goal", &self.goal, "not a goal"))?,
            port: u16::try_from(self.port)
                .map_err(|why| corrupt("vms", id, "port", &self.port.to_string(), why))?,
            created_at: Time::from_millis(self.created_at),
            seen: VmSeen {
                report: self
                    .report
                    .as_deref()
                    .and_then(|text| or_else("vms", id, "report", text, || None)),
                vmm: self
                    .vmm
                    .as_deref()
                    .and_then(|text| or_else("vms", id, "vmm", text, || None)),
                ordered_at: self.ordered_at.map(Time::from_millis),
                answered_at: self.answered_at.map(Time::from_millis),
                verified_at: self.verified_at.map(Time::from_millis),
                listed_at: self.listed_at.map(Time::from_millis),
                gone_at: self.gone_at.map(Time::from_millis),
            },
        })
    }
}

/// Adds a VM of which nothing has been seen.
pub async fn insert(tx: &mut Tx, vm: &Vm) -> Result<(), StoreError> {
    let (of_match, service) = reservations::columns(vm.purpose);
    sql!(
        tx,
        execute "insert into vms (id, reservation_id, host_id, match_id, service_id, snapshot, goal, port, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        vm.id.to_string(),
        vm.reservation.to_string(),
        vm.host.to_string(),
        of_match,
        service,
        vm.snapshot.to_string(),
        vm.goal.name(),
        i64::from(vm.port),
        vm.created_at.millis()
    )?;
    Ok(())
}

/// A VM, also one that is gone.
pub async fn get(tx: &mut Tx, id: VmId) -> Result<Option<Vm>, StoreError> {
    sql!(tx, optional Row, "select * from vms where id = $1", id.to_string())?
        .map(Row::vm)
        .transpose()
}

/// All VMs that their hosts have not said to be gone, by id.
pub async fn present(tx: &mut Tx) -> Result<Vec<Vm>, StoreError> {
    let text = "select * from vms where gone_at is null order by id";
    sql!(tx, all Row, text)?.into_iter().map(Row::vm).collect()
}

/// All VMs that a match has had, oldest first.
pub async fn of_match(tx: &mut Tx, id: MatchId) -> Result<Vec<Vm>, StoreError> {
    let text = "select * from vms where match_id = $1 order by created_at, id";
    sql!(tx, all Row, text, id.to_string())?
        .into_iter()
        .map(Row::vm)
        .collect()
}

/// All VMs of matches to which something may still happen, by id, also those that are gone. Each by itself: one that cannot be
/// read stops no other's match.
pub async fn of_unfinished(tx: &mut Tx) -> Result<BTreeMap<VmId, Result<Vm, StoreError>>, StoreError> {
    let text = "select * from vms where match_id in
                    (select id from matches where state not in ('over', 'failed', 'cancelled'))
                order by id";
    let rows = sql!(tx, all Row, text)?;
    // What has no id of a VM is held by no match.
    let by_id = |row: Row| Some((row.id.parse().ok()?, row.vm()));
    Ok(rows.into_iter().filter_map(by_id).collect())
}

/// The newest VM of a service, also one that is gone.
pub async fn of_service(tx: &mut Tx, id: ServiceId) -> Result<Option<Vm>, StoreError> {
    let text = "select * from vms where service_id = $1 order by created_at desc, id desc limit 1";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::vm)
        .transpose()
}

/// Sets how far a VM should be and on which port: what was seen on another is nothing any more. One that should be gone
/// stays so: `false`.
pub async fn set_goal(tx: &mut Tx, id: VmId, goal: VmGoal, port: u16) -> Result<bool, StoreError> {
    let text = "update vms set goal = $2, port = $3, verified_at = case when port = $3 then verified_at end,
                    listed_at = case when port = $3 then listed_at end
                where id = $1 and goal <> 'gone'";
    Ok(sql!(tx, execute text, id.to_string(), goal.name(), i64::from(port))? == 1)
}

/// Writes what a VM's host says of it, and that nothing is left of it. What was said stays where `seen` has nothing, and
/// of a VM that is gone nothing is said any more: `false`.
pub async fn set_report(tx: &mut Tx, id: VmId, seen: &VmSeen) -> Result<bool, StoreError> {
    let text = "update vms set report = coalesce($2, report), vmm = coalesce($3, vmm), gone_at = $4
                where id = $1 and gone_at is null";
    let report = seen.report.as_ref().map(to_json).transpose()?;
    let vmm = seen.vmm.as_ref().map(to_json).transpose()?;
    Ok(sql!(tx, execute text, id.to_string(), report, vmm, seen.gone_at.map(Time::millis))? == 1)
}

/// Adds when a VM was first seen to answer, here and elsewhere, and to be listed. What was seen before stays: several
/// look, each from what it has read. What was seen of `read` under another order or on another port than those of now
/// is not taken: `false`.
pub async fn add_facts(tx: &mut Tx, read: &Vm, seen: &VmSeen) -> Result<bool, StoreError> {
    let text =
        "update vms set answered_at = coalesce(answered_at, $3), verified_at = coalesce(verified_at, $4),
                    listed_at = coalesce(listed_at, $5)
                where id = $1 and ordered_at is not distinct from $2 and port = $6";
    let done = sql!(
        tx,
        execute text,
        read.id.to_string(),
        read.seen.ordered_at.map(Time::millis),
        seen.answered_at.map(Time::millis),
        seen.verified_at.map(Time::millis),
        seen.listed_at.map(Time::millis),
        i64::from(read.port)
    )?;
    Ok(done == 1)
}

/// Notes that a VM is ordered to be open from now on: nothing has been seen of that yet.
pub async fn set_ordered(tx: &mut Tx, id: VmId, now: Time) -> Result<(), StoreError> {
    let text = "update vms set ordered_at = $2, answered_at = null, verified_at = null, listed_at = null
                where id = $1";
    sql!(tx, execute text, id.to_string(), now.millis())?;
    Ok(())
}
