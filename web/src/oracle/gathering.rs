//! Sides that gather by their link play with who has come, when their match starts.

use crate::{
    actions::{ActionError, player_links::complete_overdue},
    app::App,
    store::StoreError,
};

/// One pass; `true` if any side was completed.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    match complete_overdue(app).await {
        Ok(any) => Ok(any),
        Err(ActionError::Store(error)) => Err(error),
        // Somebody else was quicker: the next pass looks again.
        Err(clash) => {
            tracing::debug!(%clash, "a roster was not completed");
            Ok(false)
        }
    }
}
