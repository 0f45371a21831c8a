//! Hosts, and the tokens they join with.

use super::{
    Problem,
    body::{At, created},
};
use crate::{
    actions::{hosts, links},
    app::App,
    auth::{Operator, Organiser},
    domain::{HostId, HostRecord, Refusal, Time},
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::IpAddr;
use vmatrix_wire::{Facts, Phase, PortRange, Role, SnapshotId, VmId};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/hosts", get(list))
        .route("/hosts/{id}", delete(remove))
        .route("/join-tokens", post(join_token))
}

/// A host as staff see it.
#[derive(Serialize)]
struct HostAnswer {
    id: HostId,
    name: String,
    site: String,
    public_address: IpAddr,
    ports: PortRange,
    slots: u16,
    role: Role,
    facts: Facts,
    joined_at: Time,
    /// Whether it reports.
    up: bool,
    reported_at: Option<Time>,
    /// When its public address was first seen from outside.
    reached_at: Option<Time>,
    /// When its agent left the fleet.
    left_at: Option<Time>,
    /// The newest generation of its orders, and the one that it has seen.
    generation: u64,
    generation_seen: Option<u64>,
    vms: Vec<VmAnswer>,
}

/// A VM as its host last saw it.
#[derive(Serialize)]
struct VmAnswer {
    id: VmId,
    phase: Phase,
    problem: Option<String>,
    revived: u32,
    silent: bool,
    snapshot: Option<SnapshotId>,
}

fn answer(record: HostRecord, now: Time) -> HostAnswer {
    let up = !record.is_gone(now);
    let (report, reported_at) = record.report.unzip();
    let ordered = record.orders.vms;
    let vms = report.iter().flat_map(|report| &report.vms).map(|vm| VmAnswer {
        id: vm.vm,
        phase: vm.phase,
        problem: vm.problem.as_ref().map(ToString::to_string),
        revived: vm.revived,
        silent: vm.silent,
        snapshot: ordered
            .iter()
            .find(|order| order.vm == vm.vm)
            .map(|order| order.snapshot),
    });
    HostAnswer {
        vms: vms.collect(),
        generation_seen: report.map(|report| report.generation),
        id: record.host.id,
        name: record.host.name,
        site: record.host.site.name,
        public_address: record.host.public_address,
        ports: record.host.ports,
        slots: record.host.slots,
        role: record.host.role,
        facts: record.host.facts,
        joined_at: record.host.joined_at,
        up,
        reported_at,
        reached_at: record.reached.map(|(at, _)| at),
        left_at: record.left_at,
        generation: record.orders.generation,
    }
}

async fn list(State(app): State<App>, Organiser(user): Organiser) -> Result<Json<Vec<HostAnswer>>, Problem> {
    let now = app.now();
    let all = hosts::list_hosts(&app, &user).await?;
    Ok(Json(all.into_iter().map(|record| answer(record, now)).collect()))
}

/// `?force=true`, or nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveQuery {
    #[serde(default)]
    force: bool,
}

async fn remove(
    State(app): State<App>,
    Operator(user): Operator,
    At(id): At<HostId>,
    query: Result<Query<RemoveQuery>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(query) = query.map_err(|_| {
        let expected = "?force=true, ?force=false or nothing";
        Problem::invalid(vec![Refusal::new("force", "what stands behind the ?", expected)])
    })?;
    hosts::remove_host(&app, &user, id, query.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn join_token(State(app): State<App>, Operator(user): Operator) -> Result<Response, Problem> {
    let token = links::create_join_token(&app, &user).await?;
    Ok(created(json!({ "token": token })))
}
