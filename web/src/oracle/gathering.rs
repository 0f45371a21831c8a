//! Sides that gather by their link play with who has come, when their match starts.

use crate::{actions::player_links::complete_overdue, app::App, store::StoreError};

/// One pass; `true` if any side was completed.
pub(super) async fn step(app: &App) -> Result<bool, StoreError> {
    let (any, wrong) = complete_overdue(app).await?;
    super::note(app, "one roster", wrong.map_or(Ok(false), Err));
    Ok(any)
}
