//! What happened to a match, in sentences for people.

use super::{StoreError, Tx, parsed};
use crate::domain::{MatchId, PlayerId, StoryId, Time, Told};

/// Adds a sentence.
pub async fn add(tx: &mut Tx, id: StoryId, of: MatchId, at: Time, text: &str) -> Result<(), StoreError> {
    let sql = "insert into story (id, match_id, at, text) values ($1, $2, $3, $4)";
    sql!(tx, execute sql, id.to_string(), of.to_string(), at.millis(), text)?;
    Ok(())
}

/// Adds a sentence about this player: it begins with [`A_PLAYER`](crate::domain::A_PLAYER), in whose place stands the name for
/// whoever may read it.
pub async fn add_of(
    tx: &mut Tx,
    id: StoryId,
    of: MatchId,
    at: Time,
    text: &str,
    player: PlayerId,
) -> Result<(), StoreError> {
    let sql = "insert into story (id, match_id, at, text, player_id) values ($1, $2, $3, $4, $5)";
    sql!(tx, execute sql, id.to_string(), of.to_string(), at.millis(), text, player.to_string())?;
    Ok(())
}

/// All sentences, oldest first.
pub async fn list(tx: &mut Tx, of: MatchId) -> Result<Vec<Told>, StoreError> {
    let sql = "select id, at, text, player_id from story where match_id = $1 order by at, id";
    let rows = sql!(tx, all(String, i64, String, Option<String>), sql, of.to_string())?;
    rows.into_iter()
        .map(|(id, at, text, player)| {
            let player = player.map(|player| parsed("story", &id, "player_id", &player));
            Ok(Told {
                at: Time::from_millis(at),
                text,
                player: player.transpose()?,
            })
        })
        .collect()
}
