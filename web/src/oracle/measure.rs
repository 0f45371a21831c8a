//! Each match whose players are to be measured: a new round. Apart from all other steps, because players' names are looked
//! up for it, and nobody else waits for that.

use super::matches::{Now, look, tell};
use crate::{
    actions::rounds::{resolve, start},
    app::App,
    domain::{MatchId, MatchState, Recheck, RoundId, RoundReason, Step},
    store::{StoreError, Tx, matches, rosters},
};
use futures_util::{StreamExt, stream};

/// So many matches have their players' names looked up at once; each has 64 at most.
const AT_ONCE: usize = 8;

/// One pass over all matches.
pub(super) async fn step(app: &App) -> Result<(), StoreError> {
    let mut tx = app.db.read().await?;
    let ids = matches::unfinished(&mut tx).await?;
    drop(tx);
    let each = stream::iter(ids).map(|id| async move {
        one(app, id)
            .await
            .inspect_err(|error| tracing::error!(match_id = %id, %error, "a match is stuck"))
    });
    let done: Vec<_> = each.buffer_unordered(AT_ONCE).collect().await;
    // The others went on.
    done.into_iter().collect()
}

async fn one(app: &App, id: MatchId) -> Result<(), StoreError> {
    let mut tx = app.db.read().await?;
    let due = look(&mut tx, app, id, app.now()).await?;
    let Some((_, Step::Probe(reason))) = due else {
        return Ok(());
    };
    let roster = rosters::list(&mut tx, id).await?;
    drop(tx);
    let roster = resolve(app, roster).await;

    let mut tx = app.db.begin().await?;
    // What was read may have changed while names were looked up.
    let again = look(&mut tx, app, id, app.now()).await?;
    let Some((now, _)) = again.filter(|(_, step)| *step == Step::Probe(reason)) else {
        return Ok(());
    };
    let round = start(&mut tx, app, &now.of, reason, &roster, now.at).await?;
    let state = measured_by(&mut tx, app, &now, round, reason).await?;
    if matches::write_state(&mut tx, &now.of, &state).await? {
        tx.commit().await?;
        tracing::info!(match_id = %id, from = now.of.state.name(), to = state.name(), "match");
        app.changed();
    }
    Ok(())
}

async fn measured_by(
    tx: &mut Tx,
    app: &App,
    now: &Now,
    round: RoundId,
    reason: RoundReason,
) -> Result<MatchState, StoreError> {
    let MatchState::Reserved { held, .. } = &now.of.state else {
        return Ok(MatchState::Probing { round, reason });
    };
    tell(tx, app, now, "The players are measured again before the match.").await?;
    Ok(MatchState::Reserved {
        held: held.clone(),
        recheck: Recheck::Running { round, then: None },
    })
}
