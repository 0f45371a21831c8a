//! For whoever runs the server: is it there, can it work, and figures.

use crate::{actions::health, api::Problem, app::App};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to collect figures; without it `/metrics` says that there are none. Twice is once.
///
/// # Errors
/// If another recorder was installed before.
pub fn collect() -> Result<(), BuildError> {
    if FIGURES.get().is_none() {
        let seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)?
            .install_recorder()?;
        let _ = FIGURES.set(handle);
    }
    Ok(())
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the database answers and the Oracle runs.
pub(super) async fn ready(State(app): State<App>) -> Response {
    match health::ready(&app).await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

/// `GET /metrics`, for Prometheus.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let Some(figures) = FIGURES.get() else {
        return Problem::not_found("This server collects no figures.").into_response();
    };
    if let Err(error) = gauges(&app).await {
        return Problem::internal(&error).into_response();
    }
    figures.run_upkeep();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], figures.render()).into_response()
}

#[allow(clippy::cast_precision_loss)]
async fn gauges(app: &App) -> Result<(), crate::actions::ActionError> {
    let figures = health::figures(app).await?;
    ::metrics::gauge!("vmatrix_hosts", "state" => "up").set(figures.hosts_up as f64);
    ::metrics::gauge!("vmatrix_hosts", "state" => "gone").set(figures.hosts_gone as f64);
    ::metrics::gauge!("vmatrix_vms").set(figures.vms as f64);
    ::metrics::gauge!("vmatrix_oracle_run_seconds").set(figures.oracle_took_ms / 1000.0);
    ::metrics::gauge!("vmatrix_oracle_age_seconds").set(figures.oracle_age_ms.unwrap_or(-1000.0) / 1000.0);
    ::metrics::gauge!("vmatrix_oracle_errors").set(figures.oracle_errors as f64);
    Ok(())
}
