//! What was chosen when, and why.

use super::{StoreError, Tx, from_json, parsed, to_json};
use crate::domain::{ChoiceId, ChoiceRecord, MatchId, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    match_id: String,
    round_id: String,
    made_at: i64,
    kept: bool,
    body: String,
}

impl Row {
    fn choice(self) -> Result<ChoiceRecord, StoreError> {
        Ok(ChoiceRecord {
            id: parsed("choices", &self.id, "id", &self.id)?,
            match_id: parsed("choices", &self.id, "match_id", &self.match_id)?,
            round_id: parsed("choices", &self.id, "round_id", &self.round_id)?,
            made_at: Time::from_millis(self.made_at),
            kept: self.kept,
            body: from_json("choices", &self.id, "body", &self.body)?,
        })
    }
}

/// Adds a choice.
pub async fn insert(tx: &mut Tx, new: &ChoiceRecord) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into choices (id, match_id, round_id, made_at, kept, body) values ($1, $2, $3, $4, $5, $6)",
        new.id.to_string(),
        new.match_id.to_string(),
        new.round_id.to_string(),
        new.made_at.millis(),
        new.kept,
        to_json(&new.body)?
    )?;
    Ok(())
}

/// A choice.
pub async fn get(tx: &mut Tx, id: ChoiceId) -> Result<Option<ChoiceRecord>, StoreError> {
    sql!(tx, optional Row, "select * from choices where id = $1", id.to_string())?
        .map(Row::choice)
        .transpose()
}

/// The newest look at a match's reservation, since `since`, that did not move it.
pub async fn kept_since(tx: &mut Tx, of: MatchId, since: Time) -> Result<Option<ChoiceRecord>, StoreError> {
    let text = "select * from choices where match_id = $1 and kept and made_at >= $2
                order by made_at desc, id desc limit 1";
    sql!(tx, optional Row, text, of.to_string(), since.millis())?
        .map(Row::choice)
        .transpose()
}
