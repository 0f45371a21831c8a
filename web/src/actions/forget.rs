//! What is known of players is forgotten when it is not needed any more: `docs/players-addresses.md` says when.

use super::ActionError;
use crate::{
    app::App,
    domain::{
        Time,
        limits::{ADDRESS_DAYS, DECLINED_DAYS, PROBES_SENT_DAYS, READINGS_MS, VISIT_MS},
    },
    store::{declined, player_links, players, probes_sent, readings, truth, visits},
};

const DAY_MS: i64 = 24 * 3_600_000;

/// Forgets what is not needed any more: visits that came to nothing, links to matches that are over, what players' programs have
/// measured, and addresses that were not used for long; see `docs/players-addresses.md`.
///
/// # Errors
/// Only the store's.
pub async fn sweep(app: &App, now: Time) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    visits::delete_unused(&mut tx, now.plus(-VISIT_MS)).await?;
    player_links::delete_expired(&mut tx, now).await?;
    truth::forget_pings(&mut tx, now.plus(-ADDRESS_DAYS * DAY_MS)).await?;
    readings::delete(&mut tx, now.plus(-READINGS_MS)).await?;
    probes_sent::forget_addresses(&mut tx, now.plus(-DAY_MS)).await?;
    probes_sent::delete(&mut tx, now.plus(-PROBES_SENT_DAYS * DAY_MS)).await?;
    declined::delete(&mut tx, now.plus(-DECLINED_DAYS * DAY_MS)).await?;
    let forgotten = players::forget_addresses(&mut tx, now.plus(-ADDRESS_DAYS * DAY_MS)).await?;
    tx.commit().await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "players' addresses that were not used for long");
        app.changed();
    }
    Ok(())
}
