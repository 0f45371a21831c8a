//! What a rematch takes over from the match before, and when that is forgotten.

use super::{StoreError, Tx, parsed};
use crate::domain::{MatchId, Round, RoundId, Time};

/// Keeps a match's other rematches waiting until this transaction ends.
pub async fn lock(tx: &mut Tx, of: MatchId) -> Result<(), StoreError> {
    sql!(tx, execute "update matches set id = id where id = $1", of.to_string())?;
    Ok(())
}

/// The rematch of a match that is not over, failed or cancelled, if there is one.
pub async fn open(tx: &mut Tx, of: MatchId) -> Result<Option<MatchId>, StoreError> {
    let text = "select id from matches where rematch_of = $1 and state not in ('over', 'failed', 'cancelled')
                order by created_at, id limit 1";
    sql!(tx, optional(String,), text, of.to_string())?
        .map(|(id,)| parsed("matches", &id, "id", &id))
        .transpose()
}

/// Adds a round that was not measured: whom `from` measured, from where, and what came back.
pub async fn take_over(tx: &mut Tx, new: &Round, from: RoundId) -> Result<(), StoreError> {
    let (id, from) = (new.id.to_string(), from.to_string());
    sql!(
        tx,
        execute "insert into rounds (id, match_id, reason, started_at, until_at, ended_at, taken_from)
                 values ($1, $2, $3, $4, $5, $6, $7)",
        id.as_str(),
        new.match_id.to_string(),
        new.reason.name(),
        new.started_at.millis(),
        new.until_at.millis(),
        new.ended_at.map(Time::millis),
        new.taken_from.map(|id| id.to_string())
    )?;
    for text in [
        "insert into round_targets (round_id, target_id, player_id, address, way, zone)
         select $2, target_id, player_id, address, way, zone from round_targets where round_id = $1",
        "insert into round_hosts (round_id, host_id, done)
         select $2, host_id, done from round_hosts where round_id = $1",
        "insert into measurements (round_id, host_id, target_id, sent, received, min_us, median_us, deviation_us,
                                   p90_us, jitter_us)
         select $2, host_id, target_id, sent, received, min_us, median_us, deviation_us, p90_us, jitter_us
         from measurements where round_id = $1",
    ] {
        sql!(tx, execute text, from.as_str(), id.as_str())?;
    }
    Ok(())
}

/// Forgets where players were in matches that are over: in rounds that had ended before `before`, and at once of players who were
/// removed. How many addresses were forgotten.
pub async fn forget_addresses(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    let text = "update round_targets set address = null where address is not null and exists (
                    select 1 from rounds join matches on matches.id = rounds.match_id
                    join players on players.id = round_targets.player_id
                    where rounds.id = round_targets.round_id and matches.state in ('over', 'failed', 'cancelled')
                    and (coalesce(rounds.ended_at, rounds.until_at) < $1 or players.removed_at is not null))";
    sql!(tx, execute text, before.millis())
}
