//! What happened to a match, in sentences for people.

use super::{StoreError, Tx};
use crate::domain::{MatchId, StoryId, Time, view::StoryView};

/// Adds a sentence.
pub async fn add(tx: &mut Tx, id: StoryId, of: MatchId, at: Time, text: &str) -> Result<(), StoreError> {
    let sql = "insert into story (id, match_id, at, text) values ($1, $2, $3, $4)";
    sql!(tx, execute sql, id.to_string(), of.to_string(), at.millis(), text)?;
    Ok(())
}

/// All sentences, oldest first.
pub async fn list(tx: &mut Tx, of: MatchId) -> Result<Vec<StoryView>, StoreError> {
    let sql = "select at, text from story where match_id = $1 order by at, id";
    let rows = sql!(tx, all(i64, String), sql, of.to_string())?;
    Ok(rows
        .into_iter()
        .map(|(at, text)| StoryView {
            at: Time::from_millis(at),
            text,
        })
        .collect())
}
