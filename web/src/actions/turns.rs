//! Matches are measured a bounded number at a time; the others wait for their turn, and the Oracle begins with who came first.

use super::{matches::Resolved, rounds};
use crate::{
    app::App,
    domain::{Match, RoundId, RoundReason, Time, limits::ROUNDS_AT_ONCE},
    store::{StoreError, Tx, rounds as rows, turns},
};

/// Whether a match is measured already.
pub(crate) enum Begun {
    /// By this round.
    Now(RoundId),
    /// It waits for its turn, by this round, which is not there yet.
    Later(RoundId),
}

impl Begun {
    pub(crate) fn round(&self) -> RoundId {
        match self {
            Self::Now(round) | Self::Later(round) => *round,
        }
    }
}

/// Begins a round if nobody waits and there is room, or has the match wait.
pub(super) async fn start(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    reason: RoundReason,
    roster: &Resolved,
    now: Time,
) -> Result<Begun, StoreError> {
    let others = turns::list(tx).await?.iter().any(|(_, other)| *other != of.id);
    if others || rows::open(tx).await?.len() >= ROUNDS_AT_ONCE {
        return Ok(Begun::Later(wait(tx, app, of).await?));
    }
    turns::remove(tx, of.id).await?;
    let round = rounds::start(tx, app, of, reason, roster, now).await?;
    Ok(Begun::Now(round))
}

/// Has a match wait for its turn, or wait on; gives the round that its state is to name.
pub(crate) async fn wait(tx: &mut Tx, app: &App, of: &Match) -> Result<RoundId, StoreError> {
    turns::put(tx, of.id, vmatrix_wire::ProbeId(app.new_id())).await
}
