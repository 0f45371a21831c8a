//! Who plays in a match.

use super::{StoreError, Tx, parsed};
use crate::domain::{ClanId, MatchId, Name, PlayerAddress, PlayerId};

/// A player in a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// For whom.
    pub clan: ClanId,
    /// Who.
    pub player: PlayerId,
    /// Their name.
    pub name: Name,
    /// Where they play from; absent if the player was removed since.
    pub address: Option<PlayerAddress>,
}

#[derive(sqlx::FromRow)]
struct Row {
    clan_id: String,
    player_id: String,
    name: String,
    address: String,
}

impl Row {
    fn entry(self) -> Result<Entry, StoreError> {
        Ok(Entry {
            clan: parsed("rosters", &self.player_id, "clan_id", &self.clan_id)?,
            player: parsed("rosters", &self.player_id, "player_id", &self.player_id)?,
            name: parsed::<Name>("players", &self.player_id, "name", &self.name)?,
            address: self.address.parse().ok(),
        })
    }
}

/// Gives one clan's players of a match, anew, in this order.
pub async fn set(tx: &mut Tx, of: MatchId, clan: ClanId, players: &[PlayerId]) -> Result<(), StoreError> {
    let (of, clan) = (of.to_string(), clan.to_string());
    let text = "delete from rosters where match_id = $1 and clan_id = $2";
    sql!(tx, execute text, of.as_str(), clan.as_str())?;
    for (position, player) in (0_i64..).zip(players) {
        let text = "insert into rosters (match_id, clan_id, player_id, position) values ($1, $2, $3, $4)";
        sql!(tx, execute text, of.as_str(), clan.as_str(), player.to_string(), position)?;
    }
    Ok(())
}

/// Everybody who plays in a match, each clan's players in their order.
pub async fn list(tx: &mut Tx, of: MatchId) -> Result<Vec<Entry>, StoreError> {
    let text = "select rosters.clan_id, rosters.player_id, players.name, players.address
                from rosters join players on players.id = rosters.player_id
                where rosters.match_id = $1 order by rosters.clan_id, rosters.position";
    sql!(tx, all Row, text, of.to_string())?
        .into_iter()
        .map(Row::entry)
        .collect()
}
