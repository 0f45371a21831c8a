//! Web services on chosen hosts.

use super::{
    Problem,
    body::{At, Body, created},
};
use crate::{
    actions::services::{self, NewService, ServiceSeen},
    app::App,
    auth::{Operator, Organiser},
    domain::{ServiceId, Time},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use vmatrix_wire::{Phase, VmId};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/services", get(list).post(put))
        .route("/services/{id}", get(view).delete(remove))
        .route("/services/{id}/suspend", post(suspend))
        .route("/services/{id}/wake", post(wake))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceBody {
    name: String,
    image: String,
    host: String,
}

#[derive(Serialize)]
struct ServiceAnswer {
    id: ServiceId,
    name: String,
    image: String,
    host: String,
    /// `open` or `suspended`: how far it should be.
    goal: &'static str,
    created_at: Time,
    vm: Option<VmAnswer>,
}

/// The VM of a service.
#[derive(Serialize)]
struct VmAnswer {
    id: VmId,
    phase: Phase,
    problem: Option<String>,
    address: SocketAddr,
    /// When somebody elsewhere first had its answer on that address.
    verified_at: Option<Time>,
}

impl From<ServiceSeen> for ServiceAnswer {
    fn from(seen: ServiceSeen) -> Self {
        let vm = seen.vm.map(|vm| VmAnswer {
            id: vm.id,
            phase: vm.phase(),
            address: SocketAddr::new(seen.host.public_address, vm.port),
            verified_at: vm.seen.verified_at,
            problem: vm
                .seen
                .report
                .and_then(|report| report.problem)
                .map(|problem| problem.to_string()),
        });
        Self {
            id: seen.service.id,
            name: seen.service.name,
            image: seen.service.image,
            host: seen.host.name,
            goal: seen.service.goal.name(),
            created_at: seen.service.created_at,
            vm,
        }
    }
}

async fn put(
    State(app): State<App>,
    Operator(user): Operator,
    Body(body): Body<ServiceBody>,
) -> Result<Response, Problem> {
    let new = NewService {
        name: body.name,
        image: body.image,
        host: body.host,
    };
    let seen = services::put_service(&app, &user, new).await?;
    Ok(created(ServiceAnswer::from(seen)))
}

async fn list(
    State(app): State<App>,
    Organiser(user): Organiser,
) -> Result<Json<Vec<ServiceAnswer>>, Problem> {
    let all = services::list_services(&app, &user).await?;
    Ok(Json(all.into_iter().map(ServiceAnswer::from).collect()))
}

async fn view(
    State(app): State<App>,
    Organiser(user): Organiser,
    At(id): At<ServiceId>,
) -> Result<Json<ServiceAnswer>, Problem> {
    Ok(Json(services::view_service(&app, &user, id).await?.into()))
}

async fn suspend(
    State(app): State<App>,
    Operator(user): Operator,
    At(id): At<ServiceId>,
) -> Result<Json<ServiceAnswer>, Problem> {
    services::suspend_service(&app, &user, id).await?;
    Ok(Json(services::view_service(&app, &user, id).await?.into()))
}

async fn wake(
    State(app): State<App>,
    Operator(user): Operator,
    At(id): At<ServiceId>,
) -> Result<Json<ServiceAnswer>, Problem> {
    services::wake_service(&app, &user, id).await?;
    Ok(Json(services::view_service(&app, &user, id).await?.into()))
}

async fn remove(
    State(app): State<App>,
    Operator(user): Operator,
    At(id): At<ServiceId>,
) -> Result<StatusCode, Problem> {
    services::remove_service(&app, &user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
