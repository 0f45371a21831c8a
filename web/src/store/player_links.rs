//! Links by which a clan's players come to a match: one live one per clan and match. Only hashes of their tokens are kept.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{ClanId, LinkStage, MatchId, PlayerLink, Time};

#[derive(sqlx::FromRow)]
struct Row {
    token_hash: String,
    match_id: String,
    clan_id: String,
    created_by: String,
    created_at: i64,
    stage: String,
}

impl Row {
    fn link(self) -> Result<PlayerLink, StoreError> {
        let id = self.token_hash.as_str();
        Ok(PlayerLink {
            match_id: parsed("player_links", id, "match_id", &self.match_id)?,
            clan: parsed("player_links", id, "clan_id", &self.clan_id)?,
            created_by: parsed("player_links", id, "created_by", &self.created_by)?,
            created_at: Time::from_millis(self.created_at),
            stage: LinkStage::parse(&self.stage)
                .ok_or_else(|| corrupt("player_links", "(not shown)", "stage", &self.stage, "not a stage"))?,
        })
    }
}

/// Gives a clan its link to a match. There must be none: see [`revoke`].
pub async fn insert(tx: &mut Tx, token_hash: &str, link: &PlayerLink) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into player_links (token_hash, match_id, clan_id, created_by, created_at, stage)
                 values ($1, $2, $3, $4, $5, $6)",
        token_hash,
        link.match_id.to_string(),
        link.clan.to_string(),
        link.created_by.to_string(),
        link.created_at.millis(),
        link.stage.name()
    )?;
    Ok(())
}

/// A link by the hash of its token.
pub async fn get(tx: &mut Tx, token_hash: &str) -> Result<Option<PlayerLink>, StoreError> {
    let text = "select token_hash, match_id, clan_id, created_by, created_at, stage from player_links where token_hash = $1";
    sql!(tx, optional Row, text, token_hash)?
        .map(Row::link)
        .transpose()
}

/// A match's links.
pub async fn of_match(tx: &mut Tx, of: MatchId) -> Result<Vec<PlayerLink>, StoreError> {
    let text =
        "select token_hash, match_id, clan_id, created_by, created_at, stage from player_links where match_id = $1
                order by clan_id";
    sql!(tx, all Row, text, of.to_string())?
        .into_iter()
        .map(Row::link)
        .collect()
}

/// Links to matches that have started and will not be woken before somebody says so: those by which sides still gather to which
/// somebody has come who plays. Each by itself: one that cannot be read stops no other.
pub async fn overdue(tx: &mut Tx, now: Time) -> Result<Vec<Result<PlayerLink, StoreError>>, StoreError> {
    let text = "select token_hash, match_id, clan_id, player_links.created_by, player_links.created_at, stage
                from player_links join matches on matches.id = player_links.match_id
                where stage = 'gathering' and start_at <= $1 and player_links.created_at < start_at
                    and matches.state in ('gathering', 'probing', 'reserved', 'unplaced')
                    and exists (select 1 from rosters join players on players.id = rosters.player_id
                                where rosters.match_id = player_links.match_id and rosters.clan_id = player_links.clan_id
                                    and rosters.role = 'player' and players.removed_at is null)
                order by match_id, clan_id";
    let rows = sql!(tx, all Row, text, now.millis())?;
    Ok(rows.into_iter().map(Row::link).collect())
}

/// Writes what a clan's link to a match still does.
pub async fn set_stage(tx: &mut Tx, of: MatchId, clan: ClanId, stage: LinkStage) -> Result<(), StoreError> {
    let text = "update player_links set stage = $3 where match_id = $1 and clan_id = $2";
    sql!(tx, execute text, of.to_string(), clan.to_string(), stage.name())?;
    Ok(())
}

/// Takes a clan's link to a match back, with the visits by it. `false` if there was none.
pub async fn revoke(tx: &mut Tx, of: MatchId, clan: ClanId) -> Result<bool, StoreError> {
    let (of, clan) = (of.to_string(), clan.to_string());
    let text = "delete from visits where token_hash in (
                    select token_hash from player_links where match_id = $1 and clan_id = $2)";
    sql!(tx, execute text, of.as_str(), clan.as_str())?;
    let text = "delete from player_links where match_id = $1 and clan_id = $2";
    Ok(sql!(tx, execute text, of, clan)? == 1)
}

/// Forgets the links to matches whose time was over before `now`, with the visits by them.
pub async fn delete_expired(tx: &mut Tx, now: Time) -> Result<u64, StoreError> {
    let text = "delete from visits where token_hash in (
                    select token_hash from player_links join matches on matches.id = player_links.match_id
                    where matches.start_at + matches.length_ms <= $1)";
    sql!(tx, execute text, now.millis())?;
    let text = "delete from player_links where match_id in (select id from matches where start_at + length_ms <= $1)";
    sql!(tx, execute text, now.millis())
}
