//! How the server is.

use super::ActionError;
use crate::{
    app::App,
    store::{hosts, vms},
};

/// The Oracle looks at everything about once a second; one that has not for this long is stuck.
const STUCK_AFTER_MS: i64 = 15_000;

/// Whether the database answers and the Oracle runs, or what does not.
///
/// # Errors
/// A sentence for operators.
pub async fn ready(app: &App) -> Result<(), String> {
    if let Err(error) = ask(app).await {
        tracing::error!(%error, "not ready");
        return Err("The database does not answer.".into());
    }
    let oracle = app.oracle.status();
    match oracle.ran_at {
        _ if oracle.off => Ok(()),
        None => Err("The Oracle has not run yet.".into()),
        Some(at) if app.now().since(at) > STUCK_AFTER_MS => {
            Err(format!("The Oracle has not come to its end since {at}."))
        }
        Some(_) => Ok(()),
    }
}

async fn ask(app: &App) -> Result<(), ActionError> {
    let mut tx = app.db.read().await?;
    hosts::by_secret(&mut tx, "").await?;
    Ok(())
}

/// Figures of this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Hosts that report.
    pub hosts_up: usize,
    /// Hosts that do not.
    pub hosts_gone: usize,
    /// VMs that hosts have not said to be gone.
    pub vms: usize,
    /// How long the Oracle's last run took, milliseconds.
    pub oracle_took_ms: f64,
    /// How long ago that was, milliseconds.
    pub oracle_age_ms: Option<f64>,
    /// Parts of the Oracle whose last run failed.
    pub oracle_errors: usize,
}

/// Figures of this moment.
///
/// # Errors
/// Only the store's.
#[allow(clippy::cast_precision_loss)]
pub async fn figures(app: &App) -> Result<Figures, ActionError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let mut hosts = hosts::list(&mut tx).await?;
    hosts.retain(|host| host.left_at.is_none());
    let vms = vms::present(&mut tx).await?.len();
    let hosts_gone = hosts.iter().filter(|host| host.is_gone(now)).count();
    let oracle = app.oracle.status();
    Ok(Figures {
        hosts_up: hosts.len() - hosts_gone,
        hosts_gone,
        vms,
        oracle_took_ms: oracle.took_ms,
        oracle_age_ms: oracle.ran_at.map(|at| now.since(at) as f64),
        oracle_errors: oracle.errors.len(),
    })
}
