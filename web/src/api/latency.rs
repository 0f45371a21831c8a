//! How far two addresses are from each other.

use super::Problem;
use crate::{
    actions::latency,
    app::App,
    auth::Organiser,
    domain::source_name,
    domain::{Prefix, Refusal},
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;

pub(super) fn router() -> Router<App> {
    Router::new().route("/latency", get(between))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    from: String,
    to: String,
}

const TOO_MANY: &str = "So many pairs of addresses were asked for lately that others could be flooded by it.";

/// Name servers of others are asked for it: so often by one user, and so often for one network.
async fn between(
    State(app): State<App>,
    Organiser(user): Organiser,
    query: Result<Query<Ends>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(ends) = query.map_err(|_| {
        let expected = "?from=ADDRESS&to=ADDRESS";
        Problem::invalid(vec![Refusal::new("from", "what stands behind the ?", expected)])
    })?;
    let address = |field: &str, text: &str| {
        text.parse::<IpAddr>().map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            Problem::invalid(vec![Refusal::new(field, shown, "an address such as 192.0.2.7")])
        })
    };
    let (from, to) = (address("from", &ends.from)?, address("to", &ends.to)?);
    let limits = &app.limits;
    let counted = limits.latency.count(&user.id);
    let counted = counted.and_then(|()| limits.latency_at.count(&Prefix::of(from).to_string()));
    let counted = counted.and_then(|()| limits.latency_at.count(&Prefix::of(to).to_string()));
    counted.map_err(|wait| Problem::too_many(TOO_MANY, wait))?;
    let (rtt, note) = latency::between(&app, &user, from, to).await?;
    Ok(Json(json!({
        "rtt_ms": rtt.ms(),
        "source": source_name(note.source),
        "error_ms": f64::from(note.error_us) / 1000.0,
        "age_s": note.age_s,
    })))
}
